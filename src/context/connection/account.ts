import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { AuthenticationError } from "../../errors";
import { unlessAborted } from "../../unless-aborted";

/** Whose tables a context reads and writes. */
export interface Account {
  readonly user: string;
  /** Where they lie: `public`, or the schema of a member of an organisation. */
  readonly schema: string;
}

/** The schema of an account that is nobody's member. */
export const STAND_ALONE = "public";
const known = new WeakMap<Transport, Promise<Account>>();

/**
 * Whom the key of a transport belongs to. The first call asks the server, all others get its answer; a failure is
 * not kept, so that the next call asks again. The local server's own key is not asked about.
 * @throws AuthenticationError if the server refuses the key
 */
export function accountOf(transport: Transport, signal?: AbortSignal): Promise<Account> {
  let account = known.get(transport);
  if (account === undefined) {
    account = authenticate(transport); // for all who wait: one who gives up does not stop it
    known.set(transport, account);
    account.catch(() => known.delete(transport));
  }
  return unlessAborted(account, signal);
}

async function authenticate(transport: Transport): Promise<Account> {
  const { user, label, keyFrom, isCurrent } = await transport.endpoint();
  if (isCurrent) return { user, schema: STAND_ALONE };
  const others = new AbortController();
  const ask = (sql: string) =>
    runSql(transport, sql, { signal: others.signal, repeatable: true, isAuthentication: true });
  try {
    const [path] = await Promise.all([
      ask("SHOW search_path"),
      ask("select * from information_schema.tables limit 0").catch(allowRegularKey),
    ]);
    const first = firstSchema(String(path.rows[0]?.search_path ?? STAND_ALONE));
    return { user, schema: first === "$user" ? await currentSchema(ask) : first };
  } catch (error) {
    others.abort(); // the other question
    if (!(error instanceof AuthenticationError)) throw error;
    const from = keyFrom === undefined ? "" : ` The key is that of ${keyFrom}.`;
    throw new AuthenticationError(`Cannot authenticate user "${user}" at ${label}: ${error.message}${from}`, {
      cause: error,
    });
  }
}

/** A regular key may not look into the catalogue, and is good all the same. */
function allowRegularKey(error: Error): void {
  if (!/system tables are forbidden|permission denied (for|to) /.test(error.message)) throw error;
}

/**
 * The first name in a `search_path`, which is a raw list of SQL names: `"ana", public`. Of a member of an
 * organisation it is the own schema (carto-api §1.2).
 */
export function firstSchema(searchPath: string): string {
  const [, quoted, plain] = /^\s*(?:"((?:[^"]|"")*)"|([^",]*))/.exec(searchPath)!;
  return quoted?.replaceAll('""', '"') ?? (plain!.trim() || STAND_ALONE);
}

/** A stock database's path begins with `"$user"`, a schema that there may be or not. */
async function currentSchema(ask: (sql: string) => ReturnType<typeof runSql>): Promise<string> {
  const { rows } = await ask("SELECT current_schema() AS current_schema");
  return String(rows[0]?.current_schema ?? STAND_ALONE);
}
