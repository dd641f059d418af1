/**
 * Rows on demand. danfo keeps a frame twice, as rows and as columns. For a million rows, the rows take as long to make as
 * the rest of the frame and half of its memory, but columns, maps and writing do not use them. They are therefore made
 * when danfo first asks for them.
 */
import type { DataFrame, Series } from "danfojs-node";

/** danfo's member for the rows of a DataFrame or the values of a Series. */
interface Rows {
  $data: readonly unknown[];
}

/** Columns of the frames whose rows have not been made. danfo makes every change to a frame in its rows first. */
const COLUMNS = new WeakMap<object, readonly (readonly unknown[])[]>();

/** Makes `columns` the content of a frame. Its rows are made from them on demand. */
export function makeRowsOnDemand(frame: object, columns: readonly (readonly unknown[])[]): void {
  const keep = (value: readonly unknown[]) => {
    COLUMNS.delete(frame);
    Object.defineProperty(frame, "$data", { value, writable: true, enumerable: true, configurable: true });
    return value;
  };
  COLUMNS.set(frame, columns);
  Object.defineProperty(frame, "$data", {
    get: () => keep(toRows(columns)),
    set: keep,
    enumerable: true,
    configurable: true,
  });
}

function toRows(columns: readonly (readonly unknown[])[]): unknown[][] {
  const width = columns.length;
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => {
    const cells = new Array<unknown>(width);
    for (let i = 0; i < width; i++) cells[i] = columns[i]![row]; // width is the number of columns
    return cells;
  });
}

/** True for a danfo DataFrame, from any copy or build of danfo. */
export function isFrame(value: unknown): value is DataFrame {
  return isDanfo(value, false);
}

/** True for a danfo Series, from any copy or build of danfo. */
export function isSeries(value: unknown): value is Series {
  return isDanfo(value, true);
}

function isDanfo(value: unknown, series: boolean): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (COLUMNS.has(value)) return !series;
  const { $data, $index, $dtypes, $isSeries } = value as Record<string, unknown>;
  return $isSeries === series && [$data, $index, $dtypes].every(Array.isArray);
}

/** Returns the number of rows of a frame, even if one of its columns is called `shape`. */
export function rowCountOf(frame: object): number {
  const columns = COLUMNS.get(frame);
  return columns ? (columns[0]?.length ?? 0) : (frame as Rows).$data.length;
}

/** Returns the values of a column, which must not be changed. danfo's own columns are wrong after a Series was assigned to one. */
export function columnValues(frame: object, column: number): readonly unknown[] {
  const columns = COLUMNS.get(frame);
  return columns?.[column] ?? (frame as Rows).$data.map((row) => (row as readonly unknown[])[column]);
}

/** Returns one cell of a DataFrame, or one value of a Series. */
export function cellOf(frame: { readonly $isSeries: boolean }, row: number, column: number): unknown {
  const columns = COLUMNS.get(frame);
  if (columns) return columns[column]?.[row];
  const value = (frame as unknown as Rows).$data[row];
  return frame.$isSeries ? value : (value as readonly unknown[] | undefined)?.[column];
}

/** Makes danfo's `shape` count the columns' values: counting rows would make them. */
export function repairShape(frame: object): void {
  const own = Object.getOwnPropertyDescriptor(frame, "shape");
  Object.defineProperty(frame, "shape", {
    get(this: object): unknown {
      const columns = COLUMNS.get(this);
      return columns ? [rowCountOf(this), columns.length] : own?.get?.call(this);
    },
    configurable: true,
  });
}
