/** Names tables and columns as CARTO's importer does, so that written frames and imported files get the same names. */

import { transliterate as latinOf } from "transliteration";
import { words } from "../values";

/** Maximum length of a name; PostgreSQL cuts longer ones: https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export const MAX_NAME_BYTES = 63;

const RESERVED_WORDS = words(`all analyse analyze and any array as asc asymmetric authorization binary both
  case cast check collate collation column concurrently constraint create cross current_catalog current_date
  current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do
  else end except false fetch for foreign freeze from full grant group having ilike in initially inner intersect
  into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset
  on only or order outer overlaps placing primary references returning right select session_user similar some
  symmetric table tablesample then to trailing true union unique user using variadic verbose when where window
  with`);
/** Reserved by CARTO, in tables and columns. */
const CARTO_WORDS = words("between new off old format controller action");
const RESERVED_TABLES = words(`layergroup all public spatial_ref_sys geography_columns geometry_columns
  raster_columns raster_overviews cdb_tablemetadata geometry raster`);
/** PostgreSQL's system columns, and two that CARTO's loader uses itself. */
const SYSTEM_COLUMNS = words("tableoid xmin cmin xmax cmax ctid oid ogc_fid");

/** Latin letters that are not a base letter with a mark, and `ą`, which CARTO writes by its looks. */
const LATIN: Readonly<Record<string, string>> = {
  ą: "q",
  æ: "ae",
  ð: "d",
  đ: "d",
  ħ: "h",
  ı: "i",
  ł: "l",
  ø: "o",
  œ: "oe",
  ß: "ss",
  þ: "th",
  ŧ: "t",
};

/**
 * Returns column names as CARTO makes them: lower case, ASCII, `_` between words, not a reserved word, at most 63 bytes,
 * without duplicates. `taken` are names already in use.
 */
export function normalizeColumnNames(names: readonly string[], taken: readonly string[] = []): string[] {
  const used = new Set(taken);
  return names.map((name) => {
    const normalized = unique(normalizeColumnName(name), used);
    used.add(normalized);
    return normalized;
  });
}

function normalizeColumnName(name: string): string {
  const text = transliterate(name.replace(/<[^>]*>/g, ""))
    .replace(/&[^;\s]*;/g, "-")
    .replace(/[^a-z0-9\s_-]/g, "-")
    .trim()
    .replace(/[\s-]+/g, "-")
    .replace(/^-|-$/g, "")
    .replaceAll("-", "_");
  const isKept = /^[a-z_]/.test(text) && !isReservedColumn(text);
  return (isKept ? text : `_${text}`).replace(/_+/g, "_").slice(0, MAX_NAME_BYTES);
}

/** Returns Latin letters without marks, and letters of other scripts in Latin ones: `人口` becomes `ren kou`. */
const transliterate = (name: string) =>
  inLatin(name.normalize("NFC").toLowerCase()).replace(
    /(\p{Script=Latin})\p{M}*/gu,
    (_, letter: string) => LATIN[letter] ?? letter.normalize("NFD").replace(/\p{M}/gu, ""),
  );

/** A run of letters of other scripts, with their marks. */
const FOREIGN = /(?!\p{Script=Latin})\p{L}(?:(?!\p{Script=Latin})[\p{L}\p{M}])*/gu;

/** Transliterates letters of other scripts. CARTO makes each of them a separator, and some of those in Cyrillic. */
const inLatin = (name: string) =>
  name.replace(FOREIGN, (letters) =>
    latinOf(letters)
      .toLowerCase()
      .replace(/[^a-z0-9\s]/g, ""),
  );

function isReservedColumn(name: string): boolean {
  return RESERVED_WORDS.has(name) || CARTO_WORDS.has(name) || SYSTEM_COLUMNS.has(name);
}

/** Returns the name, or the name with the first free suffix of `_1`, `_2`, …, cut before it to stay within 63 bytes. */
function unique(name: string, used: ReadonlySet<string>): string {
  let candidate = name;
  for (let n = 1; used.has(candidate); n++) {
    const suffix = `_${n}`;
    candidate = name.slice(0, MAX_NAME_BYTES - suffix.length) + suffix;
  }
  return candidate;
}

/**
 * Returns a table name as CARTO makes it from a file's name, without checking whether the database has such a table. Latin
 * letters with marks become `_`, as in CARTO; letters of other scripts are transliterated.
 */
export function normalizeTableName(name: string): string {
  const lower = inLatin(name.toLowerCase()).trim() || "untitled_table";
  const table = (/^[a-z]/.test(lower) ? lower : `table_${lower}`)
    .replace(/[^a-z0-9_|]/g, "_")
    .replace(/_+/g, "_")
    .slice(0, MAX_NAME_BYTES);
  const isReserved = RESERVED_WORDS.has(table) || CARTO_WORDS.has(table) || RESERVED_TABLES.has(table);
  return isReserved ? `${table}_t` : table;
}
