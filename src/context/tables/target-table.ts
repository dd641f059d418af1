/** An existing table that the rows of a frame are written to: its columns, and how their values are converted. */
import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, TableNotFoundError } from "../../errors";
import { columnType, type FrameToFit, type TableColumn, type WriteColumn } from "../../frame";
import { SRID_LNGLAT } from "../../geo";
import { literal } from "../../sql";
import type { Baseline } from "./baselines";
import { quoted, type TableName } from "./table-name";

/** A column of the table with what only the SQL needs. */
export interface TargetColumn extends TableColumn {
  /** Type without modifiers, for casts that must not truncate: `bpchar`, not `character`. */
  readonly plain: string;
  /** SQL for the default value, if the column has one. */
  readonly fallback?: string;
  /** Name in SQL of the sequence behind `fallback`. */
  readonly sequence?: string;
  readonly nullable: boolean;
}

export interface TableBefore {
  readonly targets: readonly TargetColumn[];
  readonly baseline: Baseline;
}

/**
 * Describes the columns and the current state of a table. Its rows are counted for a sync only.
 * @throws TableNotFoundError if the table does not exist
 * @throws InvalidArgumentError if it is not an ordinary table
 */
export async function describeTable(
  transport: Transport,
  table: TableName,
  { call, signal }: { readonly call: "sync" | "append"; readonly signal?: AbortSignal },
): Promise<TableBefore> {
  const name = quoted(table);
  const count = call === "sync" ? `(SELECT count(*) FROM ONLY ${name})` : "0";
  const { rows } = await runSql(
    transport,
    `SELECT c.relkind::text AS kind, EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS has_parts,
  a.attname::text AS name, coalesce(b.typname, y.typname)::text AS pgtype, format_type(a.atttypid, a.atttypmod) AS type,
  format_type(coalesce(b.oid, y.oid), -1) AS plain,
  CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE y.typtypmod END AS modifier, NOT a.attnotnull AS nullable,
  coalesce(to_json(a) ->> 'attgenerated', '') <> '' AS generated,
  pg_get_expr(d.adbin, d.adrelid) AS fallback, pg_get_serial_sequence(${literal(name)}, a.attname::text) AS sequence,
  txid_current_snapshot()::text AS snapshot, ${count} AS row_count
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = y.typbasetype AND y.typtype = 'd'
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.oid = ${literal(name)}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    { signal, repeatable: true },
  ).catch((error) => {
    if (!(error instanceof TableNotFoundError)) throw error;
    throw new TableNotFoundError(
      `No table is named "${table.label}". Create it first with \`await cc.write(df, ${JSON.stringify(table.label)})\`.`,
      { table: table.label },
    );
  });
  const [first] = rows;
  if (first && (first.kind !== "r" || first.has_parts === true)) {
    throw new InvalidArgumentError(
      `"${table.label}" is ${KINDS[String(first.kind)] ?? "a table made of other tables"}; cc.${call} needs an ordinary table.`,
    );
  }
  const targets = rows.map((row): TargetColumn => {
    const sequence = typeof row.sequence === "string" ? row.sequence : undefined;
    const fallback = sequence === undefined ? row.fallback : `nextval(${literal(sequence)}::regclass)`;
    return {
      name: String(row.name),
      pgtype: String(row.pgtype),
      type: String(row.type),
      plain: String(row.plain),
      modifier: Number(row.modifier),
      nullable: row.nullable === true,
      generated: row.generated === true,
      ...(typeof fallback === "string" && { fallback }),
      ...(sequence !== undefined && { sequence }),
    };
  });
  const { snapshot, row_count } = first ?? {};
  return { targets, baseline: { table: name, snapshot: String(snapshot), rowCount: Number(row_count) } };
}

/** Kinds of relations in words, by `pg_class.relkind`. */
const KINDS: Readonly<Record<string, string>> = {
  v: "a view",
  m: "a materialized view",
  f: "a foreign table",
  p: "a partitioned table",
};

/** Returns the type in the uploaded table, which does not restrict the type of geometries. */
export function uploadedType(column: WriteColumn, target: TableColumn): string {
  if (column.pgtype === "timestamptz" && target.pgtype !== "timestamptz") return "timestamp";
  return column.pgtype === "geometry" ? "geometry" : columnType(column);
}

/** Returns SQL for `s`, an uploaded value of the column, in the type of the target. */
export function valueIn(column: WriteColumn, target: TargetColumn, s: string): string {
  const { pgtype } = column;
  if (target.pgtype === "geometry") return geometryValue(column, target, s);
  const isSame = pgtype === target.pgtype || (pgtype === "timestamptz" && target.pgtype === "timestamp");
  return isSame ? s : `${s}::${target.plain}`;
}

/**
 * SQL of PL/pgSQL that advances a sequence past `highest`, SQL for the highest number that is written, so that the
 * database does not give that number again.
 */
export function advanceSequence(sequence: string, highest: string): string {
  const last = `coalesce(pg_sequence_last_value(${literal(sequence)}::regclass), 0)`;
  return `PERFORM setval(${literal(sequence)}::regclass, ${highest}) WHERE ${highest} > greatest(0, ${last});`;
}

/** Returns a warning for each column whose geometries lose their heights and measures in the table. */
export function flatteningsOf(columns: FrameToFit["columns"]): string[] {
  const flattened = columns.filter(({ column, target }) => target !== undefined && flattens(target, column));
  return flattened.map(
    ({ column }) =>
      `${column.name} has heights or measures (Z, M). They are dropped, because the table's column is two-dimensional.`,
  );
}

/** Settings under which texts become times as the frame means them, until the end of the transaction. */
export const ISO_SETTINGS =
  "PERFORM set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true);";

/** Modifiers of geometry columns: https://github.com/postgis/postgis/blob/master/liblwgeom/liblwgeom.h.in (TYPMOD_GET_SRID) */
export const GEOMETRY_4326 = SRID_LNGLAT << 8;
const HAS_Z = 2;
const HAS_M = 1;
/** SRID of a column; 0 if it accepts any. */
export const sridOf = ({ modifier }: TableColumn) => (modifier < 0 ? 0 : (modifier & 0x1fffff00) >> 8);

/** True if geometries lose their heights and measures in this column. */
function flattens({ pgtype, modifier }: TableColumn, column: WriteColumn): boolean {
  const isFlat = modifier >= 0 && (modifier & (HAS_Z | HAS_M)) === 0;
  return pgtype === "geometry" && isFlat && column.pgtype === "geometry" && column.flat === false;
}

function geometryValue(column: WriteColumn, target: TargetColumn, s: string): string {
  const srid = sridOf(target);
  const isThere = srid === 0 || column.srid === srid;
  const moved = isThere
    ? s
    : `CASE ST_SRID(${s}) WHEN ${srid} THEN ${s} ELSE ST_Transform(${s}, ${srid}) END`;
  return flattens(target, column) ? `ST_Force2D(${moved})` : moved;
}
