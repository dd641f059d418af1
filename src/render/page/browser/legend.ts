import L from "leaflet";
import { legendSymbolSize } from "../../furniture";
import { cssColor } from "../../painter";
import type { Legend, LegendItem } from "../../scene";
import { create } from "./controls";
import type { LayerSwitch } from "./layer-list";

/**
 * Explains the colours and sizes of the layers. Titles and labels are user data and are inserted as text only. Clicking
 * a title, or the only item of a legend without a title, hides or shows its layer. On small maps the card starts folded.
 */
export function legendCard(legends: readonly Legend[], layerSwitch: LayerSwitch): HTMLElement {
  const fold = create("button", { type: "button", class: "fold", "aria-expanded": "false" }, "Legend");
  const sections = legends.map((legend) => legendSection(legend, layerSwitch));
  const card = create(
    "div",
    { class: "legend leaflet-control", role: "group", "aria-label": "Legend" },
    fold,
    ...sections,
  );
  L.DomEvent.disableClickPropagation(card);
  L.DomEvent.disableScrollPropagation(card);
  fold.addEventListener("click", () => {
    fold.setAttribute("aria-expanded", String(card.classList.toggle("open")));
  });
  return card;
}

function legendSection(
  { title, geometry, items, layer, ramp }: Legend,
  layerSwitch: LayerSwitch,
): HTMLElement {
  const heading = create("h2", {}, switchOf(layer, layerSwitch, title));
  const widest = Math.max(0, ...items.map((item) => legendSymbolSize(geometry, item).width));
  const counts = items.some(({ count }) => count !== undefined);
  const entries = items.map((item) => {
    const isSwitch = title === "" && items.length === 1;
    const label = isSwitch ? switchOf(layer, layerSwitch, item.label) : item.label;
    const box = create("i", {}, symbol(geometry, item));
    box.style.width = `${widest}px`;
    const entry = create("li", {}, box, create("span", { dir: "auto" }, label));
    if (counts) entry.append(create("em", {}, item.count?.toLocaleString("en-US") ?? ""));
    return entry;
  });
  const bar = ramp ? [rampBar(ramp)] : [];
  const element = create("section", {}, ...(title ? [heading] : []), ...bar, create("ul", {}, ...entries));
  const buttons = [...element.querySelectorAll("button")];
  const refresh = () => {
    const isHidden = layer !== undefined && layerSwitch.isHidden(layer);
    element.classList.toggle("off", isHidden);
    for (const button of buttons) button.setAttribute("aria-pressed", String(!isHidden));
  };
  refresh();
  layerSwitch.onChange(refresh);
  return element;
}

/** A title that toggles its layer; plain text if the legend belongs to no layer. */
function switchOf(layer: number | undefined, layerSwitch: LayerSwitch, title: string): HTMLElement {
  if (layer === undefined) return create("span", { dir: "auto" }, title);
  const button = create("button", { type: "button", title: "Hide or show", dir: "auto" }, title);
  button.addEventListener("click", () => layerSwitch.toggle(layer));
  return button;
}

function rampBar({ colors, from, to }: NonNullable<Legend["ramp"]>): HTMLElement {
  const strip = create("b");
  strip.style.backgroundImage = `linear-gradient(to right, ${colors.map(cssColor).join(", ")})`;
  return create("div", { class: "ramp" }, strip, create("span", {}, from), create("span", {}, to));
}

function symbol(geometry: Legend["geometry"], item: LegendItem): HTMLElement {
  const element = create("b", { class: geometry });
  const { width, height } = legendSymbolSize(geometry, item);
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundColor = cssColor(item.color);
  return element;
}
