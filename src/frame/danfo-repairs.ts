import { isMissing } from "../values";
import { repairShape } from "./cells";
import { isGeometry } from "./geometry-writer";

export type Danfo = typeof import("danfojs-node");

/**
 * Members that danfo 1.2 uses on its own frames. danfo defines an accessor on the frame for every column. For a column with one
 * of these names it would replace the member, and the constructor would throw or never end. Such a column gets no accessor;
 * `df.column(name)` returns it.
 */
const OWN_MEMBERS = new Set([
  "addColumn",
  "column",
  "columns",
  "config",
  "constructor",
  "copy",
  "cumOps",
  "drop",
  "dtypes",
  "getColumnData",
  "iloc",
  "index",
  "loc",
  "shape",
  "tensor",
  "values",
  "__proto__",
]);

interface SortOptions {
  readonly ascending?: boolean;
  readonly inplace?: boolean;
}

interface LocOptions {
  readonly rows?: unknown;
  readonly columns?: readonly unknown[];
}

interface FramePrototype {
  readonly columns: readonly string[];
  readonly values: unknown;
  readonly index: unknown;
  readonly $data: readonly (readonly unknown[])[];
  query(condition: unknown, options?: object): unknown;
  iloc(options: LocOptions): FramePrototype;
  loc(options: LocOptions): FramePrototype;
  sortValues(column: string, options?: SortOptions): unknown;
  $setValues(values: unknown): void;
  $setIndex(index: unknown): void;
  $setInternalColumnDataProperty(column?: string): void;
}

interface SeriesPrototype {
  readonly values: readonly unknown[];
  readonly index: unknown;
  iloc(rows: unknown): SeriesPrototype;
  sortValues(options?: SortOptions): unknown;
  $setValues(values: unknown): void;
  $setIndex(index: unknown): void;
}

interface UtilsPrototype {
  is1DArray(values: readonly unknown[]): boolean;
}

const REPAIRED = Symbol.for("cartoframes.danfo.repaired");

/**
 * Repairs danfo 1.2 where it throws, returns wrong rows, or takes time that grows with the square of the number of rows. The
 * repairs are made on danfo's prototypes, so that frames derived with `head`, `query` or `groupby` have them as well.
 */
export function repairDanfo({ DataFrame, Series, Utils }: Danfo): void {
  const frame = ownerOf<FramePrototype>(DataFrame.prototype, "query");
  if (Object.hasOwn(frame, REPAIRED)) return;
  Object.defineProperty(frame, REPAIRED, { value: true });
  repairColumnAccess(frame, Utils.prototype as unknown as UtilsPrototype);
  repairFilters(frame, ownerOf<SeriesPrototype>(Series.prototype, "iloc"));
  repairSorting(frame, ownerOf<SeriesPrototype>(Series.prototype, "sortValues"));
  repairLoc(frame);
  repairShape(ownerOf<object>(DataFrame.prototype, "shape"));
  for (const { prototype } of [DataFrame, Series]) shareWriters(prototype);
}

/** Lets frames that danfo derives write files, too: only `new DataFrame()` and `new Series()` have these methods. */
function shareWriters(prototype: object): void {
  const base = Object.getPrototypeOf(prototype) as object;
  for (const name of ["toCSV", "toJSON", "toExcel"]) {
    const method = Object.getOwnPropertyDescriptor(prototype, name);
    if (method && !(name in base)) Object.defineProperty(base, name, method);
  }
}

/** Finds the class that defines a member. danfojs-node exports subclasses, but `head` and `query` return objects of their base classes. */
function ownerOf<T>(prototype: object, member: string): T {
  return Object.hasOwn(prototype, member)
    ? (prototype as T)
    : ownerOf(Object.getPrototypeOf(prototype) as object, member);
}

/**
 * Lets columns be named like danfo's own members, and lets `df["geometry"]` return geometries, which danfo refuses with
 * "File format not supported!".
 */
