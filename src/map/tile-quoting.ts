/**
 * Quoting for the SQL of maps. Tile servers put the box of the tile in the place of `!bbox!` and the like, wherever it
 * stands: so texts and names do without exclamation marks.
 */
import { ident, literal } from "../sql";

export function tileLiteral(value: string): string {
  if (!value.includes("!")) return literal(value);
  return ` E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("!", "\\x21")}'`;
}

export function tileIdent(name: string): string {
  if (!name.includes("!")) return ident(name);
  return `U&${ident(name.replaceAll("\\", "\\\\").replaceAll("!", "\\0021"))}`;
}
