/** Appends the rows of one table to another. */
import { InvalidArgumentError, SqlError, TableNotFoundError } from "../../errors";
import { listed, near } from "../../options";
import { ident, literal } from "../../sql";
import { quoted, type TableName } from "../tables/table-name";
import { NO_EFFECT, type Run } from "./new-table";

/** Columns that a table fills itself. */
const GENERATED = new Set(["cartodb_id", "the_geom_webmercator"]);
const GEOM = "the_geom";

interface Column {
  readonly name: string;
  /** Type in SQL without its modifier: `integer`, `geometry`. */
  readonly type: string;
  /** True if a new row must have a value. */
  readonly isRequired: boolean;
}

export interface AppendReport {
  /** Number of new rows. */
  readonly rows: number;
  /** Columns of the table that the new rows do not have. They have their default there, which usually is NULL. */
  readonly unfilled: readonly string[];
}

/**
 * Returns the columns of a table that new rows can have. Called before an upload, it finds out early that the table does
 * not exist.
 * @throws TableNotFoundError
 */
export async function appendableColumns(run: Run, table: TableName): Promise<Column[]> {
  const { rows } = await run(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type,
       attnotnull AND NOT atthasdef AND attidentity = '' AS required
     FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
     WHERE c.oid = to_regclass(${literal(quoted(table))}) AND relkind IN ('r', 'p') AND attnum > 0
       AND NOT attisdropped AND coalesce(to_jsonb(a)->>'attgenerated', '') = ''
     ORDER BY attnum`,
    { effect: NO_EFFECT },
  );
  if (rows.length === 0) {
    throw new TableNotFoundError(
      `No table is named "${table.label}". Leave \`append\` out to create it, or list the tables with \`await cc.tables()\`.`,
      { table: table.label },
    );
  }
  return rows
    .map(({ name, type, required }) => ({
      name: String(name),
      type: String(type),
      isRequired: required === true,
    }))
    .filter(({ name }) => !GENERATED.has(name));
}

/**
 * Appends the rows of table `from` to table `to` and drops `from`, in one transaction. If it fails, `to` is unchanged, and
 * `from` still exists. New rows get new values of `cartodb_id`. A number or a time can have another type in `to` if its value
 * is the same there.
 * @throws TableNotFoundError if `to` does not exist
 * @throws InvalidArgumentError with all columns that do not fit
 * @throws SqlError if `to` refuses the rows, such as by a constraint
 */
export async function appendTable(run: Run, from: TableName, to: TableName): Promise<AppendReport> {
  const target = await appendableColumns(run, to);
  const source = await appendableColumns(run, from);
  const known = source.flatMap(({ name, type }) => {
    const wanted = target.find((column) => column.name === name);
    return wanted ? [fitOf(ident(name), type, wanted.type)] : [];
  });
  const unfilled = target.filter(({ name }) => !source.some((column) => column.name === name));
  const isGeometryLost =
    !target.some(({ name }) => name === GEOM) && source.some(({ name }) => name === GEOM);
  const checked = isGeometryLost ? [...known, LOST_GEOMETRY] : known;
  const { rows, misfits } = await countMisfits(run, from, checked);
  const problems = [
    ...source.flatMap(({ name }) => (name === GEOM ? [] : unknownColumn(name, target))),
    ...misfits,
    ...unfilled
      .filter(({ isRequired }) => isRequired)
      .map(({ name }) => `${ident(name)} requires a value, but the new rows do not have this column`),
  ];
  if (problems.length > 0) throw misfit(to, problems, target);
  await move(run, from, to, known);
  return { rows, unfilled: unfilled.map(({ name }) => name) };
}

function unknownColumn(name: string, target: readonly Column[]): string[] {
  const names = target.map((column) => column.name);
  if (names.includes(name)) return [];
  const [meant] = near(name, names);
  const hint = meant === undefined ? "" : `; its nearest name is ${ident(meant)}`;
  return [`${ident(name)} is not a column of the table${hint}`];
}

function misfit({ label }: TableName, problems: readonly string[], target: readonly Column[]): Error {
  const lines = [`The new rows do not fit table "${label}", which is unchanged:`, ...problems];
  return new InvalidArgumentError(
    `${lines.join("\n  ")}\nColumns of the table: ${listed(target.map(({ name }) => name))}.`,
  );
}

/** How a column of the new rows gets into the table. */
interface Fit {
  /** Quoted name. */
  readonly column: string;
  /** SQL for the value in the table. */
  readonly value: string;
  /** SQL that is true for a value that stays the same. */
  readonly fits: string;
  readonly problem: string;
}

/** Every table of CARTO has the_geom. If it is empty, nothing is lost. */
const LOST_GEOMETRY: Fit = {
  column: GEOM,
  value: GEOM,
  fits: "false",
  problem: `"${GEOM}" is not a column of the table`,
};

