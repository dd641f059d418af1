/** The parameters and the answers of OBS_GetMeta: records that describe measures. */
import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { columnValues, isFrame, rowCountOf } from "../frame";
import { checkKeys } from "../options";
import { literal } from "../sql";

/** A measure to add to a table. The observatory completes the properties that are left out. */
export interface Measure {
  /** Id of the measure, such as `us.bls.unemployment_rate`. Without it, the entry adds the geometry of the boundary. */
  readonly numer_id?: string;
  /** Id of the measure that this one is divided by or weighted with. @default the denominator of the measure */
  readonly denom_id?: string;
  /** Id of the boundary level. @default the level that fits the table best */
  readonly geom_id?: string;
  /** Timespan of the measure. @default all timespans, at most ten */
  readonly numer_timespan?: string;
  /** Timespan of the boundaries. @default the newest */
  readonly geom_timespan?: string;
  /**
   * `predenominated` for the number itself, `denominated` for the number divided by its denominator, `area` for the number
   * per square kilometre.
   * @default `denominated` if the measure has a denominator, else `area` if it is a sum, else the number itself
   */
  readonly normalization?: string;
  /** Name of the new column. @default derived from the measure, its normalization and its timespan */
  readonly suggested_name?: string;
  /** Number of timespans, latest first. @default all timespans, at most ten */
  readonly max_timespan_rank?: number;
  /** Number of boundary levels, best first. @default 1 */
  readonly max_score_rank?: number;
  /** Approximate number of boundaries that the level should have at the location of the table. @default the number of rows */
  readonly target_geoms?: number;
  /** Area in square degrees that `target_geoms` refers to. @default the extent of the table */
  readonly target_area?: number;
}

/** One record of OBS_GetMeta, columns in alphabetical order. */
export type MetaRecord = Readonly<Record<string, string | number | null>>;

const PARAMETERS: readonly (keyof Measure)[] = [
  "numer_id",
  "denom_id",
  "geom_id",
  "numer_timespan",
  "geom_timespan",
  "normalization",
  "max_timespan_rank",
  "max_score_rank",
  "target_geoms",
  "target_area",
];

const ofEach = (prefix: string, names: string) => names.split(" ").map((name) => `${prefix}_${name}`);

/** Columns of the records, in the order of the SELECT list. */
const META_COLUMNS: readonly string[] = [
  ...ofEach(
    "denom",
    "aggregate colname description geomref_colname id name reltype t_description tablename type",
  ),
  ...ofEach("geom", "colname description geomref_colname id name t_description tablename timespan type"),
  "id",
  "max_score_rank",
  "max_timespan_rank",
  "normalization",
  "num_geoms",
  ...ofEach(
    "numer",
    "aggregate colname description geomref_colname id name t_description tablename timespan type",
  ),
  "score",
  "score_rank",
  "score_rownum",
  "suggested_name",
  "target_area",
  "target_geoms",
  "timespan_rank",
  "timespan_rownum",
];

const READ_FIRST = "numer_name numer_description geom_name numer_timespan suggested_name".split(" ");

/** The same columns in the order in which people read them: what is measured and where first, denominators last. */
export const READABLE_COLUMNS: readonly string[] = [
  ...READ_FIRST,
  ...["numer_", "geom_", "", "denom_"].flatMap((prefix) =>
    META_COLUMNS.filter((name) => !READ_FIRST.includes(name) && prefixOf(name) === prefix),
  ),
];

function prefixOf(column: string): string {
  return /^(?:numer|geom|denom)_/.exec(column)?.[0] ?? "";
}

const NUMBERS = new Set([
  "id",
  "num_geoms",
  "score",
  "score_rank",
  "score_rownum",
  "timespan_rank",
  "timespan_rownum",
]);

/** Selects the records of a JSON value given as a SQL expression. */
export function recordsSql(json: string): string {
  const columns = META_COLUMNS.map((name) => `${name} ${NUMBERS.has(name) ? "numeric" : "text"}`);
  return `SELECT * FROM json_to_recordset(${json}) AS data(${columns.join(", ")})`;
}

/** Columns of a record that OBS_GetData needs. */
const NEEDED = META_COLUMNS.filter((name) =>
  /_(colname|tablename|aggregate|type|reltype|id)$/.test(name),
).concat("normalization", "suggested_name");

/** Metadata as users pass it: complete records, or entries that the observatory completes. */
export type Asked =
  | { readonly kind: "records"; readonly records: readonly MetaRecord[] }
  | { readonly kind: "entries"; readonly entries: readonly MetaRecord[] };

const FORM =
  '`metadata` must be a DataFrame from cc.dataDiscovery, or a list such as [{ numer_id: "us.bls.unemployment_rate", normalization: "predenominated" }].';

