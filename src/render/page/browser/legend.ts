import L from "leaflet";
import { legendSymbolSize } from "../../furniture";
import { cssColor } from "../../painter";
import type { Legend, LegendItem } from "../../scene";
import type { LayerSwitch } from "./layer-list";

/**
 * Explains the colours and sizes of the layers. Titles and labels are user data and are inserted as text only. Clicking
 * a title, or the only item of a legend without a title, hides or shows its layer. On phones the card starts folded.
 */
export function legendControl(legends: readonly Legend[], layerSwitch: LayerSwitch): L.Control {
  const control = new L.Control({ position: "topright" });
  control.onAdd = () => {
    const card = L.DomUtil.create("div", "legend");
    L.DomEvent.disableClickPropagation(card);
    L.DomEvent.disableScrollPropagation(card);
    const fold = document.createElement("button");
    fold.type = "button";
    fold.className = "fold";
    fold.textContent = "Legend";
    fold.setAttribute("aria-expanded", "false");
    fold.addEventListener("click", () => {
      fold.setAttribute("aria-expanded", String(card.classList.toggle("open")));
    });
    card.append(fold, ...legends.map((legend) => legendSection(legend, layerSwitch)));
    return card;
  };
  return control;
}

function legendSection(
  { title, geometry, items, layer, ramp }: Legend,
  layerSwitch: LayerSwitch,
): HTMLElement {
  const element = document.createElement("section");
  const heading = document.createElement("h2");
  heading.append(switchOf(layer, layerSwitch, title));
  const list = document.createElement("ul");
  const widest = Math.max(0, ...items.map((item) => legendSymbolSize(geometry, item).width));
  const counts = items.some(({ count }) => count !== undefined);
  list.append(
    ...items.map((item) => {
      const entry = document.createElement("li");
      const label = document.createElement("span");
      const isSwitch = title === "" && items.length === 1;
      label.append(isSwitch ? switchOf(layer, layerSwitch, item.label) : item.label);
      label.dir = "auto";
      const box = document.createElement("i");
      box.style.width = `${widest}px`;
      box.append(symbol(geometry, item));
      entry.append(box, label);
      if (counts) {
        const count = document.createElement("em");
        count.textContent = item.count?.toLocaleString("en-US") ?? "";
        entry.append(count);
      }
      return entry;
    }),
  );
  element.append(...(title ? [heading] : []), ...(ramp ? [rampBar(ramp)] : []), list);
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
  const element = document.createElement(layer === undefined ? "span" : "button");
  element.textContent = title;
  element.dir = "auto";
  if (layer === undefined) return element;
  element.setAttribute("type", "button");
  element.title = "Hide or show";
  element.addEventListener("click", () => layerSwitch.toggle(layer));
  return element;
}

function rampBar({ colors, from, to }: NonNullable<Legend["ramp"]>): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "ramp";
  const strip = document.createElement("b");
  strip.style.backgroundImage = `linear-gradient(to right, ${colors.map(cssColor).join(", ")})`;
  bar.append(strip);
  for (const text of [from, to]) {
    const end = document.createElement("span");
    end.textContent = text;
    bar.append(end);
  }
  return bar;
}

function symbol(geometry: Legend["geometry"], item: LegendItem): HTMLElement {
  const element = document.createElement("b");
  const { width, height } = legendSymbolSize(geometry, item);
  element.className = geometry;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundColor = cssColor(item.color);
  return element;
}
