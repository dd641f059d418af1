import L from "leaflet";
import { cssColor } from "../../painter";
import type { SceneLayer } from "../../scene";
import { controlAt } from "./controls";
import { create } from "./create";
import type { LayerSwitch } from "./layer-switch";

/** Maximum number of colours in the symbol of a layer. */
const SYMBOL_COLORS = 5;

/**
 * A button that opens a list of all layers with a checkbox each, including layers without a legend. Undefined for a
 * single layer. Names are user data and are inserted as text only.
 */
export function layersControl(
  layers: readonly SceneLayer[],
  layerSwitch: LayerSwitch,
): L.Control | undefined {
  if (layers.length < 2) return undefined;
  return controlAt("topleft", () => {
    const button = create("button", { type: "button", title: "Layers", "aria-label": "Layers" });
    const list = create("ul", {}, ...layers.map((layer, i) => layerItem(layer, i, layerSwitch)));
    const box = create("div", { class: "layers" }, button, list);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
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
    return box;
  });
}

function layerItem(layer: SceneLayer, index: number, layerSwitch: LayerSwitch): HTMLElement {
  const checkbox = create("input", { type: "checkbox" });
  const show = () => {
    checkbox.checked = !layerSwitch.isHidden(index);
  };
  show();
  layerSwitch.onChange(show);
  checkbox.addEventListener("change", () => layerSwitch.toggle(index));
  const name = create("span", { dir: "auto" }, layer.name ?? `Layer ${index + 1}`);
  return create("li", {}, create("label", {}, checkbox, symbolOf(layer), name));
}

/** Shows the shape of a layer in some of its colours. */
function symbolOf({ geometry, color }: SceneLayer): HTMLElement {
  const symbol = create("b", { class: geometry.kind });
  const colors = color.kind === "constant" ? [color.color] : sample(color.palette);
  const share = (i: number) => `${(100 * i) / colors.length}%`;
  const stops = colors.map((rgba, i) => `${cssColor(rgba)} ${share(i)} ${share(i + 1)}`);
  symbol.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  return symbol;
}

/** Picks evenly spaced items, the first and the last included. */
function sample<T>(items: readonly T[]): readonly T[] {
  if (items.length <= SYMBOL_COLORS) return items;
  const step = (items.length - 1) / (SYMBOL_COLORS - 1);
  const wanted = new Set(Array.from({ length: SYMBOL_COLORS }, (_, i) => Math.round(i * step)));
  return items.filter((_, i) => wanted.has(i));
}