/** @throws InvalidArgumentError if the argument is not metadata */
export function askedOf(metadata: DataFrame | readonly Measure[]): Asked {
  if (isFrame(metadata)) {
    const records = recordsOf(metadata);
    const names = metadata.columns;
    if (NEEDED.every((name) => names.includes(name))) return { kind: "records", records };
    if (!names.includes("numer_id") && !names.includes("geom_id")) throw new InvalidArgumentError(FORM);
    return { kind: "entries", entries: records };
  }
  if (!Array.isArray(metadata)) throw new InvalidArgumentError(FORM);
  return { kind: "entries", entries: metadata.map(entryOf) };
}

function entryOf(entry: unknown, at: number): MetaRecord {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    throw new InvalidArgumentError(`\`metadata[${at}]\` must be an object; got ${typeof entry}. ${FORM}`);
  }
  checkKeys(`\`metadata[${at}]\``, entry, [...new Set([...PARAMETERS, ...META_COLUMNS])]);
  const record = cleaned(entry as Record<string, unknown>);
  if (record.numer_id == null && record.geom_id == null) {
    throw new InvalidArgumentError(
      `\`metadata[${at}]\` must have a numer_id (the measure) or a geom_id (the boundary level).`,
    );
  }
  const { normalization } = record;
  if (normalization != null && !/^(pre|denom|area)/i.test(String(normalization))) {
    throw new InvalidArgumentError(
      `\`metadata[${at}].normalization\` must be "predenominated", "denominated" or "area"; got ${JSON.stringify(normalization)}.`,
    );
  }
  return record;
}

/** Returns the rows of a frame, with null for missing values. */
function recordsOf(frame: DataFrame): MetaRecord[] {
  const names = frame.columns;
  const columns = names.map((_, i) => columnValues(frame, i));
  return Array.from({ length: rowCountOf(frame) }, (_, row) =>
    cleaned(Object.fromEntries(names.map((name, i) => [name, columns[i]?.[row]]))),
  );
}

function cleaned(record: Record<string, unknown>): MetaRecord {
  const entries = Object.entries(record).map(([name, value]) => {
    const isKept = typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
    return [name, isKept ? (value as string | number) : null] as const;
  });
  return Object.fromEntries(entries);
}

/** SQL expression for the parameters of OBS_GetMeta. */
export function parametersSql(entries: readonly MetaRecord[]): string {
  const asked = entries.map((entry) =>
    Object.fromEntries(PARAMETERS.flatMap((name) => (entry[name] == null ? [] : [[name, entry[name]]]))),
  );
  return `(${literal(JSON.stringify(asked))})::json`;
}

/** SQL expression for the records as JSON, without the descriptions, which are most of the text and are not needed. */
export function metadataSql(records: readonly MetaRecord[]): string {
  const light = records.map((record) =>
    Object.fromEntries(
      META_COLUMNS.flatMap((name) => {
        const value = record[name];
        return name.endsWith("_description") || value === undefined ? [] : [[name, value]];
      }),
    ),
  );
  return `(SELECT ${literal(JSON.stringify(light))}::json)`;
}

/** Returns the name of a record for messages. */
export function labelOf({ numer_id, geom_id, numer_timespan }: MetaRecord): string {
  return [numer_id ?? geom_id, numer_timespan && `of ${numer_timespan}`].filter(Boolean).join(" ");
}

/** PostgreSQL truncates longer names. */
const MAX_NAME_BYTES = 63;

export interface NamedRecords {
  /** One name per record. */
  readonly names: readonly string[];
  readonly warnings: readonly string[];
}

/** Chooses a unique column name for each record, different from those in `taken`. */
export function namesFor(records: readonly MetaRecord[], taken: readonly string[]): NamedRecords {
  const used = new Set(taken);
  const warnings: string[] = [];
  const names = records.map((record) => {
    const suggested = String(record.suggested_name ?? "") || "measure";
    const short = cut(suggested);
    let name = short;
    while (used.has(name)) {
      const prefixed = cut(`_${name}`);
      if (prefixed === name)
        throw new InvalidArgumentError(
          `No free column name was found for "${suggested}". Set \`suggested_name\`.`,
        );
      name = prefixed;
    }
    used.add(name);
    if (short !== suggested)
      warnings.push(`${suggested} was augmented as ${name}, because names are limited to 63 bytes.`);
    else if (name !== short)
      warnings.push(`${suggested} was augmented as ${name} because of name collision.`);
    return name;
  });
  return { names, warnings };
}

function cut(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > MAX_NAME_BYTES) short = [...short].slice(0, -1).join("");
  return short;
}
