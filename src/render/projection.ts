import type { Box } from "../geometry/clip";
import { lngLatOf, worldOf, worldPxOf, zoomOf } from "../geometry/mercator";
import { attributionPlace, LEGEND_CORNERS, legendCut, type Medium, type Place, placesOf } from "./layout";
import { type Occupancy, occupancyOf } from "./occupancy";
import type { Clearance } from "./painter/collisions";
import type { Bounds, LegendCorner, Scene, Viewport } from "./scene";

/** Zooms of a fitted view are rounded down to multiples of this. */
const ZOOM_STEP = 0.25;
/** Below 0, so that the world fits into a small map; Leaflet's map and tile layer need the same `minZoom`. */
export const MIN_ZOOM = -2;
export const MAX_ZOOM = 22;

/** Maximum zoom of a fitted view, so that a single point has surroundings. */
const MAX_FIT_ZOOM = 14;
/** Room on each side of fitted bounds, as a share of the map. */
const FIT_PADDING = 0.05;
/** Bounds that span more than this share of the world, 200°, are shown with the whole world around them. */
const WORLD_SHARE = 200 / 360;
/** Where a map of the world that is too low for the data starts in the north; at twice the width, it ends at 54° in the south. */
const [, CROPPED_TOP] = worldOf([0, 75]);
/** Room between the data and what lies on the map, in CSS pixels: half a point, and a gap. */
const CLEAR_PX = 6;
/** A legend of which nothing fits is as bad as this share of the data below it. */
const LOST_WEIGHT = 0.1;
/** Minimum share of the map that remains for the data where the legend, the title and the controls take room. */
const MIN_FREE_SHARE = 0.4;

export interface ViewportOptions {
  readonly pixelRatio?: number;
  /** @default "image" */
  readonly medium?: Medium;
}

/**
 * Returns the viewport of the scene's first view, which keeps the data clear of what lies on the map. Its corner lies on a
 * whole CSS pixel of the world, as in Leaflet: a Leaflet map of the same size centred on `centerOf` this viewport shows
 * exactly the same.
 */
export function viewportOf(
  scene: Scene,
  { pixelRatio = 1, medium = "image" }: ViewportOptions = {},
): Viewport {
  return { ...firstViewOf(scene, medium).viewport, pixelRatio };
}

/** Returns the corner of the legends: where they cover least of the data, unless the scene sets it. */
export function legendCornerOf(scene: Scene): LegendCorner {
  return scene.legendCorner ?? firstViewOf(scene, "image").corner;
}

/** The first view, and what lies on it: labels keep clear of that, and inside the view. */
export function clearanceOf(scene: Scene, medium: Medium): Clearance {
  const { viewport, corner } = firstViewOf(scene, medium);
  return { viewport, places: [...placesOf(scene, corner, medium), attributionPlace(scene)] };
}

/** Returns the box whose data the first view is about: the fitted one, or what an image shows around a given centre. */
export function dataBoxOf(scene: Scene): Box {
  const { view } = scene;
  if (view.kind === "box") return view.box;
  return view.kind === "fit" ? worldBox(view.bounds) : boxOf(viewportOf(scene));
}

/** Returns the share of the data in a box that an image hides below what lies on it or beyond its edges. */
export function hiddenIn(scene: Scene, box: Box): number {
  const { viewport, corner } = firstViewOf(scene, "image");
  const occupancy = occupancyOf(scene.layers, box);
  const hidden = 1 - occupancy.shareIn(boxOf(viewport));
  return (
    hidden +
    coveredBy(placesOf(scene, corner, "image"), occupancy, viewport) +
    LOST_WEIGHT * legendCut(scene, corner)
  );
}

interface FirstView {
  readonly viewport: Viewport;
  readonly corner: LegendCorner;
}

