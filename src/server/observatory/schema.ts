/**
 * The catalog of a Data Observatory in CARTO's metadata model: what is measured (`obs_column`), in which tables
 * (`obs_table`, `obs_column_table`), of which areas, and how measures belong together (`obs_column_to_column`).
 * `obs_meta` and its kin are computed from these and renewed when something is published or removed.
 */
export const catalogSql = `
CREATE TABLE IF NOT EXISTS obs_timespan (
  id text PRIMARY KEY, alias text, name text, description text, timespan daterange, weight numeric
);
CREATE TABLE IF NOT EXISTS obs_column (
  id text PRIMARY KEY, type text NOT NULL, name text NOT NULL, description text, weight numeric NOT NULL DEFAULT 1,
  aggregate text, version text, extra json
);
CREATE TABLE IF NOT EXISTS obs_table (
  id text PRIMARY KEY, tablename text NOT NULL UNIQUE, timespan text NOT NULL REFERENCES obs_timespan,
  the_geom geometry(Geometry, 4326), description text, version text
);
CREATE TABLE IF NOT EXISTS obs_column_table (
  column_id text NOT NULL REFERENCES obs_column ON DELETE CASCADE,
  table_id text NOT NULL REFERENCES obs_table ON DELETE CASCADE,
  colname text NOT NULL, extra json, PRIMARY KEY (column_id, table_id)
);
CREATE TABLE IF NOT EXISTS obs_column_to_column (
  source_id text NOT NULL REFERENCES obs_column ON DELETE CASCADE,
  target_id text NOT NULL REFERENCES obs_column ON DELETE CASCADE,
  reltype text NOT NULL, PRIMARY KEY (source_id, target_id, reltype)
);
CREATE TABLE IF NOT EXISTS obs_table_to_table (
  source_id text NOT NULL REFERENCES obs_table ON DELETE CASCADE,
  target_id text NOT NULL REFERENCES obs_table ON DELETE CASCADE,
  reltype text NOT NULL, PRIMARY KEY (source_id, target_id, reltype)
);
CREATE TABLE IF NOT EXISTS obs_tag (id text PRIMARY KEY, name text NOT NULL, type text NOT NULL, description text);
CREATE TABLE IF NOT EXISTS obs_column_tag (
  column_id text NOT NULL REFERENCES obs_column ON DELETE CASCADE,
  tag_id text NOT NULL REFERENCES obs_tag ON DELETE CASCADE, PRIMARY KEY (column_id, tag_id)
);
CREATE TABLE IF NOT EXISTS obs_dump_version (dump_id text PRIMARY KEY);

-- What was published together: CARTO's own catalog has no such thing, because nobody adds to it.
CREATE TABLE IF NOT EXISTS obs_dataset (
  id text PRIMARY KEY, name text NOT NULL, description text, source text, license text, version text,
  published_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS obs_dataset_table (
  dataset_id text NOT NULL REFERENCES obs_dataset ON DELETE CASCADE,
  table_id text NOT NULL REFERENCES obs_table ON DELETE CASCADE, PRIMARY KEY (dataset_id, table_id)
);
CREATE TABLE IF NOT EXISTS obs_dataset_column (
  dataset_id text NOT NULL REFERENCES obs_dataset ON DELETE CASCADE,
  column_id text NOT NULL REFERENCES obs_column ON DELETE CASCADE, PRIMARY KEY (dataset_id, column_id)
);

-- In the place of CARTO's raster tiles: each boundary with the boxes around its parts and its area.
CREATE TABLE IF NOT EXISTS obs_boundary (
  tablename text NOT NULL REFERENCES obs_table (tablename) ON DELETE CASCADE,
  geomref text NOT NULL, footprint geometry(Geometry, 4326) NOT NULL,
  deg2 float8 NOT NULL, km2 float8 NOT NULL, PRIMARY KEY (tablename, geomref)
);
CREATE INDEX IF NOT EXISTS obs_boundary_footprint ON obs_boundary USING gist (footprint);
`;

