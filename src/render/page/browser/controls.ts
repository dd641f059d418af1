import L from "leaflet";
import { scaleBarOf } from "../../furniture";
import { viewportOfMap } from "./canvas-layer";

const LINK = /\[([^\]]*)\]\((https:\/\/[^\s)]+)\)/g;

/** The title of the map: user data, inserted as text only. */
export function titleControl(title: string): L.Control {
  const control = new L.Control({ position: "topleft" });
  control.onAdd = () => {
    const heading = L.DomUtil.create("h1", "title");
    heading.textContent = title;
    heading.dir = "auto";
    return heading;
  };
  return control;
}

/** A scale bar of a round distance, hidden on world maps, where scale varies with latitude. */
export function scaleControl(): L.Control {
  const control = new L.Control({ position: "bottomleft" });
  control.onAdd = (map) => {
    const bar = L.DomUtil.create("div", "scale");
    const show = () => {
      const scale = scaleBarOf(viewportOfMap(map));
      bar.hidden = scale === undefined;
      if (!scale) return;
      bar.style.width = `${Math.round(scale.widthPx)}px`;
      bar.textContent = scale.label;
    };
    map.on("move resize", show);
    show();
    return bar;
  };
  return control;
}

/** A button that toggles full screen; undefined if the frame is not allowed to. */
export function fullscreenControl(): L.Control | undefined {
  if (!document.fullscreenEnabled) return undefined;
  const control = new L.Control({ position: "topleft" });
  control.onAdd = (map) => {
    const button = L.DomUtil.create("button", "fullscreen");
    button.type = "button";
    const name = () => {
      const isFull = document.fullscreenElement !== null;
      button.title = isFull ? "Exit full screen" : "Full screen";
      button.setAttribute("aria-label", button.title);
      button.classList.toggle("full", isFull);
    };
    L.DomEvent.disableClickPropagation(button);
    button.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
      else
        map
          .getContainer()
          .requestFullscreen()
          .catch(() => {});
    });
    document.addEventListener("fullscreenchange", name);
    name();
    return button;
  };
  return control;
}

/** The basemap's attribution, with links written as `[text](https://…)`. Leaflet's own control would accept HTML. */
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
  for (const { 0: whole, 1: label = "", 2: href = "", index } of text.matchAll(LINK)) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = label;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    parts.push(text.slice(at, index), link);
    at = index + whole.length;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== "");
}
