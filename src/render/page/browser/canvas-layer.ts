import L from "leaflet";
import { worldPxOf, zoomOf } from "../../../geometry/mercator";
import type { Viewport } from "../../scene";

export type Paint = (context: CanvasRenderingContext2D, viewport: Viewport) => void;

/** A private method of Leaflet that its image overlay uses: where a position will be after a zoom animation. */
interface ZoomingMap extends L.Map {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, center: L.LatLng): L.Point;
}

/** A rectangle of the canvas in device pixels. */
interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A view that is being painted off screen, in bands from top to bottom. */
interface Unfinished {
  readonly viewport: Viewport;
  readonly context: CanvasRenderingContext2D;
  nextRow: number;
}

/** Time for painting in each frame; at 60 frames per second, the browser has 16 ms for everything. */
const FRAME_BUDGET_MS = 12;
/** A band is painted in this share of the time, after which the elapsed time is checked. */
const BAND_SHARE = 1 / 3;
/** Lower bands would cost more than they save, because features that cross an edge are painted twice. */
const MIN_BAND_ROWS = 32;

/**
 * A canvas over the whole map that is repainted whenever the map moves. After a pan, pixels that stay in the view are
 * copied, and only the new strips are painted. During a zoom, and until a view that takes longer than a frame is
 * painted, the browser scales the old canvas; meanwhile the canvas is `aria-busy`.
 */
export class CanvasLayer extends L.Layer {
  readonly #paint: Paint;
  readonly #canvas = document.createElement("canvas");
  readonly #context = contextOf(this.#canvas);
  readonly #strip = contextOf(document.createElement("canvas"));
  /** The view that the canvas shows. */
  #painted: Viewport | undefined;
  /** True if the canvas is unscaled and at the position it was painted for. */
  #inPlace = false;
  #unfinished: Unfinished | undefined;
  /** Time that the last painting took per row of device pixels. */
  #rowMs = 0;
  /** Start time of the frame of the last painting. */
  #frameMs: CSSNumberish | null = null;
  #request: number | undefined;
  /** Time for painting the view that is due, in each frame. */
  #budgetMs = FRAME_BUDGET_MS;

  constructor(pane: string, paint: Paint) {
    super();
    L.Util.setOptions(this, { pane });
    this.#paint = paint;
    this.#canvas.className = "leaflet-zoom-animated";
  }

