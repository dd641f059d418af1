import { deflateSync } from "node:zlib";
import { worldPxOf } from "../../geometry/mercator";
import { viewportOf } from "../projection";
import type { DetailSource, Scene, SceneLayer } from "../scene";
import { encodeScene, type PageOverview, type PageScene } from "./codec";
import { type Overview, overviewOfPaths, overviewOfPoints } from "./overview";
import { pickFeatures, pickLayerPoints } from "./pick";

/** What the scene may take in the page, deflated: 7 MB in base64, so that the page with all else stays below 8 MB. */
const SCENE_BUDGET_BYTES = 5_250_000;
/** No overview is finer than this: a pixel is 5 m. */
const FINEST_ZOOM = 15;
/** Layers of more vertices are not deflated to know how large they are: estimates are right to a tenth or so. */
const MEASURED_VERTICES = 100_000;
const RUNS = 8;
const SURELY_TOO_LARGE = 1.3;
/** What remains of a layer takes more bits each, as it lies farther apart: guesses are aimed this much lower. */
const AIM = 0.97;

/** A scene as the page carries it. */
export interface PackedScene {
  readonly page: PageScene;
  /** `encodeScene(page)`, deflated. */
  readonly bytes: Uint8Array;
}

/**
 * Deflates the scene. Where it is larger than the budget, overviews stand for its large layers: the finest for which
 * there is room.
 */
export function packScene(scene: Scene, budgetBytes = SCENE_BUDGET_BYTES): PackedScene {
  const sizes = scene.layers.map((layer) => estimatedSizeOf(scene, layer));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const whole = size < SURELY_TOO_LARGE * budgetBytes ? packed({ scene, overviews: [] }) : undefined;
  if (whole && whole.bytes.length <= budgetBytes) return whole;

  const shares = fairShares(sizes, budgetBytes * AIM);
  const overviews: (PageOverview | undefined)[] = [];
  const layers = scene.layers.map((layer, i) => {
    if (sizes[i]! <= shares[i]!) return layer;
    const overview = overviewToFit(scene, layer, shares[i]!);
    overviews[i] = { worldPx: overview.worldPx, note: noteOf(layer, overview.layer) };
    return overview.layer;
  });
  return packed({ scene: { ...scene, layers }, overviews });
}

/** The same, with where the page finds the detail of some layers that it has overviews of. */
export function withDetail({ page }: PackedScene, sources: ReadonlyMap<number, DetailSource>): PackedScene {
  const overviews = page.overviews.map((overview, i) => {
    const detail = sources.get(i);
    return overview && detail ? { ...overview, detail } : overview;
  });
  return packed({ ...page, overviews });
}

const packed = (page: PageScene): PackedScene => ({ page, bytes: deflateSync(encodeScene(page)) });
const sizeOf = (scene: Scene, layer: SceneLayer, overview?: PageOverview): number =>
  packed({ scene: { ...scene, layers: [layer] }, overviews: [overview] }).bytes.length;

/** Of large layers the size of some runs of their features, and what that makes for all. */
function estimatedSizeOf(scene: Scene, layer: SceneLayer, overview?: PageOverview): number {
  const count = featuresOf(layer);
  if (verticesOf(layer) <= MEASURED_VERTICES || count < 2 * RUNS) return sizeOf(scene, layer, overview);
  const share = MEASURED_VERTICES / verticesOf(layer);
  const length = Math.max(1, Math.floor((count * share) / RUNS));
  const indexes = Uint32Array.from({ length: RUNS * length }, (_, i) => {
    const run = Math.floor(i / length);
    return Math.floor((run * (count - length)) / (RUNS - 1)) + (i % length);
  });
  return (sizeOf(scene, pickLayer(layer, indexes), overview) * count) / indexes.length;
}

/** What each may take: small ones all they need, the others the same of what remains. */
function fairShares(sizes: readonly number[], total: number): number[] {
  const shares = sizes.map(() => 0);
  const ascending = sizes.map((_, i) => i).sort((a, b) => sizes[a]! - sizes[b]!);
  let left = total;
  ascending.forEach((layer, done) => {
    shares[layer] = Math.min(sizes[layer]!, left / (sizes.length - done));
    left -= shares[layer]!;
  });
  return shares;
}

/**
 * The finest overview that is not larger than its share. If not even the one of the first view is, it does without what
 * people read of the rows, and then becomes coarser.
 */
function overviewToFit(scene: Scene, layer: SceneLayer, shareBytes: number): Overview {
  const viewPx = viewportOf(scene).worldPx;
  const scales = scalesFrom(viewPx);
  const finer: Overview[] = []; // what is known, the coarsest last: a coarser one is made of it
  const overviewAt = (worldPx: number) => {
    const base = finer.findLast((overview) => overview.worldPx >= worldPx)?.layer ?? layer;
    return overviewOf(base, worldPx);
  };
  let [low, high] = [0, scales.length - 1]; // scales[high] is taken if none is found to fit
  while (low < high) {
    const middle = (low + high) >> 1;
    const overview = overviewAt(scales[middle]!);
    if (estimatedSizeOf(scene, overview.layer, { worldPx: overview.worldPx, note: "" }) > shareBytes) {
      finer.push(overview);
      low = middle + 1;
    } else high = middle;
  }
  for (let i = low; ; i++) {
    const overview = overviewAt(scales[i] ?? viewPx / 2 ** (i - scales.length + 1));
    const { columns: _, ...bare } = overview.layer;
    for (const candidate of i < scales.length - 1 ? [overview.layer] : [overview.layer, bare]) {
      const size = sizeOf(scene, candidate, { worldPx: overview.worldPx, note: "" });
      const isLast = verticesOf(candidate) <= 1;
      if (size <= shareBytes || (isLast && candidate === bare)) return { ...overview, layer: candidate };
    }
  }
}

/** From the finest zoom down to the first view. */
function scalesFrom(viewPx: number): number[] {
  const scales: number[] = [];
  for (let worldPx = worldPxOf(FINEST_ZOOM); worldPx > viewPx; worldPx /= 2) scales.push(worldPx);
  return [...scales, viewPx];
}

function overviewOf(layer: SceneLayer, worldPx: number): Overview {
  const { geometry } = layer;
  return geometry.kind === "point"
    ? overviewOfPoints(layer, geometry, worldPx)
    : overviewOfPaths(layer, geometry, worldPx);
}

function pickLayer(layer: SceneLayer, indexes: Uint32Array): SceneLayer {
  const { geometry } = layer;
  return geometry.kind === "point"
    ? pickLayerPoints(layer, geometry, indexes)
    : { ...layer, geometry: pickFeatures(geometry, indexes) };
}

const verticesOf = ({ geometry }: SceneLayer): number =>
  geometry.kind === "point" ? geometry.x.length : geometry.xy.length / 2;
const featuresOf = ({ geometry }: SceneLayer): number =>
  geometry.kind === "point" ? geometry.x.length : geometry.features.length - 1;

function noteOf(layer: SceneLayer, overview: SceneLayer): string {
  const { kind } = layer.geometry;
  const [kept, all] = [overview, layer].map(featuresOf) as [number, number];
  const count = kept < all ? `${inWords(kept)} of ${inWords(all)} ${kind}s` : `${inWords(all)} ${kind}s`;
  const simplified = verticesOf(overview) < verticesOf(layer) && kind !== "point" ? ", simplified" : "";
  const unread = layer.columns && !overview.columns ? ", without what is written about them" : "";
  return `overview of ${count}${simplified}${unread}`;
}

const inWords = (count: number): string => count.toLocaleString("en-US");
