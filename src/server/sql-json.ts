/**
 * Converts PostgreSQL values to the JSON of CARTO's SQL API. That API runs on node-postgres, so values are parsed by
 * node-postgres' own parsers (`pg-types`); `toCartoJson` makes CARTO's changes to them.
 */
import { getTypeParser } from "pg-types";
import type { ResultField, StatementResult } from "./engine/engine";

/** First OID of user-defined types. Types with lower OIDs exist in every PostgreSQL database. */
const FIRST_NORMAL_OID = 16384;

const TIMESTAMP_OID = 1114;
const TIMESTAMPTZ_OID = 1184;
const FLOAT8_ARRAY_OID = 1022;
const TEXT_ARRAY_OID = 1009;
const parseTimestamp = textParser(TIMESTAMP_OID);
const parseTimestampTz = textParser(TIMESTAMPTZ_OID);
const parseFloats = textParser(FLOAT8_ARRAY_OID);
const parseTexts = textParser(TEXT_ARRAY_OID);

const WKB_TYPES = [
  "Unknown",
  "Point",
  "LineString",
  "Polygon",
  "MultiPoint",
  "MultiLineString",
  "MultiPolygon",
  "GeometryCollection",
];

/** An entry of `fields` in an answer of the SQL API. */
export interface FieldDescriptor {
  type: string;
  pgtype?: string;
  wkbtype?: string;
  dims?: number;
  srid?: number;
}

/** Describes a result column as the SQL API does, which guesses the type from parts of the type's name. */
export function describeField(field: ResultField): FieldDescriptor {
  const { typeName } = field;
  if (isSpatial(typeName)) return { type: typeName, ...describeTypeModifier(field.typeModifier) };
  if (typeName === null || field.typeOid >= FIRST_NORMAL_OID) return { type: `unknown(${field.typeOid})` };
  const pgtype = typeName === "json" ? "JSON" : typeName;
  const element = pgtype.startsWith("_") ? cartoType(pgtype.slice(1)) : undefined;
  if (element === undefined) return { type: cartoType(pgtype), pgtype };
  return { type: pgtype === "_json" ? "_json[]" : `${element}[]`, pgtype };
}

function isSpatial(typeName: string | null): typeName is "geometry" | "geography" | "raster" {
  return typeName === "geometry" || typeName === "geography" || typeName === "raster";
}

function cartoType(name: string): string {
  if (name.includes("bool")) return "boolean";
  if (/int|float|numeric/.test(name)) return "number"; // matches "interval" and "point", too, as in CARTO
  if (/text|char|unknown/.test(name)) return "string";
  if (/date|time/.test(name)) return "date";
  return name;
}

/** Reads geometry type, dimensions and SRID from a PostGIS type modifier (liblwgeom.h, `TYPMOD_GET_*`). */
function describeTypeModifier(modifier: number): Omit<FieldDescriptor, "type"> {
  if (modifier < 0) return { dims: 4, srid: -1 };
  const srid = ((modifier & 0x0fffff00) - (modifier & 0x10000000)) >> 8;
  const dims = 2 + ((modifier >> 1) & 1) + (modifier & 1);
  return { wkbtype: WKB_TYPES[(modifier & 0xfc) >> 2] ?? "Unknown", dims, srid };
}

function textParser(typeOid: number): (text: string) => unknown {
  return getTypeParser(typeOid, "text") as (text: string) => unknown;
}

/**
 * Returns a function that converts PostgreSQL's text of a value to JSON. Chosen once per column, outside the row loop.
 */
function valueWriter(field: ResultField): (text: string) => string {
  if (field.typeName === "json" || field.typeName === "jsonb") return (text) => text;
  if (isLeftAsText(field.typeName)) return (text) => JSON.stringify(text);
  const parse = textParser(field.typeOid);
  switch (field.typeName) {
    case "int8":
    case "numeric":
      return (text) => JSON.stringify(toCartoJson(Number(text)));
    case "_int8":
    case "_numeric":
      return (text) => JSON.stringify(toCartoJson(parseFloats(text)));
    case "date":
    case "timestamp":
    case "timestamptz":
      return (text) => JSON.stringify(toCartoDate(text));
    case "_date":
    case "_timestamp":
    case "_timestamptz":
      return (text) => JSON.stringify(eachDate(parseTexts(text)));
    default:
      return (text) => JSON.stringify(toCartoJson(parse(text)));
  }
}

