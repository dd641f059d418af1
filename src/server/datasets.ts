/**
 * Datasets: the cartodbfied tables in the account's schema. Their privacy is derived from the rights of `publicuser`,
 * so it cannot differ from what SQL allows. Facts that PostgreSQL does not record (the id, the difference between
 * PUBLIC and LINK) are kept in `cartodb.cdb_datasets` by the table's OID, which survives a rename.
 */
import { ident, literal, TEMPORARY_TABLE } from "../sql";
import { type Engine, lastRows } from "./engine/engine";

/** PUBLIC and LINK tables can be read without a key; LINK tables are not listed. */
export type Privacy = "PUBLIC" | "LINK" | "PRIVATE";

export interface Dataset {
  readonly id: string;
  readonly schema: string;
  readonly name: string;
  readonly privacy: Privacy;
  readonly description: string | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Number of rows; PostgreSQL's estimate for large tables. */
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Geometry types of the first rows, such as `ST_Point`. */
  readonly geometryTypes: readonly string[];
}

const DATASET_ORDERS = {
  name: "name",
  updated_at: "updated_at",
  created_at: "created_at",
  size: "size",
  privacy: "privacy",
  estimated_row_count: "estimated_rows",
} as const;

export interface DatasetQuery {
  /** 1-based. */
  readonly page: number;
  readonly perPage: number;
  readonly order: keyof typeof DATASET_ORDERS;
  readonly descending: boolean;
  /** Selects datasets whose name or description contains this text, ignoring case. */
  readonly text?: string;
  readonly privacy?: Privacy;
}

/** Lists one page of the datasets, and counts all of them. */
export async function listDatasets(
  engine: Engine,
  { page, perPage, order, descending, text, privacy }: DatasetQuery,
): Promise<{ datasets: Dataset[]; total: number }> {
  const conditions = [
    text && `strpos(lower(concat(name, ' ', description)), lower(${literal(text)})) > 0`,
    privacy && `privacy = ${literal(privacy)}`,
  ].filter(Boolean);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
  const from = `FROM (${ALL_DATASETS}) AS datasets ${where}`;
  const direction = descending ? "DESC NULLS LAST" : "ASC";
  const { statements } = await engine.query(`
    ${REGISTER_ALL};
    SELECT count(*) ${from};
    SELECT * ${from} ORDER BY ${DATASET_ORDERS[order]} ${direction}, name LIMIT ${perPage} OFFSET ${(page - 1) * perPage}`);
  const total = Number(statements.at(-2)?.rows[0]?.[0]);
  return { datasets: await withContents(engine, lastRows({ statements })), total };
}

/** Finds a dataset by its id, or by its name with or without a schema. */
export async function describeDataset(engine: Engine, nameOrId: string): Promise<Dataset | undefined> {
  const [, schema, table] = /^([^.]+)\.(.+)$/s.exec(nameOrId) ?? [];
  const qualified = schema && `OR (schema = ${literal(schema)} AND name = ${literal(table!)})`;
  const result = await engine.query(`
    ${REGISTER_ALL};
    SELECT * FROM (${ALL_DATASETS}) AS datasets
    WHERE id::text = lower(${literal(nameOrId)}) OR name = ${literal(nameOrId)} ${qualified ?? ""}
    ORDER BY id::text = lower(${literal(nameOrId)}) DESC, name = ${literal(nameOrId)} DESC
    LIMIT 1`);
  return (await withContents(engine, lastRows(result)))[0];
}

/** Returns the privacy of a table in the account's schema, dataset or not; undefined if the table does not exist. */
export async function privacyOf(engine: Engine, table: string): Promise<Privacy | undefined> {
  const result = await engine.query(`
    SELECT ${PRIVACY}
    FROM pg_catalog.pg_class c
    LEFT JOIN cartodb.cdb_datasets d ON d.tabname = c.oid
    LEFT JOIN pg_catalog.pg_roles everybody ON everybody.rolname = 'publicuser'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ${literal(table)} AND c.relkind IN ('r', 'p')`);
  return lastRows(result)[0]?.[0] as Privacy | undefined;
}

/**
 * Sets the privacy of a table in the account's schema.
 * @throws DatabaseError if the table does not exist
 */
export async function setPrivacy(engine: Engine, table: string, privacy: Privacy): Promise<void> {
  const [[schema] = []] = lastRows(await engine.query("SELECT current_schema()"));
  await engine.query(privacySql(`${ident(schema ?? "public")}.${ident(table)}`, privacy));
}

export interface DatasetChanges {
  readonly privacy?: Privacy;
  readonly name?: string;
  readonly description?: string | null;
}

/**
 * Changes a dataset. If one change fails, none is made.
 * @throws DatabaseError, for example if another table has the new name
 */
export async function changeDataset(
  engine: Engine,
  { schema, name }: Dataset,
  changes: DatasetChanges,
): Promise<void> {
  const table = `${ident(schema)}.${ident(name)}`;
  const statements: string[] = [];
  if (changes.privacy !== undefined) statements.push(privacySql(table, changes.privacy));
  if (changes.description !== undefined) {
    const text = changes.description === null ? "NULL" : literal(changes.description);
    statements.push(`COMMENT ON TABLE ${table} IS ${text}`);
  }
  if (changes.name !== undefined && changes.name !== name) {
    const renamed = `${ident(schema)}.${ident(changes.name)}`;
    statements.push(`ALTER TABLE ${table} RENAME TO ${ident(changes.name)}`);
    statements.push(`SELECT cartodb.CDB_CartodbfyTable(${literal(renamed)}::regclass)`); // renames the indexes, too
  }
  if (statements.length > 0) await engine.query(statements.join(";\n"));
}

