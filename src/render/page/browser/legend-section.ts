/** Writes a legend as HTML, with buttons that hide and show what it explains. */
import { arrowCorners, legendSymbolSize, type NestedPoints, nestedPoints } from "../../furniture";
import { HATCH_LINE_PX, HATCH_STEP_PX } from "../../painter/hatch";
import { cssColor } from "../../painter/style";
import type { Legend, LegendItem, Rgba } from "../../scene";
import { create } from "./create";
import type { LayerSwitch } from "./layer-switch";

/** Hides and shows the classes of layers that filters can leave out. */
interface Classes {
  hasClasses(layer: number): boolean;
  isClassHidden(layer: number, one: number): boolean;
  toggleClass(layer: number, one: number): void;
}

/** Classes that something else can hide and show, too. */
export interface ClassSwitch extends Classes {
  onChange(listener: () => void): void;
}

/** What a legend can hide and show. */
export interface Switches {
  readonly layers: LayerSwitch;
  readonly classes?: Classes | undefined;
}

export interface Section {
  readonly element: HTMLElement;
  /** Shows whether the layer, or which of its classes, is hidden. */
  refresh(): void;
}

/** Explains the colours and sizes of a layer. */
export function legendSection(legend: Legend, { layers: layerSwitch, classes }: Switches): Section {
  const { title, items, layer, ramp } = legend;
  const heading = create("h2", {}, switchOf(layer, layerSwitch, title));
  const nested = nestedPoints(legend);
  const isSwitch = title === "" && items.length === 1;
  const ofClasses: { readonly button: HTMLElement; readonly one: number }[] = [];
  const labelOf = ({ label, class: one }: LegendItem) => {
    if (isSwitch) return switchOf(layer, layerSwitch, label);
    if (layer === undefined || one === undefined || !classes?.hasClasses(layer)) return label;
    const button = create("button", { type: "button", title: "Hide or show", dir: "auto" }, label);
    button.addEventListener("click", () => classes.toggleClass(layer, one));
    ofClasses.push({ button, one });
    return button;
  };
  const bar = ramp ? [rampBar(ramp)] : [];
  const table = nested && title !== "" ? nestedTable(legend, nested) : tableOf(legend, labelOf);
  const element = create("section", {}, ...(title ? [heading] : []), ...bar, table);
  const buttons = [...element.querySelectorAll("button")].filter((button) =>
    ofClasses.every((other) => other.button !== button),
  );
  const refresh = () => {
    const isHidden = layer !== undefined && layerSwitch.isHidden(layer);
    element.classList.toggle("off", isHidden);
    for (const button of buttons) button.setAttribute("aria-pressed", String(!isHidden));
    for (const { button, one } of ofClasses) {
      const isOff = layer !== undefined && classes?.isClassHidden(layer, one) === true;
      button.setAttribute("aria-pressed", String(!isOff));
      button.closest("tr")?.classList.toggle("off-class", isOff);
    }
  };
  refresh();
  return { element, refresh };
}

/** A table of symbols, labels and numbers of rows. */
function tableOf(legend: Legend, labelOf: (item: LegendItem) => HTMLElement | string): HTMLElement {
  const { items } = legend;
  const widest = Math.max(0, ...items.map((item) => legendSymbolSize(legend, item).width));
  const rows = items.map((item) => {
    const box = cell("td", { class: "symbol" }, symbol(legend, item));
    box.style.width = `${widest}px`;
    return row(box, cell("th", { dir: "auto" }, labelOf(item)), ...countCell(legend, item));
  });
  return table(legend, rows);
}

/**
 * A table with column headers that only screen readers see. Roles are explicit, because its style sheet does not lay it out
 * as a table, which would remove them.
 */
function table({ title, items }: Legend, rows: readonly HTMLElement[]): HTMLTableElement {
  const titles = ["Symbol", "Value", ...(items.some(hasCount) ? ["Rows"] : [])];
  const headers = titles.map((text) => create("th", { scope: "col", role: "columnheader" }, text));
  return create(
    "table",
    { role: "table", "aria-label": title || "Legend" },
    create("thead", { role: "rowgroup", class: "unseen" }, row(...headers)),
    create("tbody", { role: "rowgroup" }, ...rows),
  );
}

const row = (...cells: readonly HTMLElement[]) => create("tr", { role: "row" }, ...cells);

