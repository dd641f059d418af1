/** SQL of a sync: how values are compared and converted, and the request that applies the changes. */
import { columnType, type WriteColumn } from "../../frame";
import { SRID_LNGLAT } from "../../geo";
import { ident, literal } from "../../sql";
import type { Baseline } from "../tables/baselines";
import {
  advanceSequence,
  GEOMETRY_4326,
  ISO_SETTINGS,
  sridOf,
  type TargetColumn,
  uploadedType,
  valueIn,
} from "../tables/target-table";

/** SQL for a column of the frame and the column of the table it meets. `s` is the uploaded row, `t` the stored one. */
export interface SyncColumn {
  readonly name: string;
  /** Type in the uploaded table. */
  readonly uploaded: string;
  /** Type with which the column is added to the table, if the table lacks it. */
  readonly added?: string;
  /** Value of the table, in the type of the uploaded one. */
  readonly stored: string;
  /** Value of the frame, in the table's type. */
  readonly value: string;
  /** Value of the table that keys are matched by. */
  readonly identity: string;
  /** Condition: table and frame differ by more than a frame cannot hold. */
  readonly differs: string;
  /** True if an equal value of the table is kept, because it may be more precise than the frame's. */
  readonly keeps: boolean;
}

/** Types whose `=` compares complete values. */
const COMPARABLE = new Set("bool int2 int4 int8 date bytea uuid name".split(" "));
const FLOATS = new Set(["float4", "float8", "numeric"]);
const TEXTS = new Set(["text", "varchar", "bpchar"]);
const DOCUMENTS = new Set(["json", "jsonb"]);
const TIMES = new Set(["timestamp", "timestamptz"]);

/**
 * Makes the SQL for a column of the frame and the column `target` of the table. Without `target`, the column is new.
 */
export function syncColumn(column: WriteColumn, target: TargetColumn | undefined): SyncColumn {
  const { name } = column;
  const [t, s] = [`t.${ident(name)}`, `s.${ident(name)}`];
  if (target === undefined) {
    const added = name === "the_geom" ? `geometry(Geometry,${SRID_LNGLAT})` : columnType(column);
    const made = syncColumn(column, {
      name,
      pgtype: column.pgtype,
      plain: added,
      nullable: true,
      type: added,
      modifier: name === "the_geom" ? GEOMETRY_4326 : -1,
    });
    return { ...made, added, stored: `NULL::${made.uploaded}` };
  }
  const isTime = column.pgtype === "timestamptz";
  const uploaded = uploadedType(column, target);
  const value = valueIn(column, target, s);
  const base = { name, uploaded, stored: `${t}::${uploaded}`, value, identity: t, keeps: false };
  if (target.pgtype === "geometry" || target.pgtype === "geography") {
    const bytes = (geometry: string) => `ST_AsEWKB(${geometry}::geometry)`;
    const differs = distinct(bytes(t), bytes(value));
    if (target.pgtype === "geography" || sridOf(target) !== 0) return { ...base, differs };
    // a frame cannot express a missing SRID, so geometries without one are compared without it
    return {
      ...base,
      differs: `(${differs} AND NOT (ST_SRID(${t}) = 0 AND ${bytes(t)} IS NOT DISTINCT FROM ${bytes(`ST_SetSRID(${value}, 0)`)}))`,
      keeps: true,
    };
  }
  if (COMPARABLE.has(target.pgtype)) return { ...base, differs: distinct(t, value) };
  if (TEXTS.has(target.pgtype)) {
    // compared byte by byte, because a collation may treat "a" and "A" as equal
    return {
      ...base,
      identity: `${t} COLLATE "C"`,
      differs: distinct(`${t} COLLATE "C"`, `${value} COLLATE "C"`),
    };
  }
  if (FLOATS.has(target.pgtype)) {
    const differs = `(${distinct(t, value)} AND NOT (${value} IS NULL AND ${t} = 'NaN'))`; // NULL and NaN are both missing in a frame
    return { ...base, differs, keeps: true };
  }
  if (DOCUMENTS.has(target.pgtype)) {
    const [ours, theirs] = [`${t}::jsonb`, `${value}::jsonb`];
    return {
      ...base,
      differs: `(${distinct(ours, theirs)} AND NOT (${value} IS NULL AND ${ours} = 'null'))`,
      keeps: true,
    };
  }
  if (TIMES.has(target.pgtype) && isTime) {
    const shown = `date_trunc('milliseconds', ${t})`; // reading a frame drops microseconds
    return {
      ...base,
      stored: `${shown}::${uploaded}`,
      identity: shown,
      differs: `(${distinct(t, value)} AND ${distinct(shown, value)})`,
      keeps: true,
    };
  }
  if (TIMES.has(target.pgtype)) return { ...base, differs: distinct(t, value) };
  return { ...base, differs: distinct(`${t}::text`, `(${value})::text`) };
}

