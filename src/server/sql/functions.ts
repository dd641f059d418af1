/**
 * The SQL functions that a CARTO account has and its clients call, written after their documented behaviour.
 * They live in the schema `cartodb` and need nothing but PostGIS, so that they fit any PostgreSQL server.
 */
import { createHash } from "node:crypto";
import { ident } from "../../sql";
import { cartodbfySql } from "./cartodbfy";
import { queriesSql } from "./queries";
import quotaSql from "./quota.sql";
import { statisticsSql } from "./statistics";
import { tablesSql } from "./tables";

/** Clients take an account whose first schema is `public` for a stand-alone one. */
export const SEARCH_PATH = "public, cartodb, cdb_observatory";

/** One transaction's worth of SQL; may be run again, by the role that ran it first. */
export function functionsSql({
  postgisSchema = "public",
  schemaExists = false,
}: {
  readonly postgisSchema?: string;
  /** Then nothing asks for the right to create one, not even IF NOT EXISTS. */
  readonly schemaExists?: boolean;
} = {}): string {
  const postgis = ident(postgisSchema);
  return `
${schemaExists ? "" : "CREATE SCHEMA IF NOT EXISTS cartodb;"}
${metadataSql}
${geometrySql(postgis)}
${catalogSql}
${quotaSql}
${statisticsSql}
${queriesSql}
${cartodbfySql(postgis)}
${tablesSql}
COMMENT ON SCHEMA cartodb IS '${functionsVersion()}';
`;
}

/** How the comment on the schema begins where it is ours, whatever the version. */
export const FUNCTIONS_MARK = "CARTO functions, ";

/** What the comment on the schema says when these very functions are installed. */
export function functionsVersion(): string {
  const text = [
    metadataSql,
    geometrySql(""),
    catalogSql,
    quotaSql,
    statisticsSql,
    queriesSql,
    cartodbfySql(""),
    tablesSql,
  ];
  return `${FUNCTIONS_MARK}${createHash("sha256").update(text.join("\n")).digest("hex").slice(0, 16)}`;
}

const metadataSql = `
CREATE TABLE IF NOT EXISTS cartodb.cdb_tablemetadata (
  tabname regclass PRIMARY KEY,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE FUNCTION cartodb.CDB_TableMetadataTouch(tablename regclass) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cartodb.cdb_tablemetadata (tabname, updated_at) VALUES ($1, clock_timestamp())
  ON CONFLICT (tabname) DO UPDATE SET updated_at = excluded.updated_at;
$$;

CREATE TABLE IF NOT EXISTS cartodb.cdb_conf (key text PRIMARY KEY, value text NOT NULL);

CREATE OR REPLACE FUNCTION cartodb._CDB_Setting(key text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT value FROM cartodb.cdb_conf c WHERE c.key = $1
$$;

-- What the Datasets API knows of a table beside what PostgreSQL does. A privacy of LINK is one of PUBLIC that is not
-- listed; who may read the table is a matter of its rights.
CREATE TABLE IF NOT EXISTS cartodb.cdb_datasets (
  tabname regclass PRIMARY KEY,
  id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  is_link boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Notes a table as a dataset; one that takes the place of another remains the same dataset.
CREATE OR REPLACE FUNCTION cartodb._CDB_Dataset_Register(previous regclass, tablename regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM cartodb.cdb_datasets d
  WHERE d.tabname <> previous AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d.tabname);
  UPDATE cartodb.cdb_datasets SET tabname = tablename WHERE tabname = previous;
  INSERT INTO cartodb.cdb_datasets (tabname) VALUES (tablename) ON CONFLICT (tabname) DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION cartodb._CDB_TableMetadata_Updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Rows of dropped tables would keep their numbers forever.
  DELETE FROM cartodb.cdb_tablemetadata m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.tabname);
  PERFORM cartodb.CDB_TableMetadataTouch(TG_RELID);
  RETURN NULL;
END
$$;
`;

