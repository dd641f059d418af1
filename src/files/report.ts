/** Texts about imports and exports. */
import type { ImportedTable } from "../api/schemas/imports";
import type { FileTable, ImportReport, UnreadValues } from "./import";

/** Prints what was imported: for each table its rows and geometries, how to look at it, and what differs from the file. */
export function printImport({ tables, leftOut }: ImportReport): void {
  for (const table of tables) console.log([headline(table), ...notesOf(table)].join("\n  "));
  if (leftOut.length > 0) console.log(leftOutNote(leftOut));
}

function headline({ name, rows, geometry, unfilled }: FileTable): string {
  const kind = geometry === null ? "" : ` (${geometry})`;
  const shown = JSON.stringify(name);
  const what =
    unfilled === null ? `Imported ${rowsText(rows)}${kind} into` : `Appended ${rowsText(rows)}${kind} to`;
  const advice =
    geometry === null
      ? `Read it with \`await cc.read(${shown})\`.`
      : `Map it with \`await cc.map({ layers: new Layer(${shown}) })\`.`;
  return `${what} ${shown}. ${advice}`;
}

function notesOf(table: FileTable): string[] {
  const { geometry, withoutGeometry, renamed, crs, encoding, unread, unfilled } = table;
  const others = renamed.filter(({ from, to }) => from.toLowerCase() !== to);
  return [
    ...(geometry !== null && withoutGeometry > 0 ? [`${rowsText(withoutGeometry)} without a geometry.`] : []),
    ...unread.map(unreadNote),
    ...(geometry === null ? [] : crsNote(crs)),
    ...(encoding === null || encoding.name === "utf-8" || encoding.found === "option"
      ? []
      : [encodingNote(encoding)]),
    ...(others.length > 0 ? ["Columns renamed:", ...others.map(({ from, to }) => `  ${from} → ${to}`)] : []),
    ...(unfilled && unfilled.length > 0 ? [`Columns without new values: ${unfilled.join(", ")}.`] : []),
  ];
}

/** Warns about what may be wrong in a frame that was read from a file: unreadable values, and what was guessed. */
export function warnAbout(
  { unread, crs, encoding }: Pick<ImportedTable, "unread" | "crs" | "encoding">,
  leftOut: readonly string[],
): void {
  const notes = [
    ...unread.map(unreadNote),
    ...(crs?.is_assumed ? [ASSUMED] : []),
    ...(encoding?.found === "guessed" ? [encodingNote(encoding)] : []),
    ...(leftOut.length > 0 ? [leftOutNote(leftOut)] : []),
  ];
  for (const note of notes) console.warn(note);
}

const unreadNote = ({ column, count, row, reason }: UnreadValues) =>
  `${count.toLocaleString("en-US")} unreadable in "${column}", first in row ${row}: ${reason}`;

const leftOutNote = (leftOut: readonly string[]) => `Left out: ${leftOut.join(", ")}.`;

const ASSUMED = "The file names no coordinate system: longitude and latitude assumed. Otherwise pass `srid`.";

function crsNote(crs: FileTable["crs"]): string[] {
  if (crs?.isAssumed) return [ASSUMED];
  if (crs === null || crs.srid === 4326) return [];
  const code = crs.srid === null ? "" : `EPSG:${crs.srid}`;
  const name = crs.name === code ? code : [crs.name, code && `(${code})`].filter(Boolean).join(" ");
  return [`Transformed from ${name}.`];
}

function encodingNote({ name, found }: NonNullable<FileTable["encoding"]>): string {
  const advice = found === "guessed" ? ". If letters are wrong, pass `encoding`." : ".";
  return `Encoding: ${name}, ${found === "mark" ? "by its byte order mark" : found}${advice}`;
}

export const rowsText = (rows: number) => `${rows.toLocaleString("en-US")} ${rows === 1 ? "row" : "rows"}`;

/** Formats a size: `1.2 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
