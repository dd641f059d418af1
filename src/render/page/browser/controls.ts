import L from "leaflet";
import { nearText, scaleBarOf } from "../../furniture";
import type { PlaceName } from "../../names-data";
import type { Scene } from "../../scene";
import { viewportOfMap } from "./canvas-layer";
import { create } from "./create";

const LINK = /\[([^\]]*)\]\((https:\/\/[^\s)]+)\)/g;

/** A button with a text, and a label that starts with it and says more. */
export function textButton(text: string, label: string, click: () => void): HTMLButtonElement {
  const button = create("button", { type: "button", title: label, "aria-label": label }, text);
  button.addEventListener("click", click);
  return button;
}

export function controlAt(position: L.ControlPosition, onAdd: (map: L.Map) => HTMLElement): L.Control {
  const control = new L.Control({ position });
  control.onAdd = onAdd;
  return control;
}

/** The title of the map: user data, inserted as text only. */
export const titleOf = (title: string): HTMLElement => create("h1", { class: "title", dir: "auto" }, title);

/**
 * A scale bar of a round distance, hidden on world maps, where scale varies with latitude. Beside it stands near which city
 * the map is if nothing else says so; `names` returns the names that the map may show.
 */
export function scaleControl({ projection }: Scene, names: () => readonly PlaceName[]): L.Control {
  return controlAt("bottomleft", (map) => {
    const bar = create("div", { class: "scale" });
    const near = create("div", { class: "near" });
    const show = () => {
      const viewport = viewportOfMap(map);
      const scale = scaleBarOf(viewport, projection);
      near.textContent = (!projection && nearText(names(), viewport)) || "";
      bar.hidden = scale === undefined;
      if (!scale) return;
      bar.style.width = `${Math.round(scale.widthPx)}px`;
      bar.textContent = scale.label;
    };
    map.on("move resize", show);
    show();
    return create("div", { class: "ground" }, bar, near);
  });
}

/** Adds a button below the zoom buttons that returns to the first view, as the key 0 does while the map has the focus. */
export function addHomeButton(map: L.Map, showFirstView: () => void): void {
  const label = "Back to the first view (0)";
  const button = create("button", { type: "button", class: "home", title: label, "aria-label": label });
  button.addEventListener("click", showFirstView);
  map.zoomControl.getContainer()?.append(button);
  map.getContainer().addEventListener("keydown", ({ key, ctrlKey, altKey, metaKey }) => {
    if (key === "0" && !ctrlKey && !altKey && !metaKey) showFirstView();
  });
}

/** A button that toggles full screen; undefined if the frame is not allowed to. */
export function fullscreenControl(): L.Control | undefined {
  if (!document.fullscreenEnabled) return undefined;
  return controlAt("topleft", (map) => {
    const button = create("button", { type: "button", class: "fullscreen" });
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
        fullscreenOf(map)
          .requestFullscreen()
          .catch(() => {});
    });
    document.addEventListener("fullscreenchange", name);
    name();
    return button;
  });
}

/** The map with what stands beside it. */
const fullscreenOf = (map: L.Map): Element => map.getContainer().closest("main") ?? map.getContainer();

/**
 * The attribution of the basemap that shows, with links written as `[text](https://…)`. Leaflet's own control would accept
 * HTML. Returns a function that changes it.
 */
export function addAttribution(map: L.Map, attribution = ""): (attribution: string) => void {
  const line = create("div", { class: "attribution" });
  const credit = (to: string) => {
    const credits = ["[Leaflet](https://leafletjs.com)", to].filter((text) => text !== "");
    line.replaceChildren(...withLinks(credits.join(" · ")));
  };
  credit(attribution);
  L.DomEvent.disableClickPropagation(line);
  controlAt("bottomright", () => line).addTo(map);
  return credit;
}

function withLinks(text: string): (string | HTMLAnchorElement)[] {
  const parts: (string | HTMLAnchorElement)[] = [];
  let at = 0;
  for (const { 0: whole, 1: label = "", 2: href = "", index } of text.matchAll(LINK)) {
    const link = create("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
    parts.push(text.slice(at, index), link);
    at = index + whole.length;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== "");
}