/** One measured column with the table that holds it, of the catalog's tables alone. */
const SOURCES = `
SELECT c.id, c.type, c.name, c.description, c.weight, c.aggregate, c.version, c.extra::jsonb AS extra,
  t.id AS tid, t.tablename, t.timespan, t.description AS t_description, t.version AS t_version, t.the_geom,
  ct.colname, ct.extra::jsonb AS ct_extra,
  s.alias AS timespan_alias, s.name AS timespan_name, s.description AS timespan_description,
  s.timespan AS timespan_range, s.weight AS timespan_weight, coalesce(g.tags, '{}') AS tags
FROM obs_column c
JOIN obs_column_table ct ON ct.column_id = c.id
JOIN obs_table t ON t.id = ct.table_id
JOIN obs_timespan s ON s.id = t.timespan
LEFT JOIN (
  SELECT ct.column_id, jsonb_object_agg(t.type || '/' || t.id, t.name) AS tags
  FROM obs_column_tag ct JOIN obs_tag t ON t.id = ct.tag_id GROUP BY 1
) g ON g.column_id = c.id`;

const PROPERTIES = [
  "id",
  "tid",
  "name",
  "description",
  "t_description",
  "aggregate",
  "type",
  "colname",
  "version",
  "t_version",
  "geomref_colname",
  "tablename",
  "timespan",
  "timespan_alias",
  "timespan_name",
  "timespan_description",
  "timespan_range",
  "timespan_weight",
  "weight",
  "tags",
  "extra",
  "ct_extra",
];

function prefixed(alias: string, prefix: string): string {
  return PROPERTIES.map((property) => `${alias}.${property} AS ${prefix}_${property}`).join(", ");
}

const keysOf = (tags: string, kind: string) =>
  `ARRAY(SELECT k FROM jsonb_object_keys(${tags}) k WHERE k LIKE '${kind}/%' ORDER BY k)`;

/**
 * The catalog joined. Of the tables of one geometry the newest counts; a denominator has the timespan and the areas
 * of its numerator, and preferably its table.
 */
