/**
 * Land and borders as a page carries them: all vertices there are around the first view, fewer farther away, and no more
 * than a map of the world shows. One of a country takes half of the world's outlines, one of a town a quarter; where tiles
 * come, they hide all of it.
 */
import { deflateSync } from "node:zlib";
import { worldOutlines } from "../assets";
import { encodeBasemap } from "../basemap-data";
import type { BasemapShapes } from "../painter";
import { boxesOfPaths, type Box as PathBox } from "../painter/box";
import { viewportOf, worldPxOf, zoomOf } from "../projection";
import type { PathGeometry, Scene } from "../scene";
import { keptVertices } from "./simplify";

/** Outlines are right to half a pixel up to this zoom in the surroundings of the first view, up to the other anywhere. */
const ZOOM_AROUND = 5;
const ZOOM_ELSEWHERE = 2;
/** First views farther out are not followed by ones in which more than the surroundings' vertices would be seen. */
const MIN_ZOOM_NEAR = ZOOM_AROUND - 2;
/** How far all vertices stay beyond the first view, in views: the page may be wider, or be dragged. */
const MARGIN_VIEWS = 0.25;
/** How far beyond that the surroundings reach: 20° of longitude. */
const AROUND = 20 / 360;

const tolerance = (zoom: number) => 0.5 / worldPxOf(zoom);

/** In which part of the world a vertex is still there. */
const RANK = { near: 0, around: 1, anywhere: 2 } as const;

/** World units; `west` and `east` may be those of a copy of the world. */
interface Box {
  readonly west: number;
  readonly north: number;
  readonly east: number;
  readonly south: number;
}

interface Detail {
  readonly near: Box | undefined;
  readonly around: Box;
}

/** What `decodeBasemap` reads, deflated. */
export function packOutlines(scene: Scene): Uint8Array {
  const { land, borders, stateBorders } = worldOutlines();
  const near = boxNear(scene);
  const detail: Detail = {
    near: zoomOf(viewportOf(scene).worldPx) >= MIN_ZOOM_NEAR ? near : undefined,
    around: grown(near, AROUND, AROUND),
  };
  return deflateSync(
    encodeBasemap({
      land: detailed(land, detail),
      borders: detailed(borders, detail),
      stateBorders: detailed(stateBorders, detail),
    } satisfies BasemapShapes),
    { level: 9 },
  );
}

/**
 * A line between two vertices of which one is left out beyond the box may be off by the tolerance twice over: so much
 * farther than the view the box reaches at least.
 */
function boxNear(scene: Scene): Box {
  const { originX, originY, worldPx, widthPx, heightPx } = viewportOf(scene);
  const least = 2 * tolerance(ZOOM_AROUND);
  const [beyondX, beyondY] = [widthPx, heightPx].map((px) => Math.max(least, (MARGIN_VIEWS * px) / worldPx));
  const box = {
    west: originX,
    north: originY,
    east: originX + widthPx / worldPx,
    south: originY + heightPx / worldPx,
  };
  return grown(box, beyondX!, beyondY!);
}

const grown = ({ west, north, east, south }: Box, x: number, y: number): Box => ({
  west: west - x,
  north: north - y,
  east: east + x,
  south: south + y,
});

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
  return {
    kind: geometry.kind,
    xy: Float64Array.from(picked),
    paths: Uint32Array.from(ends),
    features: Uint32Array.from(featureEnds),
  };
}

function isIn({ west, north, east, south }: Box, x: number, y: number): boolean {
  return y >= north && y <= south && x - Math.floor(x - west) <= east;
}

const ranked = new WeakMap<PathGeometry, Uint8Array>();

/** Simplified once. Elsewhere, islands of less than a pixel are left out. */
function ranksOf(geometry: PathGeometry): Uint8Array {
  const known = ranked.get(geometry);
  if (known) return known;
  const { kind, xy, paths } = geometry;
  const [around, anywhere] = [ZOOM_AROUND, ZOOM_ELSEWHERE].map((zoom) =>
    keptVertices(geometry, tolerance(zoom)),
  );
  const boxes = boxesOfPaths(xy, paths);
  const ranks = new Uint8Array(xy.length / 2); // RANK.near
  for (let path = 0; path + 1 < paths.length; path++) {
    const [from, to] = [paths[path]!, paths[path + 1]!];
    const [minX, minY, maxX, maxY] = boxes.subarray(4 * path, 4 * path + 4) as unknown as PathBox;
    const isTiny = kind === "polygon" && Math.max(maxX - minX, maxY - minY) < 1 / worldPxOf(ZOOM_ELSEWHERE);
    for (let i = from; i < to; i++) {
      if (around![i]) ranks[i] = RANK.around;
      if (anywhere![i] && !isTiny) ranks[i] = RANK.anywhere;
    }
  }
  ranked.set(geometry, ranks);
  return ranks;
}
