/**
 * PostgreSQL values in the shape of CARTO's SQL API. The SQL API is a node-postgres program, so the text
 * parsers are node-postgres' own (`pg-types`); what CARTO changes on top of them stands in `toCartoJson`.
 */
import { getTypeParser } from "pg-types";
import type { ResultField, StatementResult } from "./engine/engine";

/** First OID that a user's database hands out; below it lie the types every PostgreSQL knows. */
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

/** One member of `fields` in a SQL API answer. */
export interface FieldDescriptor {
  type: string;
  pgtype?: string;
  wkbtype?: string;
  dims?: number;
  srid?: number;
}

/** Describes a result column as the SQL API does: the type is guessed from the type's name by substring. */
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
  if (/int|float|numeric/.test(name)) return "number"; // "interval" and "point" too: CARTO's own accident
  if (/text|char|unknown/.test(name)) return "string";
  if (/date|time/.test(name)) return "date";
  return name;
}

/** Geometry type, dimensions and SRID out of a PostGIS type modifier (liblwgeom.h, `TYPMOD_GET_*`). */
function describeTypeModifier(modifier: number): Omit<FieldDescriptor, "type"> {
  if (modifier < 0) return { dims: 4, srid: -1 };
  const srid = ((modifier & 0x0fffff00) - (modifier & 0x10000000)) >> 8;
  const dims = 2 + ((modifier >> 1) & 1) + (modifier & 1);
  return { wkbtype: WKB_TYPES[(modifier & 0xfc) >> 2] ?? "Unknown", dims, srid };
}

function textParser(typeOid: number): (text: string) => unknown {
  return getTypeParser(typeOid, "text") as (text: string) => unknown;
}

/** A writer per column: PostgreSQL's text form of a value to its JSON text. Chosen once, outside the row loop. */
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

/** What `pg-types` has learned to parse since the version that CARTO uses. */
function isLeftAsText(typeName: string | null): boolean {
  return typeName === "_interval" || /range$/.test(typeName ?? "");
}

function eachDate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(eachDate);
  return typeof value === "string" ? toCartoDate(value) : value;
}

/**
 * A time without fractions of a second; a date is its midnight in the server's zone, which is UTC. JavaScript's
 * dates end in the year 275760, PostgreSQL's later: beyond, the value stays as PostgreSQL wrote it.
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

/** What CARTO makes of node-postgres' values: non-finite numbers as text, intervals without their zeros. */
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
 * A SQL API answer in pieces, in CARTO's key order: `rows`, `time`, `fields`, `total_rows`, `notices`,
 * `warnings`. Rows are those of all statements; fields and `total_rows` describe the last one only. The first
 * pieces may be sent when a later row cannot be written: then the object ends with `error`, and `total_rows`
 * counts the rows before it.
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
  const byName = new Map(fields.map((field) => [field.name, field])); // of two with one name the last counts
  return [...byName.values()]
    .filter(({ name }) => !skipFields.has(name))
    .map((field) => `${JSON.stringify(field.name)}:${JSON.stringify(describeField(field))}`)
    .join(",");
}

function* rowsJson({ fields, rows }: StatementResult, skipFields: ReadonlySet<string>): Generator<string> {
  const toJson = rowWriter(fields ?? [], skipFields);
  for (const row of rows) yield toJson(row);
}

/** Writes rows of these fields as JSON objects, without those to be skipped; of two with one name the last counts. */
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