function firstViewOf(scene: Scene, medium: Medium): FirstView {
  const { legends, legendCorner } = scene;
  const corners = legendCorner
    ? [legendCorner]
    : legends.length === 0
      ? LEGEND_CORNERS.slice(0, 1)
      : LEGEND_CORNERS;
  const laidOut = corners.map((corner) => ({
    corner,
    places: placesOf(scene, corner, medium),
    lost: LOST_WEIGHT * legendCut(scene, corner),
  }));
  const { view } = scene;
  if (view.kind === "center") return centredView(scene, view, laidOut);
  return fittedView(scene, view.kind === "box" ? view.box : worldBox(view.bounds), laidOut);
}

interface LaidOut {
  readonly corner: LegendCorner;
  readonly places: readonly Place[];
  /** How much of the legend is cut off, in the same unit as covered data. */
  readonly lost: number;
}

/** Keeps the view that the user asked for. */
function centredView(
  scene: Scene,
  { lng, lat, zoom }: Extract<Scene["view"], { kind: "center" }>,
  laidOut: readonly LaidOut[],
): FirstView {
  const viewport = viewportAt(scene, worldOf([lng, lat]), clamp(zoom, MIN_ZOOM, MAX_ZOOM));
  const occupancy = laidOut.length > 1 ? occupancyOf(scene.layers, boxOf(viewport)) : undefined;
  const best = leastBy(laidOut, ({ places, lost }) =>
    occupancy ? coveredBy(places, occupancy, viewport) + lost : 0,
  );
  return { viewport, corner: best.corner };
}

/**
 * Fits a box to the map: as large as possible among the views in which nothing lies on the data, or least of all. To clear
 * a place, a view keeps all of the box beside it, above it or below it; often its corner of the map is free anyway.
 */
function fittedView(scene: Scene, box: Box, laidOut: readonly LaidOut[]): FirstView {
  const occupancy = occupancyOf(scene.layers, box);
  const candidates = laidOut.flatMap(({ corner, places, lost }) =>
    insetsToTry(scene, places).map((insets) => {
      const viewport = fitBox(scene, box, insets);
      return { corner, viewport, insets, covered: coveredBy(places, occupancy, viewport) + lost };
    }),
  );
  const corners = laidOut.map(({ corner }) => corner);
  const least = Math.min(...candidates.map(({ covered }) => covered));
  const clear = candidates.filter(({ covered }) => covered === least);
  const largest = Math.max(...clear.map(({ viewport }) => viewport.worldPx));
  return leastBy(
    clear.filter(({ viewport }) => viewport.worldPx === largest),
    ({ insets, corner }) =>
      corners.indexOf(corner) * 1e6 + insets.left + insets.right + insets.top + insets.bottom,
  );
}