/** True for types that `pg-types` parses only since a later version than CARTO's. */
function isLeftAsText(typeName: string | null): boolean {
  return typeName === "_interval" || /range$/.test(typeName ?? "");
}

function eachDate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(eachDate);
  return typeof value === "string" ? toCartoDate(value) : value;
}

/**
 * Converts a time to ISO 8601 without fractions of a second, and a date to its midnight in UTC. Years beyond 275760,
 * which JavaScript's dates cannot represent, stay as PostgreSQL wrote them.
 */
function toCartoDate(text: string): string {
  if (text.endsWith("infinity")) return text.replace("i", "I");
  const isDate = /^\d+-\d\d-\d\d( BC)?$/.test(text);
  const hasZone = /[+-][\d:]+( BC)?$/.test(text) && !isDate;
  const parse = hasZone ? parseTimestampTz : parseTimestamp;
  const time = parse(isDate ? text.replace(/( BC)?$/, " 00:00:00$1") : text);
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) return text;
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Applies CARTO's changes: non-finite numbers become texts, and intervals lose parts that are zero. */
function toCartoJson(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(toCartoJson);
  if (isInterval(value)) return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== 0));
  return value;
}

function isInterval(value: unknown): value is Record<string, number> {
  return typeof value === "object" && value !== null && "toPostgres" in value;
}

/**
 * Writes an answer of the SQL API in pieces, in CARTO's order: `rows`, `time`, `fields`, `total_rows`, `notices`,
 * `warnings`. `rows` holds the rows of all statements; `fields` and `total_rows` describe the last one. If a row cannot
 * be converted, the first pieces may have been sent already: then the object ends with `error`, and `total_rows` counts
 * the rows before it.
 */
export function* sqlResponseJson(
  statements: readonly StatementResult[],
  {
    seconds,
    skipFields,
    notices,
    warnings,
  }: {
    readonly seconds: number;
    readonly skipFields: ReadonlySet<string>;
    readonly notices: readonly string[];
    readonly warnings: readonly string[];
  },
): Generator<string> {
  yield '{"rows":[';
  let sent = 0;
  let failure: string | undefined;
  try {
    for (const statement of statements) {
      for (const row of rowsJson(statement, skipFields)) yield sent++ === 0 ? row : `,${row}`;
    }
  } catch (error) {
    failure = (error as Error).message;
  }
  const last = statements.at(-1);
  const fields = fieldsJson(last?.fields ?? [], skipFields);
  const total = failure === undefined ? countOf(last) : sent;
  yield `],"time":${seconds.toFixed(3)},"fields":{${fields}},"total_rows":${total}`;
  if (notices.length > 0) yield `,"notices":${JSON.stringify(notices)}`;
  if (warnings.length > 0) yield `,"warnings":${JSON.stringify(warnings)}`;
  if (failure !== undefined) yield `,"error":${JSON.stringify([failure])}`;
  yield "}";
}

function countOf(statement: StatementResult | undefined): number {
  if (statement === undefined) return 0;
  return statement.fields ? statement.rows.length : statement.affectedRows;
}

function fieldsJson(fields: readonly ResultField[], skipFields: ReadonlySet<string>): string {
  const byName = new Map(fields.map((field) => [field.name, field])); // the last of two fields with the same name counts
  return [...byName.values()]
    .filter(({ name }) => !skipFields.has(name))
    .map((field) => `${JSON.stringify(field.name)}:${JSON.stringify(describeField(field))}`)
    .join(",");
}

function* rowsJson({ fields, rows }: StatementResult, skipFields: ReadonlySet<string>): Generator<string> {
  const toJson = rowWriter(fields ?? [], skipFields);
  for (const row of rows) yield toJson(row);
}

/** Returns a function that writes a row as a JSON object. The last of two fields with the same name counts. */
export function rowWriter(
  fields: readonly ResultField[],
  skipFields: ReadonlySet<string>,
): (row: readonly (string | null)[]) => string {
  const lastOfName = new Map(fields.map((field, at) => [field.name, at]));
  const columns = fields
    .map((field, at) => ({
      at,
      name: field.name,
      key: `${JSON.stringify(field.name)}:`,
      write: valueWriter(field),
    }))
    .filter(({ at, name }) => lastOfName.get(name) === at && !skipFields.has(name));
  return (row) => {
    const members = columns.map(({ at, key, write }) => {
      const value = row[at] ?? null;
      return key + (value === null ? "null" : write(value));
    });
    return `{${members.join(",")}}`;
  };
}
