import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import type { Field } from "../../frame";
import { listed } from "../../options";
import { ident } from "../../sql";
import { describe } from "../describe";
import { quoted, tableNamed } from "../table-name";

/** A table that the observatory is asked about. */
export interface SourceTable {
  readonly label: string;
  /** Its name in SQL. */
  readonly sql: string;
  /** Without `the_geom_webmercator`. */
  readonly columns: readonly Field[];
}

const GEOM = "the_geom";
const isGeometry = ({ pgtype }: Field) => pgtype === "geometry";

/** @throws TableNotFoundError if there is no such table */
export async function sourceTable(
  name: string,
  { transport, signal }: { readonly transport: Transport; readonly signal?: AbortSignal },
): Promise<SourceTable> {
  const table = await tableNamed(name, { transport, signal });
  const sql = quoted(table);
  const columns = await describe(transport, `SELECT * FROM ${sql}`, { signal });
  return { label: table.label, sql, columns: columns! }; // a SELECT can stand in a subquery
}

/**
 * The column of that name, or `the_geom`, else the only geometry column.
 * @throws InvalidArgumentError if there is none
 */
export function geometryColumn({ label, columns }: SourceTable): string {
  const names = columns.filter(isGeometry).map(({ name }) => name);
  if (names.includes(GEOM)) return GEOM;
  if (names.length === 1) return names[0]!;
  throw new InvalidArgumentError(
    names.length === 0
      ? `Table "${label}" has no geometry column.`
      : `Table "${label}" has several geometry columns, none of them the_geom: ${listed(names)}. Make a table with one of them: cc.query(sql, { tableName }).`,
  );
}

/** By what the rows of a table are found in the observatory. */
export interface How {
  readonly kind: "geometry" | "identifier";
  readonly column: string;
}

/** @throws InvalidArgumentError if the table has no such column, or by default no geometry */
export function howOf(source: SourceTable, how: string | undefined): How {
  const { label, columns } = source;
  if (how === undefined) return { kind: "geometry", column: geometryColumn(source) };
  const column = columns.find(({ name }) => name === how);
  if (column === undefined) {
    throw new InvalidArgumentError(
      `Table "${label}" has no column ${JSON.stringify(how)} to find its rows by. It has ${listed(columns.map(({ name }) => name))}.`,
    );
  }
  return { kind: isGeometry(column) ? "geometry" : "identifier", column: how };
}

/** What a column of geometries holds. */
export interface Geometries {
  readonly rows: number;
  readonly points: number;
  readonly areas: number;
  /** Lines, and points that are several in one value. */
  readonly others: number;
}

export async function geometriesOf(
  { sql }: SourceTable,
  column: string,
  { transport, signal }: { readonly transport: Transport; readonly signal?: AbortSignal },
): Promise<Geometries> {
  const geometry = ident(column);
  const { rows } = await runSql(
    transport,
    `SELECT count(*)::int AS rows, count(*) FILTER (WHERE GeometryType(${geometry}) = 'POINT')::int AS points,
  count(*) FILTER (WHERE ST_Dimension(${geometry}) = 2)::int AS areas, count(${geometry})::int AS all FROM ${sql}`,
    { signal, repeatable: true },
  );
  const { rows: count, points, areas, all } = rows[0] as Record<string, number>;
  return { rows: count!, points: points!, areas: areas!, others: all! - points! - areas! };
}
