import type { WrittenSql } from "../../api/errors";
import { runSql, type SqlField } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError } from "../../errors";
import type { Field } from "../../frame";
import { ident } from "../../sql";

/** Column that is left out of every result: `the_geom` in Web Mercator. */
export const WEBMERCATOR = "the_geom_webmercator";

/** SQLSTATE of "WITH clause containing a data-modifying statement must be at the top level". */
const FEATURE_NOT_SUPPORTED = "0A000";
const SYNTAX_ERROR = "42601";

export interface DescribeOptions {
  readonly signal?: AbortSignal;
  /**
   * Called with PostgreSQL's `txid_current_snapshot`: the transactions that are visible now. Rows that are fetched
   * afterwards show at least these.
   */
  readonly onSnapshot?: (snapshot: string) => void;
}

/** Returns the columns of a query without running it; undefined if the query cannot stand in a subquery. */
export async function describe(
  transport: Transport,
  query: string,
  { signal, onSnapshot }: DescribeOptions = {},
): Promise<readonly Field[] | undefined> {
  const snapshot = onSnapshot ? "SELECT txid_current_snapshot()::text AS snapshot;\n" : "";
  const before = `${snapshot}SELECT * FROM (\n`;
  try {
    const { rows, fields } = await runSql(transport, `${before}${query}\n) AS _q LIMIT 0`, {
      signal,
      skipFields: [WEBMERCATOR],
      repeatable: true,
      written: written(query, before),
    });
    if (rows[0]) onSnapshot?.(String(rows[0].snapshot));
    return fields.some(({ isGuess }) => isGuess)
      ? await exactFields(transport, query, fields, signal)
      : fields;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (error.sqlState === FEATURE_NOT_SUPPORTED || error.message.includes("data-modifying"))
      return undefined;
    const end = [...query].length + 1;
    if (error.sqlState !== SYNTAX_ERROR || (error.position ?? 0) < end) throw error;
    // PostgreSQL reports our parenthesis after the query
    const { sqlState } = error;
    throw new SqlError(
      "syntax error at end of input",
      { sql: query, sqlState, position: end },
      { cause: error },
    );
  }
}

/** Describes a query that is sent with SQL around it, so that errors refer to the query alone. */
export function written(query: string, before: string): WrittenSql {
  return { sql: query, offset: [...before].length };
}

/** Internal names of the types that `pg_typeof` calls otherwise. */
const INTERNAL_NAMES: Readonly<Record<string, string>> = {
  boolean: "bool",
  smallint: "int2",
  integer: "int4",
  bigint: "int8",
  real: "float4",
  "double precision": "float8",
  "character varying": "varchar",
  character: "bpchar",
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
};

/**
 * Asks for the types of a query's columns, for a server that describes only their kinds. A type without a name here,
 * such as a domain, counts as unknown, and its column is read as text.
 */
async function exactFields(
  transport: Transport,
  query: string,
  fields: readonly SqlField[],
  signal?: AbortSignal,
): Promise<Field[]> {
  const guessed = fields.filter(({ isGuess }) => isGuess);
  const types = guessed.map(({ name }, i) => `pg_typeof(_q.${ident(name)})::text AS t${i}`).join(", ");
  const before = `SELECT ${types} FROM (SELECT 1) AS _one LEFT JOIN (SELECT * FROM (\n`;
  const probe = `${before}${query}\n) AS _q LIMIT 0) AS _q ON true`;
  const options = { signal, repeatable: true, written: written(query, before) };
  const { rows } = await runSql(transport, probe, options).catch((error: Error) => {
    if (!/ is ambiguous$/.test(error.message)) throw error;
    throw new InvalidArgumentError(
      "Several columns of the query have the same name, and this server cannot tell them apart. Rename them with AS.",
      { cause: error },
    );
  });
  const typeOf = new Map(guessed.map(({ name }, i) => [name, internalName(String(rows[0]?.[`t${i}`]))]));
  return fields.map(({ name, pgtype }) => ({ name, pgtype: typeOf.get(name) ?? pgtype }));
}

function internalName(type: string): string {
  const element = type.replace(/\[\]$/, "");
  const name = INTERNAL_NAMES[element] ?? element;
  return element === type ? name : `_${name}`;
}
