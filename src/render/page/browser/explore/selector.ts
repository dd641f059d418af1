/** Selects features on the map: in a box, in a lasso, or one by one. */
import L from "leaflet";
import type { Explorer, Selection } from "../../../explore/explorer";
import { type Hit, highlight, hitAll, type PreparedScene } from "../../../painter";
import type { Viewport } from "../../../scene";
import { CanvasLayer, viewportOfMap } from "../canvas-layer";
import { controlAt } from "../controls";
import { create } from "../create";
import { onOtherTool, startTool } from "../tool-events";

/** A pointer that moves less selects the feature under it. */
const CLICK_PX = 4;
/** Distance at which a click still hits a feature. */
const SLOP_PX = 4;
/** Maximum number of features that are outlined; more would only cover the map. */
const MOST_OUTLINED = 2000;
/** Points of a lasso are at least this far apart. */
const LASSO_STEP_PX = 3;

type Mode = "box" | "lasso";
type Point = readonly [x: number, y: number];

const LABELS: Readonly<Record<Mode, string>> = {
  box: "Select in a box",
  lasso: "Select with a lasso (Shift and drag)",
};

export class Selector {
  readonly #map: L.Map;
  readonly #prepared: PreparedScene;
  readonly #explorer: Explorer;
  readonly #changed: () => void;
  readonly #layer: CanvasLayer;
  readonly #buttons = new Map<Mode, HTMLButtonElement>();
  #mode: Mode | undefined;
  #drawn: readonly Point[] = [];
  /** Ends the gesture that is going on. */
  #stop: (() => void) | undefined;
  #rings: readonly (readonly number[])[] = [];
  #features: readonly { readonly layer: number; readonly feature: number }[] = [];

  constructor(map: L.Map, prepared: PreparedScene, explorer: Explorer, changed: () => void) {
    this.#map = map;
    this.#prepared = prepared;
    this.#explorer = explorer;
    this.#changed = changed;
    map.boxZoom.disable(); // Shift and drag selects
    onOtherTool(map, this, () => this.#setMode(undefined));
    this.#layer = new CanvasLayer("hover", (context, viewport) => this.#paint(context, viewport)).addTo(map);
    controlAt("topleft", () => this.#control()).addTo(map);
    const container = map.getContainer();
    container.addEventListener("pointerdown", (event) => this.#start(event), { capture: true });
    container.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (this.#stop) return this.#stop();
      if (this.isEmpty && !this.#mode) return;
      this.#setMode(undefined);
      this.clear();
    });
  }

  get selection(): Selection {
    return { rings: this.#rings, features: this.#features };
  }

  get isEmpty(): boolean {
    return this.#rings.length === 0 && this.#features.length === 0;
  }

  clear(): void {
    if (this.isEmpty) return;
    this.#rings = [];
    this.#features = [];
    this.refresh();
    this.#changed();
  }

  /** Outlines what is selected now, after a filter has changed. */
  refresh(): void {
    this.#layer.redraw();
  }

  #control(): HTMLElement {
    const box = create("div", { class: "select" });
    for (const mode of ["box", "lasso"] as const) {
      const button = create("button", {
        type: "button",
        class: mode,
        title: LABELS[mode],
        "aria-label": LABELS[mode],
        "aria-pressed": "false",
      });
      button.addEventListener("click", () => this.#setMode(this.#mode === mode ? undefined : mode));
      // the keyboard draws no box: Enter in box mode selects the view
      button.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || mode !== "box") return;
        event.preventDefault();
        this.#selectView();
      });
      this.#buttons.set(mode, button);
      box.append(button);
    }
    L.DomEvent.disableClickPropagation(box);
    return box;
  }

  #setMode(mode: Mode | undefined): void {
    this.#mode = mode;
    if (mode) startTool(this.#map, this);
    for (const [one, button] of this.#buttons) button.setAttribute("aria-pressed", String(one === mode));
    this.#map.getContainer().classList.toggle("selecting", mode !== undefined);
  }

  #selectView(): void {
    const { x, y } = this.#map.getSize();
    this.#select([ringOfBox([0, 0], [x, y])], false);
  }

  #start(event: PointerEvent): void {
    const isAdding = event.ctrlKey || event.metaKey;
    const wants = this.#mode !== undefined || event.shiftKey || isAdding;
    if (!wants || event.button !== 0 || !isOnMap(event)) return;
    this.#stop?.();
    if (!event.isPrimary) return; // a second finger
    const mode = this.#mode ?? "lasso";
    const draws = this.#mode !== undefined || event.shiftKey; // with Ctrl alone, a drag moves the map
    const container = this.#map.getContainer();
    const pointOf = (at: PointerEvent): Point => {
      const { x, y } = this.#map.mouseEventToContainerPoint(at);
      return [x, y];
    };
    const first = pointOf(event);
    const { pointerId } = event;
    const canDrag = this.#map.dragging.enabled();
    if (draws) {
      event.stopPropagation(); // or the map would be dragged
      event.preventDefault();
      this.#map.dragging.disable();
    }
    let path: Point[] = [first];
    const move = (at: PointerEvent) => {
      if (at.pointerId !== pointerId || !draws) return;
      const point = pointOf(at);
      const last = path.at(-1) ?? first;
      if (mode === "box") path = [first, point];
      else if (distance(last, point) >= LASSO_STEP_PX) path.push(point);
      this.#drawn = mode === "box" ? ringOfBox(first, point) : path;
      this.#layer.redraw();
    };
    const stop = () => {
      this.#stop = undefined;
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      if (canDrag) this.#map.dragging.enable();
      this.#drawn = [];
      this.#layer.redraw();
    };
    const end = (at: PointerEvent) => {
      if (at.pointerId !== pointerId) return;
      const drawn = this.#drawn;
      stop();
      if (at.type !== "pointerup") return;
      const moved = distance(first, pointOf(at));
      if (drawn.length > 2 && moved + drawn.length > CLICK_PX) this.#select([drawn], isAdding);
      else if (draws || moved < CLICK_PX) this.#click(first, isAdding || event.shiftKey);
    };
    this.#stop = stop;
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
    container.focus();
  }

