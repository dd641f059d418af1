import type { WrittenSql } from "../../api/errors";
import { runSql, type SqlField } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError } from "../../errors";
import type { Field } from "../../frame";
import { ident } from "../../sql";

/** Left out of every result: it is `the_geom` again, in Web Mercator. */
export const WEBMERCATOR = "the_geom_webmercator";

/** SQLSTATE of "WITH clause containing a data-modifying statement must be at the top level". */
const FEATURE_NOT_SUPPORTED = "0A000";
const SYNTAX_ERROR = "42601";

export interface DescribeOptions {
  readonly signal?: AbortSignal;
  /**
   * Told which transactions a table shows at this moment, as PostgreSQL's `txid_current_snapshot` says it; rows that
   * are fetched afterwards show these, or more.
   */
  readonly onSnapshot?: (snapshot: string) => void;
}

/** The columns that a query would have, without running it; undefined if it can only run at the top level. */
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
    if (rows.length > 0) onSnapshot?.(String(rows[0]!.snapshot));
    return fields.some(({ isGuess }) => isGuess)
      ? await exactFields(transport, query, fields, signal)
      : fields;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (error.sqlState === FEATURE_NOT_SUPPORTED || error.message.includes("data-modifying"))
      return undefined;
    const end = [...query].length + 1;
    if (error.sqlState !== SYNTAX_ERROR || (error.position ?? 0) < end) throw error;
    // it says that it met the parenthesis of ours that follows
    const { sqlState } = error;
    throw new SqlError(
      "syntax error at end of input",
      { sql: query, sqlState, position: end },
      { cause: error },
    );
  }
}

/** For errors in the terms of a query that is sent with something around it. */
export function written(query: string, before: string): WrittenSql {
  return { sql: query, offset: [...before].length };
}

/** What `pg_typeof` writes, where that is not the internal name. */
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
 * The types of a query's columns, of a server that only tells their kinds. A type without a name here, such as a
 * domain, counts as unknown, and its column is read as text.
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
      "Several columns of the query have the same name, which this server cannot tell apart. Name them with AS.",
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
