/**
 * Encodes the columns of widgets as bytes, and decodes them. Several features of one row, such as the points of a MultiPoint,
 * share its values: then the row of each feature comes first. `!` in the loops: indexes are below the number of features.
 */
import type { CategoryColumn, ExploredColumn, RangeColumn, SceneLayer } from "../scene";
import { type ColumnReader, encodePlanes } from "./byte-columns";
import { decodeRowColumn, encodeRowColumn, type RowColumnHeader } from "./row-codec";

/** Numbers of layers with more rows are rounded unless that saves nothing… */
const MOST_EXACT = 200_000;
/** …to this fraction of their range: in a million rows, the mean changes by less than a hundred-millionth of it. */
const VALUE_STEPS = 65_535;

export interface ExploredHeader {
  /** Number of rows if features share them. */
  readonly rows?: number;
  readonly columns: readonly ColumnHeader[];
}

type ColumnHeader =
  | Omit<RangeColumn, "steps">
  | Omit<CategoryColumn, "steps">
  | { readonly kind: "values"; readonly name: string; readonly values: RowColumnHeader }
  | { readonly kind: "values"; readonly name: string; readonly least: number; readonly most: number };

/** @param rows row of each feature; absent if feature f is row f */
export function encodeExplored(
  explored: readonly ExploredColumn[],
  rows: Uint32Array | undefined,
  features: number,
): { readonly header: ExploredHeader; readonly columns: readonly Uint8Array[] } {
  const shared = rows && sharedRows(rows);
  const rowOf = shared?.rows ?? rows;
  const count = rowOf?.length ?? features;
  const columns = shared ? [encodePlanes(shared.rowOf)] : [];
  const headers = explored.map((column): ColumnHeader => {
    if (column.kind === "values") {
      const { header, bytes } = encodeValues(column.values, rowOf, count);
      columns.push(bytes);
      return { kind: "values", name: column.name, ...header };
    }
    const { steps, ...header } = column;
    const ofRows = new Uint32Array(count);
    for (let i = 0; i < count; i++) ofRows[i] = steps[rowOf ? rowOf[i]! : i]!;
    columns.push(encodePlanes(ofRows));
    return header;
  });
  return { header: { ...(shared && { rows: count }), columns: headers }, columns };
}

/** The inverse of `encodeExplored`. */
export function decodeExplored(
  header: ExploredHeader,
  features: number,
  reader: ColumnReader,
): Pick<SceneLayer, "explored" | "exploredRows"> {
  const exploredRows = header.rows === undefined ? undefined : reader.planes(features);
  const count = header.rows ?? features;
  const explored = header.columns.map((column): ExploredColumn => {
    if (column.kind !== "values") return { ...column, steps: Uint16Array.from(reader.planes(count)) };
    const { kind, name } = column;
    if (!("values" in column)) return { kind, name, values: decodeRounded(column, reader.planes(count)) };
    const decoded = decodeRowColumn(column.values, count, reader);
    return { kind, name, values: decoded.kind === "numbers" ? decoded.values : new Float64Array(count) };
  });
  return { explored, ...(exploredRows && { exploredRows }) };
}

/** Numbers rows from 0 in the order of their first features; undefined if no two features share a row. */
function sharedRows(
  rows: Uint32Array,
): { readonly rows: Uint32Array; readonly rowOf: Uint32Array } | undefined {
  const rowCount = rows.reduce((most, row) => Math.max(most, row + 1), 0);
  const numberOf = new Uint32Array(rowCount); // 0 is a row without a feature so far
  const distinct: number[] = [];
  for (const row of rows) if (numberOf[row] === 0) numberOf[row] = distinct.push(row);
  if (distinct.length === rows.length) return undefined;
  return { rows: Uint32Array.from(distinct), rowOf: rows.map((row) => numberOf[row]! - 1) };
}

type ValuesHeader = { readonly values: RowColumnHeader } | { readonly least: number; readonly most: number };

function encodeValues(
  values: Float64Array,
  rows: Uint32Array | undefined,
  count: number,
): { readonly header: ValuesHeader; readonly bytes: Uint8Array } {
  const exact = encodeRowColumn({ kind: "numbers", values }, rows, count);
  const isCompact = exact.header.kind !== "doubles" || count <= MOST_EXACT;
  if (isCompact) return { header: { values: exact.header }, bytes: exact.bytes };
  const ofRows = Float64Array.from({ length: count }, (_, i) => values[rows ? rows[i]! : i]!);
  const [least, most] = rangeOf(ofRows);
  if (!Number.isFinite(most - least)) return { header: { values: exact.header }, bytes: exact.bytes };
  const steps = Uint32Array.from(ofRows, (value) =>
    Number.isNaN(value) ? 0 : 1 + Math.round(((value - least) / (most - least || 1)) * (VALUE_STEPS - 1)),
  );
  return { header: { least, most }, bytes: encodePlanes(steps) };
}

function decodeRounded({ least, most }: { least: number; most: number }, steps: Uint32Array): Float64Array {
  const values = new Float64Array(steps.length);
  for (let i = 0; i < values.length; i++) {
    const step = steps[i]!;
    values[i] =
      step === 0
        ? Number.NaN
        : step === VALUE_STEPS
          ? most
          : least + ((step - 1) / (VALUE_STEPS - 1)) * (most - least);
  }
  return values;
}

function rangeOf(values: Float64Array): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}