  #select(paths: readonly (readonly Point[])[], isAdding: boolean): void {
    const { originX, originY, worldPx } = viewportOfMap(this.#map);
    const rings = paths.map((path) =>
      path.flatMap(([x, y]) => [originX + x / worldPx, originY + y / worldPx]),
    );
    this.#rings = isAdding ? [...this.#rings, ...rings] : rings;
    if (!isAdding) this.#features = [];
    this.refresh();
    this.#changed();
  }

  /** Selects the feature at a position; with `isAdding`, adds it to the others or takes it from them. */
  #click([x, y]: Point, isAdding: boolean): void {
    const wanted = (layer: number) => this.#explorer.layers.includes(layer);
    const [hit] = hitAll(this.#prepared, viewportOfMap(this.#map), [x, y], {
      slopPx: SLOP_PX,
      wanted,
      most: 1,
    });
    const isWhole = hit && this.#prepared.scene.layers[hit.layer] === hit.of; // not a feature of a tile
    if (!hit || !isWhole) {
      if (!isAdding) this.clear();
      return;
    }
    const { layer, feature } = hit;
    const others = this.#features.filter((one) => one.layer !== layer || one.feature !== feature);
    const wasSelected = others.length < this.#features.length;
    if (!isAdding) this.#rings = [];
    this.#features = isAdding
      ? wasSelected
        ? others
        : [...others, { layer, feature }]
      : [{ layer, feature }];
    this.refresh();
    this.#changed();
  }

  #paint(context: CanvasRenderingContext2D, viewport: Viewport): void {
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const { originX, originY, worldPx, pixelRatio } = viewport;
    for (const ring of this.#rings) {
      const path: Point[] = [];
      // `!`: x and y in turn
      for (let i = 0; i < ring.length; i += 2)
        path.push([(ring[i]! - originX) * worldPx, (ring[i + 1]! - originY) * worldPx]);
      paintArea(context, path, pixelRatio);
    }
    if (this.#drawn.length > 1) paintArea(context, this.#drawn, pixelRatio);
    if (this.isEmpty) return;
    for (const layer of this.#explorer.layers) {
      const selected = this.#explorer.selectedIn(layer, this.selection);
      const of = this.#prepared.scene.layers[layer];
      if (!of || of.aggregate || selected.length > MOST_OUTLINED || this.#prepared.hidden.has(layer))
        continue;
      for (const feature of selected) {
        const row = of.geometry.rows?.[feature] ?? feature;
        highlight(context, this.#prepared, viewport, { layer, feature, row, of } satisfies Hit);
      }
    }
  }
}

function paintArea(context: CanvasRenderingContext2D, path: readonly Point[], pixelRatio: number): void {
  context.beginPath();
  for (const [x, y] of path) context.lineTo(x * pixelRatio, y * pixelRatio);
  context.closePath();
  context.fillStyle = "rgb(47 111 168 / 0.12)";
  context.fill("evenodd");
  context.strokeStyle = "#ffffff";
  context.lineWidth = 3 * pixelRatio;
  context.stroke();
  context.strokeStyle = "#2f6fa8";
  context.lineWidth = 1.5 * pixelRatio;
  context.stroke();
}

const ringOfBox = ([ax, ay]: Point, [bx, by]: Point): Point[] => [
  [ax, ay],
  [bx, ay],
  [bx, by],
  [ax, by],
];

const distance = ([ax, ay]: Point, [bx, by]: Point): number => Math.hypot(bx - ax, by - ay);

const isOnMap = ({ target }: Event): boolean =>
  target instanceof Element &&
  !target.closest(".leaflet-control, .legend, .popup, .time, .layers, .search, .measured, .measuring");
