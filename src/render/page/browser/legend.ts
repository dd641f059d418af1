import L from "leaflet";
import type { Legend, LegendItem } from "../../scene";
import { css } from "./color";
import type { LayerSwitch } from "./layer-switch";

/**
 * What the colours and sizes mean. Titles and labels are data of the user, and so are only ever text here. A click on a
 * title, or on the one item of a legend without a title, hides its layer and shows it again. On a phone the card is
 * folded.
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
  const widest = Math.max(0, ...items.map((item) => symbolPx(geometry, item)[0]));
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

/** A title that hides its layer; where no layer is known, the title alone. */
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
