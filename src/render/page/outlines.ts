/**
 * Packs land and borders for a page: with all vertices in and around the first view, fewer nearby, and elsewhere only what
 * a world map shows. A map of a country contains half of the outlines, a map of a town a quarter. `!` in the loops: see
 * `PathGeometry`.
 */
import { deflateSync } from "node:zlib";
import type { Box } from "../../geometry/clip";
import { worldPxOf, zoomOf } from "../../geometry/mercator";
import { encodeBasemap, pathGeometry } from "../basemap-data";
import { outlinesOf } from "../outlines";
import type { BasemapShapes } from "../painter";
import { boxesOfPaths } from "../painter/box";
import { viewportOf } from "../projection";
import type { PathGeometry, Scene } from "../scene";
import { keptVertices } from "./simplify";

/** How exact outlines are outside the first view. */
interface Exactness {
  /** In its surroundings, they are exact to half a pixel up to this zoom… */
  readonly around: number;
  /** …and elsewhere up to this one. */
  readonly elsewhere: number;
  /** What is smaller than this at that zoom is left out, in CSS pixels; around the view, only if it is water. */
  readonly leastPx: number;
  readonly isWater?: true;
}

const LAND = { around: 5, elsewhere: 2, leastPx: 1 } as const satisfies Exactness;
const LAKES = { around: 4, elsewhere: 2, leastPx: 8, isWater: true } as const satisfies Exactness;
const RIVERS = { around: 3.5, elsewhere: 2, leastPx: 16, isWater: true } as const satisfies Exactness;

/** Far from the first view, vertices lie on a grid of this many steps per world unit, one for each pixel of zoom 5. */
const COARSE_GRID = 2 ** 13;
/** A first view at a lower zoom needs no more vertices than its surroundings. */
const MIN_ZOOM_NEAR = LAND.around - 2;
/** Margin around the first view that keeps all vertices, in views: the page may be wider, or be panned. */
const MARGIN_VIEWS = 0.25;
/** Width of the surroundings beyond that margin: 20° of longitude. */
const AROUND = 20 / 360;

const tolerance = (zoom: number) => 0.5 / worldPxOf(zoom);

/** Part of the world in which a vertex is kept. */
const RANK = { near: 0, around: 1, anywhere: 2 } as const;

/** Boxes in world units, in any copy of the world. */
interface Detail {
  readonly near: Box | undefined;
  /** Vertices outside it lie on the coarse grid. */
  readonly exact: Box | undefined;
  readonly around: Box;
}

/** Returns outlines that `decodeBasemap` reads, deflated. */
export function packOutlines(scene: Scene): Uint8Array {
  const { land, borders, stateBorders, lakes, rivers, ...rest } = outlinesOf(scene);
  const near = boxNear(scene);
  const isNear = zoomOf(viewportOf(scene, { medium: "page" }).worldPx) >= MIN_ZOOM_NEAR;
  const detail: Detail = {
    near: isNear ? near : undefined,
    exact: isNear ? grown(near, near[2] - near[0], near[3] - near[1]) : undefined,
    around: grown(near, AROUND, AROUND),
  };
  return deflateSync(
    encodeBasemap({
      land: detailed(land, detail, LAND),
      borders: detailed(borders, detail, LAND),
      stateBorders: detailed(stateBorders, detail, LAND),
      lakes: detailed(lakes, detail, LAKES),
      rivers: detailed(rivers, detail, RIVERS),
      ...rest,
    } satisfies BasemapShapes),
    { level: 9 },
  );
}

/**
 * Returns the box in which all vertices are kept. It extends beyond the view by at least twice the tolerance, the
 * maximum error of a line to a vertex that was left out beyond the box.
 */
function boxNear(scene: Scene): Box {
  const { originX, originY, worldPx, widthPx, heightPx } = viewportOf(scene, { medium: "page" });
  const least = 2 * tolerance(LAND.around);
  const margin = (px: number) => Math.max(least, (MARGIN_VIEWS * px) / worldPx);
  const box: Box = [originX, originY, originX + widthPx / worldPx, originY + heightPx / worldPx];
  return grown(box, margin(widthPx), margin(heightPx));
}

const grown = ([minX, minY, maxX, maxY]: Box, x: number, y: number): Box => [
  minX - x,
  minY - y,
  maxX + x,
  maxY + y,
];

function detailed(
  geometry: PathGeometry,
  { near, exact, around }: Detail,
  exactness: Exactness,
): PathGeometry {
  const { xy, paths, features } = geometry;
  const ranks = ranksOf(geometry, exactness);
  const picked: number[] = [];
  const ends = [0];
  const featureEnds = [0];
  for (let feature = 0; feature + 1 < features.length; feature++) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      for (let i = paths[path]!; i < paths[path + 1]!; i++) {
        const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
        if (near && isIn(near, x, y)) picked.push(x, y);
        else if (ranks[i] === RANK.anywhere || (ranks[i] === RANK.around && isIn(around, x, y)))
          picked.push(...(exact && isIn(exact, x, y) ? [x, y] : [coarse(x), coarse(y)]));
      }
      if (picked.length / 2 > ends.at(-1)!) ends.push(picked.length / 2);
    }
    if (ends.length - 1 > featureEnds.at(-1)!) featureEnds.push(ends.length - 1);
  }
  return pathGeometry(geometry.kind, picked, ends, featureEnds);
}

const coarse = (value: number) => Math.round(value * COARSE_GRID) / COARSE_GRID;

function isIn([minX, minY, maxX, maxY]: Box, x: number, y: number): boolean {
  return y >= minY && y <= maxY && x - Math.floor(x - minX) <= maxX;
}

const ranked = new WeakMap<PathGeometry, Uint8Array>();

/** Ranks vertices, once per geometry. Islands smaller than a pixel are left out elsewhere. */
function ranksOf(geometry: PathGeometry, { around, elsewhere, leastPx, isWater }: Exactness): Uint8Array {
  const known = ranked.get(geometry);
  if (known) return known;
  const { xy, paths } = geometry;
  const keptAround = keptVertices(geometry, tolerance(around));
  const keptAnywhere = keptVertices(geometry, tolerance(elsewhere));
  const boxes = boxesOfPaths(xy, paths);
  const ranks = new Uint8Array(xy.length / 2); // RANK.near
  for (let path = 0; path + 1 < paths.length; path++) {
    const [from, to] = [paths[path]!, paths[path + 1]!];
    const [minX, minY, maxX, maxY] = boxes.subarray(4 * path, 4 * path + 4) as unknown as Box;
    const side = Math.max(maxX - minX, maxY - minY);
    const isTiny = side < leastPx / worldPxOf(elsewhere) && (isWater || geometry.kind === "polygon");
    if (isWater && side < leastPx / worldPxOf(around)) continue;
    for (let i = from; i < to; i++) {
      if (keptAround[i]) ranks[i] = RANK.around;
      if (keptAnywhere[i] && !isTiny) ranks[i] = RANK.anywhere;
    }
  }
  ranked.set(geometry, ranks);
  return ranks;
}
