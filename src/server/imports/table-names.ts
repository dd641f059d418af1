import { normalizeTableName } from "../../frame/names";
import type { Engine } from "../engine/engine";

const MAX_NAME_BYTES = 63;
/** CARTO compares this many characters, so that there is room for what it adds to names. */
const COMPARED_CHARS = 62;

/** The names that a new table cannot have: those of other relations, and of types, which a table is, too. */
export async function takenNames(engine: Engine): Promise<Set<string>> {
  const { statements } = await engine.query(
    `SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace
     UNION SELECT typname FROM pg_catalog.pg_type WHERE typnamespace = current_schema()::regnamespace`,
  );
  return new Set(statements[0]!.rows.map(([name]) => name!));
}

/** The name as CARTO makes it of a file's name, numbered if it is taken. */
export function freeTableName(wanted: string, taken: ReadonlySet<string>): string {
  const name = normalizeTableName(wanted).slice(0, MAX_NAME_BYTES);
  const beginnings = new Set([...taken].map(compared));
  const isTaken = (candidate: string) => beginnings.has(compared(candidate)) || isReserved(candidate);
  let candidate = name;
  for (let n = 1; isTaken(candidate); n++) {
    const suffix = `_${n}`;
    // Short enough to differ within what is compared.
    candidate = name.slice(0, COMPARED_CHARS - suffix.length) + suffix;
  }
  return candidate;
}

const compared = (name: string) => name.slice(0, COMPARED_CHARS);

/** After its own rule the name of a reserved table is that no more; a number does not make one. */
const isReserved = (name: string) => normalizeTableName(name) !== name;
