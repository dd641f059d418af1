-- The schema of CARTO's functions, and the tables in which they keep what PostgreSQL itself does not record.

-- CREATE SCHEMA IF NOT EXISTS would need the right to create a schema even if the schema exists.
DO $do$
BEGIN
  IF to_regnamespace('cartodb') IS NULL THEN
    CREATE SCHEMA cartodb;
  END IF;
END
$do$;

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

-- Facts about a table that PostgreSQL does not record. LINK means PUBLIC but not listed; who may read the
-- table is decided by its privileges alone.
CREATE TABLE IF NOT EXISTS cartodb.cdb_datasets (
  tabname regclass PRIMARY KEY,
  id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  is_link boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Registers a table as a dataset. A table that replaces another one keeps its dataset.
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
  -- Rows of dropped tables would stay forever, and PostgreSQL may give their OIDs to other tables.
  DELETE FROM cartodb.cdb_tablemetadata m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.tabname);
  PERFORM cartodb.CDB_TableMetadataTouch(TG_RELID);
  RETURN NULL;
END
$$;