/** Distances of the fitted data from the edges of the map in CSS pixels. */
interface Insets {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Returns every choice of leaving each place free or not, on either side, that leaves enough of the map. */
function insetsToTry({ widthPx, heightPx }: Scene, places: readonly Place[]): Insets[] {
  const [padX, padY] = [FIT_PADDING * widthPx, FIT_PADDING * heightPx];
  let tried: Insets[] = [{ left: padX, top: padY, right: padX, bottom: padY }];
  for (const { left, top, right, bottom } of places) {
    const isLeft = left + right < widthPx;
    const isTop = top + bottom < heightPx;
    tried = tried.flatMap((insets) => [
      insets,
      isLeft
        ? { ...insets, left: Math.max(insets.left, right + CLEAR_PX) }
        : { ...insets, right: Math.max(insets.right, widthPx - left + CLEAR_PX) },
      isTop
        ? { ...insets, top: Math.max(insets.top, bottom + CLEAR_PX) }
        : { ...insets, bottom: Math.max(insets.bottom, heightPx - top + CLEAR_PX) },
    ]);
  }
  const free = ({ left, top, right, bottom }: Insets) =>
    Math.max(0, widthPx - left - right) * Math.max(0, heightPx - top - bottom);
  return tried.filter((insets, i) => i === 0 || free(insets) >= MIN_FREE_SHARE * widthPx * heightPx);
}

function coveredBy(places: readonly Place[], occupancy: Occupancy, viewport: Viewport): number {
  const { originX, originY, worldPx } = viewport;
  const half = CLEAR_PX - 2;
  let covered = 0;
  for (const { left, top, right, bottom } of places)
    covered += occupancy.shareIn([
      originX + (left - half) / worldPx,
      originY + (top - half) / worldPx,
      originX + (right + half) / worldPx,
      originY + (bottom + half) / worldPx,
    ]);
  return covered;
}

function leastBy<T>(items: readonly T[], score: (item: T) => number): T {
  return items.reduce((best, item) => (score(item) < score(best) ? item : best));
}

/** Returns the view around a centre, moved so that it extends beyond no pole; a world that is lower than the map stays whole. */
function viewportAt(
  { widthPx, heightPx }: Scene,
  [x, centerY]: readonly [number, number],
  zoom: number,
): Viewport {
  const worldPx = worldPxOf(zoom);
  const half = heightPx / 2 / worldPx;
  const y = clamp(centerY, Math.min(half, 1 - half), Math.max(half, 1 - half));
  return {
    originX: Math.round(x * worldPx - widthPx / 2) / worldPx,
    originY: Math.round(y * worldPx - heightPx / 2) / worldPx,
    worldPx,
    widthPx,
    heightPx,
    pixelRatio: 1,
  };
}

const boxOf = ({ originX, originY, worldPx, widthPx, heightPx }: Viewport): Box => [
  originX,
  originY,
  originX + widthPx / worldPx,
  originY + heightPx / worldPx,
];

function worldBox([west, south, east, north]: Bounds): Box {
  const [left, top] = worldOf([west, north]);
  const [right, bottom] = worldOf([east < west ? east + 360 : east, south]);
  return [left, top, right, bottom];
}

/** Returns the centre of a viewport and its zoom. */
export function centerOf({ originX, originY, worldPx, widthPx, heightPx }: Viewport): {
  lng: number;
  lat: number;
  zoom: number;
} {
  const [lng, lat] = lngLatOf([originX + widthPx / 2 / worldPx, originY + heightPx / 2 / worldPx]);
  return { lng, lat, zoom: zoomOf(worldPx) };
}

/**
 * Fits a box into the map within insets, at the largest zoom step. In Web Mercator, a box that spans the world makes the
 * world as wide as the map, so that no place shows twice; the map crops the polar regions then.
 */
function fitBox(scene: Scene, [left, top, right, bottom]: Box, insets: Insets): Viewport {
  const { widthPx, heightPx } = scene;
  const freeWidth = widthPx - insets.left - insets.right;
  const freeHeight = heightPx - insets.top - insets.bottom;
  const widestPx = Math.min(freeWidth / (right - left), freeHeight / (bottom - top));
  // the outlines of other projections than Web Mercator are sharp at any zoom
  const steps = Math.floor(zoomOf(widestPx) / ZOOM_STEP + 1e-9); // bounds that fit exactly do fit
  const zoom = clamp(scene.projection ? zoomOf(widestPx) : steps * ZOOM_STEP, MIN_ZOOM, MAX_FIT_ZOOM);

  const worldPx = worldPxOf(zoom);
  if (!scene.projection && right - left > WORLD_SHARE && worldPx < widthPx)
    return wholeWorld(scene, [left, top, right, bottom]);
  const x = (left + right) / 2 + (insets.right - insets.left) / 2 / worldPx;
  const y = (top + bottom) / 2 + (insets.bottom - insets.top) / 2 / worldPx;
  return viewportAt(scene, [x, y], zoom);
}

/** Returns a view in Web Mercator in which the world is as wide as the map. */
function wholeWorld(scene: Scene, [left, top, right, bottom]: Box): Viewport {
  const { widthPx, heightPx } = scene;
  const height = heightPx / widthPx;
  const isCropped = bottom - top > height;
  const middle = isCropped ? Math.max(top, CROPPED_TOP) + height / 2 : (top + bottom) / 2;
  return viewportAt(scene, [right <= 1 ? 0.5 : (left + right) / 2, middle], zoomOf(widthPx));
}

const clamp = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value));
