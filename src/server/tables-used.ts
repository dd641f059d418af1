import { scanStatements } from "../sql-lexer";
import { DatabaseError, type Engine, lastRows, type StatementOptions } from "./engine/engine";
import { Refusal } from "./guard";

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

const EXPLAINABLE = new Set("SELECT WITH VALUES TABLE ( INSERT UPDATE DELETE MERGE".split(" "));
const EXPLAIN = "EXPLAIN (FORMAT JSON, VERBOSE) ";

/**
 * Lists the tables that the statements read or write, including those behind views. The statements are planned, not
 * run.
 * @throws DatabaseError if a statement cannot be planned; its position counts in `sql`
 */
export async function tablesUsed(
  engine: Engine,
  sql: string,
  options: StatementOptions,
): Promise<TableName[]> {
  const found = new Map<string, TableName>();
  for (const tokens of scanStatements(sql)) {
    const [first] = tokens;
    if (!first || !EXPLAINABLE.has(first.text)) continue;
    const { start } = first;
    const result = await engine
      .query(EXPLAIN + sql.slice(start, tokens.at(-1)?.end), options)
      .catch((error) => {
        throw error instanceof DatabaseError ? moved(error, [...sql.slice(0, start)].length) : error;
      });
    const plan = JSON.parse(
      lastRows(result)
        .map(([line]) => line)
        .join("\n"),
    );
    for (const table of relationsIn(plan)) found.set(`${table.schema}.${table.name}`, table);
  }
  return [...found.values()];
}

function moved(error: DatabaseError, characters: number): DatabaseError {
  const position = error.position && error.position - EXPLAIN.length + characters;
  return error.with({ position });
}

/** Walks the plan without recursion, because the caller's statement decides how deep it is. */
function* relationsIn(plan: unknown): Generator<TableName> {
  const nodes = [plan];
  while (nodes.length > 0) {
    const node = nodes.pop();
    if (typeof node !== "object" || node === null) continue;
    const { "Relation Name": name, Schema: schema } = node as Record<string, unknown>;
    if (typeof name === "string" && typeof schema === "string") yield { schema, name };
    nodes.push(...Object.values(node));
  }
}

const SYSTEM_SCHEMAS = new Set(["pg_catalog", "information_schema", "carto"]);
const SYSTEM_TABLES = new Set([
  "cartodb.cdb_tablemetadata",
  "cartodb.cdb_datasets",
  "cartodb.cdb_conf",
  "cartodb.cdb_analysis_catalog",
  "public.spatial_ref_sys",
]);

/**
 * Lists the tables that the statements use.
 * @throws Refusal if one is a system table, which only the master key may use
 */
export async function refuseSystemTables(
  engine: Engine,
  sql: string,
  options: StatementOptions,
): Promise<TableName[]> {
  const tables = await tablesUsed(engine, sql, options);
  if (tables.some(isSystemTable)) throw new Refusal(403, "system tables are forbidden");
  return tables;
}

function isSystemTable({ schema, name }: TableName): boolean {
  return SYSTEM_SCHEMAS.has(schema) || name.startsWith("pg_") || SYSTEM_TABLES.has(`${schema}.${name}`);
}

/** Returns the query whose rows a `COPY … TO` copies; undefined if `sql` is another statement. */
export function copiedQuery(sql: string): string | undefined {
  const [tokens = []] = scanStatements(sql);
  const [, first, second] = tokens;
  if (!first) return undefined;
  if (first.text === "(") {
    const end = tokens.find(({ text, depth }, at) => at > 1 && depth === 0 && text === ")");
    return end && sql.slice(first.end, end.start);
  }
  const end = tokens.find(({ text, depth }, at) => at > 1 && depth === 0 && (text === "(" || text === "TO"));
  return end && second && `TABLE ${sql.slice(first.start, end.start)}`;
}
