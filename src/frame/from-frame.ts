import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { SRID_LNGLAT } from "../geo";
import { columnValues, rowCountOf } from "./cells";
import { fitColumn, type TableColumn } from "./fit-column";
import { encodeGeometries, isGeometry } from "./geometry-writer";
import { cannotStore, inferColumn, type SourceColumn } from "./infer";
import { normalizeColumnNames } from "./names";
import { type Pace, paced } from "./pace";
import type { PointsColumn, WriteColumn } from "./write-column";

const THE_GEOM = "the_geom";
const GEOMETRY = "geometry";
const WEBMERCATOR = "the_geom_webmercator";
const CARTODB_ID = "cartodb_id";
const INDEX = "index";

export interface FromFrameOptions {
  /** Names of the longitude and latitude columns, in that order. They become points, and remain columns. */
  readonly lnglat?: readonly [lng: string, lat: string];
  /** Writes the geometry column `geomCol` as `the_geom`. The column itself is not written. @default false */
  readonly encodeGeom?: boolean;
  /** Name of the geometry column for `encodeGeom`. @default "geometry", or else "the_geom" */
  readonly geomCol?: string;
  readonly signal?: AbortSignal;
}

export interface FrameToWrite {
  readonly columns: WriteColumn[];
  readonly rowCount: number;
  /** Columns whose names CARTO would change, with their new names. */
  readonly renamed: { readonly from: string; readonly to: string }[];
  readonly warnings: string[];
}

/**
 * Returns the columns of a DataFrame in the form in which they are written. `the_geom` is taken, in this order, from
 * `lnglat`, from `encodeGeom`, from a column `the_geom`, or from the first column of wkx geometries. `cc.read` with
 * `decodeGeom` returns `the_geom` and its decoded copy `geometry`; these are written once, from `the_geom`, or from the
 * copy if `encodeGeom` is set.
 * @throws InvalidArgumentError Naming the column and row of a value that cannot be written.
 */
export async function columnsFromFrame(
  frame: DataFrame,
  options: FromFrameOptions = {},
): Promise<FrameToWrite> {
  const pace = paced(options.signal);
  const warnings: string[] = [];
  const source = await columnsOf(frame, pace);
  const geometry = await theGeom(source, options, warnings, pace);
  const others = source.filter(({ name }) => !geometry?.replaces.has(name));
  const index = indexColumn(frame);
  const names = normalizeColumnNames(
    [...others.map(({ name }) => name), ...(index === null ? [] : [INDEX])],
    geometry === null ? [] : [THE_GEOM],
  );
  const renamed = others.flatMap(({ name }, i) => (name === names[i] ? [] : [{ from: name, to: names[i]! }])); // one name per column
  const columns: WriteColumn[] = [];
  if (index !== null) columns.push(await writeColumn(index, names.at(-1)!, warnings, pace)); // the last one is that of the index
  for (const [i, column] of others.entries()) {
    if (names[i] === WEBMERCATOR) {
      warnings.push(`Column "${column.name}" is left out: the database makes ${WEBMERCATOR} from the_geom.`);
    } else columns.push(await writeColumn(column, names[i]!, warnings, pace)); // one name per column
  }
  if (geometry !== null) columns.push(geometry.column);
  return { columns, rowCount: rowCountOf(frame), renamed, warnings };
}

export interface FrameToFit extends Omit<FrameToWrite, "columns"> {
  /** A column for a table. `from` is its name in the frame; without `target`, the table lacks the column. */
  readonly columns: {
    readonly from: string;
    readonly column: WriteColumn;
    readonly target?: TableColumn;
  }[];
}

/**
 * Returns the columns of a DataFrame in the form in which they are written to an existing table. Each column goes to the
 * table's column of the same name, or else of the name that CARTO would give it, and is converted to its type.
 * `the_geom` is taken from the same place as in `columnsFromFrame`, unless the table has a column of that name. The
 * index goes to a column `index` if the table has one.
 * @throws InvalidArgumentError Naming the column and row of a value that does not fit.
 */
