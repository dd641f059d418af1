import type { Aggregate, PointGeometry, SceneLayer } from "../scene";
import { Bins, type WeightedPoints, weightedPoints } from "./bins";
import { breaksOf } from "./breaks";
import { type Lattice, latticeAt } from "./lattice";

/** Beyond the first level with more cells than this, levels are derived from it, and cells are made for each view. */
const MOST_CELLS = 25_000;

/** A zoom level of a layer: its lattice, and the breaks of its classes. */
interface Level {
  readonly lattice: Lattice;
  readonly breaks: readonly number[];
  /** Smallest and largest value of a cell. */
  readonly range: readonly [least: number, most: number];
  /** All cells of the layer, unless there are too many. */
  readonly bins?: Bins;
}

/** The zoom levels of a layer that is drawn as cells. Classes depend on all points of the layer, not on the view. */
export class CellLevels {
  readonly points: WeightedPoints;
  readonly #aggregate: Aggregate;
  /** The points whose cells decide the classes: all, or those of each frame. */
  readonly #spans: readonly (readonly [from: number, to: number])[];
  /** True if one span has all points. */
  readonly #isWhole: boolean;
  readonly #known = new Map<number, Level>();
  /** The first level whose cells are too many. */
  #finest = Infinity;

  constructor(layer: SceneLayer, geometry: PointGeometry, aggregate: Aggregate) {
    this.points = weightedPoints(layer, geometry);
    this.#aggregate = aggregate;
    this.#spans = spansOf(layer, geometry.x.length);
    this.#isWhole = this.#spans.length === 1 && !layer.time;
  }

  at(level: number): Level {
    const known = this.#known.get(level);
    if (known) return known;
    const lattice = this.latticeAt(level);
    const { breaks, range } = this.#aggregate.levels?.[level] ?? {};
    const made =
      breaks && range
        ? { lattice, breaks, range }
        : level > this.#finest
          ? { lattice, breaks: this.#derivedBreaks(level), range: this.at(this.#finest).range }
          : this.#binned(level, lattice);
    this.#known.set(level, made);
    return made;
  }

  latticeAt(level: number): Lattice {
    const { as, cellPx } = this.#aggregate;
    return latticeAt(as === "hexbin" ? "hexagon" : "square", cellPx, level);
  }

  #binned(level: number, lattice: Lattice): Level {
    const { statistic, palette } = this.#aggregate;
    const all = this.#binsIn(lattice);
    const values = valuesOf(all);
    const breaks = breaksOf(values, palette.length, statistic === "count");
    const [first] = all;
    const count = Math.max(0, ...all.map(({ cells }) => cells.count));
    if (count > MOST_CELLS) this.#finest = Math.min(this.#finest, level);
    return { lattice, breaks, range: rangeOf(values), ...(this.#isWhole && first && { bins: first }) };
  }

  /** Returns the values of all cells of a level. */
  valuesAt(level: number): Float64Array {
    return valuesOf(this.#binsIn(this.latticeAt(level)));
  }

  #binsIn(lattice: Lattice): Bins[] {
    return this.#spans.map(([from, to]) => {
      const bins = new Bins(lattice, this.#aggregate.statistic);
      bins.add(this.points, { from, to });
      return bins;
    });
  }

  /** From level to level, cells have fewer points in the proportion in which they last became more. */
  #derivedBreaks(level: number): readonly number[] {
    const { breaks, bins } = this.at(this.#finest);
    const { statistic } = this.#aggregate;
    if (statistic !== "count" && statistic !== "sum") return breaks;
    const before = this.at(this.#finest - 1).bins;
    const share = before && bins ? Math.max(1 / 4, before.cells.count / bins.cells.count) : 1 / 4;
    const scaled = breaks.map((value) => value * share ** (level - this.#finest));
    return statistic === "sum" ? scaled : [...new Set(scaled.map((value) => Math.max(2, Math.round(value))))];
  }
}

const valuesOf = (all: readonly Bins[]): Float64Array =>
  Float64Array.from(all.flatMap((bins) => Array.from(bins.counts, (_, cell) => bins.valueOf(cell))));

/** Returns the smallest and the largest value; zeros if there are none. */
export function rangeOf(values: Float64Array): readonly [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return values.length > 0 ? [least, most] : [0, 0];
}

/** Returns the points of each frame that has some; all points of a layer that is not animated, or whose points stay. */
function spansOf({ time }: SceneLayer, count: number): readonly (readonly [from: number, to: number])[] {
  if (!time || time.cumulative) return [[0, count]];
  const spans = Array.from(time.starts.subarray(1), (to, frame) => [time.starts[frame]!, to] as const); // `!`: one longer
  return spans.filter(([from, to]) => to > from);
}

/** Returns the points of the frame with most of them; all points of a layer that is not animated. */
export function fullestSpan(layer: SceneLayer, count: number): readonly [from: number, to: number] {
  const lengthOf = ([from, to]: readonly [number, number]) => to - from;
  return spansOf(layer, count).reduce(
    (best, span) => (lengthOf(span) > lengthOf(best) ? span : best),
    [0, 0],
  );
}