function fitOf(column: string, type: string, wanted: string): Fit {
  return {
    column,
    problem: `${column} is ${type}, but ${wanted} in the table`,
    ...conversion(column, type, wanted),
  };
}

const MAX_SHOWN_CHARS = 40;
/** Texts that look like numbers. Among texts that do not fit a column of numbers, the others are better examples. */
const LOOKS_LIKE_NUMBER = String.raw`'^\s*[-+]?[0-9.,]+(e[-+]?[0-9]+)?\s*$'`;

/** Counts the rows, and describes the columns with values that do not fit. */
async function countMisfits(
  run: Run,
  from: TableName,
  checked: readonly Fit[],
): Promise<{ rows: number; misfits: string[] }> {
  const examples = checked.map(({ column, fits }, i) => {
    const shown = (condition: string) =>
      `min(left(${column}::text, ${MAX_SHOWN_CHARS})) FILTER (WHERE ${condition})`;
    const isOther = `${column}::text !~* ${LOOKS_LIKE_NUMBER}`;
    return `coalesce(${shown(`NOT (${fits}) AND ${isOther}`)}, ${shown(`NOT (${fits})`)}) AS example${i}`;
  });
  const { rows } = await run(
    `SELECT ${["count(*)::float8 AS rows", ...examples].join(", ")} FROM ${quoted(from)}`,
    { effect: NO_EFFECT },
  );
  const [found = {}] = rows;
  const misfits = checked.flatMap(({ problem }, i) => {
    const example = found[`example${i}`];
    return typeof example === "string" ? [`${problem}, with values such as ${JSON.stringify(example)}`] : [];
  });
  return { rows: Number(found.rows), misfits };
}

/** Moves the rows. Several statements in one request are one transaction. */
async function move(run: Run, from: TableName, to: TableName, columns: readonly Fit[]): Promise<void> {
  const names = columns.map(({ column }) => column).join(", ");
  const values = columns.map(({ value }) => value).join(", ");
  const insert =
    columns.length > 0
      ? `INSERT INTO ${quoted(to)} (${names}) SELECT ${values} FROM ${quoted(from)}`
      : `INSERT INTO ${quoted(to)} SELECT FROM ${quoted(from)}`;
  const effect = `Either all of the new rows are in table "${to.label}", or none. Check before you run it again.`;
  await run(`${insert};\nDROP TABLE ${quoted(from)}`, { effect }).catch((error) => {
    if (!(error instanceof SqlError)) throw error;
    const message = `Table "${to.label}" is unchanged, because it refuses the new rows: ${error.message}`;
    throw new SqlError(message, { ...error, hint: undefined }, { cause: error });
  });
}

const INTEGERS: Readonly<Record<string, string>> = {
  smallint: "-32768 AND 32767",
  integer: "-2147483648 AND 2147483647",
  bigint: "-9223372036854775808 AND 9223372036854775807",
};
const NUMBERS = [...Object.keys(INTEGERS), "numeric", "real", "double precision"];
const TEXTS = ["text", "character varying", "character"];
const TIMES = ["date", "timestamp without time zone", "timestamp with time zone"];

/** Returns SQL that converts a column, and a condition for the values that stay the same. */
function conversion(column: string, from: string, to: string): Pick<Fit, "value" | "fits"> {
  const both = (types: readonly string[]) => types.includes(from) && types.includes(to);
  const value = `${column}::${to}`;
  if (from === to || both(TEXTS) || (from in INTEGERS && TEXTS.includes(to))) return { value, fits: "true" };
  if (both(NUMBERS)) return numberConversion(column, to);
  if (both(TIMES)) return timeConversion(column, from, to);
  // The type of a column without values is text.
  if (TEXTS.includes(from)) return { value: `nullif(${column}, '')::${to}`, fits: `${column} = ''` };
  return { value, fits: "false" };
}

/** Converts by the text, which has all digits of a floating-point number; the conversion to numeric rounds. */
function numberConversion(column: string, to: string): Pick<Fit, "value" | "fits"> {
  const exact = `${column}::text::numeric`;
  const range = INTEGERS[to];
  if (range !== undefined) {
    const fits = `${exact} = trunc(${exact}) AND ${exact} BETWEEN ${range}`;
    return { value: `${column}::${to}`, fits };
  }
  if (to === "numeric") return { value: exact, fits: "true" };
  return { value: `${column}::${to}`, fits: `${column}::${to}::text::numeric = ${exact}` };
}

/** Times without a time zone are UTC. */
function timeConversion(column: string, from: string, to: string): Pick<Fit, "value" | "fits"> {
  const utc = from.endsWith("with time zone") ? `(${column} AT TIME ZONE 'UTC')` : `${column}::timestamp`;
  if (to === "date") return { value: `${utc}::date`, fits: `${utc} = ${utc}::date` };
  return { value: to.endsWith("with time zone") ? `(${utc} AT TIME ZONE 'UTC')` : utc, fits: "true" };
}