function cell(
  tag: "td" | "th",
  attributes: Readonly<Record<string, string>>,
  ...content: readonly (Node | string)[]
) {
  const semantics: Record<string, string> =
    tag === "th" ? { scope: "row", role: "rowheader" } : { role: "cell" };
  return create(tag, { ...semantics, ...attributes }, ...content);
}

const hasCount = ({ count }: LegendItem) => count !== undefined;

const countCell = ({ items }: Legend, { count }: LegendItem) =>
  items.some(hasCount) ? [cell("td", { class: "count" }, count?.toLocaleString("en-US") ?? "")] : [];

/** Describes a symbol in words. */
function describeSymbol(
  { items, geometry }: Legend,
  { color, hatch, hollow, stroke, sizePx }: LegendItem,
): string {
  const isSized = geometry !== "polygon" && items.some((item) => item.sizePx !== sizePx);
  const seen = hollow && stroke ? stroke.color : color;
  const look = `${cssColor(seen).slice(0, 7)}${hatch ? ", hatched" : ""}${hollow ? ", hollow" : ""}`;
  return isSized ? `${look}, ${Number(sizePx.toFixed(1))} pixels` : look;
}

/** A title that toggles its layer; plain text if the legend belongs to no layer. */
function switchOf(layer: number | undefined, layerSwitch: LayerSwitch, title: string): HTMLElement {
  if (layer === undefined) return create("span", { dir: "auto" }, title);
  const button = create("button", { type: "button", title: "Hide or show", dir: "auto" }, title);
  button.addEventListener("click", () => layerSwitch.toggle(layer));
  return button;
}

function rampBar({ colors, from, to }: NonNullable<Legend["ramp"]>): HTMLElement {
  const strip = create("b", { role: "img", "aria-label": `Colours from ${from} to ${to}` });
  strip.style.backgroundImage = `linear-gradient(to right, ${colors.map(cssColor).join(", ")})`;
  return create("div", { class: "ramp" }, strip, create("span", {}, from), create("span", {}, to));
}

function symbol(legend: Legend, item: LegendItem): HTMLElement {
  const { width, height } = legendSymbolSize(legend, item);
  const element = create("b", {
    class: legend.geometry,
    role: "img",
    "aria-label": describeSymbol(legend, item),
  });
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundColor = cssColor(item.color);
  if (legend.arrow && legend.geometry === "line") {
    const corners = arrowCorners(legend, item).map(([x, y]) => `${100 * x}% ${100 * y}%`);
    element.style.clipPath = `polygon(${corners.join(", ")})`;
  }
  const { hatch, stroke } = item;
  if (hatch) element.style.backgroundImage = hatching(hatch);
  if (stroke) element.style.border = `${stroke.widthPx}px solid ${cssColor(stroke.color)}`;
  return element;
}

function hatching(color: Rgba): string {
  const [line, gap] = [HATCH_LINE_PX, HATCH_STEP_PX].map((px) => `${px}px`);
  return `repeating-linear-gradient(135deg, ${cssColor(color)} 0 ${line}, transparent ${line} ${gap})`;
}

/** Points inside each other, with leaders to their labels. */
function nestedTable(legend: Legend, { heightPx, labelX, labelHeightPx, points }: NestedPoints): HTMLElement {
  const symbols = svg("svg", { width: labelX, height: heightPx, "aria-hidden": "true" });
  for (const { item, radius, centerX, centerY, leader } of points) {
    const { color, widthPx: strokePx } = item.stroke ?? { color: item.color, widthPx: 0 };
    const look = { fill: cssColor(item.color), stroke: cssColor(color), "stroke-width": strokePx };
    symbols.append(
      svg("circle", { cx: centerX, cy: centerY, r: radius, ...look }),
      svg("polyline", { points: leader.join(" ") }),
    );
  }
  const rows = points.map(({ item, labelY }, i) => {
    const words = cell("td", { class: "unseen" }, describeSymbol(legend, item));
    const entry = row(words, cell("th", { dir: "auto" }, item.label), ...countCell(legend, item));
    entry.style.height = `${labelHeightPx}px`;
    entry.style.top = `${labelY - labelHeightPx * (i + 0.5)}px`; // moves it from where the table puts it
    return entry;
  });
  const labels = table(legend, rows);
  const nested = create("div", { class: "nested" }, symbols, labels);
  nested.style.paddingLeft = `${labelX + 4}px`;
  nested.style.minHeight = `${heightPx}px`;
  return nested;
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
