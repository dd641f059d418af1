-- The catalog of a Data Observatory in CARTO's metadata model: measures (obs_column), the tables that hold them (obs_table,
-- obs_column_table), and the relations between measures and areas (obs_column_to_column).
CREATE TABLE IF NOT EXISTS observatory.obs_timespan (
  id text PRIMARY KEY, alias text, name text, description text, timespan daterange, weight numeric
);
CREATE TABLE IF NOT EXISTS observatory.obs_column (
  id text PRIMARY KEY, type text NOT NULL, name text NOT NULL, description text, weight numeric NOT NULL DEFAULT 1,
  aggregate text, version text, extra json
);
CREATE TABLE IF NOT EXISTS observatory.obs_table (
  id text PRIMARY KEY, tablename text NOT NULL UNIQUE, timespan text NOT NULL REFERENCES observatory.obs_timespan,
  the_geom geometry(Geometry, 4326), description text, version text
);
CREATE TABLE IF NOT EXISTS observatory.obs_column_table (
  column_id text NOT NULL REFERENCES observatory.obs_column ON DELETE CASCADE,
  table_id text NOT NULL REFERENCES observatory.obs_table ON DELETE CASCADE,
  colname text NOT NULL, extra json, PRIMARY KEY (column_id, table_id)
);
CREATE TABLE IF NOT EXISTS observatory.obs_column_to_column (
  source_id text NOT NULL REFERENCES observatory.obs_column ON DELETE CASCADE,
  target_id text NOT NULL REFERENCES observatory.obs_column ON DELETE CASCADE,
  reltype text NOT NULL, PRIMARY KEY (source_id, target_id, reltype)
);
CREATE TABLE IF NOT EXISTS observatory.obs_table_to_table (
  source_id text NOT NULL REFERENCES observatory.obs_table ON DELETE CASCADE,
  target_id text NOT NULL REFERENCES observatory.obs_table ON DELETE CASCADE,
  reltype text NOT NULL, PRIMARY KEY (source_id, target_id, reltype)
);
CREATE TABLE IF NOT EXISTS observatory.obs_tag (id text PRIMARY KEY, name text NOT NULL, type text NOT NULL, description text);
CREATE TABLE IF NOT EXISTS observatory.obs_column_tag (
  column_id text NOT NULL REFERENCES observatory.obs_column ON DELETE CASCADE,
  tag_id text NOT NULL REFERENCES observatory.obs_tag ON DELETE CASCADE, PRIMARY KEY (column_id, tag_id)
);
CREATE TABLE IF NOT EXISTS observatory.obs_dump_version (dump_id text PRIMARY KEY);

-- Datasets, each published by OBS_Publish. CARTO's own catalog has no datasets, because it is read-only.
CREATE TABLE IF NOT EXISTS observatory.obs_dataset (
  id text PRIMARY KEY, name text NOT NULL, description text, source text, license text, version text,
  published_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS observatory.obs_dataset_table (
  dataset_id text NOT NULL REFERENCES observatory.obs_dataset ON DELETE CASCADE,
  table_id text NOT NULL REFERENCES observatory.obs_table ON DELETE CASCADE, PRIMARY KEY (dataset_id, table_id)
);
CREATE TABLE IF NOT EXISTS observatory.obs_dataset_column (
  dataset_id text NOT NULL REFERENCES observatory.obs_dataset ON DELETE CASCADE,
  column_id text NOT NULL REFERENCES observatory.obs_column ON DELETE CASCADE, PRIMARY KEY (dataset_id, column_id)
);

-- Replaces CARTO's raster tiles: the boxes around the parts of each boundary, and its area.
CREATE TABLE IF NOT EXISTS observatory.obs_boundary (
  tablename text NOT NULL REFERENCES observatory.obs_table (tablename) ON DELETE CASCADE,
  geomref text NOT NULL, footprint geometry(Geometry, 4326) NOT NULL,
  deg2 float8 NOT NULL, km2 float8 NOT NULL, PRIMARY KEY (tablename, geomref)
);
CREATE INDEX IF NOT EXISTS obs_boundary_footprint ON observatory.obs_boundary USING gist (footprint);

INSERT INTO observatory.obs_dump_version VALUES ('cartoframes') ON CONFLICT DO NOTHING;
