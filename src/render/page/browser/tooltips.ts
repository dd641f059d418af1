import L from "leaflet";
import { generationsAt } from "../../clock";
import { formatNumber } from "../../format";
import { type Hit, highlight, hit, type PreparedScene } from "../../painter";
import type { Card, SceneLayer } from "../../scene";
import { CanvasLayer, viewportOfMap } from "./canvas-layer";
import { create } from "./controls";

/** Distance in CSS pixels at which a pointer still hits a feature; larger for fingers. */
const SLOP_PX = { mouse: 3, touch: 12 };
/** Distance of the tooltip from the pointer in CSS pixels. */
const AWAY_PX = 14;
const MISSING = "no data";

/**
 * Shows tooltips under the pointer, and popups on click or tap. A tap shows the tooltip if a layer has no popup, because
 * fingers cannot hover. Esc closes both. Call `refresh` after a new frame and after hiding a layer: features that no
 * longer show lose their tooltip and popup.
 */
export function addInfo(map: L.Map, prepared: PreparedScene): { refresh(): void } {
  const { layers } = prepared.scene;
  if (!layers.some(({ tooltip, popup }) => tooltip || popup)) return { refresh() {} };
  const container = map.getContainer();
  const tooltip = create("div", { class: "tooltip", role: "tooltip", hidden: "" });
  container.append(tooltip);
  const popup = L.popup({ className: "popup", maxWidth: 280, maxHeight: Math.max(80, map.getSize().y - 90) });

  let marked: Hit | undefined;
  const hoverLayer = new CanvasLayer("hover", (context, viewport) => {
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (marked && !prepared.hidden.has(marked.layer)) highlight(context, prepared, viewport, marked);
  }).addTo(map);
  const mark = (found: Hit | undefined) => {
    if (isSame(marked, found)) return;
    marked = found;
    hoverLayer.redraw();
  };

  const find = ({ x, y }: L.Point, slopPx: number, cardOf: (layer: SceneLayer) => Card | undefined) => {
    const wanted = (i: number) => layers[i] !== undefined && cardOf(layers[i]) !== undefined;
    const found = hit(prepared, viewportOfMap(map), [x, y], { slopPx, wanted });
    return found?.of.columns && found; // an overview may lack the columns
  };

  const hide = () => {
    tooltip.hidden = true;
    container.classList.remove("clickable");
    if (!map.hasLayer(popup)) mark(undefined);
  };
  let shown: Hit | undefined;
  const hover = (event: PointerEvent) => {
    if (event.pointerType === "touch" || event.buttons !== 0) return;
    if (!isOnMap(event.target)) return hide();
    const at = map.mouseEventToContainerPoint(event);
    const found = find(at, SLOP_PX.mouse, (layer) => layer.tooltip ?? layer.popup);
    if (!found) return hide();
    const card = found.of.tooltip;
    container.classList.toggle("clickable", found.of.popup !== undefined);
    if (!map.hasLayer(popup)) mark(found);
    tooltip.hidden = card === undefined;
    if (!card) return;
    if (tooltip.childElementCount === 0 || !isSame(shown, found))
      tooltip.replaceChildren(...cardContent(found, card));
    shown = found;
    moveBeside(tooltip, at, map.getSize());
  };

  let next: PointerEvent | undefined;
  container.addEventListener("pointermove", (event) => {
    if (next === undefined)
      requestAnimationFrame(() => {
        const latest = next;
        next = undefined;
        if (latest) hover(latest);
      });
    next = event;
  });
  container.addEventListener("pointerleave", hide);
  let pointer = "mouse";
  container.addEventListener(
    "pointerdown",
    (event) => {
      pointer = event.pointerType;
      hide();
    },
    { capture: true },
  );
  map.on("movestart zoomstart", hide);
  map.on("click", ({ containerPoint, latlng }) => {
    const isTouch = pointer === "touch";
    const cardOf = (layer: SceneLayer) => layer.popup ?? (isTouch ? layer.tooltip : undefined);
    const found = find(containerPoint, SLOP_PX[isTouch ? "touch" : "mouse"], cardOf);
    const card = found && cardOf(found.of);
    if (!card) return;
    const content = create("div", {}, ...cardContent(found, card));
    tooltip.hidden = true;
    popup.setLatLng(latlng).setContent(content).openOn(map);
    mark(found);
  });
  map.on("popupclose", () => mark(undefined));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    map.closePopup();
    hide();
  });
  return {
    refresh() {
      if (!marked) return;
      if (prepared.hidden.has(marked.layer)) {
        map.closePopup();
        return hide();
      }
      const { feature, of } = marked;
      const { time } = of;
      if (!time) return;
      const isThere = generationsAt(time, prepared.now.frame).some(
        ({ from, to }) => feature >= from && feature < to,
      );
      if (!isThere) hide();
      hoverLayer.redraw();
    },
  };
}

const isSame = (one: Hit | undefined, other: Hit | undefined) =>
  one?.layer === other?.layer && one?.of === other?.of && one?.feature === other?.feature;

/** True unless the pointer is on a control or an open popup. */
const isOnMap = (target: EventTarget | null) =>
  target instanceof Element && !target.closest(".leaflet-control, .leaflet-popup, .time");

/** Returns a title and a line per column: user data, inserted as text only. */
function cardContent({ of: { columns = [] }, row }: Hit, { title, fields }: Card): HTMLElement[] {
  const list = create("dl");
  for (const { title: name, column, format } of fields) {
    const value = textOf(columns[column], row, format);
    const text = create("dd", { dir: "auto" }, value ?? MISSING);
    if (value === undefined) text.className = "missing";
    list.append(create("dt", { dir: "auto" }, name), text);
  }
  return title === undefined ? [list] : [create("h2", { dir: "auto" }, title), list];
}

type Columns = NonNullable<SceneLayer["columns"]>;

function textOf(column: Columns[number] | undefined, row: number, format?: string): string | undefined {
  if (column === undefined) return undefined;
  if (column.kind === "texts") {
    const code = column.codes[row] ?? 0;
    return code === 0 ? undefined : column.texts[code - 1];
  }
  const value = column.values[row] ?? Number.NaN;
  return Number.isNaN(value) ? undefined : formatNumber(value, format);
}

/** Moves an element to the lower right of the pointer, or to the other side if there is no room. */
function moveBeside(element: HTMLElement, at: L.Point, size: L.Point): void {
  const { offsetWidth: width, offsetHeight: height } = element;
  const x = at.x + AWAY_PX + width <= size.x ? at.x + AWAY_PX : at.x - AWAY_PX - width;
  const y = at.y + AWAY_PX + height <= size.y ? at.y + AWAY_PX : at.y - AWAY_PX - height;
  const within = (value: number, room: number) => Math.max(2, Math.min(value, room));
  element.style.left = `${within(x, size.x - width - 2)}px`;
  element.style.top = `${within(y, size.y - height - 2)}px`;
}
