import { MAX_NAME_BYTES, normalizeTableName } from "../../frame/names";
import type { Engine } from "../engine/engine";

/** CARTO compares this many characters, to leave room for suffixes. */
const COMPARED_CHARS = 62;

/** Returns the names that a new table cannot have: those of relations, and of types, because a table is a type, too. */
export async function takenNames(engine: Engine): Promise<Set<string>> {
  const { statements } = await engine.query(
    `SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace
     UNION SELECT typname FROM pg_catalog.pg_type WHERE typnamespace = current_schema()::regnamespace`,
  );
  return new Set((statements.at(0)?.rows ?? []).map(([name]) => name ?? ""));
}

/** Returns the table name that CARTO derives from a file name, with a number if it is taken. */
export function freeTableName(wanted: string, taken: ReadonlySet<string>): string {
  const name = normalizeTableName(wanted).slice(0, MAX_NAME_BYTES);
  const beginnings = new Set([...taken].map(compared));
  const isTaken = (candidate: string) => beginnings.has(compared(candidate)) || isReserved(candidate);
  let candidate = name;
  for (let n = 1; isTaken(candidate); n++) {
    const suffix = `_${n}`;
    // Short enough that the suffix is compared, and without two underscores in a row, which no name has.
    const stem = name.slice(0, COMPARED_CHARS - suffix.length).replace(/_+$/, "");
    candidate = (isReserved(stem + suffix) ? "table" : stem) + suffix;
  }
  return candidate;
}

const compared = (name: string) => name.slice(0, COMPARED_CHARS);

/** True for reserved names, which `normalizeTableName` changes. */
const isReserved = (name: string) => normalizeTableName(name) !== name;
