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
 * Calls `visit` with the cell of a position, and returns its result. The hexagon is the one with the nearest middle, found
 * like in d3-hexbin (https://github.com/d3/d3-hexbin).
 */
export function atCell<T>(
  { shape, width }: Lattice,
  x: number,
  y: number,
  visit: (column: number, row: number) => T,
): T {
  if (shape === "square") return visit(Math.floor(x / width), Math.floor(y / width));
  const rowAt = y / width / HEXAGON_ROW;
  const row = Math.round(rowAt);
  const columnAt = x / width - (row & 1) / 2;
  const column = Math.round(columnAt);
  const dy = rowAt - row;
  if (Math.abs(dy) * 3 <= 1) return visit(column, row);
  const dx = columnAt - column;
  const [sideX, sideY] = [dx < 0 ? -0.5 : 0.5, dy < 0 ? -1 : 1];
  // distances in widths: a row is HEXAGON_ROW high
  const own = dx * dx + (dy * HEXAGON_ROW) ** 2;
  const other = (dx - sideX) ** 2 + ((dy - sideY) * HEXAGON_ROW) ** 2;
  if (own <= other) return visit(column, row);
  return visit(column + sideX + ((row & 1) === 1 ? 0.5 : -0.5), row + sideY);
}
