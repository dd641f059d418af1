import { deflateSync } from "node:zlib";
import { worldPxOf } from "../../geometry/mercator";
import { withScales } from "../aggregate/scales";
import { featureCountOf } from "../feature-count";
import { viewportOf } from "../projection";
import type { DetailSource, Scene, SceneLayer } from "../scene";
import { encodeScene, type PageOverview, type PageScene } from "./codec";
import { type Overview, overviewOfPaths, overviewOfPoints } from "./overview";
import { pickLayer } from "./pick";

/** Maximum size of the deflated scene: 7 MB in base64, so that the whole page stays below 8 MB. */
const SCENE_BUDGET_BYTES = 5_250_000;
/** Zoom of the finest overview, where a pixel is 5 m. */
const FINEST_ZOOM = 15;
/** The size of layers with more vertices is estimated from a sample of this many, within about 10 %… */
const MEASURED_VERTICES = 100_000;
/** …taken in this many runs. */
const RUNS = 8;
/** A scene whose estimate exceeds the budget by this factor is not packed as a whole. */
const SURELY_TOO_LARGE = 1.3;
/** Share of the budget to aim for: the features of an overview lie farther apart and take more bits each. */
const AIM = 0.97;

/** Clusters of more groups than these take long to make when the page is opened. */
const MAX_GROUPS = 30_000;
/** Overviews have the scales of the whole layer from here on; further out they find their own, which are the same there. */
const ZOOMED_OUT = 4;

/** A scene and its bytes in the page. */
export interface PackedScene {
  readonly page: PageScene;
  /** `encodeScene(page)`, deflated. */
  readonly bytes: Uint8Array;
}

/** Deflates a scene. If it exceeds the budget, its large layers are replaced by the finest overviews that fit. */
export function packScene(scene: Scene, budgetBytes = SCENE_BUDGET_BYTES): PackedScene {
  const sizes = scene.layers.map((layer) => estimatedSizeOf(scene, layer));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const whole = size < SURELY_TOO_LARGE * budgetBytes ? packed({ scene, overviews: [] }) : undefined;
  if (whole && whole.bytes.length <= budgetBytes) return whole;

  const shares = fairShares(sizes, budgetBytes * AIM);
  const overviews: (PageOverview | undefined)[] = [];
  const layers = scene.layers.map((layer, i) => {
    const [size = 0, share = 0] = [sizes[i], shares[i]];
    if (size <= share) return layer;
    const overview = overviewToFit(scene, layer, share);
    overviews[i] = { worldPx: overview.worldPx, note: noteOf(layer, overview.layer) };
    const worldPx = viewportOf(scene, { medium: "page" }).worldPx / ZOOMED_OUT;
    return withScales(overview.layer, layer, { worldPx, exactPx: overview.worldPx });
  });
  return packed({ scene: { ...scene, layers }, overviews });
}

/** Adds the sources of the full data of layers that are overviews, by index. */
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

/** Returns the packed size of a layer; for large layers, an estimate from runs of their features. */
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

/** Shares out `total` bytes: small layers get what they need, the others equal shares of the rest. */
function fairShares(sizes: readonly number[], total: number): number[] {
  const shares = sizes.map(() => 0);
  let left = total;
  const ascending = [...sizes.entries()].sort(([, a], [, b]) => a - b);
  for (const [done, [layer, size]] of ascending.entries()) {
    const share = Math.min(size, left / (sizes.length - done));
    shares[layer] = share;
    left -= share;
  }
  return shares;
}

/**
 * Returns the finest overview that fits its share. If not even an overview for the first view fits, it drops the columns
 * for tooltips, popups and labels, then becomes coarser.
 */
function overviewToFit(scene: Scene, layer: SceneLayer, shareBytes: number): Overview {
  const viewPx = viewportOf(scene, { medium: "page" }).worldPx;
  const scales = scalesFrom(viewPx);
  const finer: Overview[] = []; // known overviews, coarsest last: the next one is made from them
  const overviewAt = (worldPx: number) => {
    const base = finer.findLast((overview) => overview.worldPx >= worldPx)?.layer ?? layer;
    return overviewOf(base, worldPx);
  };
  let [low, high] = [0, scales.length - 1]; // scales[high] is used if no other fits
  while (low < high) {
    const middle = (low + high) >> 1;
    const overview = overviewAt(scales[middle] ?? viewPx);
    const size = () => estimatedSizeOf(scene, overview.layer, { worldPx: overview.worldPx, note: "" });
    if (isTooFine(overview.layer) || size() > shareBytes) {
      finer.push(overview);
      low = middle + 1;
    } else high = middle;
  }
  for (let i = low; ; i++) {
    const overview = overviewAt(scales[i] ?? viewPx / 2 ** (i - scales.length + 1));
    const { columns: _, ...bare } = overview.layer;
    const canBeBare = i >= scales.length - 1 && !layer.aggregate; // which is about its column
    for (const candidate of canBeBare ? [overview.layer, bare] : [overview.layer]) {
      const size = sizeOf(scene, candidate, { worldPx: overview.worldPx, note: "" });
      const isLast = verticesOf(candidate) <= 1;
      if (size <= shareBytes || (isLast && (candidate === bare || layer.aggregate)))
        return { ...overview, layer: candidate };
    }
  }
}

const isTooFine = ({ aggregate, rowCount }: SceneLayer): boolean =>
  aggregate?.as === "cluster" && rowCount > MAX_GROUPS;

/** Returns the scales to try, from the finest down to that of the first view. */
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

const verticesOf = ({ geometry }: SceneLayer): number =>
  geometry.kind === "point" ? geometry.x.length : geometry.xy.length / 2;
const featuresOf = ({ geometry }: SceneLayer): number => featureCountOf(geometry);

function noteOf(layer: SceneLayer, overview: SceneLayer): string {
  const { kind } = layer.geometry;
  if (layer.aggregate) return `overview of ${inWords(featuresOf(layer))} ${kind}s`;
  const [kept, all] = [overview, layer].map(featuresOf) as [number, number];
  const count = kept < all ? `${inWords(kept)} of ${inWords(all)} ${kind}s` : `${inWords(all)} ${kind}s`;
  const simplified = verticesOf(overview) < verticesOf(layer) && kind !== "point" ? ", simplified" : "";
  const unread = layer.columns && !overview.columns ? ", without tooltip and label values" : "";
  return `overview of ${count}${simplified}${unread}`;
}

const inWords = (count: number): string => count.toLocaleString("en-US");
