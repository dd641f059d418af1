import { randomBytes } from "node:crypto";

/** Quotes a PostgreSQL identifier: `ident('a"b')` is `"a""b"`. A dot is part of the name. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Quotes a PostgreSQL string literal, for statements that cannot have parameters. The literal is safe with either
 * setting of `standard_conforming_strings`.
 */
export function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

const TEMPORARY_PREFIX = "cartoframes_tmp_";

/**
 * Matches the names of temporary tables, which a write fills and then renames. In SQL, `name ~ TEMPORARY_TABLE.source`.
 * A server that starts drops those that a killed process has left.
 */
export const TEMPORARY_TABLE = new RegExp(`^${TEMPORARY_PREFIX}[0-9a-f]{16}$`);

/** Returns a new name that `TEMPORARY_TABLE` matches. */
export function temporaryName(): string {
  return TEMPORARY_PREFIX + randomBytes(8).toString("hex");
}