  override onAdd(): this {
    this.getPane()?.append(this.#canvas);
    window.addEventListener("resize", this.#repaint); // zooming the browser changes the pixel ratio
    this.#repaint();
    return this;
  }

  override onRemove(): this {
    if (this.#request !== undefined) cancelAnimationFrame(this.#request);
    window.removeEventListener("resize", this.#repaint);
    this.#canvas.remove();
    return this;
  }

  /** True until the current view is painted. */
  get isBusy(): boolean {
    return this.#request !== undefined;
  }

  /** Repaints the same view after its content has changed; `budgetMs` is the time for painting in each frame. */
  redraw(budgetMs = FRAME_BUDGET_MS): void {
    this.#budgetMs = budgetMs;
    this.#inPlace = false;
    this.#unfinished = undefined;
    this.#repaint();
  }

  override getEvents(): Record<string, L.LeafletEventHandlerFn> {
    return {
      move: this.#repaint,
      viewreset: this.#repaint,
      resize: this.#repaint,
      zoomanim: (event) => this.#scale(event as L.ZoomAnimEvent),
    };
  }

  /** Paints at once, because the map moves in animation frames; a second call in the same frame waits for the next. */
  readonly #repaint = (): void => {
    if (document.timeline.currentTime !== this.#frameMs) this.#paintNow();
    else this.#paintNextFrame();
    this.#canvas.ariaBusy = String(this.#request !== undefined);
  };

  #paintNextFrame(): void {
    this.#request ??= requestAnimationFrame(() => {
      this.#request = undefined;
      this.#repaint();
    });
  }

  #paintNow(): void {
    const viewport = viewportOfMap(this._map);
    this.#frameMs = document.timeline.currentTime;
    const before = this.#inPlace ? this.#painted : undefined;
    if (before && isSame(before, viewport)) return;
    const shift = before && shiftBetween(before, viewport);
    if (shift) this.#pan(viewport, shift);
    else if (this.#painted && this.#rowMs * viewport.heightPx * viewport.pixelRatio > this.#budgetMs)
      this.#paintBands(viewport);
    else this.#paintWhole(viewport);
  }

  #paintWhole(viewport: Viewport): void {
    const startMs = performance.now();
    resize(this.#canvas, viewport);
    this.#paint(this.#context, viewport);
    this.#rowMs = (performance.now() - startMs) / this.#canvas.height;
    this.#show(viewport);
  }

  #show(viewport: Viewport): void {
    const { originX, originY, worldPx, widthPx, heightPx } = viewport;
    this.#canvas.style.width = `${widthPx}px`;
    this.#canvas.style.height = `${heightPx}px`;
    const corner = L.point(originX * worldPx, originY * worldPx).subtract(this._map.getPixelOrigin());
    L.DomUtil.setPosition(this.#canvas, corner.round());
    this.#painted = viewport;
    this.#inPlace = true;
    this.#unfinished = undefined;
    this.#budgetMs = FRAME_BUDGET_MS;
  }

  #pan(viewport: Viewport, [dx, dy]: readonly [number, number]): void {
    const { width, height } = this.#canvas;
    this.#context.globalCompositeOperation = "copy"; // clears what is not copied
    this.#context.drawImage(this.#canvas, dx, dy);
    this.#context.globalCompositeOperation = "source-over";
    const rows = { y: Math.max(0, dy), height: height - Math.abs(dy) };
    this.#paintStrip(this.#context, viewport, {
      x: 0,
      width,
      y: dy > 0 ? 0 : height + dy,
      height: Math.abs(dy),
    });
    this.#paintStrip(this.#context, viewport, {
      x: dx > 0 ? 0 : width + dx,
      width: Math.abs(dx),
      ...rows,
    });
    this.#show(viewport);
  }

  #paintStrip(context: CanvasRenderingContext2D, viewport: Viewport, { x, y, width, height }: Rect): void {
    if (width === 0 || height === 0) return;
    const { canvas } = this.#strip;
    canvas.width = width;
    canvas.height = height;
    const { pixelRatio, worldPx, originX, originY } = viewport;
    this.#paint(this.#strip, {
      ...viewport,
      originX: originX + x / pixelRatio / worldPx,
      originY: originY + y / pixelRatio / worldPx,
      widthPx: width / pixelRatio,
      heightPx: height / pixelRatio,
    });
    context.drawImage(canvas, x, y);
  }

  /** Paints as many rows as fit in a frame, and shows the view once all of its rows are painted. */
  #paintBands(viewport: Viewport): void {
    // A view that is panned meanwhile is finished where it was started; the pan continues from there.
    const started = this.#unfinished;
    const unfinished = started && shiftBetween(started.viewport, viewport) ? started : this.#begin(viewport);
    const { canvas } = unfinished.context;
    const startMs = performance.now();
    const firstRow = unfinished.nextRow;
    const bandMs = BAND_SHARE * this.#budgetMs;
    let spentMs = 0;
    while (unfinished.nextRow < canvas.height && spentMs < this.#budgetMs - bandMs) {
      const y = unfinished.nextRow;
      const rows = Math.max(MIN_BAND_ROWS, Math.ceil(bandMs / this.#rowMs));
      const height = Math.min(rows, canvas.height - y);
      this.#paintStrip(unfinished.context, unfinished.viewport, { x: 0, y, width: canvas.width, height });
      unfinished.nextRow += height;
      spentMs = performance.now() - startMs;
    }
    this.#rowMs = spentMs / (unfinished.nextRow - firstRow);
    if (unfinished.nextRow === canvas.height) {
      resize(this.#canvas, unfinished.viewport);
      this.#context.globalCompositeOperation = "copy"; // clears the previous view
      this.#context.drawImage(canvas, 0, 0);
      this.#context.globalCompositeOperation = "source-over";
      this.#show(unfinished.viewport);
    }
    if (!this.#inPlace || !this.#painted || !isSame(this.#painted, viewport)) this.#paintNextFrame();
  }

  /** Starts painting a view off screen; meanwhile the canvas is scaled to stay in place on the map. */
  #begin(viewport: Viewport): Unfinished {
    this.#scaleTo(this._map.getZoom(), (corner) => this._map.latLngToLayerPoint(corner));
    const context = contextOf(document.createElement("canvas"));
    resize(context.canvas, viewport);
    this.#unfinished = { viewport, context, nextRow: 0 };
    return this.#unfinished;
  }

  #scale({ center, zoom }: L.ZoomAnimEvent): void {
    const map = this._map as ZoomingMap;
    this.#scaleTo(zoom, (corner) => map._latLngToNewLayerPoint(corner, zoom, center));
  }

  #scaleTo(zoom: number, layerPointOf: (corner: L.LatLng) => L.Point): void {
    if (!this.#painted) return;
    const { originX, originY, worldPx } = this.#painted;
    const paintedZoom = zoomOf(worldPx);
    const corner = this._map.unproject([originX * worldPx, originY * worldPx], paintedZoom);
    L.DomUtil.setTransform(this.#canvas, layerPointOf(corner), this._map.getZoomScale(zoom, paintedZoom));
    this.#inPlace = false;
  }
}

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser has no 2D canvas");
  return context;
}

