import type { Box } from "../../geometry/clip";
import { generationsAt } from "../clock";
import { HOLLOW_PX, sizeInView } from "../point-size";
import type { PointGeometry, Rgba, SceneLayer, SizeStyle, Viewport } from "../scene";
import { boxAround, contains, copiesOf, movedX } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { hitPoints } from "./hit";
import { Ink } from "./ink";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";
import { boxOf, forEachBlock, indexPoints, type PointIndex } from "./point-index";
import { type Disc, PHASE_BITS, PHASES, reachOf, StampSet } from "./stamps";
import { colorSlots, type Slots, sizeSlots, strokeHighlight } from "./style";

/** Number of stamps after which hidden areas are looked for, and looked for again. */
const FIRST_LOOK = 10_000;

const TRANSPARENT: Rgba = [0, 0, 0, 0];

/** Points to paint: those at the `ranges` of `ids`, in painting order. */
interface Candidates {
  readonly ids?: Uint32Array;
  /** Positions in `ids`, or point indexes if it is absent. */
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** Lengths in device pixels. */
interface Frame {
  readonly width: number;
  readonly height: number;
  /** Width of the border of the image around the canvas. */
  readonly margin: number;
  /** Radius of the largest disc, its outline included. */
  readonly reach: number;
  readonly copies: readonly number[];
  readonly stamps: StampSet;
}

/**
 * Paints a layer of points: later points over earlier ones, and the opacity applied to the finished layer. `!`: point
 * indexes are below the number of points, and each slot has a colour and a size.
 */
export class PointPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly #geometry: PointGeometry;
  readonly #colors: Slots<Rgba>;
  readonly #sizes: Slots<number>;
  /** Slots of sizes below this are those of hollow points. */
  readonly #hollowBelow: number;
  /** Returns the factor by which points grow at a scale. */
  readonly #growthIn: (worldPx: number) => number;
  readonly #box: Box;
  #index: PointIndex | undefined;
  /** Combined slot of colour and size of each row; absent if all rows share one. */
  readonly #slotOf: Uint16Array | undefined;
  /** Copies of the world on either side of it. */
  readonly #copies: number;
  /** Not 0 for each row that is hidden; absent if none is. */
  #failed: Uint32Array | undefined;
  #stamps: { readonly pixelRatio: number; readonly byGrowth: Map<number, StampSet> } | undefined;

  constructor(layer: SceneLayer, geometry: PointGeometry, copies = Infinity) {
    this.layer = layer;
    this.#copies = copies;
    this.#geometry = geometry;
    this.#colors = colorSlots(layer.color);
    this.#sizes = sizeSlots(layer.size);
    this.#hollowBelow = layer.size.kind === "classes" ? (layer.size.hollowBelow ?? 0) : 0;
    this.#growthIn = growthOf(layer.size);
    this.#slotOf = combined(this.#colors, this.#sizes);
    this.#box = boxOf(geometry.x, geometry.y);
  }

  filter(failed: Uint32Array | undefined): void {
    this.#failed = failed;
  }

  warm(): PointIndex {
    const { x, y } = this.#geometry;
    this.#index ??= indexPoints(x, y, this.#box);
    return this.#index;
  }

