import type L from "leaflet";

/** Wheel travel of one zoom level, in CSS pixels. A notch of most mice is 100 pixels. */
const PX_PER_LEVEL = 240;
/** Browsers report a pinch on a touchpad as a wheel with Ctrl, of −100 × ln(scale) pixels. */
const PINCH_PX_PER_LEVEL = 100 * Math.LN2;
/** A pinch is reported in smaller steps than this; a notch of a mouse wheel is larger. */
const MOST_PINCH_PX = 40;
/** Travel in CSS pixels of a wheel that counts lines or pages, by `WheelEvent.deltaMode`. */
const MODE_PX = [1, 33, 600];
/** Time in which the map makes up for 63 % of its distance from the wheel. */
const FOLLOW_MS = 50;
/** A gesture is over if the wheel rests for as long as this, and the map is this close to its zoom. */
const REST_MS = 160;
const CLOSE = 0.002;
/** A gesture over raster tiles goes on to the next whole zoom if it went this far beyond the last one. */
const NEXT_LEVEL = 0.3;

/** Methods of Leaflet that its own pinch handler uses. */
interface MovingMap extends L.Map {
  _moveStart(zoomChanged: boolean, noMoveStart: boolean): this;
  _move(center: L.LatLng, zoom: number, data: object): this;
  _moveEnd(zoomChanged: boolean): this;
  _limitCenter(center: L.LatLng, zoom: number, bounds?: L.LatLngBounds): L.LatLng;
}

/** Returns the zoom levels by which a wheel event moves the map: positive values zoom in. */
function levelsOf({
  deltaY,
  deltaMode,
  ctrlKey,
}: Pick<WheelEvent, "deltaY" | "deltaMode" | "ctrlKey">): number {
  const px = deltaY * (MODE_PX[deltaMode] ?? 1);
  const isPinch = ctrlKey && Math.abs(px) < MOST_PINCH_PX;
  return -px / (isPinch ? PINCH_PX_PER_LEVEL : PX_PER_LEVEL) + 0;
}

/** Returns the whole zoom at which a gesture from zoom `from` to zoom `to` ends. */
const wholeZoom = (from: number, to: number): number =>
  to > from ? Math.floor(to + 1 - NEXT_LEVEL) : Math.ceil(to - 1 + NEXT_LEVEL);

/**
 * Zooms around the pointer by as much as the wheel or touchpad moved. Leaflet's own handler rounds each event up to a
 * whole step, so a touchpad, which sends many small ones, runs through all levels. With `isStepped`, a gesture ends at a
 * whole zoom.
 */
export function zoomByWheel(map: L.Map, { isStepped }: { readonly isStepped: boolean }): void {
  const moving = map as MovingMap;
  const element = map.getContainer();
  const limited = (zoom: number) => Math.max(map.getMinZoom(), Math.min(map.getMaxZoom(), zoom));
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  let gesture: { from: number; target: number; point: L.Point; place: L.LatLng } | undefined;
  let wheelMs = 0;
  let frameMs = 0;

  const start = (point: L.Point) => {
    map.stop();
    const zoom = map.getZoom();
    gesture = { from: zoom, target: zoom, point, place: map.containerPointToLatLng(point) };
    moving._moveStart(true, false);
    frameMs = performance.now();
    requestAnimationFrame(step);
    return gesture;
  };

  const step = (ms: number) => {
    if (!gesture) return;
    const { target, point, place } = gesture;
    const rest = target - map.getZoom();
    const share = reducedMotion.matches ? 1 : 1 - Math.exp(-Math.max(0, ms - frameMs) / FOLLOW_MS);
    frameMs = ms;
    const isClose = Math.abs(rest) < CLOSE;
    const zoom = isClose ? target : map.getZoom() + rest * share;
    if (zoom !== map.getZoom()) {
      const fromMiddle = point.subtract(map.getSize().divideBy(2));
      const center = map.unproject(map.project(place, zoom).subtract(fromMiddle), zoom);
      const within = moving._limitCenter(center, zoom, map.options.maxBounds as L.LatLngBounds | undefined);
      moving._move(within, zoom, { pinch: true, round: false });
    }
    if (isClose && ms - wheelMs > REST_MS) end();
    else requestAnimationFrame(step);
  };

  const end = () => {
    if (!gesture) return;
    const { from, target, point } = gesture;
    gesture = undefined;
    moving._moveEnd(true);
    if (!isStepped) return;
    const whole = limited(wholeZoom(from, target));
    if (whole !== map.getZoom()) map.setZoomAround(point, whole);
  };

  map.scrollWheelZoom.disable();
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const levels = levelsOf(event);
      if (levels === 0) return;
      const point = map.mouseEventToContainerPoint(event);
      const current = gesture ?? start(point);
      if (!current.point.equals(point)) {
        current.point = point;
        current.place = map.containerPointToLatLng(point);
      }
      current.target = limited(current.target + levels);
      wheelMs = performance.now();
    },
    { passive: false },
  );
  // another gesture, or a button, takes over
  for (const other of ["pointerdown", "keydown"] as const)
    element.addEventListener(other, () => end(), { capture: true });
}
