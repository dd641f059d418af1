/** SQL about a column of a dataview. */
import { tileIdent } from "../../../sql";
import { DatabaseError, type Engine, type ResultField, type StatementOptions } from "../../engine/engine";

/** How a dataview treats a column: floats can be NaN and infinite, dates are counted in seconds. */
type ColumnKind = "float" | "date" | "other";

/** A column of a dataview's query. */
export interface DataviewColumn {
  readonly sql: string;
  readonly kind: ColumnKind;
  readonly typeName: string | null;
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  float4: "float",
  float8: "float",
  numeric: "float",
  date: "date",
  timestamp: "date",
  timestamptz: "date",
};

/**
 * Quotes a column as PostgreSQL reads its name: CARTO inserts names as they are, so that `Name` is the column `name`, and clients
 * quote other names themselves.
 */
export function columnIdent(name: string): string {
  const quoted = /^"((?:[^"]|"")+)"$/s.exec(name.trim())?.[1];
  if (quoted !== undefined) return tileIdent(quoted.replaceAll('""', '"'));
  return tileIdent(/^[a-z_][a-z0-9_$]*$/i.test(name.trim()) ? name.trim().toLowerCase() : name);
}

/** @throws DatabaseError if the fields of the query do not have the column */
export function dataviewColumn(fields: readonly ResultField[], name: string): DataviewColumn {
  const sql = columnIdent(name);
  const field = fields.find((one) => tileIdent(one.name) === sql);
  if (!field) throw new DatabaseError(`column ${sql} does not exist`, { code: "42703" });
  return { sql, kind: KINDS[field.typeName ?? ""] ?? "other", typeName: field.typeName };
}

/** Returns the column without its NaN and infinite values, which become NULL. */
export function finiteSql({ sql, kind, typeName }: DataviewColumn): string {
  if (kind !== "float") return sql;
  return `CASE WHEN ${isNanSql({ sql, kind, typeName })} OR ${isInfiniteSql({ sql, kind, typeName })} THEN NULL ELSE ${sql} END`;
}

/** Numerics are compared as text: a cast of the large ones to float8 fails, and only some versions have infinite ones. */
export function isNanSql({ sql, kind, typeName }: DataviewColumn): string {
  if (kind !== "float") return "false";
  return typeName === "numeric" ? `${sql}::text = 'NaN'` : `${sql} = 'NaN'::float8`;
}

export function isInfiniteSql({ sql, kind, typeName }: DataviewColumn): string {
  if (kind !== "float") return "false";
  return typeName === "numeric"
    ? `${sql}::text IN ('Infinity', '-Infinity')`
    : `${sql} IN ('Infinity'::float8, '-Infinity'::float8)`;
}

/**
 * Selects expressions over the rows of a query. OFFSET 0 keeps PostgreSQL from computing them anew at each place that refers to
 * them.
 */
export function valuesSql(columns: Readonly<Record<string, string>>, query: string): string {
  const list = Object.entries(columns).map(([name, sql]) => `${sql} AS ${name}`);
  return `SELECT ${list.join(", ")} FROM (${query}\n) AS cdbq OFFSET 0`;
}

/** Counts the rows that fulfil a condition; NULL without rows, as CARTO's sums are. */
export const countIf = (condition: string): string => `sum(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;

/** A row of a dataview's query by the names of its columns. */
export type DataviewRow = Readonly<Record<string, string | null>>;

export interface DataviewRows {
  readonly rows: readonly DataviewRow[];
  readonly fields: readonly ResultField[];
}

/** Runs the query of a dataview. A NUL, which would end the statement, becomes a character that matches nothing. */
export async function dataviewRows(
  engine: Engine,
  sql: string,
  options: StatementOptions,
): Promise<DataviewRows> {
  const { statements } = await engine.query(sql.replaceAll("\0", "\ufffd"), options);
  const { rows = [], fields } = statements.at(-1) ?? {};
  const names = (fields ?? []).map(({ name }) => name);
  return {
    fields: fields ?? [],
    rows: rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]))),
  };
}

/** Returns a number of a row; null if it has none. */
export function numberIn(row: DataviewRow | undefined, name: string): number | null {
  const text = row?.[name];
  return text === null || text === undefined ? null : Number(text);
}

const NUMBERS = /^(int[248]|float[48]|numeric|oid)$/;

/** Returns a function from a value in PostgreSQL's text format to its JSON. */
export function jsonValueOf(
  typeName: string | null,
): (text: string | null) => string | number | boolean | null {
  if (typeName === "bool") return (text) => (text === null ? null : text === "t");
  if (!NUMBERS.test(typeName ?? "")) return (text) => text;
  return (text) => {
    if (text === null) return null;
    const value = Number(text);
    return Number.isFinite(value) ? value : text; // JSON has no infinite numbers
  };
}