const distinct = (a: string, b: string) => `${a} IS DISTINCT FROM ${b}`;

/** Input of `applySql`. */
export interface Apply {
  /** Names in SQL: the table, the uploaded rows, and the list of differences, which exists only during the request. */
  readonly table: string;
  readonly uploaded: string;
  readonly differences: string;
  /** Number of uploaded rows. */
  readonly rowCount: number;
  /**
   * Name in SQL of the uploaded column that marks rows to delete, if only differences were uploaded. Otherwise all rows
   * were uploaded, and rows of the table that are not among them are deleted.
   */
  readonly marker?: string;
  readonly columns: readonly SyncColumn[];
  readonly keys: readonly SyncColumn[];
  /** SQL for the key of rows without one. */
  readonly newKey?: string;
  /** Sequence that numbers the key. It is advanced past the keys of the frame. */
  readonly sequence?: string;
  /** True if keys that differ in JavaScript also differ in PostgreSQL. */
  readonly keysAreChecked: boolean;
  /** True if the table may have rows without a key. */
  readonly keysAreNullable: boolean;
  /** State in which the table must still be; absent if changes by others are overwritten. */
  readonly baseline?: Baseline;
  /** Name in SQL of a table that stores the answer, for a batch job, which returns none. */
  readonly answer?: string;
}

/** SQL for the rows of the table in the types of the uploaded columns. */
export function storedSql(table: string, columns: readonly SyncColumn[]): string {
  return `SELECT ${columns.map(({ stored, name }) => `${stored} AS ${ident(name)}`).join(", ")} FROM ONLY ${table} AS t`;
}

/** Prefix of the messages that report a refusal to the client as JSON. */
export const REFUSAL = "cartoframes_sync: ";

/**
 * SQL of the whole sync, one request and therefore one transaction. It locks the table against writers, checks the
 * conditions, lists the rows that differ, applies them, returns their number, and drops the uploaded rows.
 */
export function applySql(apply: Apply): string {
  const { table, uploaded, differences, marker, columns, keys, answer } = apply;
  const added = columns.filter((column) => column.added !== undefined);
  const on = keys.map(({ identity, value }) => `${identity} = ${value}`).join(" AND ");
  const isKey = new Set(keys.map(({ name }) => name));
  const changed = columns.filter(({ name }) => !isKey.has(name)).map(({ differs }) => differs);
  const compareAll = `SELECT t.ctid AS old, s.ctid AS new FROM ONLY ${table} AS t FULL JOIN ${uploaded} AS s ON ${on}
WHERE ${["t.ctid IS NULL", "s.ctid IS NULL", ...changed].join("\n  OR ")}`;
  const compareSome = `SELECT t.ctid AS old, CASE WHEN NOT s.${marker} THEN s.ctid END AS new FROM ${uploaded} AS s LEFT JOIN ONLY ${table} AS t ON ${on}
WHERE CASE WHEN s.${marker} THEN t.ctid IS NOT NULL ELSE ${["t.ctid IS NULL", ...changed].join("\n  OR ")} END`;
  return [
    `LOCK TABLE ${table} IN ${added.length > 0 ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE"} MODE`,
    doBlock(checks(apply)),
    ...added.map((column) => `ALTER TABLE ${table} ADD COLUMN ${ident(column.name)} ${column.added}`),
    `CREATE UNLOGGED TABLE ${differences} AS
${marker === undefined ? compareAll : compareSome}`,
    `ANALYZE ${differences}`,
    doBlock(changes(apply), "cf_new int8; cf_old int8; cf_both int8; cf_all int8; cf_known int8;"),
    `${answer === undefined ? "" : `CREATE TABLE ${answer} AS `}SELECT count(*) FILTER (WHERE old IS NULL) AS inserted, count(*) FILTER (WHERE new IS NULL) AS deleted,
  count(*) FILTER (WHERE old IS NOT NULL AND new IS NOT NULL) AS updated,
  txid_current()::text AS own, txid_current_snapshot()::text AS snapshot FROM ${differences}`,
    `DROP TABLE ${differences}, ${uploaded}`,
  ].join(";\n");
}

