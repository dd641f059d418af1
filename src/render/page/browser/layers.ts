import L from "leaflet";
import type { SceneLayer } from "../../scene";
import { css } from "./color";
import type { LayerSwitch } from "./layer-switch";

/** Colours of a layer that its sign shows. */
const SIGN_COLORS = 5;

/**
 * A button that opens the list of layers, each with a box to tick: also for those without a legend. None for one layer
 * alone. Names are data of the user, and so are only ever text here.
 */
export function layersControl(
  layers: readonly SceneLayer[],
  layerSwitch: LayerSwitch,
): L.Control | undefined {
  if (layers.length < 2) return undefined;
  const control = new L.Control({ position: "topleft" });
  control.onAdd = () => {
    const box = L.DomUtil.create("div", "layers");
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Layers";
    button.setAttribute("aria-label", "Layers");
    const list = document.createElement("ul");
    list.append(...layers.map((layer, i) => layerItem(layer, i, layerSwitch)));
    const open = (isOpen: boolean) => {
      list.hidden = !isOpen;
      button.setAttribute("aria-expanded", String(isOpen));
    };
    open(false);
    button.addEventListener("click", () => open(list.hidden));
    box.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      open(false);
      button.focus();
    });
    box.append(button, list);
    return box;
  };
  return control;
}

function layerItem(layer: SceneLayer, index: number, layerSwitch: LayerSwitch): HTMLElement {
  const item = document.createElement("li");
  const label = document.createElement("label");
  const tick = document.createElement("input");
  tick.type = "checkbox";
  const show = () => {
    tick.checked = !layerSwitch.isHidden(index);
  };
  show();
  layerSwitch.onChange(show);
  tick.addEventListener("change", () => layerSwitch.toggle(index));
  const name = document.createElement("span");
  name.textContent = layer.name ?? `Layer ${index + 1}`;
  name.dir = "auto";
  label.append(tick, signOf(layer), name);
  item.append(label);
  return item;
}

/** What the layer looks like: its shape in its first colours. */
function signOf({ geometry, color }: SceneLayer): HTMLElement {
  const sign = document.createElement("b");
  sign.className = geometry.kind;
  const colors = color.kind === "constant" ? [color.color] : spread(color.palette);
  const stops = colors.map((rgba, i) => `${css(rgba)} ${share(i)} ${share(i + 1)}`);
  sign.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  return sign;

  function share(i: number): string {
    return `${(100 * i) / colors.length}%`;
  }
}

const spread = <T>(items: readonly T[]): T[] =>
  items.length <= SIGN_COLORS
    ? [...items]
    : Array.from(
        { length: SIGN_COLORS },
        (_, i) => items[Math.round((i * (items.length - 1)) / (SIGN_COLORS - 1))]!,
      );
