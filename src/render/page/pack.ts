import { deflateSync } from "node:zlib";
import { viewportOf } from "../projection";
import type { PathGeometry, Scene, SceneLayer, TimeStyle } from "../scene";
import { encodeScene, type PageScene } from "./codec";
import { pickFeatures, pickLayerPoints } from "./pick";
import { simplify } from "./simplify";

/** What the scene may take in the page, deflated: 7 MB in base64, so that the page with all else stays below 8 MB. */
const SCENE_BUDGET_BYTES = 5_250_000;
/** Outlines are simplified to half a pixel of this zoom first, then of the next lower ones down to the first view's. */
const FINEST_SIMPLIFIED_ZOOM = 15;
/** Fewer points are farther apart and take more bits each: the first guess is aimed this much lower. */
const AIM = 0.97;

/** The scene as the page carries it. */
export interface PackedScene {
  /** `encodeScene`, deflated. */
  readonly bytes: Uint8Array;
  /** Sentences about what is not in the page; it shows them. */
  readonly notes: readonly string[];
}

/**
 * Deflates the scene. Where it is larger than the budget, large layers are reduced until it is not: of points and
 * features every k-th stays, after outlines are simplified as far as the first view allows.
 */
export function packScene(scene: Scene, budgetBytes = SCENE_BUDGET_BYTES): PackedScene {
  const whole = deflated({ scene, notes: [] });
  if (whole.length <= budgetBytes) return { bytes: whole, notes: [] };

  const sizes = scene.layers.map((layer) => sizeOf(scene, layer));
  const shares = fairShares(sizes, budgetBytes * AIM);
  const notes: string[] = [];
  const layers = scene.layers.map((layer, i) => {
    if (sizes[i]! <= shares[i]!) return layer;
    const { reduced, note } = reduce(scene, layer, sizes[i]!, shares[i]!);
    notes.push(scene.layers.length > 1 ? `Layer ${i + 1}: ${note}` : note);
    return reduced;
  });
  return { bytes: deflated({ scene: { ...scene, layers }, notes }), notes };
}

const deflated = (page: PageScene): Uint8Array => deflateSync(encodeScene(page));
const sizeOf = (scene: Scene, layer: SceneLayer): number =>
  deflated({ scene: { ...scene, layers: [layer] }, notes: [] }).length;

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

interface Reduced {
  readonly reduced: SceneLayer;
  readonly note: string;
}

function reduce(scene: Scene, layer: SceneLayer, size: number, share: number): Reduced {
  const { geometry } = layer;
  if (geometry.kind === "point") {
    return thin(scene, layer, geometry.x.length, size, share, "points", (indexes) =>
      pickLayerPoints(layer, geometry, layer.time ? withEveryFrame(indexes, layer.time) : indexes),
    );
  }
  const { reduced, note, size: simplifiedSize } = simplifyToFit(scene, layer, geometry, share);
  if (simplifiedSize <= share) return { reduced, note };
  const paths = reduced.geometry as PathGeometry;
  const features = paths.features.length - 1;
  const things = paths.kind === "line" ? "lines" : "polygons";
  const thinned = thin(scene, reduced, features, simplifiedSize, share, things, (indexes) => ({
    ...reduced,
    geometry: pickFeatures(paths, indexes),
  }));
  return { reduced: thinned.reduced, note: `${thinned.note} ${note}`.trimEnd() };
}

function simplifyToFit(scene: Scene, layer: SceneLayer, geometry: PathGeometry, share: number) {
  const { worldPx } = viewportOf(scene);
  let paths = geometry;
  let size = Infinity;
  for (let px = 256 * 2 ** FINEST_SIMPLIFIED_ZOOM; size > share; px /= 2) {
    paths = simplify(paths, 0.5 / Math.max(px, worldPx));
    size = sizeOf(scene, { ...layer, geometry: paths });
    if (px <= worldPx) break;
  }
  const [kept, all] = [paths.xy.length / 2, geometry.xy.length / 2];
  const what = geometry.kind === "line" ? "Lines" : "Outlines";
  return {
    reduced: { ...layer, geometry: paths },
    size,
    note: kept < all ? `${what} are simplified (${inWords(kept)} of ${inWords(all)} vertices).` : "",
  };
}

function thin(
  scene: Scene,
  layer: SceneLayer,
  count: number,
  size: number,
  share: number,
  things: string,
  pick: (indexes: Uint32Array) => SceneLayer,
): Reduced {
  let kept = count;
  let reduced = layer;
  for (let now = size; now > share && kept > 1; ) {
    kept = Math.max(1, Math.floor(kept * (share / now) * AIM));
    const step = count / kept;
    reduced = pick(Uint32Array.from({ length: kept }, (_, i) => Math.floor(i * step)));
    now = sizeOf(scene, reduced);
  }
  const { geometry } = reduced;
  const left = geometry.kind === "point" ? geometry.x.length : kept;
  return { reduced, note: `Showing ${inWords(left)} of ${inWords(count)} ${things}.` };
}

/** Every k-th point of all is every k-th of each frame; frames of fewer keep their first, so that no time is lost. */
function withEveryFrame(indexes: Uint32Array, { starts }: TimeStyle): Uint32Array {
  const firsts = starts.subarray(0, -1).filter((start, frame) => starts[frame + 1]! > start);
  return Uint32Array.from(new Set([...firsts, ...indexes])).sort();
}

const inWords = (count: number): string => count.toLocaleString("en-US");
