import type L from "leaflet";
import { lngLatOf } from "../../../geometry/mercator";
import { generationsAt } from "../../clock";
import { type Hit, highlight, hitAll, type PreparedScene } from "../../painter";
import type { Card, SceneLayer } from "../../scene";
import { CanvasLayer, viewportOfMap } from "./canvas-layer";
import { besidePlace, cardContent, cardText, EDGE_PX, moveTo, sizeOf } from "./card";
import { create } from "./create";
import { addFeatureKeys } from "./keyboard";
import { onPointerMove } from "./pointer";
import { Popup } from "./popup";

/** Distance in CSS pixels at which a pointer still hits a feature; larger for fingers. */
const SLOP_PX = { mouse: 3, touch: 12 };
/** Distance of the tooltip from the pointer in CSS pixels. */
const AWAY_PX = 14;
/** A click on a cluster zooms in by this many levels. */
const CLUSTER_LEVELS = 2;
/** Maximum number of features at a position that the popup pages through. */
const MOST = 100;

/** The tooltips of a map. */
export interface Info {
  /** Call it after a new frame, and after hiding a layer. */
  refresh(): void;
  /** Shows what is at a position of the map, as if the pointer were there; undefined if it is not. */
  hoverAt(at: L.Point | undefined): void;
  /** Marks the first of some features, whose layers show, and opens their popup, if they have anything to read. */
  show(
    hits: readonly Hit[],
    options: { readonly hasMore: boolean; readonly at: (hit: Hit) => L.LatLng },
  ): void;
}

/**
 * Shows tooltips under the pointer, and popups on click or tap. A tap shows the tooltip if a layer has no popup, because
 * fingers cannot hover. Esc closes both. Features that no longer show lose their tooltip and popup. A click on a cluster zooms in.
 */
