/**
 * Lattices of equal cells that cover the world. They depend on the zoom level only, so that a cell holds the same points
 * wherever the map is moved.
 */
import { worldPxOf, zoomOf } from "../../geometry/mercator";

/** Squares, or hexagons with a corner at the top. */
export interface Lattice {
  readonly shape: "square" | "hexagon";
  /** Width of a cell in world units. The world is a whole number of cells wide, so its copies fit together. */
  readonly width: number;
}

/** A cell: its place in the lattice. Every second row of hexagons is moved right by half a cell. */
export interface Cell {
  readonly column: number;
  readonly row: number;
}

/** Distance between the rows of hexagons of width 1. */
const HEXAGON_ROW = Math.sqrt(3) / 2;
const HEXAGON = Array.from({ length: 6 }, (_, i) => {
  const angle = ((2 * i + 1) * Math.PI) / 6;
  return [Math.cos(angle) / Math.sqrt(3), Math.sin(angle) / Math.sqrt(3)] as const;
});
const SQUARE = [
  [-0.5, -0.5],
  [0.5, -0.5],
  [0.5, 0.5],
  [-0.5, 0.5],
] as const;

/** Zoom level whose cells are shown at a scale: they are between 0.7 and 1.4 times as large as asked for. */
export const levelOf = (worldPx: number): number => Math.round(zoomOf(worldPx));

/** Returns the lattice whose cells are about `cellPx` CSS pixels wide at a zoom level. */
export function latticeAt(shape: Lattice["shape"], cellPx: number, level: number): Lattice {
  return { shape, width: 1 / Math.max(1, Math.round(worldPxOf(level) / cellPx)) };
}

/** Returns the middle of a cell in world units. */
export function middleOf({ shape, width }: Lattice, { column, row }: Cell): [x: number, y: number] {
  if (shape === "square") return [(column + 0.5) * width, (row + 0.5) * width];
  return [(column + (row & 1) / 2) * width, row * HEXAGON_ROW * width];
}

/** Corners of a cell of width 1 around its middle. */
export const cornersOf = ({ shape }: Lattice): readonly (readonly [x: number, y: number])[] =>
  shape === "square" ? SQUARE : HEXAGON;

/**
 * Writes the cell of a position to `cell`: no object per point. The hexagon is the one with the nearest middle, found like in
 * d3-hexbin (https://github.com/d3/d3-hexbin).
 */
export function locate(
  { shape, width }: Lattice,
  x: number,
  y: number,
  cell: { column: number; row: number },
): void {
  if (shape === "square") {
    cell.column = Math.floor(x / width);
    cell.row = Math.floor(y / width);
    return;
  }
  const rowAt = y / width / HEXAGON_ROW;
  const row = Math.floor(rowAt + 0.5);
  const isOdd = (row & 1) === 1;
  const columnAt = x / width - (isOdd ? 0.5 : 0);
  const column = Math.floor(columnAt + 0.5);
  cell.column = column;
  cell.row = row;
  const dy = rowAt - row;
  if (dy * dy <= 1 / 9) return;
  const dx = columnAt - column;
  const sideX = dx < 0 ? -0.5 : 0.5;
  const sideY = dy < 0 ? -1 : 1;
  // squares of distances in widths, in which a row is HEXAGON_ROW high
  const own = dx * dx + 0.75 * dy * dy;
  const other = (dx - sideX) * (dx - sideX) + 0.75 * (dy - sideY) * (dy - sideY);
  if (own <= other) return;
  cell.column = column + sideX + (isOdd ? 0.5 : -0.5);
  cell.row = row + sideY;
}

/** Returns the cell of a position. */
export function cellAt(lattice: Lattice, x: number, y: number): Cell {
  const cell = { column: 0, row: 0 };
  locate(lattice, x, y, cell);
  return cell;
}
