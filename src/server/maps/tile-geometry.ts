/** Fits geometries into tiles. `!`: all indexes stay below the length of the list. */
import type { Box } from "../../geometry/clip";
import { clipLine, clipRing } from "./clip";
import { doubleArea, type MvtGeometry } from "./mvt";
import type { Coordinates, Parts } from "./twkb";

/** The grid of one layer in one tile, in units of its extent, with y growing downwards. */
export interface TileGrid {
  readonly extent: number;
  readonly buffer: number;
  /** Side of a pixel, or of a cell of the aggregation. */
  readonly cell: number;
  /** True in the first row of tiles, where geometries beyond 85.05° are shown at the edge. */
  readonly isTop: boolean;
  /** True in the last row of tiles. */
  readonly isBottom: boolean;
}

/** A polygon with a mean width below this fraction of a pixel is shown as the pixels that it touches. */
const MIN_WIDTH_CELLS = 1 / 8;

/**
 * Returns the parts of a geometry that a tile shows, one entry per dimension. Nothing inside the tile disappears: a line
 * shorter than a pixel becomes a pixel long, and a polygon smaller than a pixel fills one.
 */
export function tileGeometries({ points, lines, polygons }: Parts, grid: TileGrid): MvtGeometry[] {
  const box = gridBox(grid);
  const shownPoints = pointsInside(points, grid);
  const shownLines = lines.flatMap((line) => clipLine(atLeastACell(line, grid.cell), box));
  const shown: MvtGeometry[] = [];
  if (shownPoints.length > 0) shown.push({ kind: "points", points: shownPoints });
  if (shownLines.length > 0) shown.push({ kind: "lines", lines: shownLines });
  const shownPolygons = visiblePolygons(polygons, grid);
  if (shownPolygons.length > 0) shown.push({ kind: "polygons", polygons: shownPolygons });
  return shown;
}

function gridBox({ buffer, extent }: TileGrid): Box {
  return [-buffer, -buffer, extent + buffer, extent + buffer];
}

/** Returns the square of the cell with this upper left corner. */
export function cellSquare(x: number, y: number, cell: number): Coordinates[] {
  return [rectangle(x, y, x + Math.max(cell, 1), y + Math.max(cell, 1))];
}

function pointsInside(points: Coordinates, { extent, buffer, isTop, isBottom }: TileGrid): Coordinates {
  const inside: Coordinates = [];
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!;
    let y = points[i + 1]!;
    if (isTop && y < 0) y = 0;
    if (isBottom && y > extent) y = extent;
    if (x < -buffer || x > extent + buffer || y < -buffer || y > extent + buffer) continue;
    inside.push(x, y);
  }
  return inside;
}

function atLeastACell(line: Coordinates, cell: number): Coordinates {
  const { minX, minY, maxX, maxY } = boxOf(line);
  if (maxX - minX >= 1 || maxY - minY >= 1) return line;
  const half = Math.max(Math.round(cell / 2), 1);
  return [minX - half, minY, minX + half, minY];
}

function visiblePolygons(polygons: readonly Coordinates[][], grid: TileGrid): Coordinates[][] {
  const { cell } = grid;
  const shown = gridBox(grid);
  const [min, , max] = shown;
  const visible: Coordinates[][] = [];
  const cells = new Cells(cell);
  for (const [outer = [], ...holes] of polygons) {
    const box = boxOf(outer);
    if (!(box.maxX >= min && box.minX <= max && box.maxY >= min && box.minY <= max)) continue;
    if (box.maxX - box.minX < cell && box.maxY - box.minY < cell) {
      const [x, y] = [(box.minX + box.maxX) / 2, (box.minY + box.maxY) / 2];
      if (x >= min && x <= max && y >= min && y <= max) cells.add(x, y);
      continue;
    }
    const width = Math.abs(doubleArea(outer)) / lengthOf(outer); // mean width: twice the area divided by the length of the outline
    if (width < cell * MIN_WIDTH_CELLS) {
      for (const piece of clipLine(outer, shown)) cells.addLine(piece);
      continue;
    }
    const clipped = clipRing(outer, shown);
    if (doubleArea(clipped) === 0) continue; // it lies outside, or only along the border of the buffer
    visible.push([clipped, ...holes.map((hole) => clipRing(hole, shown)).filter(doubleArea)]);
  }
  visible.push(...cells.rectangles());
  return visible;
}

/** The pixels touched by polygons that are too small to be shown as they are. */
class Cells {
  readonly #cell: number;
  readonly #rows = new Map<number, Set<number>>();

  constructor(cell: number) {
    this.#cell = cell;
  }

  add(x: number, y: number): void {
    const row = Math.floor(y / this.#cell);
    const columns = this.#rows.get(row) ?? new Set();
    columns.add(Math.floor(x / this.#cell));
    this.#rows.set(row, columns);
  }

  addLine(line: Coordinates): void {
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x, y, toX, toY] = line.slice(i, i + 4) as [number, number, number, number];
      const steps = Math.max(1, Math.ceil((2 * Math.max(Math.abs(toX - x), Math.abs(toY - y))) / this.#cell));
      for (let s = 0; s <= steps; s++) this.add(x + ((toX - x) * s) / steps, y + ((toY - y) * s) / steps);
    }
  }

  /** Yields adjacent cells as one rectangle. */
  *rectangles(): Generator<Coordinates[]> {
    for (const [row, columns] of this.#rows) {
      const sorted = [...columns].sort((a, b) => a - b);
      for (let i = 0; i < sorted.length; ) {
        const start = i++;
        while (i < sorted.length && sorted[i] === sorted[i - 1]! + 1) i++;
        yield [this.#rectangle(sorted[start]!, row, sorted[i - 1]! + 1)];
      }
    }
  }

  #rectangle(column: number, row: number, endColumn: number): Coordinates {
    const x = Math.round(column * this.#cell);
    const y = Math.round(row * this.#cell);
    const right = Math.max(Math.round(endColumn * this.#cell), x + 1);
    return rectangle(x, y, right, Math.max(Math.round((row + 1) * this.#cell), y + 1));
  }
}

function rectangle(minX: number, minY: number, maxX: number, maxY: number): Coordinates {
  return [minX, minY, maxX, minY, maxX, maxY, minX, maxY, minX, minY].map(Math.round);
}

function boxOf(coordinates: Coordinates) {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < coordinates.length; i += 2) {
    const x = coordinates[i]!;
    const y = coordinates[i + 1]!;
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  }
  return { minX, minY, maxX, maxY };
}

function lengthOf(line: Coordinates): number {
  let length = 0;
  for (let i = 0; i + 3 < line.length; i += 2)
    length += Math.hypot(line[i + 2]! - line[i]!, line[i + 3]! - line[i + 1]!);
  return length || 1;
}
