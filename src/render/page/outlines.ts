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

/** In the surroundings of the first view, outlines are exact to half a pixel up to this zoom… */
const ZOOM_AROUND = 5;
/** …and elsewhere up to this one. */
const ZOOM_ELSEWHERE = 2;
/** A first view at a lower zoom needs no more vertices than its surroundings. */
const MIN_ZOOM_NEAR = ZOOM_AROUND - 2;
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
  readonly around: Box;
}

/** Returns outlines that `decodeBasemap` reads, deflated. */
export function packOutlines(scene: Scene): Uint8Array {
  const { land, borders, stateBorders, ...rest } = outlinesOf(scene);
  const near = boxNear(scene);
  const detail: Detail = {
    near: zoomOf(viewportOf(scene, { medium: "page" }).worldPx) >= MIN_ZOOM_NEAR ? near : undefined,
    around: grown(near, AROUND, AROUND),
  };
  return deflateSync(
    encodeBasemap({
      land: detailed(land, detail),
      borders: detailed(borders, detail),
      stateBorders: detailed(stateBorders, detail),
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
  const least = 2 * tolerance(ZOOM_AROUND);
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

function detailed(geometry: PathGeometry, { near, around }: Detail): PathGeometry {
  const { xy, paths, features } = geometry;
  const ranks = ranksOf(geometry);
  const picked: number[] = [];
  const ends = [0];
  const featureEnds = [0];
  for (let feature = 0; feature + 1 < features.length; feature++) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      for (let i = paths[path]!; i < paths[path + 1]!; i++) {
        const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
        if (
          ranks[i] === RANK.anywhere ||
          (near && isIn(near, x, y)) ||
          (ranks[i] === RANK.around && isIn(around, x, y))
        )
          picked.push(x, y);
      }
      if (picked.length / 2 > ends.at(-1)!) ends.push(picked.length / 2);
    }
    if (ends.length - 1 > featureEnds.at(-1)!) featureEnds.push(ends.length - 1);
  }
  return pathGeometry(geometry.kind, picked, ends, featureEnds);
}

function isIn([minX, minY, maxX, maxY]: Box, x: number, y: number): boolean {
  return y >= minY && y <= maxY && x - Math.floor(x - minX) <= maxX;
}

const ranked = new WeakMap<PathGeometry, Uint8Array>();

/** Ranks vertices, once per geometry. Islands smaller than a pixel are left out elsewhere. */
function ranksOf(geometry: PathGeometry): Uint8Array {
  const known = ranked.get(geometry);
  if (known) return known;
  const { kind, xy, paths } = geometry;
  const around = keptVertices(geometry, tolerance(ZOOM_AROUND));
  const anywhere = keptVertices(geometry, tolerance(ZOOM_ELSEWHERE));
  const boxes = boxesOfPaths(xy, paths);
  const ranks = new Uint8Array(xy.length / 2); // RANK.near
  for (let path = 0; path + 1 < paths.length; path++) {
    const [from, to] = [paths[path]!, paths[path + 1]!];
    const [minX, minY, maxX, maxY] = boxes.subarray(4 * path, 4 * path + 4) as unknown as Box;
    const isTiny = kind === "polygon" && Math.max(maxX - minX, maxY - minY) < 1 / worldPxOf(ZOOM_ELSEWHERE);
    for (let i = from; i < to; i++) {
      if (around[i]) ranks[i] = RANK.around;
      if (anywhere[i] && !isTiny) ranks[i] = RANK.anywhere;
    }
  }
  ranked.set(geometry, ranks);
  return ranks;
}