export async function columnsForTable(
  frame: DataFrame,
  table: readonly TableColumn[],
  options: FromFrameOptions = {},
): Promise<FrameToFit> {
  const pace = paced(options.signal);
  const warnings: string[] = [];
  const targets = new Map(table.map((column) => [column.name, column]));
  const source = await columnsOf(frame, pace);
  const isMade = options.lnglat !== undefined || options.encodeGeom || options.geomCol !== undefined;
  const hasGeometry = isMade || targets.has(THE_GEOM);
  const geometry = hasGeometry ? await theGeom(source, options, warnings, pace, targets) : null;
  const others = source.filter(({ name }) => !geometry?.replaces.has(name));
  const names = namesInTable(others, targets, geometry !== null);
  const columns: FrameToFit["columns"] = [];
  const add = async (column: SourceColumn, name: string) => {
    const target = targets.get(name);
    if (target === undefined) {
      columns.push({ from: column.name, column: await writeColumn(column, name, warnings, pace) });
      return;
    }
    if (target.generated) return;
    const { warning, ...fitted } = await fitColumn(column, target, pace);
    if (warning !== undefined) warnings.push(warning);
    columns.push({ from: column.name, column: { name, ...fitted }, target });
  };
  for (const [i, column] of others.entries()) if (names[i] !== WEBMERCATOR) await add(column, names[i]!); // one name per column
  const index = targets.has(INDEX) && !names.includes(INDEX) ? indexColumn(frame) : null;
  if (index !== null) await add(index, INDEX);
  if (geometry !== null)
    columns.push({ from: THE_GEOM, column: geometry.column, target: targets.get(THE_GEOM) });
  const renamed = others.flatMap(
    ({ name }, i) => (name === names[i] || targets.has(names[i]!) ? [] : [{ from: name, to: names[i]! }]), // one name per column
  );
  return { columns, rowCount: rowCountOf(frame), renamed, warnings };
}

function namesInTable(
  columns: readonly SourceColumn[],
  targets: ReadonlyMap<string, TableColumn>,
  hasGeometry: boolean,
): string[] {
  const exact = columns.map(({ name }) => name).filter((name) => targets.has(name));
  const others = columns.map(({ name }) => name).filter((name) => !targets.has(name));
  const normalized = normalizeColumnNames(others, hasGeometry ? [...exact, THE_GEOM] : exact);
  let next = 0;
  return columns.map(({ name }) => (targets.has(name) ? name : normalized[next++]!)); // one per column that has no target
}

async function columnsOf(frame: DataFrame, pace: Pace): Promise<SourceColumn[]> {
  const { $columns, $dtypes } = frame as unknown as Internals;
  const columns: SourceColumn[] = [];
  for (const [i, name] of $columns.entries()) {
    if (pace.due()) await pace.pause();
    columns.push({ name: String(name), dtype: $dtypes[i] ?? "string", values: columnValues(frame, i) });
  }
  return columns;
}

interface Internals {
  readonly $columns: readonly unknown[];
  readonly $dtypes: readonly string[];
  readonly $index: readonly unknown[];
}

/** Returns the index as a column, or null if it only counts the rows. */
function indexColumn(frame: DataFrame): SourceColumn | null {
  const { $index: values } = frame as unknown as Internals;
  return values.every((label, row) => label === row) ? null : { name: INDEX, dtype: "string", values };
}

async function writeColumn(
  column: SourceColumn,
  name: string,
  warnings: string[],
  pace: Pace,
): Promise<WriteColumn> {
  const { warning, ...inferred } = await inferColumn(column, pace);
  if (warning !== undefined) warnings.push(warning);
  if (name !== CARTODB_ID) return { name, ...inferred };
  await checkIds(column, inferred.pgtype, pace);
  return { name, pgtype: "int8", values: inferred.values };
}

/** Checks CARTO's primary key: distinct integers without missing values. */
async function checkIds({ name, values }: SourceColumn, pgtype: string, pace: Pace): Promise<void> {
  const advice = "cartodb_id is the primary key and must hold unique integers. Drop or rename the column.";
  const rows = new Map<unknown, number>();
  for (const [row, value] of values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    const id = typeof value === "bigint" ? Number(value) : value;
    if (!Number.isInteger(id)) throw cannotStore(name, row, shown(value), advice);
    const first = rows.get(id);
    if (first !== undefined) throw cannotStore(name, row, `${id}, as row ${first} does`, advice);
    rows.set(id, row);
  }
  if (values.length > 0 && pgtype !== "int4" && pgtype !== "int8") {
    throw cannotStore(name, values.length - 1, "numbers beyond bigint", advice);
  }
}

const shown = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));

interface TheGeom {
  readonly column: WriteColumn;
  /** Columns that are not written because they hold this geometry or give way to it. */
  readonly replaces: ReadonlySet<string>;
}