function doBlock(statements: readonly string[], declarations = ""): string {
  const declare = declarations && `DECLARE ${declarations}\n`;
  return `DO ${literal(`${declare}BEGIN\n${statements.join("\n")}\nEND`)}`;
}

/** Conditions that must hold before rows are compared. */
function checks({ table, uploaded, rowCount, keys, keysAreChecked, keysAreNullable }: Apply): string[] {
  const names = keys.map(({ name }) => ident(name));
  const oneText = (side: string) =>
    `concat_ws(', ', ${names.map((name) => `${side}.${name}::text`).join(", ")})`;
  const identities = keys.map(({ identity }) => identity).join(", ");
  const values = keys.map(({ value }) => value).join(", ");
  const isMissing = keys.map(({ name }) => `t.${ident(name)} IS NULL`).join(" OR ");
  const namesOfKey = `ARRAY[${keys.map(({ name }) => literal(name)).join(",")}]::text[]`;
  const isUnique = `EXISTS (SELECT FROM pg_index i WHERE i.indrelid = ${literal(table)}::regclass AND i.indisunique
  AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = ${keys.length}
  AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attname::text = ANY (${namesOfKey})) = ${keys.length})`;
  const isPlain = keys.every(({ name, identity }) => identity.startsWith(`t.${ident(name)}`));
  const duplicate = (kind: string, from: string, side: string, by: string) =>
    `IF EXISTS (SELECT FROM ${from} GROUP BY ${by} HAVING count(*) > 1) THEN
  RAISE EXCEPTION '${REFUSAL}%', json_build_object('kind', '${kind}', 'key',
    (SELECT min(${oneText(side)}) FROM ${from} GROUP BY ${by} HAVING count(*) > 1 LIMIT 1));
END IF;`;
  const ofTable = duplicate("duplicate", `ONLY ${table} AS t`, "t", identities);
  const ofFrame = duplicate(
    "duplicate in frame",
    `(SELECT * FROM ${uploaded} AS s WHERE ${keys.map(({ name }) => `s.${ident(name)} IS NOT NULL`).join(" AND ")}) AS s`,
    "s",
    values,
  );
  return [
    ISO_SETTINGS,
    // a crash of the database empties unlogged tables, and an empty one would delete everything
    `IF (SELECT count(*) FROM ${uploaded}) <> ${rowCount} THEN
  RAISE EXCEPTION '${REFUSAL}%', json_build_object('kind', 'lost');
END IF;`,
    ...(keysAreNullable
      ? [
          `IF EXISTS (SELECT FROM ONLY ${table} AS t WHERE ${isMissing}) THEN
  RAISE EXCEPTION '${REFUSAL}%', json_build_object('kind', 'null', 'rows', (SELECT count(*) FROM ONLY ${table} AS t WHERE ${isMissing}));
END IF;`,
        ]
      : []),
    isPlain ? `IF NOT ${isUnique} THEN\n${ofTable}\nEND IF;` : ofTable,
    ...(keysAreChecked ? [] : [ofFrame]),
  ];
}

/**
 * Applies the changes. If nothing differs, the table is not touched: no trigger runs, and its time of change is kept.
 */