  /** Returns the number of points that show, without those that others cover. */
  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    const { time, opacity } = this.layer;
    const larger = this.#growthIn(viewport.worldPx);
    if (!time) return this.#paintPart(target, viewport, scratch, { growth: larger, opacity });
    let shown = 0;
    for (const { from, to, growth, fade } of generationsAt(time, frame))
      shown += this.#paintPart(target, viewport, scratch, {
        growth: growth * larger,
        opacity: opacity * fade,
        only: { ranges: [[from, to]] },
      });
    return shown;
  }

  #paintPart(
    target: Canvas2D,
    viewport: Viewport,
    scratch: Scratch,
    { growth, opacity, only }: { growth: number; opacity: number; only?: Candidates },
  ): number {
    const { pixelRatio } = viewport;
    const stamps = this.#stampsFor(pixelRatio, growth);
    const reach = Math.max(
      0,
      ...this.#sizes.values.map((_, i) => reachOf(this.#disc(0, i, pixelRatio, growth))),
    );
    const around = boxAround(viewport, reach / pixelRatio);
    const copies = copiesOf(this.#box, around, this.#copies);
    if (copies.length === 0) return 0;

    const [width, height] = [
      Math.round(viewport.widthPx * pixelRatio),
      Math.round(viewport.heightPx * pixelRatio),
    ];
    const margin = 2 * Math.ceil(reach) + 2; // so that the edge of the image cuts no visible disc
    const { surface, context } = scratch.surface(width, height);
    const image = scratch.pixels(context, width + 2 * margin, height + 2 * margin);
    const ink = new Ink(image, { maxAlpha: this.#maxAlpha(), hideSize: 2 * stamps.half + 1 });
    const frame = { width, height, margin, reach, copies, stamps };
    const shown = this.#stampAll(ink, only ?? this.#candidates(around, copies), viewport, frame);
    ink.finish();
    context.putImageData(image, -margin, -margin);
    target.globalAlpha = opacity;
    target.drawImage(surface, 0, 0);
    target.globalAlpha = 1;
    return shown;
  }

  hitAll({ x, y }: Place, { worldPx, slopPx, frame, most }: Look): Found[] {
    const { rows } = this.#geometry;
    const larger = this.#growthIn(worldPx);
    const growthOf = this.#growthAt(frame, larger);
    const { ofRow, values } = this.#sizes;
    const rowOf = (point: number) => (rows === undefined ? point : rows[point]!);
    const failed = this.#failed;
    const radiusOf = (point: number) =>
      failed !== undefined && failed[rowOf(point)] !== 0 ? Number.NaN : shownRadiusOf(point);
    const shownRadiusOf = (point: number) =>
      ((values[ofRow === undefined ? 0 : ofRow[rowOf(point)]!]! / 2) * growthOf(point)) / worldPx;
    const largestPx = Math.max(0, ...values) * larger * (1 + (this.layer.time?.trails ?? 0));
    const limits = { maxRadius: largestPx / 2 / worldPx, slop: slopPx / worldPx, most };
    const reach = limits.maxRadius + limits.slop;
    const byRow = new Map<number, Found>(); // two points of a MultiPoint are one row
    for (const copy of copiesOf(this.#box, [x - reach, y - reach, x + reach, y + reach], this.#copies)) {
      for (const feature of hitPoints(this.#geometry, this.warm(), { x: x - copy, y }, radiusOf, limits)) {
        const row = rowOf(feature);
        if (!byRow.has(row)) byRow.set(row, { feature, row, of: this.layer });
      }
    }
    return [...byRow.values()].slice(0, most);
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    const { x, y, rows } = this.#geometry;
    const growthOf = this.#growthAt(frame, 1);
    const view = boxAround(viewport, 0);
    const failed = this.#failed;
    const placed: Placed[] = [];
    const { order, boxes } = this.warm();
    for (const copy of copiesOf(this.#box, view, this.#copies)) {
      const [minX, minY, maxX, maxY] = movedX(view, -copy);
      forEachBlock({ boxes }, x.length, [minX, minY, maxX, maxY], (from, to) => {
        for (let k = from; k < to && placed.length < most; k++) {
          const i = order === undefined ? k : order[k]!;
          const [px, py] = [x[i]!, y[i]!];
          if (!(px >= minX && px <= maxX && py >= minY && py <= maxY && growthOf(i) > 0)) continue;
          const row = rows === undefined ? i : rows[i]!;
          if (failed !== undefined && failed[row] !== 0) continue;
          placed.push({ feature: i, row, of: this.layer, x: px + copy, y: py });
        }
      });
    }
    return placed;
  }

  /** Returns the factor by which the scale and a trail enlarge a point; NaN if the frame does not show the point. */
  #growthAt(frame: number, larger: number): (point: number) => number {
    const { time } = this.layer;
    if (!time) return () => larger;
    const generations = generationsAt(time, frame);
    return (point) =>
      larger * (generations.find(({ from, to }) => point >= from && point < to)?.growth ?? Number.NaN);
  }

  /** Draws a ring around a point if the frame shows it. */
  highlight(
    context: Canvas2D,
    { originX, originY, worldPx, pixelRatio, widthPx }: Viewport,
    { feature, row }: Found,
    frame: number,
  ): void {
    const { x, y } = this.#geometry;
    const growth = this.#growthAt(frame, this.#growthIn(worldPx))(feature);
    if (Number.isNaN(growth)) return;
    const radius = ((this.#sizes.values[this.#sizes.ofRow?.[row] ?? 0]! * growth) / 2 + 1) * pixelRatio;
    const scale = worldPx * pixelRatio;
    const box = [x[feature]!, originY, x[feature]!, originY] as const;
    for (const copy of copiesOf(
      box,
      [originX, originY, originX + widthPx / worldPx, originY],
      this.#copies,
    )) {
      context.beginPath();
      context.arc(
        (x[feature]! + copy - originX) * scale,
        (y[feature]! - originY) * scale,
        radius,
        0,
        2 * Math.PI,
      );
      strokeHighlight(context, pixelRatio);
    }
  }

  /** Stamps from the last point to the first, because ink goes under what is there already. */
  #stampAll(
    ink: Ink,
    { ids, ranges }: Candidates,
    { originX, originY, worldPx, pixelRatio }: Viewport,
    { copies, reach, margin, width, height, stamps }: Frame,
  ): number {
    const { x, y, rows } = this.#geometry;
    const slotOf = this.#slotOf;
    const failed = this.#failed;
    const scale = worldPx * pixelRatio;
    const [maxX, maxY] = [width + reach, height + reach];
    const largestHalf = stamps.half;
    const [phases, phaseBits, lastPhase] = [PHASES, PHASE_BITS, PHASES - 1];
    let shown = 0;
    let stamped = 0;
    let lookAgainAt = FIRST_LOOK;
    for (let r = ranges.length - 1; r >= 0; r--) {
      const [from, to] = ranges[r]!;
      for (let k = to - 1; k >= from; k--) {
        const i = ids === undefined ? k : ids[k]!;
        if (failed !== undefined && failed[rows === undefined ? i : rows[i]!] !== 0) continue;
        const py = (y[i]! - originY) * scale;
        if (!(py >= -reach && py <= maxY)) continue; // skips NaN, too
        const stepY = ((py + margin) * phases + 0.5) | 0;
        const pixelY = stepY >> phaseBits;
        for (let c = 0; c < copies.length; c++) {
          const px = (x[i]! + copies[c]! - originX) * scale;
          if (!(px >= -reach && px <= maxX)) continue;
          const stepX = ((px + margin) * phases + 0.5) | 0;
          const pixelX = stepX >> phaseBits;
          if (ink.hides(pixelX - largestHalf, pixelY - largestHalf)) continue;
          const slot = slotOf === undefined ? 0 : slotOf[rows === undefined ? i : rows[i]!]!;
          const stamp = stamps.at(slot, stepX & lastPhase, stepY & lastPhase);
          if (ink.stamp(stamp, pixelX - stamp.half, pixelY - stamp.half)) shown++;
          if (++stamped !== lookAgainAt) continue;
          ink.findHidden();
          lookAgainAt += Math.max(FIRST_LOOK, stamped >> 2);
        }
      }
    }
    return shown;
  }

  /** Returns the points of the blocks that touch a copy of the view, or all points if that saves little. */
  #candidates(around: Box, copies: readonly number[]): Candidates {
    const count = this.#geometry.x.length;
    const all = { ranges: [[0, count]] } as const;
    if (copies.some((copy) => contains(movedX(around, -copy), this.#box))) return all;

    const { order, boxes } = this.warm();
    const blocks = new Map<number, number>();
    for (const copy of copies)
      forEachBlock({ boxes }, count, movedX(around, -copy), (from, to) => blocks.set(from, to));
    const ranges = [...blocks].sort(([a], [b]) => a - b);
    const touched = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (touched > count / 2) return all;
    if (!order) return { ranges };
    return { ids: ascending(order, ranges, touched, count), ranges: [[0, touched]] };
  }

  #disc(color: number, size: number, pixelRatio: number, growth: number): Disc {
    const { stroke } = this.layer;
    const radius = Math.max(0, (this.#sizes.values[size]! * pixelRatio * growth) / 2);
    const fill = this.#colors.values[color]!;
    if (size < this.#hollowBelow && radius > 0) {
      const width = Math.min(radius / 2, HOLLOW_PX * pixelRatio);
      return { radius: radius - width / 2, fill: TRANSPARENT, outline: { color: fill, width } };
    }
    if (!stroke || radius === 0) return { radius, fill };
    return { radius, fill, outline: { color: stroke.color, width: stroke.widthPx * pixelRatio } };
  }

  #stampsFor(pixelRatio: number, growth: number): StampSet {
    if (this.#stamps?.pixelRatio !== pixelRatio) this.#stamps = { pixelRatio, byGrowth: new Map() };
    const { byGrowth } = this.#stamps;
    let set = byGrowth.get(growth);
    if (set === undefined) {
      const sizes = this.#sizes.values.length;
      const discs = Array.from({ length: this.#colors.values.length * sizes }, (_, slot) =>
        this.#disc(Math.floor(slot / sizes), slot % sizes, pixelRatio, growth),
      );
      set = new StampSet(discs);
      byGrowth.set(growth, set);
    }
    return set;
  }

  #maxAlpha(): number {
    return Math.max(this.layer.stroke?.color[3] ?? 0, ...this.#colors.values.map((color) => color[3]));
  }
}

function growthOf(size: SizeStyle): (worldPx: number) => number {
  if (size.kind !== "constant" || !size.spread) return () => 1;
  const { px, spread } = size;
  return (worldPx) => sizeInView(spread, worldPx) / px;
}

/** Returns colour × number of sizes + size for each row. */
function combined(colors: Slots<unknown>, { values, ofRow }: Slots<unknown>): Uint16Array | undefined {
  if (!colors.ofRow) return ofRow && Uint16Array.from(ofRow);
  const slots = Uint16Array.from(colors.ofRow);
  for (let row = 0; row < slots.length; row++) slots[row] = slots[row]! * values.length + (ofRow?.[row] ?? 0);
  return slots;
}

/** Returns the point indexes in some ranges of `order`, sorted with one bit per point: faster than any comparison sort. */
function ascending(
  order: Uint32Array,
  ranges: readonly (readonly [number, number])[],
  touched: number,
  count: number,
): Uint32Array {
  const marks = new Int32Array((count + 31) >> 5);
  for (const [from, to] of ranges) {
    for (let k = from; k < to; k++) marks[order[k]! >> 5]! |= 1 << (order[k]! & 31);
  }
  const ids = new Uint32Array(touched);
  let at = 0;
  for (let word = 0; word < marks.length; word++) {
    for (let bits = marks[word]!; bits !== 0; bits &= bits - 1) {
      ids[at++] = (word << 5) + 31 - Math.clz32(bits & -bits);
    }
  }
  return ids;
}
