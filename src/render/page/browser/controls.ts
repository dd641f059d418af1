import L from "leaflet";
import { type ScaleBar, scaleBarOf } from "../../scale-bar";
import { viewportOfMap } from "./canvas-layer";

/** The heading of the map. It is data of the user, and so only ever text here. */
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

/** A bar of a round length, where the map has one scale. */
export function scaleControl(): L.Control {
  const control = new L.Control({ position: "bottomleft" });
  control.onAdd = (map) => {
    const bar = L.DomUtil.create("div", "scale");
    const show = () => {
      const scale: ScaleBar | undefined = scaleBarOf(viewportOfMap(map));
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

/** A button to fill the screen; none where the frame may not. */
export function fullscreenControl(): L.Control | undefined {
  if (!document.fullscreenEnabled) return undefined;
  const control = new L.Control({ position: "topleft" });
  control.onAdd = (map) => {
    const button = L.DomUtil.create("button", "fullscreen");
    button.type = "button";
    const name = () => {
      const isFull = document.fullscreenElement !== null;
      button.title = isFull ? "Leave full screen" : "Full screen";
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
