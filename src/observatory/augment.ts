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
import { nearMeasures } from "./near-measures";
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
  /** Stores the augmented rows as a new table with this name, and returns the stored rows. @default not stored */
  readonly persistAs?: string;
  /** With `persistAs`, replaces an existing table of that name. @default false */
  readonly overwrite?: boolean;
  /**
   * Name of the column that locates each row: a geometry column, or one with the identifiers of boundaries (`06059`).
   * @default "the_geom"
   */
  readonly how?: string;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** Maximum number of measures in one statement. */
const MAX_MEASURES = 50;

/** A statement that augments a table, ready to run. */
export interface Augmentation {
  readonly sql: string;
  readonly warnings: readonly string[];
  /** The columns that it adds, except those that are known to have no values. */
  readonly added: readonly string[];
  readonly how: How;
}

/** @throws InvalidArgumentError if the options or the metadata cannot be used */
export async function planAugmentation(
  transport: Transport,
  tableName: string,
  metadata: DataFrame | readonly Measure[],
  { how: howName, signal }: Pick<DataOptions, "how" | "signal">,
): Promise<Augmentation> {
  if (howName !== undefined && typeof howName !== "string")
    throw new InvalidArgumentError('`how` must be the name of a column, such as { how: "fips" }.');
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
    const missing = missingEntries(asked.entries, records);
    const hint = missing.length > 0 ? await nearMeasures(transport, missing, signal) : "";
    if (missing.length > 0 && records.length > 0) warnings.push(notFound(missing) + hint);
    refuseCount(records.length, hint);
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
    added: names.filter((_, i) => !hopeless.some((record) => record === records[i])),
    how,
  };
}

function refuseCount(count: number, hint = ""): void {
  if (count === 0) {
    throw new InvalidArgumentError(
      `There are no valid metadata entries. Check the ids; cc.dataDiscovery(region) lists the available measures.${hint}`,
    );
  }
  if (count <= MAX_MEASURES) return;
  throw new InvalidArgumentError(
    `\`metadata\` must have at most ${MAX_MEASURES} entries; got ${count}. Select some of the rows, set numer_timespan, or augment in several calls.`,
  );
}

/**
 * Completes entries with what the observatory offers at the location of the table.
 * @param geometry SQL expression, in longitude and latitude
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

function missingEntries(entries: readonly MetaRecord[], records: readonly MetaRecord[]): MetaRecord[] {
  const found = new Set(records.map(({ id }) => Number(id)));
  return entries.filter((_, i) => !found.has(i + 1));
}

function notFound(missing: readonly MetaRecord[]): string {
  return `The Data Observatory has no data for ${listed(missing.map(labelOf))} at the location of the table, so these entries are left out. Check the ids, timespans and boundaries.`;
}

/**
 * Warns if some rows have geometries that get no values.
 * @throws InvalidArgumentError if all of them do, or if points and polygons are mixed
 */
function unusableGeometries({ label }: SourceTable, { column }: How, held: Geometries): string[] {
  const { points, areas, others } = held;
  if (points > 0 && areas > 0) {
    throw new InvalidArgumentError(
      `Column "${column}" of ${label} has both points and polygons, whose values are computed in different ways. ` +
        `Make a table of each with cc.query("SELECT * FROM … WHERE ST_Dimension(${column}) = 0", { tableName }).`,
    );
  }
  if (others === 0) return [];
  const advice = "Turn them into points with ST_PointOnSurface or ST_GeometryN(…, 1) in a query.";
  if (points + areas > 0) {
    return [`${others} rows of ${label} have lines or multipoints, which get no values. ${advice}`];
  }
  throw new InvalidArgumentError(
    `Column "${column}" of ${label} has only lines or multipoints; the Data Observatory has values for points and polygons. ${advice}`,
  );
}

/**
 * Returns the measures that are NULL for polygons.
 * @throws InvalidArgumentError if a measure would be NULL in every row
 */
function withoutMean(records: readonly MetaRecord[], hasAreas: boolean): MetaRecord[] {
  return records.filter((record) => {
    if (record.numer_id == null || String(record.numer_type).toLowerCase() !== "numeric") return false;
    const { numer_aggregate: aggregate, denom_id, denom_reltype } = record;
    const kind = String(record.normalization ?? "").toLowerCase();
    if (kind.startsWith("denom") && denom_id == null) {
      throw new InvalidArgumentError(
        `${labelOf(record)} has no denominator, so \`normalization\` cannot be "denominated". Use "predenominated"${aggregate === "sum" ? ' or "area"' : ""}.`,
      );
    }
    const isMean = aggregate === "median" || aggregate === "average";
    const isWeighed = isMean && kind.startsWith("pre") && denom_reltype === "universe";
    const isKnown = kind.startsWith("denom") || kind.startsWith("area") || aggregate === "sum" || isWeighed;
    return hasAreas && !isKnown;
  });
}

function noMean(record: MetaRecord): string {
  const aggregate = record.numer_aggregate ?? "unknown";
  return `${labelOf(record)} is NULL for polygons: its aggregate is ${aggregate}, not sum, and the observatory has no weights for a mean.`;
}

/** Matches the type names of PostgreSQL, which are not identifiers: `numeric`, `timestamp without time zone`. */
const TYPE_NAME = /^[a-z][a-z0-9_ ]*(\(\d+(, *\d+)?\))?(\[\])?$/i;

function typeOf({ numer_id, numer_type }: MetaRecord): string {
  if (numer_id == null) return "geometry";
  const type = String(numer_type ?? "text");
  if (!TYPE_NAME.test(type))
    throw new InvalidArgumentError(
      `numer_type ${JSON.stringify(type)} in \`metadata\` is not a PostgreSQL type. Use the metadata as cc.dataDiscovery returns it.`,
    );
  return type;
}

/** Column that numbers the rows of a table without a usable `cartodb_id`. */
const ROW = "cartoframes_row";

/**
 * Builds the statement that augments a table. It is the one of CARTO's Python client, but with LEFT JOIN, so that rows
 * outside the coverage of the observatory stay, and in the order of the table. A table of any size takes one statement, so
 * that all values are from the same moment.
 */
function dataSql(
  source: SourceTable,
  how: How,
  held: Geometries | undefined,
  records: readonly MetaRecord[],
  names: readonly string[],
): string {
  const columns = source.columns.map(({ name }) => `t.${ident(name)}`);
  const values = records.map(
    (record, i) => `(m.data->${i}->>'value')::${typeOf(record)} AS ${ident(names[i] ?? "")}`,
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

/** Warns of the columns of an augmented frame that have no values. */
export function emptyColumns(frame: DataFrame, { added, how }: Augmentation): string[] {
  if (rowCountOf(frame) === 0) return [];
  const empty = added.filter((name) => {
    const at = frame.columns.indexOf(name); // a persisted table may have renamed it
    return at >= 0 && columnValues(frame, at).every((value) => value == null || Number.isNaN(value));
  });
  if (empty.length === 0) return [];
  const advice =
    how.kind === "geometry"
      ? "No row lies where the observatory has data."
      : `No value of "${how.column}" identifies one of these boundaries. Identifiers are texts such as "06059"; set geom_id to choose their level.`;
  return [`NULL in every row: ${empty.join(", ")}. ${advice}`];
}
