import L from "leaflet";
import type { Legend, LegendItem, Rgba } from "../../scene";

/** Which layers are hidden, and how to hide or show one. */
export interface Switch {
  readonly hidden: ReadonlySet<number>;
  toggle(layer: number): void;
}

/**
 * What the colours and sizes mean. Titles and labels are data of the user, and so are only ever text here. A click on a
 * title, or on the one item of a legend without a title, hides its layer and shows it again. On a phone the card is
 * folded.
 */
export function legendControl(legends: readonly Legend[], layers: Switch): L.Control {
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
    const sections = legends.map((legend) => legendSection(legend, layers));
    const refresh = () => {
      for (const section of sections) section.refresh();
    };
    for (const { buttons } of sections)
      for (const button of buttons) button.addEventListener("click", () => setTimeout(refresh));
    card.append(fold, ...sections.map(({ element }) => element));
    return card;
  };
  return control;
}

function legendSection({ title, geometry, items, layer, ramp }: Legend, layers: Switch) {
  const element = document.createElement("section");
  const heading = document.createElement("h2");
  heading.append(switchOf(layer, layers, title));
  const list = document.createElement("ul");
  const widest = Math.max(0, ...items.map((item) => symbolPx(geometry, item)[0]));
  const counts = items.some(({ count }) => count !== undefined);
  list.append(
    ...items.map((item) => {
      const entry = document.createElement("li");
      const label = document.createElement("span");
      const isSwitch = title === "" && items.length === 1;
      label.append(isSwitch ? switchOf(layer, layers, item.label) : item.label);
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
    const isHidden = layer !== undefined && layers.hidden.has(layer);
    element.classList.toggle("off", isHidden);
    for (const button of buttons) button.setAttribute("aria-pressed", String(!isHidden));
  };
  refresh();
  return { element, buttons, refresh };
}

/** A title that hides its layer; where no layer is known, the title alone. */
function switchOf(layer: number | undefined, layers: Switch, title: string): HTMLElement {
  const element = document.createElement(layer === undefined ? "span" : "button");
  element.textContent = title;
  element.dir = "auto";
  if (layer === undefined) return element;
  element.setAttribute("type", "button");
  element.title = "Hide or show";
  element.addEventListener("click", () => layers.toggle(layer));
  return element;
}

function rampBar({ colors, from, to }: NonNullable<Legend["ramp"]>): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "ramp";
  const strip = document.createElement("b");
  strip.style.backgroundImage = `linear-gradient(to right, ${colors.map(css).join(", ")})`;
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
  const [width, height] = symbolPx(geometry, item);
  element.className = geometry;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  element.style.backgroundColor = css(item.color);
  return element;
}

const css = ([red, green, blue, alpha]: Rgba): string => `rgb(${red} ${green} ${blue} / ${alpha / 255})`;

/** Points in their own size, as far as a line of text has room. */
function symbolPx(geometry: Legend["geometry"], { sizePx }: LegendItem): [width: number, height: number] {
  switch (geometry) {
    case "point": {
      const px = Math.min(40, Math.max(6, sizePx));
      return [px, px];
    }
    case "line":
      return [18, Math.min(10, Math.max(2, sizePx))];
    case "polygon":
      return [16, 12];
  }
}
