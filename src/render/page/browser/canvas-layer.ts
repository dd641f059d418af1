import L from "leaflet";
import { worldPxOf } from "../../projection";
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

/**
 * One canvas over the whole map, painted anew whenever the map has moved. What is still in the view after a pan is
 * copied, and only the strips that came into it are painted. During a zoom animation the browser scales the canvas.
 */
export class CanvasLayer extends L.Layer {
  readonly #paint: Paint;
  readonly #canvas = document.createElement("canvas");
  readonly #context = this.#canvas.getContext("2d")!;
  readonly #strip = document.createElement("canvas").getContext("2d")!;
  /** What the canvas shows. */
  #painted: Viewport | undefined;
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
    else
      this.#request ??= requestAnimationFrame(() => {
        this.#request = undefined;
        this.#paintNow();
      });
  };

  #paintNow(): void {
    const viewport = viewportOfMap(this._map);
    const before = this.#painted;
    if (before && isSame(before, viewport)) return;
    const widthDevicePx = Math.round(viewport.widthPx * viewport.pixelRatio);
    const heightDevicePx = Math.round(viewport.heightPx * viewport.pixelRatio);
    if (this.#canvas.width !== widthDevicePx) this.#canvas.width = widthDevicePx;
    if (this.#canvas.height !== heightDevicePx) this.#canvas.height = heightDevicePx;
    this.#canvas.style.width = `${viewport.widthPx}px`;
    this.#canvas.style.height = `${viewport.heightPx}px`;
    L.DomUtil.setPosition(this.#canvas, this._map.containerPointToLayerPoint([0, 0]));
    const shift = before && shiftBetween(before, viewport);
    if (shift) this.#pan(viewport, shift);
    else this.#paint(this.#context, viewport);
    this.#painted = viewport;
    this.#frameMs = document.timeline.currentTime;
  }

  #pan(viewport: Viewport, [dx, dy]: readonly [number, number]): void {
    const { width, height } = this.#canvas;
    this.#context.globalCompositeOperation = "copy"; // clears what is not copied
    this.#context.drawImage(this.#canvas, dx, dy);
    this.#context.globalCompositeOperation = "source-over";
    const rows = { y: Math.max(0, dy), height: height - Math.abs(dy) };
    this.#paintStrip(viewport, { x: 0, width, y: dy > 0 ? 0 : height + dy, height: Math.abs(dy) });
    this.#paintStrip(viewport, { x: dx > 0 ? 0 : width + dx, width: Math.abs(dx), ...rows });
  }

  #paintStrip(viewport: Viewport, { x, y, width, height }: Rect): void {
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
    this.#context.drawImage(canvas, x, y);
  }

  #scale({ center, zoom }: L.ZoomAnimEvent): void {
    if (!this.#painted) return;
    const { originX, originY, worldPx } = this.#painted;
    const map = this._map as ZoomingMap;
    const paintedZoom = map.getScaleZoom(worldPx / worldPxOf(0), 0);
    const corner = map.unproject([originX * worldPx, originY * worldPx], paintedZoom);
    const position = map._latLngToNewLayerPoint(corner, zoom, center);
    L.DomUtil.setTransform(this.#canvas, position, map.getZoomScale(zoom, paintedZoom));
    this.#painted = undefined; // it is not where it was painted any more
  }
}

/** Leaflet counts whole CSS pixels from the world's north-west corner. */
function viewportOfMap(map: L.Map): Viewport {
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