function changes(apply: Apply): string[] {
  const { table, uploaded, differences, columns, keys, newKey, sequence, baseline } = apply;
  const isKey = new Set(keys.map(({ name }) => name));
  const set = columns
    .filter(({ name }) => !isKey.has(name))
    .map(({ name, value, differs, keeps }) => {
      const kept = keeps ? `CASE WHEN ${differs} THEN ${value} ELSE t.${ident(name)} END` : value;
      return `${ident(name)} = ${kept}`;
    });
  const names = columns.map(({ name }) => ident(name)).join(", ");
  const values = columns.map(({ name, value }) =>
    newKey !== undefined && isKey.has(name) ? `coalesce(${value}, ${newKey})` : value,
  );
  const fromNew = `FROM ${differences} AS d JOIN ${uploaded} AS s ON s.ctid = d.new`;
  const highest = `(SELECT max(${keys[0]?.value}) ${fromNew} WHERE d.old IS NULL)`;
  return [
    `SELECT count(*) FILTER (WHERE d.old IS NULL), count(*) FILTER (WHERE d.new IS NULL), count(*) FILTER (WHERE d.old IS NOT NULL AND d.new IS NOT NULL)
  INTO cf_new, cf_old, cf_both FROM ${differences} AS d;`,
    "IF cf_new + cf_old + cf_both = 0 THEN RETURN; END IF;",
    ...(baseline === undefined ? [] : unchangedSince(table, keys, baseline)),
    `IF cf_old > 0 THEN DELETE FROM ONLY ${table} AS t USING ${differences} AS d WHERE t.ctid = d.old AND d.new IS NULL; END IF;`,
    ...(set.length === 0
      ? []
      : [
          `IF cf_both > 0 THEN UPDATE ONLY ${table} AS t SET ${set.join(", ")} ${fromNew} WHERE t.ctid = d.old; END IF;`,
        ]),
    "IF cf_new > 0 THEN",
    ...(sequence === undefined ? [] : [advanceSequence(sequence, highest)]),
    `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values.join(", ")} ${fromNew} WHERE d.old IS NULL ORDER BY d.new;`,
    "END IF;",
  ];
}

/**
 * Refuses if a row was added, deleted or changed after the baseline. The xmin of a row is the transaction that wrote it,
 * of which only the lower 32 bits are stored; the upper half is the newest possible.
 */
function unchangedSince(
  table: string,
  keys: readonly SyncColumn[],
  { snapshot, ownTransaction, rowCount }: Baseline,
): string[] {
  const seen = (writer: string) =>
    `(txid_visible_in_snapshot(${writer}, ${literal(snapshot)}::txid_snapshot)${
      ownTransaction === undefined ? "" : ` OR ${writer} = ${literal(ownTransaction)}::int8`
    })`;
  const key = `concat_ws(', ', ${keys.map(({ name }) => `t.${ident(name)}::text`).join(", ")})`;
  const writer = "txid_current() - ((txid_current() - t.xmin::text::int8) & 4294967295)";
  const rows = `(SELECT ${writer} AS writer, ${key} AS key FROM ONLY ${table} AS t) AS t`;
  const transactions = `(SELECT ${writer} AS writer, t.row_count FROM (SELECT t.xmin, count(*) AS row_count FROM ONLY ${table} AS t GROUP BY t.xmin) AS t) AS t`;
  return [
    `SELECT coalesce(sum(t.row_count), 0), coalesce(sum(t.row_count) FILTER (WHERE ${seen("t.writer")}), 0) INTO cf_all, cf_known FROM ${transactions};`,
    `IF cf_all <> cf_known OR cf_known <> ${rowCount} THEN
  RAISE EXCEPTION '${REFUSAL}%', json_build_object('kind', 'conflict', 'newer', cf_all - cf_known, 'gone', ${rowCount} - cf_known, 'keys',
    (SELECT json_agg(newer.key) FROM (SELECT t.key FROM ${rows} WHERE NOT ${seen("t.writer")} LIMIT 5) AS newer));
END IF;`,
  ];
}
