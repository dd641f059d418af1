import { isMissing } from "../values";
import { paced } from "./pace";
import type { ValuesColumn, WriteColumn, WriteType } from "./write-column";

const CHUNK_CHARS = 1 << 18;
const EWKB_POINT_4326 = "0101000020E6100000";

type TextOf = (value: never) => string;

/** Text of a value by type. A missing value is an empty field. */
const TEXTS = {
  bool: String,
  int4: String,
  int8: String,
  float8: String,
  numeric: String,
  text: (value: string) => value,
  timestamptz: (ms: number) => timeText(ms),
  jsonb: (value: string) => value,
  bytea: (value: Uint8Array) => `\\x${Buffer.from(value).toString("hex")}`,
  geometry: (value: Uint8Array | string) =>
    typeof value === "string" ? value : Buffer.from(value).toString("hex").toUpperCase(),
} satisfies Record<WriteType, TextOf>;

/** Formats a time as PostgreSQL reads it, without a year 0 and without signs of years. */
function timeText(ms: number): string {
  const [, sign, year, rest] = /^([+-]?)(\d+)(.*)Z$/.exec(new Date(ms).toISOString())!; // the format of toISOString
  const isBc = sign === "-" || Number(year) === 0;
  const shown = isBc ? String(Number(year) + 1).padStart(4, "0") : year!.replace(/^0+(?=\d{4})/, "");
  return `${shown}${rest!.replace("T", " ")}+00${isBc ? " BC" : ""}`;
}

/** Yields the columns as CSV in UTF-8 with a header line, one chunk in memory at a time. */
export async function* encodeCsv(
  columns: readonly WriteColumn[],
  rowCount: number,
  { signal, onRows }: { readonly signal?: AbortSignal; readonly onRows?: (rows: number) => void } = {},
): AsyncGenerator<Uint8Array> {
  const pace = paced(signal);
  const fields = columns.map(fieldOf);
  let chunk = `${columns.map(({ name }) => quoted(name)).join(",")}\n`;
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < fields.length; i++) chunk += (i > 0 ? "," : "") + fields[i]!(row);
    chunk += "\n";
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
    onRows?.(row + 1);
    if (pace.due()) await pace.pause();
  }
  yield Buffer.from(chunk);
  onRows?.(rowCount);
}

function fieldOf(column: WriteColumn): (row: number) => string {
  if ("lng" in column) {
    const bytes = Buffer.alloc(16);
    return (row) => {
      const [lng, lat] = [column.lng[row]!, column.lat[row]!]; // one per row
      if (Number.isNaN(lng) || Number.isNaN(lat)) return "";
      bytes.writeDoubleLE(lng, 0);
      bytes.writeDoubleLE(lat, 8);
      return EWKB_POINT_4326 + bytes.toString("hex").toUpperCase();
    };
  }
  return fieldOfValues(column);
}

function fieldOfValues({ pgtype, values }: ValuesColumn): (row: number) => string {
  const textOf = TEXTS[pgtype] as (value: unknown) => string;
  return (row) => {
    const value = values[row];
    if (isMissing(value)) return "";
    return quoted(textOf(value));
  };
}

/** Quotes a text if necessary. An empty text is quoted to tell it from a missing value. */
function quoted(text: string): string {
  return text === "" || /[",\r\n;\t|]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