function repairColumnAccess(frame: FramePrototype, utils: UtilsPrototype): void {
  const define = frame.$setInternalColumnDataProperty;
  frame.$setInternalColumnDataProperty = function (column) {
    const names = column === undefined ? this.columns : [column];
    for (const name of names) if (name !== "" && !isOwnMember(name)) define.call(this, name);
  };
  const is1DArray = utils.is1DArray;
  utils.is1DArray = function (values) {
    return is1DArray.call(this, values) || isGeometry(values[0]);
  };
}

/**
 * Makes a boolean filter select the rows where it is true. danfo uses the label of such a row as a position: after `sortValues`
 * it returns other rows, and after a filter it throws "Cannot read properties of undefined".
 */
function repairFilters(frame: FramePrototype, series: SeriesPrototype): void {
  const { query, iloc } = frame;
  frame.query = function (condition, options) {
    return query.call(this, positionsOf(condition), options);
  };
  frame.iloc = function ({ rows, ...rest }) {
    return iloc.call(this, { ...rest, rows: positionsOf(rows) });
  };
  const ilocOfSeries = series.iloc;
  series.iloc = function (rows) {
    return ilocOfSeries.call(this, positionsOf(rows));
  };
}

/** Returns the positions of the true values if all values are booleans, or else the argument for danfo to handle. */
function positionsOf(rows: unknown): unknown {
  const list = Array.isArray(rows) ? rows : (rows as { values?: unknown } | null | undefined)?.values;
  if (!Array.isArray(list) || !list.every((value) => typeof value === "boolean")) return rows;
  return list.flatMap((isTaken, position) => (isTaken ? [position] : []));
}

/**
 * Sorts missing values last, where danfo leaves everything around them unsorted. danfo also sorts a Series of text in the
 * opposite order, and looks up each row of a frame by its label (5 s for 100,000 rows).
 */
function repairSorting(frame: FramePrototype, series: SeriesPrototype): void {
  const sortFrame = frame.sortValues;
  frame.sortValues = function (column, options) {
    const at = this.columns.indexOf(column);
    if (at === -1) return sortFrame.call(this, column, options); // danfo reports the error
    const values = this.$data.map((row) => row[at]);
    return sorted(this, this.iloc({ rows: ascendingOrNot(values, options) }), options);
  };
  series.sortValues = function (options) {
    return sorted(this, this.iloc(ascendingOrNot(this.values, options)), options);
  };
}

function sorted<T extends FramePrototype | SeriesPrototype>(original: T, result: T, options?: SortOptions) {
  if (!options?.inplace) return result;
  original.$setValues(result.values);
  original.$setIndex(result.index);
  return undefined;
}

/** Returns the positions of the values in sorted order. Stable; ignores the case of text, as danfo does. */
function ascendingOrNot(values: readonly unknown[], { ascending = true }: SortOptions = {}): number[] {
  const isText = values.every((value) => typeof value === "string" || isMissing(value));
  const keys = values.map((value) =>
    isMissing(value) ? Number.NaN : isText ? (value as string).toUpperCase() : Number(value),
  );
  const present = values.flatMap((_, position) => (Number.isNaN(keys[position]) ? [] : [position]));
  const missing = values.flatMap((_, position) => (Number.isNaN(keys[position]) ? [position] : []));
  const sign = ascending ? 1 : -1;
  present.sort((a, b) => (keys[a]! < keys[b]! ? -sign : keys[a]! > keys[b]! ? sign : 0)); // they are indexes of keys
  return [...present, ...missing];
}

/** Keeps all rows when only columns are selected. danfo looks up each row by its label (4 s for 100,000 rows). */
function repairLoc(frame: FramePrototype): void {
  const { loc } = frame;
  frame.loc = function (options) {
    const { rows, columns } = options;
    if (rows !== undefined || columns === undefined) return loc.call(this, options);
    const chosen = loc.call(this.iloc({ rows: [] }), { columns }).columns;
    const all = this.$data.map((_, position) => position); // without rows, iloc of an empty frame throws
    return this.iloc({ rows: all, columns: chosen.map((name) => this.columns.indexOf(name)) });
  };
}

const isOwnMember = (name: string) => name.startsWith("$") || OWN_MEMBERS.has(name);