function geometrySql(postgis: string): string {
  return `
CREATE OR REPLACE FUNCTION cartodb.CDB_LatLng(lat numeric, lng numeric) RETURNS ${postgis}.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ${postgis}.ST_SetSRID(${postgis}.ST_MakePoint($2::float8, $1::float8), 4326)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_LatLng(lat float8, lng float8) RETURNS ${postgis}.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ${postgis}.ST_SetSRID(${postgis}.ST_MakePoint($2, $1), 4326)
$$;

-- Web Mercator has no poles, so what lies beyond 89 degrees is cut off.
CREATE OR REPLACE FUNCTION cartodb._CDB_TransformCut(geom ${postgis}.geometry) RETURNS ${postgis}.geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  mappable CONSTANT ${postgis}.geometry := ${postgis}.ST_MakeEnvelope(-180, -89, 180, 89, 4326);
  kind CONSTANT text := ${postgis}.GeometryType(geom);
  lnglat ${postgis}.geometry := geom;
BEGIN
  IF ${postgis}.ST_SRID(geom) = 3857 THEN
    RETURN geom;
  END IF;
  IF ${postgis}.ST_SRID(geom) <> 4326 THEN
    lnglat := ${postgis}.ST_Transform(geom, 4326);
  END IF;
  IF ${postgis}.ST_IsEmpty(lnglat) THEN
    RETURN NULL;
  END IF;
  IF lnglat OPERATOR(${postgis}.@) mappable THEN
    RETURN ${postgis}.ST_Transform(lnglat, 3857);
  END IF;
  IF ${postgis}.ST_Dimension(geom) > 0 AND kind <> 'GEOMETRYCOLLECTION' THEN
    lnglat := ${postgis}.ST_CollectionExtract(${postgis}.ST_MakeValid(lnglat), ${postgis}.ST_Dimension(geom) + 1);
  END IF;
  lnglat := ${postgis}.ST_Intersection(lnglat, mappable);
  IF ${postgis}.ST_IsEmpty(lnglat) THEN
    RETURN NULL;
  END IF;
  IF kind LIKE 'MULTI%' THEN
    lnglat := ${postgis}.ST_Multi(lnglat);
  END IF;
  RETURN ${postgis}.ST_Transform(lnglat, 3857);
END
$$;

-- The common case in an expression that PostgreSQL inlines, three times as fast as a call. Declared STRICT it would
-- not be inlined; a NULL comes back as NULL all the same.
CREATE OR REPLACE FUNCTION cartodb.CDB_TransformToWebmercator(geom ${postgis}.geometry) RETURNS ${postgis}.geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN ${postgis}.ST_SRID($1) = 4326 AND $1 OPERATOR(${postgis}.@) ${postgis}.ST_MakeEnvelope(-180, -89, 180, 89, 4326)
      AND NOT ${postgis}.ST_IsEmpty($1)
    THEN ${postgis}.ST_Transform($1, 3857)
    ELSE cartodb._CDB_TransformCut($1)
  END
$$;

-- Metres of Web Mercator per pixel of a tile of 256 pixels.
CREATE OR REPLACE FUNCTION cartodb.CDB_XYZ_Resolution(z int) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT 6378137.0::float8 * 2 * pg_catalog.pi() / 256 / pg_catalog.power(2::float8, $1)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_XYZ_Extent(x int, y int, z int) RETURNS ${postgis}.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ${postgis}.ST_MakeEnvelope($1 * side - half, half - ($2 + 1) * side, ($1 + 1) * side - half, half - $2 * side, 3857)
  FROM (SELECT 256 * cartodb.CDB_XYZ_Resolution($3), 128 * cartodb.CDB_XYZ_Resolution(0)) AS tile(side, half)
$$;
`;
}

const catalogSql = `
CREATE OR REPLACE FUNCTION cartodb.CDB_Username() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(cartodb._CDB_Setting('username'), current_user::text)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_ColumnNames(tablename regclass) RETURNS SETOF name
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT attname FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_ColumnType(tablename regclass, columnname text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.format_type(atttypid, NULL) FROM pg_catalog.pg_attribute
  WHERE attrelid = $1 AND attname = $2::name AND attnum > 0 AND NOT attisdropped
$$;

-- 'public' are the tables everybody may read, 'private' the others of those the caller may read.
CREATE OR REPLACE FUNCTION cartodb.CDB_UserTables(perm text DEFAULT 'all') RETURNS SETOF name
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_roles everybody ON everybody.rolname = 'publicuser'
  CROSS JOIN LATERAL (
    SELECT coalesce(has_table_privilege(everybody.oid, c.oid, 'SELECT'), false) AS is_public
  ) privacy
  WHERE c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'cartodb', 'topology', 'observatory')
    AND n.nspname NOT LIKE 'pg\\_temp\\_%'
    AND c.relname NOT IN ('spatial_ref_sys', 'cdb_tablemetadata', 'cdb_analysis_catalog', 'cdb_conf')
    AND has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'SELECT')
    AND CASE perm WHEN 'all' THEN true WHEN 'public' THEN is_public WHEN 'private' THEN NOT is_public ELSE false END
  ORDER BY c.relname
$$;
`;