export const metaSql = `
CREATE MATERIALIZED VIEW IF NOT EXISTS obs_geometry AS
SELECT DISTINCT ON (g.id) g.*, r.source_id AS ref_id, rt.colname AS geomref_colname
FROM (${SOURCES}) g
JOIN obs_column_to_column r ON r.target_id = g.id AND r.reltype = 'geom_ref'
JOIN obs_column_table rt ON rt.column_id = r.source_id AND rt.table_id = g.tid
WHERE g.type = 'Geometry' AND g.weight > 0
ORDER BY g.id, g.timespan DESC, g.tid;
CREATE UNIQUE INDEX IF NOT EXISTS obs_geometry_id ON obs_geometry (id);

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta AS
WITH measures AS MATERIALIZED (
  SELECT s.*, g.id AS geom_id, rt.colname AS geomref_colname
  FROM (${SOURCES}) s
  JOIN obs_column_table rt ON rt.table_id = s.tid
  JOIN obs_geometry g ON g.ref_id = rt.column_id
  WHERE s.type <> 'Geometry' AND s.id <> g.ref_id
), denominators AS (
  SELECT DISTINCT ON (n.id, n.geom_id, n.timespan, n.tid, d.id) n.id AS numer_id, n.tid AS numer_tid, r.reltype, d.*
  FROM measures n
  JOIN obs_column_to_column r ON r.source_id = n.id AND r.reltype IN ('denominator', 'universe')
  JOIN measures d ON d.id = r.target_id AND d.geom_id = n.geom_id AND d.timespan = n.timespan
  ORDER BY n.id, n.geom_id, n.timespan, n.tid, d.id, d.tid <> n.tid, r.reltype, d.tid
)
SELECT DISTINCT ON (n.id, d.id, g.id, n.timespan)
  ${prefixed("n", "numer")}, ${prefixed("d", "denom")}, ${prefixed("g", "geom")}, d.reltype AS denom_reltype,
  '{}'::text[] AS timespan_tags, ${keysOf("n.tags", "section")} AS section_tags,
  ${keysOf("n.tags", "subsection")} AS subsection_tags, ${keysOf("n.tags", "unit")} AS unit_tags,
  coalesce(n.the_geom, g.the_geom) AS the_geom
FROM measures n
JOIN obs_geometry g ON g.id = n.geom_id
LEFT JOIN denominators d ON d.numer_id = n.id AND d.numer_tid = n.tid AND d.geom_id = n.geom_id
WHERE n.weight > 0
ORDER BY n.id, d.id, g.id, n.timespan, n.tid;
CREATE INDEX IF NOT EXISTS obs_meta_numer_id ON obs_meta (numer_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta_numer AS
SELECT m.*, (SELECT ST_Union(t.the_geom) FROM obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM (
  SELECT numer_id, min(numer_name) AS numer_name, min(numer_description) AS numer_description,
    (array_agg(numer_tags))[1] AS numer_tags, min(numer_weight) AS numer_weight,
    (array_agg(numer_extra))[1] AS numer_extra, min(numer_type) AS numer_type, min(numer_aggregate) AS numer_aggregate,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT numer_timespan) AS timespans,
    min(numer_version) AS numer_version, array_agg(DISTINCT geom_tid) AS tids
  FROM obs_meta GROUP BY numer_id
) m;
CREATE UNIQUE INDEX IF NOT EXISTS obs_meta_numer_id_key ON obs_meta_numer (numer_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta_denom AS
SELECT m.*, (SELECT ST_Union(t.the_geom) FROM obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM (
  SELECT denom_id, min(denom_name) AS denom_name, min(denom_description) AS denom_description,
    (array_agg(denom_tags))[1] AS denom_tags, min(denom_weight) AS denom_weight,
    (array_agg(denom_extra))[1] AS denom_extra, min(denom_type) AS denom_type, min(denom_aggregate) AS denom_aggregate,
    min(denom_reltype) AS reltype, array_agg(DISTINCT numer_id) AS numers,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT denom_timespan) AS timespans,
    min(denom_version) AS denom_version, array_agg(DISTINCT geom_tid) AS tids
  FROM obs_meta WHERE denom_id IS NOT NULL GROUP BY denom_id
) m;

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta_geom AS
SELECT g.id AS geom_id, g.name AS geom_name, g.description AS geom_description, g.tags AS geom_tags,
  g.weight AS geom_weight, g.extra AS geom_extra, g.type AS geom_type, g.aggregate AS geom_aggregate,
  m.numers, m.denoms, m.timespans, ARRAY[g.timespan] AS geom_timespans, g.version AS geom_version, g.the_geom
FROM obs_geometry g
LEFT JOIN (
  SELECT geom_id, array_agg(DISTINCT numer_id) AS numers,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT numer_timespan) AS timespans
  FROM obs_meta GROUP BY geom_id
) m ON m.geom_id = g.id;

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta_timespan AS
SELECT s.id AS timespan_id, s.alias AS timespan_alias, s.name AS timespan_name,
  s.description AS timespan_description, s.timespan AS timespan_range, s.weight AS timespan_weight,
  '{}'::jsonb AS timespan_tags, NULL::jsonb AS timespan_extra, 'Timespan'::text AS timespan_type,
  NULL::text AS timespan_aggregate, m.numers, m.denoms, m.geoms,
  (SELECT ST_Union(t.the_geom) FROM obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM obs_timespan s
JOIN (
  SELECT timespan, array_agg(DISTINCT numer_id) FILTER (WHERE numer_id IS NOT NULL) AS numers,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT geom_tid) AS tids
  FROM (
    SELECT numer_timespan AS timespan, numer_id, denom_id, geom_id, geom_tid FROM obs_meta
    UNION ALL SELECT timespan, NULL, NULL, id, tid FROM obs_geometry
  ) used
  GROUP BY timespan
) m ON m.timespan = s.id;

CREATE MATERIALIZED VIEW IF NOT EXISTS obs_meta_geom_numer_timespan AS
SELECT geom_id, numer_id, array_agg(DISTINCT numer_timespan) AS timespans,
  array_agg(DISTINCT geom_timespan) AS geom_timespans
FROM obs_meta GROUP BY geom_id, numer_id;
`;

/** Without its statistics the views take half a minute; an embedded database has nobody who gathers them. */
export const ANALYZE_SQL = `ANALYZE obs_timespan, obs_column, obs_table, obs_column_table, obs_column_to_column, obs_tag,
  obs_column_tag, obs_boundary;`;

/** In the order in which they depend on each other. */
export const META_VIEWS = [
  "obs_geometry",
  "obs_meta",
  "obs_meta_numer",
  "obs_meta_denom",
  "obs_meta_geom",
  "obs_meta_timespan",
  "obs_meta_geom_numer_timespan",
];