async function theGeom(
  source: readonly SourceColumn[],
  { lnglat, geomCol, encodeGeom = geomCol !== undefined }: FromFrameOptions,
  warnings: string[],
  pace: Pace,
  targets: ReadonlyMap<string, unknown> = new Map() /* columns that the table has */,
): Promise<TheGeom | null> {
  const named = source.find(({ name }) => isTheGeom(name));
  const wkx = source.filter((column) => !targets.has(column.name) && isWkxColumn(column));
  if (lnglat !== undefined) {
    if (encodeGeom)
      throw new InvalidArgumentError("Pass lnglat or encodeGeom, not both: each makes the_geom.");
    if (named) warnings.push(`Column "${named.name}" is left out, because the_geom is made from lnglat.`);
    return {
      column: await pointsColumn(source, lnglat, warnings, pace),
      replaces: new Set(named && [named.name]),
    };
  }
  const chosen = encodeGeom ? geometryColumn(source, geomCol) : (named ?? wkx[0]);
  if (chosen === undefined) return null;
  const { srid, ...encoded } = await encodeGeometries(chosen.values, chosen.name, pace);
  const column: WriteColumn = {
    name: THE_GEOM,
    pgtype: "geometry",
    ...encoded,
    ...(srid !== null && { srid }),
  };
  const copy = wkx.find(({ name }) => name === GEOMETRY);
  const replaces = new Set([chosen, named, copy].flatMap((part) => (part === undefined ? [] : [part.name])));
  return { column, replaces };
}

function isTheGeom(name: string): boolean {
  return normalizeColumnNames([name])[0] === THE_GEOM;
}

function isWkxColumn({ values }: SourceColumn): boolean {
  return isGeometry(values.find((value) => value !== null && value !== undefined));
}

function geometryColumn(source: readonly SourceColumn[], geomCol: string | undefined): SourceColumn {
  const wanted = geomCol === undefined ? [GEOMETRY, THE_GEOM] : [geomCol];
  for (const name of wanted) {
    const column = source.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
  }
  throw new InvalidArgumentError(
    `encodeGeom needs a column ${wanted.map((name) => `"${name}"`).join(" or ")}; the frame has ${listed(source)}. ` +
      "Pass the name of the geometry column as geomCol.",
  );
}

const listed = (source: readonly SourceColumn[]) =>
  source.map(({ name }) => `"${name}"`).join(", ") || "no columns";

async function pointsColumn(
  source: readonly SourceColumn[],
  lnglat: readonly [lng: string, lat: string],
  warnings: string[],
  pace: Pace,
): Promise<PointsColumn> {
  if (!Array.isArray(lnglat) || lnglat.length !== 2) {
    throw new InvalidArgumentError('lnglat must be the names of two columns, such as ["lng", "lat"].');
  }
  const [lngs, lats] = lnglat.map((name) => {
    const column = source.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    throw new InvalidArgumentError(`lnglat names "${name}", but the frame has ${listed(source)}.`);
  });
  const lng = await degrees(lngs!, pace); // lnglat has two names
  const lat = await degrees(lats!, pace);
  const outside = lng.reduce(
    (n, _, row) => (Math.abs(lng[row]!) > 180 || Math.abs(lat[row]!) > 90 ? n + 1 : n), // one per row
    0,
  );
  if (outside > 0) {
    const [some, all] = [outside, lng.length].map((count) => count.toLocaleString("en-US"));
    warnings.push(
      `${some} of ${all} points lie outside longitude ±180 or latitude ±90. ` +
        `lnglat is [longitude, latitude]: are "${lnglat[0]}" and "${lnglat[1]}" swapped?`,
    );
  }
  return { name: THE_GEOM, pgtype: "geometry", lng, lat, srid: SRID_LNGLAT, flat: true };
}

async function degrees({ name, values }: SourceColumn, pace: Pace): Promise<Float64Array> {
  const out = new Float64Array(values.length);
  for (const [row, value] of values.entries()) {
    if (row % 8192 === 0 && pace.due()) await pace.pause();
    out[row] = degree(value, name, row);
  }
  return out;
}

/** Returns numbers, NaN for missing values. Texts of digits count as numbers, as tables loaded without types hold them. */
function degree(value: unknown, name: string, row: number): number {
  if (value === null || value === undefined || Number.isNaN(value)) return Number.NaN;
  const isDigits = typeof value === "string" && value.trim() !== "";
  const isNumber = typeof value === "number" || typeof value === "bigint" || isDigits;
  const number = isNumber ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw cannotStore(
    name,
    row,
    shown(value),
    "lnglat needs degrees as numbers, or null for a row without a position.",
  );
}
