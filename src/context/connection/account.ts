import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { AuthenticationError } from "../../errors";

/** Account whose tables a context reads and writes. */
export interface Account {
  readonly user: string;
  /** Schema of its tables: `public`, or the schema of a member of an organisation. */
  readonly schema: string;
}

/** Schema of the tables of an account that does not belong to an organisation, and of the local server. */
export const COMMON_SCHEMA = "public";

/** Returns the account whose key a transport sends. Asks the server only if the endpoint does not know it. */
export async function accountOf(transport: Transport, signal?: AbortSignal): Promise<Account> {
  const { user, schema } = await transport.endpoint(signal);
  return { user, schema: schema ?? (await readSchema(transport)) };
}

/**
 * Returns the schema of the tables of the account.
 * @throws AuthenticationError if the server refuses the key
 */
export async function readSchema(transport: Transport): Promise<string> {
  const others = new AbortController();
  const ask = (sql: string) => runSql(transport, sql, { signal: others.signal, repeatable: true });
  try {
    const [path] = await Promise.all([
      ask("SHOW search_path"),
      ask("select * from information_schema.tables limit 0").catch(allowRegularKey),
    ]);
    const first = firstSchema(String(path.rows[0]?.search_path ?? COMMON_SCHEMA));
    return first === "$user" ? await currentSchema(ask) : first;
  } catch (error) {
    others.abort(); // the other question
    if (!(error instanceof AuthenticationError)) throw error;
    const { user, label, keyFrom } = await transport.endpoint();
    const from = keyFrom === undefined ? "" : ` The key comes from ${keyFrom}.`;
    throw new AuthenticationError(`Cannot authenticate user "${user}" at ${label}: ${error.message}${from}`, {
      cause: error,
    });
  }
}

/** Ignores the refusal of a regular key, which cannot read the catalog but is valid. */
function allowRegularKey(error: Error): void {
  if (!/system tables are forbidden|permission denied (for|to) /.test(error.message)) throw error;
}

/**
 * Returns the first name of a `search_path`, a list of SQL names such as `"ana", public`. For a member of an
 * organisation it is the member's schema (carto-api §1.2).
 */
export function firstSchema(searchPath: string): string {
  const [, quoted, plain = ""] = /^\s*(?:"((?:[^"]|"")*)"|([^",]*))/.exec(searchPath) ?? [];
  return quoted?.replaceAll('""', '"') ?? (plain.trim() || COMMON_SCHEMA);
}

/** Asks for the current schema. The default path begins with `"$user"`, a schema that may not exist. */
async function currentSchema(ask: (sql: string) => ReturnType<typeof runSql>): Promise<string> {
  const { rows } = await ask("SELECT current_schema() AS current_schema");
  return String(rows[0]?.current_schema ?? COMMON_SCHEMA);
}