export function addInfo(map: L.Map, prepared: PreparedScene): Info {
  const { layers, controls } = prepared.scene;
  if (!layers.some(({ tooltip, popup }) => tooltip || popup) && !controls?.includes("search"))
    return { refresh() {}, hoverAt() {}, show() {} };
  const container = map.getContainer();
  const tooltip = create("div", { class: "tooltip", role: "tooltip", hidden: "" });
  container.append(tooltip);

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
  /** What stays marked without a popup, until the reader clicks the map. */
  let found: Hit | undefined;
  const popup = new Popup(map, () => mark(popup.shown ?? found));

  /** Returns the features at a position, topmost first, and at most one more than the popup shows. */
  const find = ({ x, y }: L.Point, slopPx: number, cardOf: (layer: SceneLayer) => Card | undefined) => {
    const wanted = (i: number) => layers[i] !== undefined && cardOf(layers[i]) !== undefined;
    const hits = hitAll(prepared, viewportOfMap(map), [x, y], { slopPx, wanted, most: MOST + 1 });
    return hits.filter(({ of }) => of.columns); // an overview may lack the columns
  };

  const hide = () => {
    tooltip.hidden = true;
    container.classList.remove("clickable");
    if (!popup.shown) mark(found);
  };
  const hover = (event: PointerEvent) => {
    if (event.pointerType === "touch" || event.buttons !== 0) return;
    if (!isOnMap(event.target)) return hide();
    hoverAt(map.mouseEventToContainerPoint(event));
  };
  const hoverAt = (at: L.Point) => {
    const hits = find(at, SLOP_PX.mouse, (layer) => layer.tooltip ?? layer.popup);
    const [first] = hits;
    if (!first) return hide();
    container.classList.toggle(
      "clickable",
      hits.some(({ of }) => of.popup !== undefined),
    );
    if (!popup.shown) mark(first);
    const card = first.of.tooltip;
    tooltip.hidden = card === undefined || isSame(first, popup.shown); // the popup says the same
    if (!card || tooltip.hidden) return;
    fillTooltip(tooltip, cardContent(first, card), moreText(hits.length - 1), map.getSize().y);
    const { x: width, y: height } = map.getSize();
    moveTo(tooltip, besidePlace(at, sizeOf(tooltip), { width, height }, AWAY_PX));
  };

  onPointerMove(container, hover);
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
    if (container.classList.contains("measuring")) return;
    found = undefined;
    const [cluster] = find(containerPoint, SLOP_PX.mouse, (layer) =>
      layer.aggregate?.as === "cluster" ? layer.tooltip : undefined,
    );
    if (cluster) return map.setView(latlng, map.getZoom() + CLUSTER_LEVELS);
    const isTouch = pointer === "touch";
    const cardOf = (layer: SceneLayer) => layer.popup ?? (isTouch ? layer.tooltip : undefined);
    const hits = find(containerPoint, SLOP_PX[isTouch ? "touch" : "mouse"], cardOf);
    if (hits.length === 0) return popup.close();
    tooltip.hidden = true;
    popup.open({ hits: hits.slice(0, MOST), hasMore: hits.length > MOST, cardOf, at: () => latlng });
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    found = undefined;
    popup.close();
    hide();
  });
  addFeatureKeys(map, prepared, {
    wanted: (i) => layers[i] !== undefined && (layers[i].tooltip ?? layers[i].popup) !== undefined,
    mark,
    textOf: (found) => {
      const card = found.of.tooltip ?? found.of.popup;
      return card ? cardText(found, card) : "";
    },
    enter: ({ layer, x, y }) => {
      if (layers[layer]?.aggregate?.as !== "cluster") return false;
      const [lng, lat] = lngLatOf([x, y]);
      map.setView([lng, lat], map.getZoom() + CLUSTER_LEVELS);
      return true;
    },
    open: (found) => {
      const cardOf = (layer: SceneLayer) => layer.popup ?? layer.tooltip;
      const [lng, lat] = lngLatOf([found.x, found.y]);
      const at = map.latLngToContainerPoint([lat, lng]);
      const others = find(at, SLOP_PX.mouse, cardOf).filter((other) => !isSame(other, found));
      const hits = [found, ...others].slice(0, MOST);
      const place = map.containerPointToLatLng(at);
      popup.open({ hits, hasMore: others.length >= MOST, cardOf, at: () => place });
      popup.focus();
    },
  });
  return {
    show(hits, { hasMore, at }) {
      const [first] = hits;
      const cardOf = (layer: SceneLayer) => layer.popup ?? layer.tooltip;
      const hasCard = first !== undefined && cardOf(first.of) !== undefined;
      found = hasCard ? undefined : first;
      popup.close();
      mark(first);
      if (!hasCard) return;
      tooltip.hidden = true;
      popup.open({ hits, hasMore, cardOf, at });
      popup.focus();
    },
    hoverAt: (at) => (at ? hoverAt(at) : hide()),
    refresh() {
      popup.keep(({ layer }) => !prepared.hidden.has(layer));
      if (!marked) return;
      if (prepared.hidden.has(marked.layer)) {
        found = undefined;
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
  target instanceof Element &&
  !target.closest(".leaflet-control, .popup, .time, .search, .measured, .measuring");

const moreText = (count: number): string =>
  count < 1 ? "" : count < MOST ? `+ ${count} more` : `+ ${MOST} or more`;

/** Fills the tooltip; leaves out the last rows of a card that is higher than the map. */
function fillTooltip(
  tooltip: HTMLElement,
  content: readonly HTMLElement[],
  more: string,
  mapHeight: number,
): void {
  const last = create("p", {}, more);
  tooltip.replaceChildren(...content, ...(more ? [last] : []));
  const list = tooltip.querySelector("dl");
  const isTooHigh = () => tooltip.offsetHeight > mapHeight - 2 * EDGE_PX;
  if (!list || !isTooHigh()) return;
  if (!more) tooltip.append(last);
  last.textContent = `… ${more}`.trim();
  while (list.childElementCount > 2 && isTooHigh()) {
    list.lastElementChild?.remove(); // a value
    list.lastElementChild?.remove(); // and its name
  }
}
