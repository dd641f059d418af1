/** Finds which parts of a map show data. `!` in the loops: see `PointGeometry` and `PathGeometry`; cells are in the grid. */
import type { Box } from "../geometry/clip";
import type { PathGeometry, PointGeometry, SceneLayer } from "./scene";

/** Cells on each side of the grid. */
const CELLS = 128;
/** Of more points or vertices than these, a regular sample is marked. */
const MAX_POINTS = 200_000;
const MAX_VERTICES = 20_000;
/** Smaller boxes are enlarged, so that a single point has a cell. */
const MIN_SIDE = 1e-9;

const known = new WeakMap<readonly SceneLayer[], Occupancy>();

/** Returns the occupancy of a box of the world by the features of layers. */
export function occupancyOf(layers: readonly SceneLayer[], box: Box): Occupancy {
  const last = known.get(layers); // a map asks again for each size
  if (last?.box.every((side, i) => side === box[i])) return last;
  const occupancy = new Occupancy(layers, box);
  known.set(layers, occupancy);
  return occupancy;
}

/** Where the paths of a polygon cross the middle of each row, and the rows where they do. */
interface Crossings {
  readonly rows: readonly number[][];
  first: number;
  last: number;
}

/** A grid over a box of the world, with a mark in each cell that shows data. Copies of the world beside the box do not count. */
export class Occupancy {
  readonly box: Box;
  readonly #width: number;
  readonly #height: number;
  readonly #marks = new Uint8Array(CELLS * CELLS);
  /** Number of marks above and to the left of each corner of a cell. */
  readonly #sums = new Uint32Array((CELLS + 1) * (CELLS + 1));

  constructor(layers: readonly SceneLayer[], box: Box) {
    this.box = box;
    this.#width = Math.max(MIN_SIDE, box[2] - box[0]);
    this.#height = Math.max(MIN_SIDE, box[3] - box[1]);
    for (const { geometry } of layers) {
      if (geometry.kind === "point") this.#markPoints(geometry);
      else this.#markPaths(geometry);
    }
    for (let row = 0; row < CELLS; row++) {
      let inRow = 0;
      for (let column = 0; column < CELLS; column++) {
        inRow += this.#marks[row * CELLS + column]!;
        const at = (row + 1) * (CELLS + 1) + column + 1;
        this.#sums[at] = this.#sums[at - CELLS - 1]! + inRow;
      }
    }
  }

  /** Returns the share of the marked cells that touch a box, 0 to 1. */
  shareIn([minX, minY, maxX, maxY]: Box): number {
    const all = this.#sums.at(-1)!;
    const first = (value: number) => Math.max(0, Math.floor(value));
    const end = (value: number) => Math.min(CELLS, Math.floor(value) + 1);
    const [left, right] = [first(this.#columnOf(minX)), end(this.#columnOf(maxX))];
    const [top, bottom] = [first(this.#rowOf(minY)), end(this.#rowOf(maxY))];
    if (all === 0 || left >= right || top >= bottom) return 0;
    const sum = (row: number, column: number) => this.#sums[row * (CELLS + 1) + column]!;
    return (sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left)) / all;
  }

  #columnOf = (x: number): number => ((x - this.box[0]) / this.#width) * CELLS;
  #rowOf = (y: number): number => ((y - this.box[1]) / this.#height) * CELLS;

  /** Marks a cell; the far sides of the box belong to the last cells. */
  #mark(column: number, row: number): void {
    if (!(column >= 0 && row >= 0 && column <= CELLS && row <= CELLS)) return;
    this.#marks[Math.min(CELLS - 1, row | 0) * CELLS + Math.min(CELLS - 1, column | 0)] = 1;
  }

  #markPoints({ x, y }: PointGeometry): void {
    const stride = Math.ceil(x.length / MAX_POINTS);
    const [left, top, right] = this.box;
    const [scaleX, scaleY] = [CELLS / this.#width, CELLS / this.#height];
    for (let i = 0; i < x.length; i += stride) {
      const row = (y[i]! - top) * scaleY;
      if (!(row >= 0 && row <= CELLS)) continue;
      for (let copy = x[i]! - Math.floor(x[i]! - left); copy <= right; copy++)
        this.#mark((copy - left) * scaleX, row);
    }
  }

  #markPaths({ kind, xy, paths, features }: PathGeometry): void {
    const crossings: Crossings | undefined =
      kind === "polygon"
        ? { rows: Array.from({ length: CELLS }, () => []), first: CELLS, last: -1 }
        : undefined;
    const stride = Math.ceil(xy.length / 2 / MAX_VERTICES);
    const [left, , right] = this.box;
    for (let feature = 0; feature + 1 < features.length; feature++) {
      const [first, last] = [features[feature]!, features[feature + 1]!];
      const firstX = xy[2 * paths[first]!]!;
      for (let shift = -Math.floor(firstX - left); firstX + shift <= right; shift++) {
        for (let path = first; path < last; path++)
          this.#markPath(xy, { from: paths[path]!, end: paths[path + 1]!, stride, shift }, crossings);
        if (crossings) this.#fill(crossings);
      }
    }
  }

  /** Marks the cells of a path, and adds where it crosses the middle of each row, if asked to. Takes every `stride`th vertex and the last. */
  #markPath(
    xy: Float64Array,
    { from, end, stride, shift }: { from: number; end: number; stride: number; shift: number },
    crossings: Crossings | undefined,
  ): void {
    const [left, top] = this.box;
    const [scaleX, scaleY] = [CELLS / this.#width, CELLS / this.#height];
    let x = (xy[2 * from]! + shift - left) * scaleX;
    let y = (xy[2 * from + 1]! - top) * scaleY;
    if (from < end) this.#mark(x, y);
    for (let next = from + stride; next < end + stride - 1; next += stride) {
      const i = Math.min(next, end - 1);
      const fromX = x;
      const fromY = y;
      x = (xy[2 * i]! + shift - left) * scaleX;
      y = (xy[2 * i + 1]! - top) * scaleY;
      const dx = x - fromX;
      const dy = y - fromY;
      const steps = Math.min(4 * CELLS, Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)))); // NaN: no step
      for (let step = 1; step <= steps; step++)
        this.#mark(fromX + (step / steps) * dx, fromY + (step / steps) * dy);
      if (!crossings) continue;
      const low = Math.min(fromY, y);
      const high = Math.max(fromY, y);
      for (let row = Math.max(0, Math.ceil(low - 0.5)); row + 0.5 < high && row < CELLS; row++) {
        crossings.rows[row]!.push(fromX + ((row + 0.5 - fromY) / dy) * dx);
        if (row < crossings.first) crossings.first = row;
        if (row > crossings.last) crossings.last = row;
      }
    }
  }

  /** Marks the cells between each pair of crossings, and removes these. */
  #fill(crossings: Crossings): void {
    for (let row = crossings.first; row <= crossings.last; row++) {
      const columns = crossings.rows[row]!;
      columns.sort((a, b) => a - b);
      for (let i = 0; i + 1 < columns.length; i += 2) {
        const from = Math.max(0, Math.round(columns[i]!));
        const to = Math.min(CELLS, Math.round(columns[i + 1]!));
        if (to > from) this.#marks.fill(1, row * CELLS + from, row * CELLS + to);
      }
      columns.length = 0;
    }
    crossings.first = CELLS;
    crossings.last = -1;
  }
}
