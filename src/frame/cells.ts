/**
 * danfo keeps a frame twice, in rows and in columns. The rows of a million take as long to make as the rest of the
 * frame, and half of its memory; columns, maps and writing need none. So they are made when danfo first asks for them.
 */
import type { DataFrame, Series } from "danfojs-node";

/** Where danfo keeps the rows of a DataFrame, the values of a Series. */
interface Rows {
  $data: readonly unknown[];
}

/** The columns of frames that have no rows yet. What danfo changes in a frame, it changes in its rows first. */
const COLUMNS = new WeakMap<object, readonly (readonly unknown[])[]>();

/** Makes `columns` the content of a frame, and its rows of them on demand. */
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
    for (let i = 0; i < width; i++) cells[i] = columns[i]![row];
    return cells;
  });
}

/** Whether a value is a danfo DataFrame, from whichever copy or build of danfo. */
export function isFrame(value: unknown): value is DataFrame {
  return isDanfo(value, false);
}

/** Whether a value is a danfo Series, from whichever copy or build of danfo. */
export function isSeries(value: unknown): value is Series {
  return isDanfo(value, true);
}

function isDanfo(value: unknown, series: boolean): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (COLUMNS.has(value)) return !series;
  const { $data, $index, $dtypes, $isSeries } = value as Record<string, unknown>;
  return $isSeries === series && [$data, $index, $dtypes].every(Array.isArray);
}

/** How many rows a frame has, even one with a column called like the member that says so. */
export function rowCountOf(frame: object): number {
  const columns = COLUMNS.get(frame);
  return columns ? (columns[0]?.length ?? 0) : (frame as Rows).$data.length;
}

/** The values of a column, not to be changed. danfo's own columns are wrong after a Series was assigned to one. */
export function columnValues(frame: object, column: number): readonly unknown[] {
  const columns = COLUMNS.get(frame);
  return columns?.[column] ?? (frame as Rows).$data.map((row) => (row as readonly unknown[])[column]);
}

/** One cell of a DataFrame; of a Series, one value. */
export function cellOf(frame: { readonly $isSeries: boolean }, row: number, column: number): unknown {
  const columns = COLUMNS.get(frame);
  if (columns) return columns[column]?.[row];
  const value = (frame as unknown as Rows).$data[row];
  return frame.$isSeries ? value : (value as readonly unknown[] | undefined)?.[column];
}

/** danfo counts the rows, and so would make them. */
export function repairShape(frame: object): void {
  const { get } = Object.getOwnPropertyDescriptor(frame, "shape")!;
  Object.defineProperty(frame, "shape", {
    get(this: object): unknown {
      const columns = COLUMNS.get(this);
      return columns ? [rowCountOf(this), columns.length] : get!.call(this);
    },
    configurable: true,
  });
}
