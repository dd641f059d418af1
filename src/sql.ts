/** A PostgreSQL identifier, always quoted: `ident('a"b')` is `"a""b"`. A dot is part of the name. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A PostgreSQL string literal, for the places where the protocol takes no parameters. Safe under either
 * setting of `standard_conforming_strings`.
 */
export function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/**
 * Tables that a write fills before they get their name: `cartoframes_tmp_` and 16 hexadecimal digits. In SQL,
 * `name ~ TEMPORARY_TABLE.source`.
 */
export const TEMPORARY_TABLE = /^cartoframes_tmp_[0-9a-f]{16}$/;
