import L from "leaflet";

const LINK = /\[([^\]]*)\]\((https:\/\/[^\s)]+)\)/g;

/** Sources of the basemap: text with links as `[text](https://…)`. Leaflet's own control would take HTML. */
export function attributionControl(attribution = ""): L.Control {
  const control = new L.Control({ position: "bottomright" });
  control.onAdd = () => {
    const line = L.DomUtil.create("div", "attribution");
    L.DomEvent.disableClickPropagation(line);
    line.append(...withLinks("[Leaflet](https://leafletjs.com)"));
    if (attribution) line.append(" · ", ...withLinks(attribution));
    return line;
  };
  return control;
}

function withLinks(text: string): (string | HTMLAnchorElement)[] {
  const parts: (string | HTMLAnchorElement)[] = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const link = document.createElement("a");
    link.href = match[2]!;
    link.textContent = match[1]!;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    parts.push(text.slice(at, match.index), link);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== "");
}
