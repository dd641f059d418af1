import L from "leaflet";
import { legendSymbolSize, type NestedPoints, nestedPoints } from "../../furniture";
import { cssColor } from "../../painter";
import type { Legend, LegendItem } from "../../scene";
import { create } from "./controls";
import type { LayerSwitch } from "./layer-list";

interface LegendCard {
  readonly element: HTMLElement;
  /** Shows other legends, as many as before. */
  show(legends: readonly Legend[]): void;
}

/**
 * Explains the colours and sizes of the layers. Titles and labels are user data and are inserted as text only. Clicking
 * a title, or the only item of a legend without a title, hides or shows its layer. On small maps the card starts folded.
 */
export function legendCard(legends: readonly Legend[], layerSwitch: LayerSwitch): LegendCard {
  const fold = create("button", { type: "button", class: "fold", "aria-expanded": "false" }, "Legend");
  let sections = legends.map((legend) => legendSection(legend, layerSwitch));
  const card = create(
    "div",
    { class: "legend leaflet-control", role: "group", "aria-label": "Legend" },
    fold,
    ...sections.map(({ element }) => element),
  );
  L.DomEvent.disableClickPropagation(card);
  L.DomEvent.disableScrollPropagation(card);
  fold.addEventListener("click", () => {
    fold.setAttribute("aria-expanded", String(card.classList.toggle("open")));
  });
  layerSwitch.onChange(() => {
    for (const { refresh } of sections) refresh();
  });
  return {
    element: card,
    show(changed) {
      const before = sections;
      sections = changed.map((legend) => legendSection(legend, layerSwitch));
      for (const [i, { element }] of before.entries()) element.replaceWith(sections[i]?.element ?? "");
    },
  };
}

interface Section {
  readonly element: HTMLElement;
  /** Shows whether the layer is hidden. */
  refresh(): void;
}

function legendSection(legend: Legend, layerSwitch: LayerSwitch): Section {
  const { title, items, layer, ramp } = legend;
  const heading = create("h2", {}, switchOf(layer, layerSwitch, title));
  const nested = nestedPoints(legend);
  const widest = Math.max(0, ...items.map((item) => legendSymbolSize(legend, item).width));
  const counts = items.some(({ count }) => count !== undefined);
  const entries = items.map((item) => {
    const isSwitch = title === "" && items.length === 1;
    const label = isSwitch ? switchOf(layer, layerSwitch, item.label) : item.label;
    const box = create("i", {}, symbol(legend, item));
    box.style.width = `${widest}px`;
    const entry = create("li", {}, box, create("span", { dir: "auto" }, label));
    if (counts) entry.append(create("em", {}, item.count?.toLocaleString("en-US") ?? ""));
    return entry;
  });
  const bar = ramp ? [rampBar(ramp)] : [];
  const list = nested && title !== "" ? nestedList(nested) : create("ul", {}, ...entries);
  const element = create("section", {}, ...(title ? [heading] : []), ...bar, list);
  const buttons = [...element.querySelectorAll("button")];
  const refresh = () => {
    const isHidden = layer !== undefined && layerSwitch.isHidden(layer);
    element.classList.toggle("off", isHidden);
    for (const button of buttons) button.setAttribute("aria-pressed", String(!isHidden));
  };
  refresh();
  return { element, refresh };
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

function symbol(legend: Legend, item: LegendItem): HTMLElement {
  const { width, height } = legendSymbolSize(legend, item);
  const element = create("b", { class: legend.geometry });
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundColor = cssColor(item.color);
  const { stroke } = item;
  if (stroke) element.style.border = `${stroke.widthPx}px solid ${cssColor(stroke.color)}`;
  return element;
}

/** Points inside each other, with leaders to their labels. */
function nestedList({ heightPx, labelX, labelHeightPx, points }: NestedPoints): HTMLElement {
  const symbols = svg("svg", { width: labelX, height: heightPx, "aria-hidden": "true" });
  for (const { item, radius, centerX, centerY, leader } of points) {
    const { color, widthPx: strokePx } = item.stroke ?? { color: item.color, widthPx: 0 };
    const look = { fill: cssColor(item.color), stroke: cssColor(color), "stroke-width": strokePx };
    symbols.append(
      svg("circle", { cx: centerX, cy: centerY, r: radius, ...look }),
      svg("polyline", { points: leader.join(" ") }),
    );
  }
  const labels = points.map(({ item, labelY }, i) => {
    const label = create("span", { dir: "auto" }, item.label);
    const count = item.count === undefined ? [] : [create("em", {}, item.count.toLocaleString("en-US"))];
    const entry = create("li", {}, label, ...count);
    entry.style.height = `${labelHeightPx}px`;
    entry.style.top = `${labelY - labelHeightPx * (i + 0.5)}px`; // moves it from where the list puts it
    return entry;
  });
  const list = create("ul", { class: "nested" }, symbols, ...labels);
  list.style.paddingLeft = `${labelX + 4}px`;
  list.style.minHeight = `${heightPx}px`;
  return list;
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
