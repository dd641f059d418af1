import L from "leaflet";
import type { Legend, LegendItem } from "../../scene";

/** What the colours and sizes mean. Titles and labels are data of the user, and so are only ever text here. */
export function legendControl(legends: readonly Legend[]): L.Control {
  const control = new L.Control({ position: "topright" });
  control.onAdd = () => {
    const card = L.DomUtil.create("div", "legend");
    L.DomEvent.disableClickPropagation(card);
    L.DomEvent.disableScrollPropagation(card);
    card.append(...legends.map(legendSection));
    return card;
  };
  return control;
}

function legendSection({ title, geometry, items }: Legend): HTMLElement {
  const section = document.createElement("section");
  const heading = document.createElement("h2");
  heading.textContent = title;
  heading.dir = "auto";
  const list = document.createElement("ul");
  const widest = Math.max(...items.map((item) => symbolPx(geometry, item)[0]));
  list.append(
    ...items.map((item) => {
      const entry = document.createElement("li");
      const label = document.createElement("span");
      label.textContent = item.label;
      label.dir = "auto";
      const box = document.createElement("i");
      box.style.width = `${widest}px`;
      box.append(symbol(geometry, item));
      entry.append(box, label);
      return entry;
    }),
  );
  section.append(...(title ? [heading] : []), list);
  return section;
}

function symbol(geometry: Legend["geometry"], item: LegendItem): HTMLElement {
  const element = document.createElement("b");
  const [width, height] = symbolPx(geometry, item);
  element.className = geometry;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  const [red, green, blue, alpha] = item.color;
  element.style.backgroundColor = `rgb(${red} ${green} ${blue} / ${alpha / 255})`;
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
