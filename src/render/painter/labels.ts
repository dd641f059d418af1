/**
 * Places and paints the labels of features. They are placed for the whole map at once, whenever the zoom or the visible
 * layers change, so that labels do not jump while the map is panned and are not cut where it is painted strip by strip.
 * `!` in the loops: see `PathGeometry`; each layer has an entry in `#styles`.
 */

import type { TileId } from "../../geometry/mercator";
import { generationsAt } from "../clock";
import { featureCountOf } from "../feature-count";
import { onOneLine } from "../format";
import type { LabelStyle, PathGeometry, PointGeometry, RowColumn, SceneLayer, Viewport } from "../scene";
import { boxAround, copiesOf } from "./box";
import type { Canvas2D } from "./canvas";
import { type Clearance, Collisions, type Rect } from "./collisions";
import { cssColor, sizeSlots } from "./style";
import { needsTiles, type TileSource, tileKey } from "./tiled";

/** Maximum number of labels considered; those of the largest features and the first rows come first. */
const MAX_LABELS = 20_000;
/** Longer labels are cut. */
const MAX_LETTERS = 60;
/** Gap between a point and its label in CSS pixels. */
const GAP_PX = 3;
/** Free room to the left and right of each label in CSS pixels. */
const PADDING_PX = 2;
const HALO_PX = 3;
/** Line height as a share of the font size. */
const LINE = 1.2;
/** Distance from the middle of capital letters down to the baseline, as a share of the font size: half of 0.73 in Inter. */
const BASELINE = 0.365;

export const LABEL_FONT = "cartoframes";
/** Browsers look further than these for characters that they lack. */
export const PAGE_FONTS = `"${LABEL_FONT}", "Noto Sans", "DejaVu Sans", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif`;

/** A possible place for a label, in world units. */
interface Anchor {
  readonly x: number;
  readonly y: number;
  /** Maximum width of the label. */
  readonly room: number;
}

interface Candidate {
  readonly layer: number;
  readonly feature: number;
  readonly row: number;
  readonly text: string;
  readonly kind: "point" | "line" | "polygon";
  /** Best first. */
  readonly anchors: readonly Anchor[];
  /** Half the diameter of a point or the width of a line in CSS pixels. */
  readonly radiusPx: number;
  /** Labels with a larger weight are placed first. */
  readonly weight: number;
  /** NaN until it is measured. */
  widthPx: number;
}

/** A label with its place: an anchor, and an offset from it to the middle of the label. */
interface Placed {
  readonly candidate: Candidate;
  readonly anchor: Anchor;
  readonly offsetXPx: number;
  readonly offsetYPx: number;
}

const NO_RECTS: readonly Rect[] = [];

export class LabelPainter {
  /** CSS list of font families. */
  readonly #fonts: string;
  readonly #styles: readonly (LabelStyle | undefined)[];
  readonly #layers: readonly SceneLayer[];
  readonly #tiles: ReadonlyMap<number, TileSource>;
  readonly #copies: number;
  readonly #known = new WeakMap<SceneLayer, readonly Candidate[]>();
  readonly #rects = new WeakMap<readonly Placed[], readonly Rect[]>();
  /** By layer, not 0 for each row that is hidden. */
  readonly #failed = new Map<number, Uint32Array>();
  #candidates: { readonly key: string; readonly all: readonly Candidate[] } | undefined;
  #placed:
    | { readonly key: string; readonly isClear: boolean; readonly labels: readonly Placed[] }
    | undefined;

  /**
   * `tiles` holds the tile sources of layers that are overviews, by index, and `copies` is the number of copies of the
   * world on either side of it.
   */
  constructor(
    layers: readonly SceneLayer[],
    {
      tiles = new Map(),
      copies = Infinity,
      fonts = PAGE_FONTS,
    }: {
      tiles?: ReadonlyMap<number, TileSource> | undefined;
      copies?: number;
      fonts?: string | undefined;
    } = {},
  ) {
    this.#fonts = fonts;
    this.#layers = layers;
    this.#tiles = tiles;
    this.#copies = copies;
    this.#styles = layers.map(({ label }) => label);
  }

