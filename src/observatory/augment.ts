import type { DataFrame } from "danfojs-node";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import { columnValues, rowCountOf } from "../frame";
import { listed } from "../options";
import { ident } from "../sql";
import { tableEnvelopeSql } from "./discovery";
import { explainLacking } from "./explain";
import {
  askedOf,
  labelOf,
  type Measure,
  type MetaRecord,
  metadataSql,
  namesFor,
  parametersSql,
  recordsSql,
} from "./metadata";
import { WORLD } from "./place";
import {
  type Geometries,
  geometriesOf,
  type How,
  howOf,
  type SourceTable,
  sourceTable,
} from "./source-table";

export interface DataOptions {
  /** Keeps the augmented rows as a new table of this name, and gives them back as they were kept. */
  readonly persistAs?: string;
  /** With `persistAs`: replaces a table of that name. @default false */
  readonly overwrite?: boolean;
  /**
   * The column by which rows are found: one of geometries, or one that identifies boundaries (`06059`).
   * @default "the_geom"
   */
  readonly how?: string;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** What one statement can be asked for. */
const MAX_MEASURES = 50;

/** A statement that augments a table, ready to run. */
export interface Augmentation {
  readonly sql: string;
  readonly warnings: readonly string[];
  /** The columns that it adds, without those of which it is known that they have no values. */
  readonly added: readonly string[];
  readonly how: How;
}

/** @throws InvalidArgumentError for options and metadata that cannot be used */
export async function planAugmentation(
  transport: Transport,
  tableName: string,
  metadata: DataFrame | readonly Measure[],
  { how: howName, signal }: Pick<DataOptions, "how" | "signal">,
): Promise<Augmentation> {
  if (howName !== undefined && typeof howName !== "string")
    throw new InvalidArgumentError('how must be the name of a column: { how: "fips" }.');
  const asked = askedOf(metadata);
  refuseCount(asked.kind === "records" ? asked.records.length : asked.entries.length);
  const lookup = { transport, signal };
  const source = await sourceTable(tableName, lookup);
  const how = howOf(source, howName);
  const held = how.kind === "geometry" ? await geometriesOf(source, how.column, lookup) : undefined;
  const warnings = held ? unusableGeometries(source, how, held) : [];
  let records = asked.kind === "records" ? asked.records : [];
  if (asked.kind === "entries") {
    records = await complete(transport, source, held?.lngLat, asked.entries, signal);
    warnings.push(...notFound(asked.entries, records));
    refuseCount(records.length);
  }
  const hopeless = withoutMean(records, held !== undefined && held.areas > 0);
  warnings.push(...hopeless.map(noMean));
  const { names, warnings: renamed } = namesFor(
    records,
    source.columns.map(({ name }) => name),
  );
  return {
    sql: dataSql(source, how, held, records, names),
    warnings: [...warnings, ...renamed],
    added: names.filter((_, i) => !hopeless.includes(records[i]!)),
    how,
  };
}

function refuseCount(count: number): void {
  if (count === 0) {
    throw new InvalidArgumentError(
      "There are no valid metadata entries. Check the ids; cc.dataDiscovery(region) has those that there are.",
    );
  }
  if (count <= MAX_MEASURES) return;
  throw new InvalidArgumentError(
    `The number of metadata entries exceeds ${MAX_MEASURES}: there are ${count}. Choose some of the rows, name a numer_timespan, or augment in several calls.`,
  );
}

/**
 * What the observatory makes of entries that leave things open, for the place of the table.
 * @param geometry in longitude and latitude, in SQL
 */
async function complete(
  transport: Transport,
  source: SourceTable,
  geometry: string | undefined = theGeomOf(source),
  entries: readonly MetaRecord[],
  signal?: AbortSignal,
): Promise<MetaRecord[]> {
  const envelope =
    geometry === undefined
      ? `SELECT ${WORLD} AS env, count(*)::int AS cnt FROM ${source.sql}`
      : tableEnvelopeSql(source.sql, geometry);
  const meta = `(SELECT OBS_GetMeta(envelope.env, ${parametersSql(entries)}, 10, 1, envelope.cnt) AS meta FROM envelope GROUP BY env, cnt)`;
  const sql = `WITH envelope AS (${envelope})\n${recordsSql(meta)}`;
  const { rows } = await runSql(transport, sql, { signal, repeatable: true }).catch((error) => {
    throw explainLacking(error);
  });
  return (rows as MetaRecord[]).map((record) => {
    const wanted = entries[Number(record.id) - 1]?.suggested_name;
    return wanted == null ? record : { ...record, suggested_name: wanted };
  });
}

function theGeomOf({ columns }: SourceTable): string | undefined {
  const hasGeometry = columns.some(({ name, pgtype }) => name === "the_geom" && pgtype === "geometry");
  return hasGeometry ? "the_geom" : undefined;
}

/** Every entry that nothing was found for, unless nothing was found for any. */
function notFound(entries: readonly MetaRecord[], records: readonly MetaRecord[]): string[] {
  const found = new Set(records.map(({ id }) => Number(id)));
  const missing = entries.filter((_, i) => !found.has(i + 1)).map(labelOf);
  if (missing.length === 0 || records.length === 0) return [];
  return [
    `The Data Observatory has nothing for ${listed(missing)} where the table is, and leaves it out. Check the ids, timespans and boundaries.`,
  ];
}

/** @throws InvalidArgumentError for a table whose geometries no value can be found for; what some rows lack is told */
function unusableGeometries({ label }: SourceTable, { column }: How, held: Geometries): string[] {
  const { points, areas, others } = held;
  if (points > 0 && areas > 0) {
    throw new InvalidArgumentError(
      `Column "${column}" of ${label} has points and polygons, for which values are computed in different ways. ` +
        `Make a table of each: cc.query("SELECT * FROM … WHERE ST_Dimension(${column}) = 0", { tableName }).`,
    );
  }
  if (others === 0) return [];
  const advice = "ST_PointOnSurface or ST_GeometryN(…, 1) in a query makes points of them";
  if (points + areas > 0) {
    return [`${others} rows of ${label} have lines or multipoints, and get no values: ${advice}.`];
  }
  throw new InvalidArgumentError(
    `Column "${column}" of ${label} has lines or multipoints, and the Data Observatory has values of points and polygons: ${advice}.`,
  );
}

/**
 * The measures that polygons get no value of.
 * @throws InvalidArgumentError for what nothing would get a value of
 */
function withoutMean(records: readonly MetaRecord[], hasAreas: boolean): MetaRecord[] {
  return records.filter((record) => {
    if (record.numer_id == null || String(record.numer_type).toLowerCase() !== "numeric") return false;
    const { numer_aggregate: aggregate, denom_id, denom_reltype } = record;
    const kind = String(record.normalization ?? "").toLowerCase();
    if (kind.startsWith("denom") && denom_id == null) {
      throw new InvalidArgumentError(
        `${labelOf(record)} has no denominator, so it cannot be "denominated". Use normalization "predenominated"${aggregate === "sum" ? ' or "area"' : ""}.`,
      );
    }
    const isMean = aggregate === "median" || aggregate === "average";
    const isWeighed = isMean && kind.startsWith("pre") && denom_reltype === "universe";
    const isKnown = kind.startsWith("denom") || kind.startsWith("area") || aggregate === "sum" || isWeighed;
    return hasAreas && !isKnown;
  });
}

function noMean(record: MetaRecord): string {
  const aggregate = record.numer_aggregate ?? "not known";
  return `${labelOf(record)} is NULL for polygons: it is no sum, and the observatory has no weights for a mean (its aggregate is ${aggregate}).`;
}

/** How PostgreSQL names a type, which is not an identifier: `numeric`, `timestamp without time zone`. */
const TYPE_NAME = /^[a-z][a-z0-9_ ]*(\(\d+(, *\d+)?\))?(\[\])?$/i;

function typeOf({ numer_id, numer_type }: MetaRecord): string {
  if (numer_id == null) return "geometry";
  const type = String(numer_type ?? "text");
  if (!TYPE_NAME.test(type))
    throw new InvalidArgumentError(`${JSON.stringify(type)} in the metadata is no type of PostgreSQL.`);
  return type;
}

/** Rows are numbered where the table does not number them. */
const ROW = "cartoframes_row";

/**
 * What the Python client sends, but with LEFT JOIN: rows outside of what the observatory covers stay; and in the order of
 * the table. One statement, however long the table is, so that all values are of one moment.
 */
export function dataSql(
  source: SourceTable,
  how: How,
  held: Geometries | undefined,
  records: readonly MetaRecord[],
  names: readonly string[],
): string {
  const columns = source.columns.map(({ name }) => `t.${ident(name)}`);
  const values = records.map(
    (record, i) => `(m.data->${i}->>'value')::${typeOf(record)} AS ${ident(names[i]!)}`,
  );
  const by = ident(how.column);
  const isCounted = held !== undefined && !held.isNumbered;
  const before = isCounted
    ? `WITH numbered AS (SELECT *, row_number() OVER ()::int AS ${ROW} FROM ${source.sql})\n`
    : "";
  const table = isCounted ? "numbered" : source.sql;
  const id = isCounted ? ROW : "cartodb_id";
  const [keys, condition] =
    held !== undefined
      ? [`array_agg((${held.lngLat}, ${id})::geomval)`, `t.${ident(id)} = m.id`]
      : [`array_agg(${by}::text)`, `t.${by}::text = m.id`];
  const isOrdered = isCounted || source.columns.some(({ name }) => name === id);
  return `${before}SELECT ${[...columns, ...values].join(", ")}
FROM ${table} AS t
LEFT JOIN OBS_GetData((SELECT ${keys} FROM ${table}), ${metadataSql(records)}) AS m ON ${condition}${isOrdered ? `\nORDER BY t.${ident(id)}` : ""}`;
}

/** What is worth saying of an augmented frame: columns without any value. */
export function emptyColumns(frame: DataFrame, { added, how }: Augmentation): string[] {
  if (rowCountOf(frame) === 0) return [];
  const empty = added.filter((name) => {
    const at = frame.columns.indexOf(name); // a table that is kept may call it otherwise
    return at >= 0 && columnValues(frame, at).every((value) => value == null || Number.isNaN(value));
  });
  if (empty.length === 0) return [];
  const advice =
    how.kind === "geometry"
      ? "No row lies where the observatory has a value."
      : `No "${how.column}" is an identifier of these boundaries; they are texts such as "06059", and geom_id says of which level.`;
  return [`${empty.join(", ")}: NULL in every row. ${advice}`];
}
