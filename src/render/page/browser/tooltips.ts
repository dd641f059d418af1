import L from "leaflet";
import { generationsAt } from "../../clock";
import { formatNumber } from "../../format";
import { type Hit, highlight, hit, type PreparedScene } from "../../painter";
import type { Card, SceneLayer } from "../../scene";
import { CanvasLayer, viewportOfMap } from "./canvas-layer";

/** How far beside a feature a pointer still means it; fingers are broader. */
const SLOP_PX = { mouse: 3, touch: 12 };
/** Of the tooltip from the pointer. */
const AWAY_PX = 14;
const MISSING = "no data";

/**
 * Tooltips under the pointer, and popups where somebody clicks or taps. A tap shows the tooltip's columns where a layer
 * has no popup, as fingers do not hover. Esc closes both. Nothing happens for scenes without them. `refresh` is for new
 * frames and layers that are hidden: what is no longer there has neither.
 */
export function addInfo(map: L.Map, prepared: PreparedScene): { refresh(): void } {
  const { layers } = prepared.scene;
  if (!layers.some(({ tooltip, popup }) => tooltip || popup)) return { refresh() {} };
  const container = map.getContainer();
  const tooltip = L.DomUtil.create("div", "tooltip", container);
  tooltip.setAttribute("role", "tooltip");
  tooltip.hidden = true;
  const popup = L.popup({ className: "popup", maxWidth: 280, maxHeight: Math.max(80, map.getSize().y - 90) });

  let lit: Hit | undefined;
  const hoverLayer = new CanvasLayer("hover", (context, viewport) => {
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (lit && !prepared.hidden.has(lit.layer)) highlight(context, prepared, viewport, lit);
  }).addTo(map);
  const light = (found: Hit | undefined) => {
    if (isSame(lit, found)) return;
    lit = found;
    hoverLayer.redraw();
  };

  const find = ({ x, y }: L.Point, slopPx: number, cardOf: (layer: SceneLayer) => Card | undefined) => {
    const wanted = (i: number) => cardOf(layers[i]!) !== undefined;
    const found = hit(prepared, viewportOfMap(map), [x, y], { slopPx, wanted });
    return found?.of.columns && found; // an overview may have no room for what people read
  };

  const hide = () => {
    tooltip.hidden = true;
    container.classList.remove("clickable");
    if (!map.hasLayer(popup)) light(undefined);
  };
  let shown: Hit | undefined;
  const hover = (event: PointerEvent) => {
    if (event.pointerType === "touch" || event.buttons !== 0) return;
    if (!isOnMap(event.target)) return hide();
    const at = map.mouseEventToContainerPoint(event);
    const found = find(at, SLOP_PX.mouse, (layer) => layer.tooltip ?? layer.popup);
    if (!found) return hide();
    const { tooltip: card, popup: clicked } = layers[found.layer]!;
    container.classList.toggle("clickable", clicked !== undefined);
    if (!map.hasLayer(popup)) light(found);
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
        const latest = next!;
        next = undefined;
        hover(latest);
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
    if (!found) return;
    const content = document.createElement("div");
    content.append(...cardContent(found, cardOf(layers[found.layer]!)!));
    tooltip.hidden = true;
    popup.setLatLng(latlng).setContent(content).openOn(map);
    light(found);
  });
  map.on("popupclose", () => light(undefined));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    map.closePopup();
    hide();
  });
  return {
    refresh() {
      if (lit && prepared.hidden.has(lit.layer)) {
        map.closePopup();
        return hide();
      }
      const time = lit && layers[lit.layer]!.time;
      if (!lit || !time) return;
      const { feature } = lit;
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

/** Not on a control or an open popup. */
const isOnMap = (target: EventTarget | null) =>
  target instanceof Element && !target.closest(".leaflet-control, .leaflet-popup, .time");

/** A heading and a line per column. All of it is text of the user. */
function cardContent({ of: { columns = [] }, row }: Hit, { title, fields }: Card): HTMLElement[] {
  const list = document.createElement("dl");
  for (const { title: name, column, format } of fields) {
    const value = textOf(columns[column], row, format);
    const term = document.createElement("dt");
    term.textContent = name;
    term.dir = "auto";
    const text = document.createElement("dd");
    text.textContent = value ?? MISSING;
    text.dir = "auto";
    if (value === undefined) text.className = "missing";
    list.append(term, text);
  }
  if (title === undefined) return [list];
  const heading = document.createElement("h2");
  heading.textContent = title;
  heading.dir = "auto";
  return [heading, list];
}

type Columns = NonNullable<SceneLayer["columns"]>;

function textOf(column: Columns[number] | undefined, row: number, format?: string): string | undefined {
  if (column === undefined) return undefined;
  if (column.kind === "texts") {
    const code = column.codes[row]!;
    return code === 0 ? undefined : column.texts[code - 1];
  }
  const value = column.values[row]!;
  return Number.isNaN(value) ? undefined : formatNumber(value, format);
}

/** Right below the pointer, on its other side where there is no room. */
function moveBeside(element: HTMLElement, at: L.Point, size: L.Point): void {
  const { offsetWidth: width, offsetHeight: height } = element;
  const x = at.x + AWAY_PX + width <= size.x ? at.x + AWAY_PX : at.x - AWAY_PX - width;
  const y = at.y + AWAY_PX + height <= size.y ? at.y + AWAY_PX : at.y - AWAY_PX - height;
  const within = (value: number, room: number) => Math.max(2, Math.min(value, room));
  element.style.left = `${within(x, size.x - width - 2)}px`;
  element.style.top = `${within(y, size.y - height - 2)}px`;
}