function resize(canvas: HTMLCanvasElement, { widthPx, heightPx, pixelRatio }: Viewport): void {
  const widthDevicePx = Math.round(widthPx * pixelRatio);
  const heightDevicePx = Math.round(heightPx * pixelRatio);
  if (canvas.width !== widthDevicePx) canvas.width = widthDevicePx;
  if (canvas.height !== heightDevicePx) canvas.height = heightDevicePx;
}

/** Returns the viewport of a map, which Leaflet counts in whole CSS pixels from the north-west corner of the world. */
export function viewportOfMap(map: L.Map): Viewport {
  const { x: widthPx, y: heightPx } = map.getSize();
  const worldPx = worldPxOf(map.getZoom());
  const { x = 0, y = 0 } = map.getPixelBounds().min ?? {};
  return {
    originX: x / worldPx,
    originY: y / worldPx,
    worldPx,
    widthPx,
    heightPx,
    pixelRatio: window.devicePixelRatio,
  };
}

/** Returns how far the content moves, in device pixels; undefined if it must be scaled or would be off the pixel grid. */
function shiftBetween(from: Viewport, to: Viewport): readonly [dx: number, dy: number] | undefined {
  const { worldPx, widthPx, heightPx, pixelRatio } = to;
  if (!isSame({ ...from, originX: 0, originY: 0 }, { ...to, originX: 0, originY: 0 })) return undefined;
  const exactX = (from.originX - to.originX) * worldPx * pixelRatio;
  const exactY = (from.originY - to.originY) * worldPx * pixelRatio;
  const [dx, dy] = [Math.round(exactX), Math.round(exactY)];
  if (Math.abs(dx - exactX) > 1e-3 || Math.abs(dy - exactY) > 1e-3) return undefined;
  const isNear = Math.abs(dx) < (widthPx * pixelRatio) / 2 && Math.abs(dy) < (heightPx * pixelRatio) / 2;
  return isNear ? [dx, dy] : undefined;
}

function isSame(a: Viewport, b: Viewport): boolean {
  return (Object.keys(a) as (keyof Viewport)[]).every((key) => a[key] === b[key]);
}
