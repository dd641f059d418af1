/** What OBS_GetMeta answers, and what it is asked: records of measures. */
import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { columnValues, isFrame, rowCountOf } from "../frame";
import { checkKeys } from "../options";
import { literal } from "../sql";

/** A measure that is asked for by hand; what it leaves open is completed by the observatory. */
export interface Measure {
  /** The measure, such as `us.bls.unemployment_rate`. Without it the entry asks for the boundary's geometry. */
  readonly numer_id?: string;
  /** What it is divided by, or weighted with. @default the measure's own */
  readonly denom_id?: string;
  /** The boundary level. @default the one that fits the table best */
  readonly geom_id?: string;
  /** Of when. @default every one that there is, at most ten */
  readonly numer_timespan?: string;
  readonly geom_timespan?: string;
  /**
   * `predenominated`: the number itself; `denominated`: divided by its denominator; `area`: per square kilometre.
   * @default denominated where there is a denominator, else area of sums, else the number itself
   */
  readonly normalization?: string;
  /** The name of the column. @default made of the measure, its normalization and its timespan */
  readonly suggested_name?: string;
  /** So many of the latest timespans. */
  readonly max_timespan_rank?: number;
  /** So many of the best boundary levels. @default 1 */
  readonly max_score_rank?: number;
  /** About how many boundaries there should be where the table is. @default its rows */
  readonly target_geoms?: number;
  /** Square degrees that `target_geoms` are meant for. */
  readonly target_area?: number;
}

/** One record of OBS_GetMeta, with its columns in alphabetical order. */
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

/** The columns of the records, in the order in which they are asked for. */
export const META_COLUMNS: readonly string[] = [
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

const NUMBERS = new Set([
  "id",
  "num_geoms",
  "score",
  "score_rank",
  "score_rownum",
  "timespan_rank",
  "timespan_rownum",
]);

/** `SELECT * FROM` the records of a JSON value in SQL. */
export function recordsSql(json: string): string {
  const columns = META_COLUMNS.map((name) => `${name} ${NUMBERS.has(name) ? "numeric" : "text"}`);
  return `SELECT * FROM json_to_recordset(${json}) AS data(${columns.join(", ")})`;
}

/** What of a record is needed to ask for data. */
const NEEDED = META_COLUMNS.filter((name) =>
  /_(colname|tablename|aggregate|type|reltype|id)$/.test(name),
).concat("normalization", "suggested_name");

/** What users give: records that are complete, or entries that the observatory completes. */
export type Asked =
  | { readonly kind: "records"; readonly records: readonly MetaRecord[] }
  | { readonly kind: "entries"; readonly entries: readonly MetaRecord[] };

const FORM =
  'metadata must be a DataFrame of cc.dataDiscovery, or a list such as [{ numer_id: "us.bls.unemployment_rate", normalization: "predenominated" }].';

/** @throws InvalidArgumentError for what is no metadata */
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
    throw new InvalidArgumentError(`Entry ${at} of metadata is no object. ${FORM}`);
  }
  checkKeys(`Entry ${at} of metadata`, entry, [...new Set([...PARAMETERS, ...META_COLUMNS])]);
  const record = cleaned(entry as Record<string, unknown>);
  if (record.numer_id == null && record.geom_id == null) {
    throw new InvalidArgumentError(
      `Entry ${at} of metadata has neither a numer_id, the measure, nor a geom_id, the boundary.`,
    );
  }
  const { normalization } = record;
  if (normalization != null && !/^(pre|denom|area)/i.test(String(normalization))) {
    throw new InvalidArgumentError(
      `Entry ${at} of metadata has normalization ${JSON.stringify(normalization)}; expected "predenominated", "denominated" or "area".`,
    );
  }
  return record;
}

/** The rows of a frame; danfo's missing values are null. */
function recordsOf(frame: DataFrame): MetaRecord[] {
  const names = frame.columns;
  const columns = names.map((_, i) => columnValues(frame, i));
  return Array.from({ length: rowCountOf(frame) }, (_, row) =>
    cleaned(Object.fromEntries(names.map((name, i) => [name, columns[i]![row]]))),
  );
}

function cleaned(record: Record<string, unknown>): MetaRecord {
  const entries = Object.entries(record).map(([name, value]) => {
    const isKept = typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
    return [name, isKept ? (value as string | number) : null] as const;
  });
  return Object.fromEntries(entries);
}

/** What OBS_GetMeta is asked, as JSON in SQL. */
export function parametersSql(entries: readonly MetaRecord[]): string {
  const asked = entries.map((entry) =>
    Object.fromEntries(PARAMETERS.flatMap((name) => (entry[name] == null ? [] : [[name, entry[name]]]))),
  );
  return `(${literal(JSON.stringify(asked))})::json`;
}

/** The records as JSON in SQL, without their descriptions, which make most of it and are not needed. */
export function metadataSql(records: readonly MetaRecord[]): string {
  const light = records.map((record) =>
    Object.fromEntries(
      META_COLUMNS.flatMap((name) =>
        name.endsWith("_description") || record[name] === undefined ? [] : [[name, record[name]!]],
      ),
    ),
  );
  return `(SELECT ${literal(JSON.stringify(light))}::json)`;
}

/** What people call a record. */
export function labelOf({ numer_id, geom_id, numer_timespan }: MetaRecord): string {
  return [numer_id ?? geom_id, numer_timespan && `of ${numer_timespan}`].filter(Boolean).join(" ");
}

/** PostgreSQL cuts longer names. */
const MAX_NAME_BYTES = 63;

export interface NamedRecords {
  /** One name for each record. */
  readonly names: readonly string[];
  readonly warnings: readonly string[];
}

/** The names of the columns that the records become: each once, and none that `taken` has. */
export function namesFor(records: readonly MetaRecord[], taken: readonly string[]): NamedRecords {
  const used = new Set(taken);
  const warnings: string[] = [];
  const names = records.map((record) => {
    const suggested = String(record.suggested_name ?? "") || "measure";
    const short = cut(suggested);
    let name = short;
    while (used.has(name)) {
      const prefixed = cut(`_${name}`);
      if (prefixed === name) throw new InvalidArgumentError(`There is no name left for "${suggested}".`);
      name = prefixed;
    }
    used.add(name);
    if (short !== suggested)
      warnings.push(`${suggested} was augmented as ${name}, because a name has at most 63 bytes.`);
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
