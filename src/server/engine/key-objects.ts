import { DatabaseError } from "./engine";
import keyObjectsSql from "./key-objects.sql";
import type { ResultReader } from "./result-reader";
import { isOneTransaction } from "./sql-scan";

interface Session {
  run(sql: string): Promise<ResultReader>;
}

/**
 * Runs the statements of a limited key in a transaction, which is committed only if no object of the key would run
 * functions with the rights of others; see `key-objects.sql`. The caller ends the session's transaction after an error.
 * Statements that control transactions cannot create anything: `refuseBeyondRole` has refused them.
 * @throws DatabaseError if the key may not use a function in a view, a default or a check
 */
export async function runOfKey(session: Session, sql: string): Promise<ResultReader> {
  if (!isOneTransaction(sql)) return session.run(sql);
  await succeed(session, "BEGIN");
  const result = await session.run(sql);
  if (result.error || result.status === null) return result;
  const [name, relation] = (await succeed(session, keyObjectsSql)).row;
  if (name !== undefined) {
    throw new DatabaseError(`permission denied for function ${name} in "${relation}"`, {
      code: "42501",
      hint: "It would run with the rights of whoever uses the table or view. Objects of a key may call immutable functions and those of dates, times and JSON.",
    });
  }
  await succeed(session, "COMMIT");
  return result;
}

async function succeed(session: Session, sql: string): Promise<ResultReader> {
  const result = await session.run(sql);
  if (result.error) throw result.error;
  return result;
}
