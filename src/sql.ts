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

/**
 * Quotes a string for the SQL of a map. Servers replace tokens such as `!bbox!` and placeholders such as `<%= name %>`
 * anywhere in that SQL, so quoted strings and names must contain neither.
 */
export function tileLiteral(value: string): string {
  if (!SPECIAL.test(value)) return literal(value);
  const escaped = value.replaceAll("\\", "\\\\").replaceAll("'", "''");
  return ` E'${escaped.replaceAll("!", "\\x21").replaceAll("<%", "\\x3c%")}'`;
}

/** Quotes a name for the SQL of a map. */
export function tileIdent(name: string): string {
  if (!SPECIAL.test(name)) return ident(name);
  const escaped = name.replaceAll("\\", "\\\\");
  return `U&${ident(escaped.replaceAll("!", "\\0021").replaceAll("<%", "\\003c%"))}`;
}

const SPECIAL = /!|<%/;

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
