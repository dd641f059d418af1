import L from "leaflet";
import { worldPxOf, zoomOf } from "../../../geometry/mercator";
import type { Viewport } from "../../scene";

export type Paint = (context: CanvasRenderingContext2D, viewport: Viewport) => void;

/** Private to Leaflet, and what its own image overlay uses: where a place will be when a zoom animation is over. */
interface ZoomingMap extends L.Map {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, center: L.LatLng): L.Point;
}

/** A part of the canvas in device pixels. */
interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A view that is painted in bands, from the top down, beside the canvas that is shown. */
interface Unfinished {
  readonly viewport: Viewport;
  readonly context: CanvasRenderingContext2D;
  nextRow: number;
}

/** What painting may take of a frame; at 60 frames a second the browser has 16 ms for all it does. */
const FRAME_BUDGET_MS = 12;
/** After so much of a band the clock is looked at. */
const BAND_MS = FRAME_BUDGET_MS / 3;
/** Narrower bands cost more than they save: what crosses an edge is painted twice. */
const MIN_BAND_ROWS = 32;

/**
 * One canvas over the whole map, painted anew whenever the map has moved. What is still in the view after a pan is
 * copied, and only the strips that came into it are painted. While the map is zoomed, and until a view that takes
 * longer than a frame is painted, the browser scales the canvas there is; so long it is `aria-busy`.
 */
export class CanvasLayer extends L.Layer {
  readonly #paint: Paint;
  readonly #canvas = document.createElement("canvas");
  readonly #context = this.#canvas.getContext("2d")!;
  readonly #strip = document.createElement("canvas").getContext("2d")!;
  /** What the canvas holds. */
  #painted: Viewport | undefined;
  /** Whether it lies where it was painted for, unscaled. */
  #inPlace = false;
  #unfinished: Unfinished | undefined;
  /** What painting a row of device pixels took the last time. */
  #rowMs = 0;
  /** Time of the frame it was painted in, the same for all that happens in a frame. */
  #frameMs: CSSNumberish | null = null;
  #request: number | undefined;

  constructor(pane: string, paint: Paint) {
    super();
    L.Util.setOptions(this, { pane });
    this.#paint = paint;
    this.#canvas.className = "leaflet-zoom-animated";
  }

  override onAdd(): this {
    this.getPane()!.append(this.#canvas);
    window.addEventListener("resize", this.#repaint); // the browser's own zoom changes the pixel ratio
    this.#repaint();
    return this;
  }

  override onRemove(): this {
    if (this.#request !== undefined) cancelAnimationFrame(this.#request);
    window.removeEventListener("resize", this.#repaint);
    this.#canvas.remove();
    return this;
  }

  /** Whether what it shows is not yet what it should. */
  get isBusy(): boolean {
    return this.#request !== undefined;
  }

  /** Paints anew what has changed while the view has not. */
  redraw(): void {
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

  /** At once, as the map moves in animation frames; what comes in the same frame again waits for the next. */
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
    else if (this.#painted && this.#rowMs * viewport.heightPx * viewport.pixelRatio > FRAME_BUDGET_MS)
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

  /** Paints as many rows as a frame has time for. When all are there, they replace what is shown. */
  #paintBands(viewport: Viewport): void {
    // A view that is dragged meanwhile is finished where it was begun: from there the pan goes on.
    const begun = this.#unfinished && shiftBetween(this.#unfinished.viewport, viewport);
    const unfinished = begun ? this.#unfinished! : this.#begin(viewport);
    const { canvas } = unfinished.context;
    const startMs = performance.now();
    const firstRow = unfinished.nextRow;
    let spentMs = 0;
    while (unfinished.nextRow < canvas.height && spentMs < FRAME_BUDGET_MS - BAND_MS) {
      const y = unfinished.nextRow;
      const rows = Math.max(MIN_BAND_ROWS, Math.ceil(BAND_MS / this.#rowMs));
      const height = Math.min(rows, canvas.height - y);
      this.#paintStrip(unfinished.context, unfinished.viewport, { x: 0, y, width: canvas.width, height });
      unfinished.nextRow += height;
      spentMs = performance.now() - startMs;
    }
    this.#rowMs = spentMs / (unfinished.nextRow - firstRow);
    if (unfinished.nextRow === canvas.height) {
      resize(this.#canvas, unfinished.viewport);
      this.#context.globalCompositeOperation = "copy"; // nothing of the view before shines through
      this.#context.drawImage(canvas, 0, 0);
      this.#context.globalCompositeOperation = "source-over";
      this.#show(unfinished.viewport);
    }
    if (!this.#inPlace || !isSame(this.#painted!, viewport)) this.#paintNextFrame();
  }

  /** What the canvas holds stays in its place on the map, scaled, while the new view is painted. */
  #begin(viewport: Viewport): Unfinished {
    this.#scaleTo(this._map.getZoom(), (corner) => this._map.latLngToLayerPoint(corner));
    const context = document.createElement("canvas").getContext("2d")!;
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

function resize(canvas: HTMLCanvasElement, { widthPx, heightPx, pixelRatio }: Viewport): void {
  const widthDevicePx = Math.round(widthPx * pixelRatio);
  const heightDevicePx = Math.round(heightPx * pixelRatio);
  if (canvas.width !== widthDevicePx) canvas.width = widthDevicePx;
  if (canvas.height !== heightDevicePx) canvas.height = heightDevicePx;
}

/** Leaflet counts whole CSS pixels from the world's north-west corner. */
export function viewportOfMap(map: L.Map): Viewport {
  const { x: widthPx, y: heightPx } = map.getSize();
  const worldPx = worldPxOf(map.getZoom());
  const { x, y } = map.getPixelBounds().min!;
  return {
    originX: x / worldPx,
    originY: y / worldPx,
    worldPx,
    widthPx,
    heightPx,
    pixelRatio: window.devicePixelRatio,
  };
}

/** How many device pixels to the right and down the picture moves; none if it would have to be scaled or rounded. */
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
