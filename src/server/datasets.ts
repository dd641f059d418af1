/**
 * Datasets: the cartodbfied tables of the account's own schema. Who may read one is decided by the rights of
 * `publicuser` alone, so that SQL and this module cannot disagree; what PostgreSQL has no place for (an id, the
 * difference between PUBLIC and LINK) lies in `cartodb.cdb_datasets`, by the table's number, which outlives a rename.
 */
import { ident, literal, TEMPORARY_TABLE } from "../sql";
import type { Engine } from "./engine/engine";

/** PUBLIC and LINK may be read without a key; a LINK is not listed. */
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
  /** Counted where that is quick, PostgreSQL's estimate for large tables. */
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** As `ST_Point`, of the first rows. */
  readonly geometryTypes: readonly string[];
}

export const DATASET_ORDERS = {
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
  /** Part of the name or the description, in any case. */
  readonly text?: string;
  readonly privacy?: Privacy;
}

/** One page of the datasets, and how many there are in all. */
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
  const [count, rows] = statements.slice(-2).map(({ rows }) => rows);
  return { datasets: await withContents(engine, rows!), total: Number(count![0]![0]) };
}

/** The dataset of that id or name; a name may have its schema and a dot before it. */
export async function describeDataset(engine: Engine, nameOrId: string): Promise<Dataset | undefined> {
  const [, schema, table] = /^([^.]+)\.(.+)$/s.exec(nameOrId) ?? [];
  const qualified = schema && `OR (schema = ${literal(schema)} AND name = ${literal(table!)})`;
  const { statements } = await engine.query(`
    ${REGISTER_ALL};
    SELECT * FROM (${ALL_DATASETS}) AS datasets
    WHERE id::text = lower(${literal(nameOrId)}) OR name = ${literal(nameOrId)} ${qualified ?? ""}
    ORDER BY id::text = lower(${literal(nameOrId)}) DESC, name = ${literal(nameOrId)} DESC
    LIMIT 1`);
  return (await withContents(engine, statements.at(-1)!.rows))[0];
}

/**
 * What a table of the account's schema, a dataset or not, says about who may read it; undefined if there is none.
 */
export async function privacyOf(engine: Engine, table: string): Promise<Privacy | undefined> {
  const { statements } = await engine.query(`
    SELECT ${PRIVACY}
    FROM pg_catalog.pg_class c
    LEFT JOIN cartodb.cdb_datasets d ON d.tabname = c.oid
    LEFT JOIN pg_catalog.pg_roles everybody ON everybody.rolname = 'publicuser'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ${literal(table)} AND c.relkind IN ('r', 'p')`);
  return statements[0]!.rows[0]?.[0] as Privacy | undefined;
}

/**
 * Lets everybody read a table of the account's schema, or the account alone.
 * @throws DatabaseError if there is no such table
 */
export async function setPrivacy(engine: Engine, table: string, privacy: Privacy): Promise<void> {
  const { statements } = await engine.query("SELECT current_schema()");
  await engine.query(privacySql(`${ident(statements[0]!.rows[0]![0]!)}.${ident(table)}`, privacy));
}

export interface DatasetChanges {
  readonly privacy?: Privacy;
  readonly name?: string;
  readonly description?: string | null;
}

/** Changes all or nothing. @throws DatabaseError, for one if another table has the new name */
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
    statements.push(`SELECT cartodb.CDB_CartodbfyTable(${literal(renamed)}::regclass)`); // indexes follow the name
  }
  if (statements.length > 0) await engine.query(statements.join(";\n"));
}

/** Drops the table. @throws DatabaseError, for one if a view is made of it */
export async function dropDataset(engine: Engine, { schema, name }: Dataset): Promise<void> {
  await engine.query(`DROP TABLE ${ident(schema)}.${ident(name)}`);
}

/**
 * Statements that set who may read a table, whose name is quoted already. `wherePossible`: somebody else's database
 * may have no role for everybody, and then there is nobody whom it could concern.
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

/** Tables that were made before datasets were noted, or restored from elsewhere. */
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

/** Adds what is not in the catalogue: counts and kinds of geometry. `rows` are those of `ALL_DATASETS`. */
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
  const { statements } = await engine.query(looks.join(" UNION ALL "));
  const contents = statements[0]!.rows;
  return rows.map(([id, schema, name, privacy, description, createdAt, updatedAt, , size], i) => {
    const [count, kinds] = contents[i]!;
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
      geometryTypes: kinds === "{}" ? [] : kinds!.slice(1, -1).split(","),
    };
  });
}
