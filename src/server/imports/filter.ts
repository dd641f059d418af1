/** Removes the rows and columns of a loaded table that an import does not keep. */
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine, lastRows } from "../engine/engine";
import { CARTO_COLUMNS } from "./analyse";
import { ImportFailure } from "./errors";
import { list, nearest, type Reading } from "./reading";
import type { ImportedTable } from "./record";

type Filter = Pick<Reading, "columns" | "where" | "bbox" | "limit">;

/**
 * Applies the options to a table, which is complete but not yet published. `where` runs with the rights of the master key.
 * @param renamed columns whose names in the file differ from those in the table
 * @returns the number of rows that were removed, and the names of columns
 * @throws ImportFailure 1502 for a column that does not exist, a condition that is wrong, or a `bbox` without geometries
 */
export async function filterTable(
  engine: Engine,
  table: string,
  filter: Filter,
  { renamed, signal }: { renamed: ImportedTable["renamed"]; signal: AbortSignal },
): Promise<{ removed: number; dropped: string[] }> {
  const names = await columnNames(engine, table);
  const dropped = filter.columns === undefined ? [] : droppedColumns(filter.columns, names, renamed);
  if (filter.bbox !== undefined) await checkGeometries(engine, table);
  const sql = deletion(table, filter);
  const removed =
    sql === undefined
      ? 0
      : await engine.query(sql, { signal }).then(
          ({ statements }) => statements.at(-1)?.affectedRows ?? 0,
          (error) => {
            throw explained(error, filter, names);
          },
        );
  if (dropped.length > 0) {
    const drops = dropped.map((name) => `DROP COLUMN ${ident(name)}`).join(", ");
    await engine.query(`ALTER TABLE ${ident(table)} ${drops}`, { signal });
  }
  if (removed > 0 || dropped.length > 0) await engine.query(`VACUUM FULL ${ident(table)}`, { signal });
  return { removed, dropped };
}

async function columnNames(engine: Engine, table: string): Promise<string[]> {
  const result = await engine.query(`SELECT attname FROM pg_attribute
    WHERE attrelid = ${literal(ident(table))}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`);
  return lastRows(result).map(([name]) => name ?? "");
}

/** The names in the file that are also those in the table are not in `renamed`. */
function droppedColumns(
  wanted: readonly string[],
  names: readonly string[],
  renamed: ImportedTable["renamed"],
): string[] {
  const kept = wanted.map((name) => {
    const found = renamed.find(({ from }) => from === name)?.to ?? names.find((other) => other === name);
    if (found !== undefined) return found;
    const all = names.filter((other) => !CARTO_COLUMNS.includes(other));
    const inFile = all.map((other) => renamed.find(({ to }) => to === other)?.from ?? other);
    throw new ImportFailure(
      1502,
      `No column is named "${name}".${nearest(name, inFile)} Columns: ${list(inFile)}.`,
    );
  });
  return names.filter((name) => !kept.includes(name) && !CARTO_COLUMNS.includes(name));
}

async function checkGeometries(engine: Engine, table: string): Promise<void> {
  const result = await engine.query(
    `SELECT FROM ${ident(table)} HAVING count(*) > 0 AND count(the_geom) = 0`,
  );
  if (lastRows(result).length === 0) return;
  throw new ImportFailure(
    1502,
    "`bbox` chooses rows by their geometries, but the file has none. Leave it out.",
  );
}

/** Returns the statement that removes rows, if there is something to remove. */
function deletion(table: string, { where, bbox, limit }: Filter): string | undefined {
  const conditions = [
    ...(where === undefined ? [] : [`(${where}\n)`]),
    ...(bbox === undefined ? [] : [`(${inside(bbox)})`]),
  ];
  if (limit !== undefined) {
    const kept = `SELECT ctid AS place FROM ${ident(table)} WHERE ${conditions.join(" AND ") || "true"} ORDER BY ctid LIMIT ${limit}`;
    return `DELETE FROM ${ident(table)} AS t WHERE NOT EXISTS (SELECT FROM (${kept}) AS k WHERE k.place = t.ctid)`;
  }
  if (conditions.length === 0) return undefined;
  return `DELETE FROM ${ident(table)} WHERE (${conditions.join(" AND ")}) IS NOT TRUE`;
}

function inside([west, south, east, north]: NonNullable<Reading["bbox"]>): string {
  const boxes =
    west <= east
      ? [[west, east]]
      : [
          [west, 180],
          [-180, east],
        ];
  return boxes
    .map(([from, to]) => `ST_Intersects(the_geom, ST_MakeEnvelope(${from}, ${south}, ${to}, ${north}, 4326))`)
    .join(" OR ");
}

/** SQLSTATE of a column that does not exist. */
const UNDEFINED_COLUMN = "42703";

function explained(error: unknown, { where }: Filter, names: readonly string[]): unknown {
  if (where === undefined || !(error instanceof DatabaseError) || /^(?:57|53|58)/.test(error.code))
    return error;
  const unknown =
    error.code === UNDEFINED_COLUMN ? /column "(.*?)" does not exist/.exec(error.message)?.[1] : undefined;
  const isQuoted = unknown !== undefined && where.includes(ident(unknown));
  const advice =
    unknown === undefined
      ? ""
      : `${nearest(unknown, names)}${isQuoted ? ` If it is a text, write ${literal(unknown)}.` : ""} Columns: ${list(names)}.`;
  return new ImportFailure(1502, `\`where\` cannot be evaluated: ${error.message}.${advice}`, {
    cause: error,
  });
}