  #fontOf = (px: number): string => `500 ${px}px ${this.#fonts}`;

  get isEmpty(): boolean {
    return this.#styles.every((style) => style === undefined);
  }

  /** Hides the labels of the rows of a layer that fail filters; without `failed`, none. */
  filter(layer: number, failed: Uint32Array | undefined): void {
    if (!this.#styles[layer]) return;
    if (failed) this.#failed.set(layer, failed);
    else this.#failed.delete(layer);
    this.#placed = undefined;
  }

  /**
   * Paints the labels in the view; for animated layers, those of points that the frame shows. With `clear`, labels that
   * would be cut or covered there are left out; once it is gone, they are added to the others.
   */
  paint(
    context: Canvas2D,
    viewport: Viewport,
    hidden: ReadonlySet<number>,
    { frame, clear }: { readonly frame: number; readonly clear?: Clearance | undefined },
  ): void {
    if (this.isEmpty) return;
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const placed = this.#placedAt(context, worldPx, hidden, { frame, clear });

    context.textAlign = "left";
    context.textBaseline = "alphabetic"; // "middle" differs between Skia and Chromium
    context.lineJoin = "round";
    for (const { candidate, anchor, offsetXPx, offsetYPx } of placed) {
      const style = this.#styles[candidate.layer]!;
      const reachPx = candidate.widthPx / 2 + Math.abs(offsetXPx) + style.sizePx * 2 + HALO_PX;
      const view = boxAround(viewport, reachPx);
      for (const copy of copiesOf([anchor.x, anchor.y, anchor.x, anchor.y], view, this.#copies)) {
        // on whole pixels, where Chromium places text; Skia would not round by itself
        const left = (anchor.x + copy - originX) * worldPx + offsetXPx - candidate.widthPx / 2;
        const base = (anchor.y - originY) * worldPx + offsetYPx + BASELINE * style.sizePx;
        const [x, y] = [Math.round(left * pixelRatio), Math.round(base * pixelRatio)];
        context.font = this.#fontOf(style.sizePx * pixelRatio);
        context.strokeStyle = cssColor(style.halo);
        context.lineWidth = HALO_PX * pixelRatio;
        context.strokeText(candidate.text, x, y);
        context.fillStyle = cssColor(style.color);
        context.fillText(candidate.text, x, y);
      }
    }
  }

  /**
   * Returns the places of the labels at a scale, in CSS pixels from the corner of the world; the same array until they
   * change.
   */
  rectsAt(
    context: Canvas2D,
    worldPx: number,
    hidden: ReadonlySet<number>,
    now: { readonly frame: number; readonly clear?: Clearance | undefined },
  ): readonly Rect[] {
    if (this.isEmpty) return NO_RECTS;
    const labels = this.#placedAt(context, worldPx, hidden, now);
    let rects = this.#rects.get(labels);
    if (!rects) {
      rects = labels.map((label) => this.#rectOf(label, worldPx));
      this.#rects.set(labels, rects);
    }
    return rects;
  }

  /** Places the labels unless they are known. */
  #placedAt(
    context: Canvas2D,
    worldPx: number,
    hidden: ReadonlySet<number>,
    { frame, clear }: { readonly frame: number; readonly clear?: Clearance | undefined },
  ): readonly Placed[] {
    const isTimed = this.#layers.some(({ label, time }) => label && time);
    const parts = this.#partsAt(worldPx);
    const key = JSON.stringify([worldPx, [...hidden].sort(), isTimed ? frame : 0, parts]);
    const isClear = clear !== undefined && clear.viewport.worldPx === worldPx;
    if (this.#placed?.key !== key || this.#placed.isClear !== isClear) {
      const kept = this.#placed?.key === key && !isClear ? this.#placed.labels : [];
      const taken = new Collisions(this.#copies > 0 ? worldPx : Infinity, isClear ? clear : undefined);
      const labels = this.#place(context, { worldPx, parts, hidden, frame, taken, kept });
      this.#placed = { key, isClear, labels };
    }
    return this.#placed.labels;
  }

  /** Places the most important labels first, each where it covers none of those before it, nor of those that are kept. */
  #place(
    context: Canvas2D,
    {
      worldPx,
      parts,
      hidden,
      frame,
      taken,
      kept,
    }: {
      readonly worldPx: number;
      readonly parts: string;
      readonly hidden: ReadonlySet<number>;
      readonly frame: number;
      readonly taken: Collisions;
      readonly kept: readonly Placed[];
    },
  ): Placed[] {
    if (this.#candidates?.key !== parts) this.#candidates = { key: parts, all: this.#candidatesAt(worldPx) };
    const shown = this.#layers.map(({ time }) => time && generationsAt(time, frame));
    const placed = [...kept];
    for (const label of kept) taken.add(this.#rectOf(label, worldPx));
    const done = new Set(kept.map(({ candidate }) => candidate));
    for (const candidate of this.#candidates.all) {
      if (hidden.has(candidate.layer) || done.has(candidate)) continue;
      const { feature } = candidate;
      if ((this.#failed.get(candidate.layer)?.[candidate.row] ?? 0) !== 0) continue;
      const generations = shown[candidate.layer];
      if (generations && !generations.some(({ from, to }) => feature >= from && feature < to)) continue;
      const { sizePx } = this.#styles[candidate.layer]!;
      if (Number.isNaN(candidate.widthPx)) {
        context.font = this.#fontOf(sizePx);
        candidate.widthPx = context.measureText(candidate.text).width;
      }
      const label = this.#placeOne(candidate, worldPx, taken);
      if (label) placed.push(label);
    }
    return placed;
  }

  /** A key of everything that the candidates depend on. */
  #partsAt(worldPx: number): string {
    const tiled = [...this.#tiles].filter(
      ([layer, source]) => this.#styles[layer] && needsTiles(source, worldPx),
    );
    return tiled.map(([layer, { version }]) => `${layer} ${version} ${worldPx}`).join();
  }

  #candidatesAt(worldPx: number): Candidate[] {
    const all = this.#layers.flatMap((layer, index) => {
      const source = this.#tiles.get(index);
      const own = this.#labelsOf(layer, index);
      if (!layer.label || !source || !needsTiles(source, worldPx)) return own;
      const tiles = source.tilesAt(worldPx);
      const there = new Set(tiles.map(tileKey));
      const [first] = tiles;
      const isInTile = ({ anchors: [at] }: Candidate) => there.has(tileKey(squareOf(at!, first?.z ?? 0)));
      return [...own.filter((candidate) => !isInTile(candidate)), ...this.#labelsOfTiles(tiles, index)];
    });
    return all.sort((a, b) => b.weight - a.weight).slice(0, MAX_LABELS); // stable: equal weights stay in row order
  }

  /** Returns the labels anchored inside their own tile. A feature cut into several tiles gets one label, on its largest part. */
  #labelsOfTiles(tiles: ReturnType<TileSource["tilesAt"]>, layer: number): Candidate[] {
    const best = new Map<string | number, Candidate>();
    for (const { tile, ...square } of tiles) {
      for (const candidate of this.#labelsOf(tile.layer, layer)) {
        if (tileKey(squareOf(candidate.anchors[0]!, square.z)) !== tileKey(square)) continue;
        const id = tile.ids?.[candidate.feature] ?? `${tileKey(square)} ${candidate.feature}`;
        const other = best.get(id);
        if (!other || other.weight < candidate.weight) best.set(id, candidate);
      }
    }
    return [...best.values()];
  }

  #labelsOf(part: SceneLayer, layer: number): readonly Candidate[] {
    let labels = this.#known.get(part);
    if (!labels) {
      const column = part.label && part.columns?.[part.label.column];
      labels = column?.kind === "texts" ? labelsOf(part, layer, column) : [];
      this.#known.set(part, labels);
    }
    return labels;
  }

  #placeOne(candidate: Candidate, worldPx: number, taken: Collisions): Placed | undefined {
    const height = this.#styles[candidate.layer]!.sizePx * LINE;
    for (const anchor of candidate.anchors) {
      if (candidate.widthPx > anchor.room * worldPx) continue;
      for (const [offsetXPx, offsetYPx] of offsets(candidate, height)) {
        const label = { candidate, anchor, offsetXPx, offsetYPx };
        if (taken.add(this.#rectOf(label, worldPx))) return label;
      }
    }
    return undefined;
  }

  #rectOf({ candidate, anchor, offsetXPx, offsetYPx }: Placed, worldPx: number): Rect {
    const height = this.#styles[candidate.layer]!.sizePx * LINE;
    const left = anchor.x * worldPx + offsetXPx - candidate.widthPx / 2;
    const top = anchor.y * worldPx + offsetYPx - height / 2;
    return [left - PADDING_PX, top, left + candidate.widthPx + PADDING_PX, top + height];
  }
}

/** Offsets to try: right, left, above and below a point; above and below a line; the middle of a polygon. */
function offsets(
  { kind, widthPx, radiusPx }: Candidate,
  height: number,
): readonly (readonly [number, number])[] {
  if (kind === "polygon") return [[0, 0]];
  const aside = radiusPx + GAP_PX + widthPx / 2;
  const above = radiusPx + GAP_PX + height / 2 - 2;
  const upright = [[0, -above] as const, [0, above] as const];
  return kind === "line" ? upright : [[aside, 0], [-aside, 0], ...upright];
}

/** Returns the tile that contains a place, in the first copy of the world. */
function squareOf({ x, y }: Anchor, z: number): TileId {
  const count = 2 ** z;
  return {
    z,
    x: Math.floor((x - Math.floor(x)) * count),
    y: Math.max(0, Math.min(count - 1, Math.floor(y * count))),
  };
}

function labelsOf(
  { geometry, size }: SceneLayer,
  layer: number,
  { texts, codes }: RowColumn & { kind: "texts" },
): Candidate[] {
  const count = featureCountOf(geometry);
  const sizes = sizeSlots(size);
  const candidates: Candidate[] = [];
  for (let i = 0; i < count; i++) {
    const row = geometry.rows ? geometry.rows[i]! : i;
    const code = codes[row]!;
    const text = code === 0 ? "" : shortened(texts[code - 1]!);
    if (text === "") continue;
    const px = sizes.values[sizes.ofRow?.[row] ?? 0]!;
    const { anchors, weight } = placesOf(geometry, i, px);
    const { kind } = geometry;
    if (anchors.length > 0)
      candidates.push({
        layer,
        feature: i,
        row,
        text,
        kind,
        anchors,
        radiusPx: px / 2,
        weight,
        widthPx: Number.NaN,
      });
    // points of equal size are placed in row order, so the first ones are enough
    if (sizes.ofRow === undefined && geometry.kind === "point" && candidates.length === MAX_LABELS) break;
  }
  return candidates;
}

function shortened(text: string): string {
  const line = onOneLine(text, 4 * MAX_LETTERS);
  return line.length > MAX_LETTERS ? `${line.slice(0, MAX_LETTERS).trimEnd()}…` : line;
}

interface Places {
  readonly anchors: readonly Anchor[];
  readonly weight: number;
}

/** Places a label at a point, in the middle of the longest line, or where a polygon is widest. */
export function placesOf(geometry: PointGeometry | PathGeometry, i: number, px: number): Places {
  if (geometry.kind !== "point")
    return geometry.kind === "line" ? placesOfLine(geometry, i) : placesOfPolygon(geometry, i);
  const [x, y] = [geometry.x[i]!, geometry.y[i]!];
  return { anchors: Number.isFinite(x + y) ? [{ x, y, room: Infinity }] : [], weight: px };
}

function placesOfLine({ xy, paths, features }: PathGeometry, feature: number): Places {
  let best = { x: Number.NaN, y: Number.NaN, length: 0 };
  for (let path = features[feature]!; path < features[feature + 1]!; path++) {
    const [from, end] = [paths[path]!, paths[path + 1]!];
    let length = 0;
    for (let i = from; i + 1 < end; i++) length += segment(xy, i);
    if (!(length > best.length)) continue;
    let rest = length / 2;
    for (let i = from; i + 1 < end; i++) {
      const step = segment(xy, i);
      if (step < rest) {
        rest -= step;
        continue;
      }
      const share = rest / step;
      best = {
        x: xy[2 * i]! + share * (xy[2 * i + 2]! - xy[2 * i]!),
        y: xy[2 * i + 1]! + share * (xy[2 * i + 3]! - xy[2 * i + 1]!),
        length,
      };
      break;
    }
  }
  const { x, y, length } = best;
  return { anchors: length > 0 ? [{ x, y, room: length }] : [], weight: length };
}

const segment = (xy: Float64Array, i: number) =>
  Math.hypot(xy[2 * i + 2]! - xy[2 * i]!, xy[2 * i + 3]! - xy[2 * i + 1]!);

/** Number of heights at which a polygon is scanned for its widest place. */
const SCANS = 9;
/** A label may be wider than its polygon by this factor; there is usually room over the neighbours. */
const OVERHANG = 1.25;
/** Text is wider than it is high: a place needs only this much less height than width. */
const FLATNESS = 3;

/** Scans the largest part at several heights and scores places by their width and their room above and below. */
export function placesOfPolygon({ xy, paths, features }: PathGeometry, feature: number): Places {
  const [first, last] = [features[feature]!, features[feature + 1]!];
  let [largest, outer] = [0, -1];
  for (let path = first; path < last; path++) {
    const area = Math.abs(ringArea(xy, paths[path]!, paths[path + 1]!));
    if (area > largest) [largest, outer] = [area, path];
  }
  if (outer === -1) return { anchors: [], weight: 0 };
  let [minY, maxY] = [Infinity, -Infinity];
  for (let i = paths[outer]!; i < paths[outer + 1]!; i++) {
    minY = Math.min(minY, xy[2 * i + 1]!);
    maxY = Math.max(maxY, xy[2 * i + 1]!);
  }
  const places: (Anchor & { score: number })[] = [];
  for (let scan = 1; scan <= SCANS; scan++) {
    const y = minY + ((maxY - minY) * scan) / (SCANS + 1);
    const [from, to] = widest(crossingsAt(xy, paths, first, last, 1, y)) ?? [0, 0];
    const x = (from + to) / 2;
    const upright = crossingsAt(xy, paths, first, last, 0, x);
    const above = upright.filter((at) => at < y).at(-1) ?? y;
    const below = upright.find((at) => at > y) ?? y;
    const clear = Math.min(y - above, below - y);
    const score = Math.min(to - from, 2 * FLATNESS * clear) + clear; // prefers the middle of equally wide places
    if (to > from) places.push({ x, y, room: (to - from) * OVERHANG, score });
  }
  places.sort((a, b) => b.score - a.score);
  return {
    anchors: places.map(({ x, y, room }) => ({ x, y, room })),
    weight: Math.sqrt(largest),
  };
}

/** Returns the widest interval inside the polygon, which lies between pairs of crossings. */
function widest(crossings: readonly number[]): readonly [number, number] | undefined {
  let found: readonly [number, number] | undefined;
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    const [from, to] = [crossings[i]!, crossings[i + 1]!];
    if (!found || to - from > found[1] - found[0]) found = [from, to];
  }
  return found;
}

function ringArea(xy: Float64Array, from: number, end: number): number {
  let twice = 0;
  for (let i = from, j = end - 1; i < end; j = i++)
    twice += (xy[2 * j]! - xy[2 * i]!) * (xy[2 * j + 1]! + xy[2 * i + 1]!);
  return twice / 2;
}

/** Returns where rings cross the line y = value (axis 1) or x = value (axis 0), ascending. */
function crossingsAt(
  xy: Float64Array,
  paths: Uint32Array,
  first: number,
  last: number,
  axis: 0 | 1,
  value: number,
): number[] {
  const other = 1 - axis;
  const crossings: number[] = [];
  for (let path = first; path < last; path++) {
    const [from, end] = [paths[path]!, paths[path + 1]!];
    for (let i = from, j = end - 1; i < end; j = i++) {
      const [a, b] = [xy[2 * i + axis]!, xy[2 * j + axis]!];
      if (a > value === b > value) continue;
      const [c, d] = [xy[2 * i + other]!, xy[2 * j + other]!];
      crossings.push(((d - c) * (value - a)) / (b - a) + c);
    }
  }
  return crossings.sort((a, b) => a - b);
}
