import type { PointGeometry, SceneLayer, Statistic } from "../scene";
import { CellIndex } from "./cell-index";
import { type Lattice, locate, middleOf } from "./lattice";

/** Points to bin, of a layer or of one of its vector tiles. */
export interface WeightedPoints {
  readonly geometry: PointGeometry;
  /** Values of the rows; absent for counts. */
  readonly values?: Float64Array | undefined;
  /** Not 0 for each row that is left out. */
  readonly failed?: Uint32Array | undefined;
}

/** Returns the points of a layer that is drawn together, with their values if it shows a statistic of them. */
export function weightedPoints({ aggregate, columns }: SceneLayer, geometry: PointGeometry): WeightedPoints {
  const values = columns?.[0];
  const hasValues = aggregate && aggregate.statistic !== "count" && values?.kind === "numbers";
  return { geometry, ...(hasValues && { values: values.values }) };
}

/** Sums up points per cell of a lattice. `!`: cells and points are below the lengths. */
export class Bins {
  readonly lattice: Lattice;
  readonly cells = new CellIndex();
  readonly #statistic: Statistic;
  #counts: Float64Array = new Float64Array(1 << 10);
  /** Sum, smallest or largest value of each cell. */
  #sums: Float64Array = new Float64Array(1 << 10);
  /** Sums of the coordinates of each cell. */
  #places: { x: Float64Array; y: Float64Array } | undefined;

  constructor(
    lattice: Lattice,
    statistic: Statistic,
    { hasCentroids = false }: { readonly hasCentroids?: boolean } = {},
  ) {
    this.lattice = lattice;
    this.#statistic = statistic;
    if (hasCentroids) this.#places = { x: new Float64Array(1 << 10), y: new Float64Array(1 << 10) };
  }

  /** Number of points in each cell. */
  get counts(): Float64Array {
    return this.#counts.subarray(0, this.cells.count);
  }

  sumsOf(cell: number): Sums {
    return { count: this.#counts[cell]!, sum: this.#sums[cell]! };
  }

  /** Value of a cell: the number of its points, or the statistic of their values. */
  valueOf(cell: number): number {
    return valueOfSums(this.#statistic, this.sumsOf(cell));
  }

  /** Mean position of the points of a cell; the middle of the cell for bins without centroids. */
  centroidOf(cell: number): readonly [x: number, y: number] {
    const { columns, rows } = this.cells;
    if (!this.#places) return middleOf(this.lattice, { column: columns[cell]!, row: rows[cell]! });
    const count = this.#counts[cell]!;
    return [this.#places.x[cell]! / count, this.#places.y[cell]! / count];
  }

  /** Adds the points in a range, except those for which `isWithin` is false. */
  add(
    { geometry: { x, y, rows, weights }, values, failed }: WeightedPoints,
    { order, from = 0, to = x.length, share = 1 }: Range = {},
    isWithin?: (x: number, y: number) => boolean,
  ): void {
    // neighbours in the order of points are often in the same cell
    const at = { column: 0, row: 0 };
    let lastColumn = Number.NaN;
    let lastRow = Number.NaN;
    let cell = 0;
    for (let k = from; k < to; k++) {
      if (share < 1 && (Math.imul(k, 0x9e3779b1) >>> 0) / 2 ** 32 > share) continue;
      const i = order === undefined ? k : order[k]!;
      const px = x[i]!;
      const py = y[i]!;
      if (px - px !== 0 || py - py !== 0) continue; // not finite
      if (failed !== undefined && failed[rows === undefined ? i : rows[i]!] !== 0) continue;
      if (isWithin && !isWithin(px, py)) continue;
      locate(this.lattice, px, py, at);
      if (at.column !== lastColumn || at.row !== lastRow) {
        lastColumn = at.column;
        lastRow = at.row;
        cell = this.cells.numberOf(lastColumn, lastRow);
      }
      const weight = weights === undefined ? 1 : weights[i]!;
      this.#addTo(cell, weight, values === undefined ? 0 : values[rows === undefined ? i : rows[i]!]!);
      if (!this.#places) continue;
      this.#places.x[cell]! += weight * px;
      this.#places.y[cell]! += weight * py;
    }
  }

  #addTo(cell: number, weight: number, value: number): void {
    if (cell >= this.#counts.length) {
      this.#counts = doubled(this.#counts);
      this.#sums = doubled(this.#sums);
      if (this.#places) this.#places = { x: doubled(this.#places.x), y: doubled(this.#places.y) };
    }
    const isNew = this.#counts[cell] === 0;
    this.#counts[cell]! += weight;
    if (this.#statistic === "count") return;
    const sum = this.#statistic === "avg" ? weight * value : value;
    this.#sums[cell] = isNew ? sum : combined(this.#statistic, this.#sums[cell]!, sum);
  }
}

/** Number of points, and the sum of their values, or the smallest or largest of them. */
export interface Sums {
  readonly count: number;
  readonly sum: number;
}

/** Combines the sums of two groups of points. */
export function combined(statistic: Statistic, a: number, b: number): number {
  return statistic === "min" ? Math.min(a, b) : statistic === "max" ? Math.max(a, b) : a + b;
}

/** Returns what a group of points shows. */
export function valueOfSums(statistic: Statistic, { count, sum }: Sums): number {
  return statistic === "count" ? count : statistic === "avg" ? sum / count : sum;
}

/** Positions in an order of points; see `PointIndex`. */
export interface Range {
  readonly order?: Uint32Array | undefined;
  readonly from?: number;
  readonly to?: number;
  /** Takes this share of the points, whatever their order. */
  readonly share?: number;
}

function doubled(array: Float64Array) {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}