/**
 * Drops the table of a dataset.
 * @throws DatabaseError, for example if a view depends on it
 */
export async function dropDataset(engine: Engine, { schema, name }: Dataset): Promise<void> {
  await engine.query(`DROP TABLE ${ident(schema)}.${ident(name)}`);
}

/**
 * Returns the statements that set the privacy of a table.
 * @param table quoted name
 * @param wherePossible skips the rights if the role `publicuser` does not exist, as in a user's database
 */
export function privacySql(
  table: string,
  privacy: Privacy,
  { wherePossible = false }: { readonly wherePossible?: boolean } = {},
): string {
  const change =
    privacy === "PRIVATE"
      ? `REVOKE SELECT ON ${table} FROM publicuser, PUBLIC`
      : `GRANT SELECT ON ${table} TO publicuser`;
  const isThere = "EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'publicuser')";
  const rights = wherePossible ? `DO ${literal(`BEGIN IF ${isThere} THEN ${change}; END IF; END`)}` : change;
  return `${rights};
    INSERT INTO cartodb.cdb_datasets (tabname, is_link) VALUES (${literal(table)}::regclass, ${privacy === "LINK"})
    ON CONFLICT (tabname) DO UPDATE SET is_link = excluded.is_link`;
}

const PRIVACY = `
  CASE WHEN NOT coalesce(has_any_column_privilege(everybody.oid, c.oid, 'SELECT'), false) THEN 'PRIVATE'
    WHEN coalesce(d.is_link, false) THEN 'LINK' ELSE 'PUBLIC' END`;

const CARTODBFIED = `
  c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname !~ ${literal(TEMPORARY_TABLE.source)}
  AND 3 = (
    SELECT count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname IN ('cartodb_id', 'the_geom', 'the_geom_webmercator')
      AND a.attnum > 0 AND NOT a.attisdropped
  )`;

/** Registers tables that were restored, or created before datasets were recorded. */
const REGISTER_ALL = `
  INSERT INTO cartodb.cdb_datasets (tabname)
  SELECT c.oid FROM pg_catalog.pg_class c WHERE ${CARTODBFIED}
    AND NOT EXISTS (SELECT FROM cartodb.cdb_datasets d WHERE d.tabname = c.oid)
  ON CONFLICT DO NOTHING`;

const ISO_TIME = `'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'`;

const ALL_DATASETS = `
  SELECT d.id, n.nspname AS schema, c.relname AS name, ${PRIVACY} AS privacy,
    obj_description(c.oid, 'pg_class') AS description,
    to_char(d.created_at AT TIME ZONE 'UTC', ${ISO_TIME}) AS created_at,
    to_char(coalesce(m.updated_at, d.created_at) AT TIME ZONE 'UTC', ${ISO_TIME}) AS updated_at,
    c.reltuples AS estimated_rows, pg_total_relation_size(c.oid) AS size
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN cartodb.cdb_datasets d ON d.tabname = c.oid
  LEFT JOIN cartodb.cdb_tablemetadata m ON m.tabname = c.oid
  LEFT JOIN pg_catalog.pg_roles everybody ON everybody.rolname = 'publicuser'
  WHERE ${CARTODBFIED}`;

const COUNT_UP_TO_ROWS = 100_000;
const SAMPLED_GEOMETRIES = 1_000;

/** Adds row counts and geometry types to the rows of `ALL_DATASETS`. */
async function withContents(
  engine: Engine,
  rows: readonly (readonly (string | null)[])[],
): Promise<Dataset[]> {
  if (rows.length === 0) return [];
  const looks = rows.map(([, schema, name, , , , , estimate]) => {
    const table = `${ident(schema!)}.${ident(name!)}`;
    const count =
      Number(estimate) > COUNT_UP_TO_ROWS ? `${Number(estimate)}::int8` : `(SELECT count(*) FROM ${table})`;
    return `SELECT ${count}, ARRAY(
      SELECT DISTINCT ST_GeometryType(the_geom) AS kind
      FROM (SELECT the_geom FROM ${table} WHERE the_geom IS NOT NULL LIMIT ${SAMPLED_GEOMETRIES}) AS sample
      ORDER BY kind)::text`;
  });
  const contents = lastRows(await engine.query(looks.join(" UNION ALL ")));
  // `!`: the columns of ALL_DATASETS are not null, except the description.
  return rows.map(([id, schema, name, privacy, description, createdAt, updatedAt, , size], i) => {
    const [count, kinds] = contents[i] ?? [];
    return {
      id: id!,
      schema: schema!,
      name: name!,
      privacy: privacy as Privacy,
      description: description ?? null,
      createdAt: createdAt!,
      updatedAt: updatedAt!,
      rowCount: Number(count),
      sizeBytes: Number(size),
      geometryTypes: kinds && kinds !== "{}" ? kinds.slice(1, -1).split(",") : [],
    };
  });
}
