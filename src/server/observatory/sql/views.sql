-- The catalog, joined for discovery. Runs again after tables.sql; _obs_refresh() renews the contents.
DROP MATERIALIZED VIEW IF EXISTS observatory.obs_meta_geom_numer_timespan, observatory.obs_meta_timespan,
  observatory.obs_meta_geom, observatory.obs_meta_denom, observatory.obs_meta_numer, observatory.obs_meta,
  observatory.obs_geometry;
DROP VIEW IF EXISTS observatory._obs_source;

-- Without statistics of the tables the views take half a minute, and nothing gathers them in an embedded database.
ANALYZE observatory.obs_timespan, observatory.obs_column, observatory.obs_table, observatory.obs_column_table,
  observatory.obs_column_to_column, observatory.obs_tag, observatory.obs_column_tag, observatory.obs_boundary;

-- Each column of the catalog with each table that holds it.
CREATE VIEW observatory._obs_source AS
SELECT c.id, c.type, c.name, c.description, c.weight, c.aggregate, c.version, c.extra::jsonb AS extra,
  t.id AS tid, t.tablename, t.timespan, t.description AS t_description, t.version AS t_version, t.the_geom,
  ct.colname, ct.extra::jsonb AS ct_extra,
  s.alias AS timespan_alias, s.name AS timespan_name, s.description AS timespan_description,
  s.timespan AS timespan_range, s.weight AS timespan_weight, coalesce(g.tags, '{}') AS tags
FROM observatory.obs_column c
JOIN observatory.obs_column_table ct ON ct.column_id = c.id
JOIN observatory.obs_table t ON t.id = ct.table_id
JOIN observatory.obs_timespan s ON s.id = t.timespan
LEFT JOIN (
  SELECT ct.column_id, jsonb_object_agg(t.type || '/' || t.id, t.name) AS tags
  FROM observatory.obs_column_tag ct JOIN observatory.obs_tag t ON t.id = ct.tag_id GROUP BY 1
) g ON g.column_id = c.id;

-- Geometry levels. If several tables hold one, the newest counts.
CREATE MATERIALIZED VIEW observatory.obs_geometry AS
SELECT DISTINCT ON (g.id) g.*, r.source_id AS ref_id, rt.colname AS geomref_colname
FROM observatory._obs_source g
JOIN observatory.obs_column_to_column r ON r.target_id = g.id AND r.reltype = 'geom_ref'
JOIN observatory.obs_column_table rt ON rt.column_id = r.source_id AND rt.table_id = g.tid
WHERE g.type = 'Geometry' AND g.weight > 0
ORDER BY g.id, g.timespan DESC, g.tid;
CREATE UNIQUE INDEX obs_geometry_id ON observatory.obs_geometry (id);

-- Measures with their areas. A denominator has the timespan and the areas of its numerator, and its table if possible.
CREATE MATERIALIZED VIEW observatory.obs_meta AS
WITH measures AS MATERIALIZED (
  SELECT s.*, g.id AS geom_id, rt.colname AS geomref_colname
  FROM observatory._obs_source s
  JOIN observatory.obs_column_table rt ON rt.table_id = s.tid
  JOIN observatory.obs_geometry g ON g.ref_id = rt.column_id
  WHERE s.type <> 'Geometry' AND s.id <> g.ref_id
), denominators AS (
  SELECT DISTINCT ON (n.id, n.geom_id, n.timespan, n.tid, d.id) n.id AS numer_id, n.tid AS numer_tid, r.reltype, d.*
  FROM measures n
  JOIN observatory.obs_column_to_column r ON r.source_id = n.id AND r.reltype IN ('denominator', 'universe')
  JOIN measures d ON d.id = r.target_id AND d.geom_id = n.geom_id AND d.timespan = n.timespan
  ORDER BY n.id, n.geom_id, n.timespan, n.tid, d.id, d.tid <> n.tid, r.reltype, d.tid
)
SELECT DISTINCT ON (n.id, d.id, g.id, n.timespan)
  n.id AS numer_id, n.tid AS numer_tid, n.name AS numer_name, n.description AS numer_description,
  n.t_description AS numer_t_description, n.aggregate AS numer_aggregate, n.type AS numer_type,
  n.colname AS numer_colname, n.version AS numer_version, n.t_version AS numer_t_version,
  n.geomref_colname AS numer_geomref_colname, n.tablename AS numer_tablename, n.timespan AS numer_timespan,
  n.timespan_alias AS numer_timespan_alias, n.timespan_name AS numer_timespan_name,
  n.timespan_description AS numer_timespan_description, n.timespan_range AS numer_timespan_range,
  n.timespan_weight AS numer_timespan_weight, n.weight AS numer_weight, n.tags AS numer_tags, n.extra AS numer_extra,
  n.ct_extra AS numer_ct_extra, d.id AS denom_id, d.tid AS denom_tid, d.name AS denom_name,
  d.description AS denom_description, d.t_description AS denom_t_description, d.aggregate AS denom_aggregate,
  d.type AS denom_type, d.colname AS denom_colname, d.version AS denom_version, d.t_version AS denom_t_version,
  d.geomref_colname AS denom_geomref_colname, d.tablename AS denom_tablename, d.timespan AS denom_timespan,
  d.timespan_alias AS denom_timespan_alias, d.timespan_name AS denom_timespan_name,
  d.timespan_description AS denom_timespan_description, d.timespan_range AS denom_timespan_range,
  d.timespan_weight AS denom_timespan_weight, d.weight AS denom_weight, d.tags AS denom_tags, d.extra AS denom_extra,
  d.ct_extra AS denom_ct_extra, g.id AS geom_id, g.tid AS geom_tid, g.name AS geom_name,
  g.description AS geom_description, g.t_description AS geom_t_description, g.aggregate AS geom_aggregate,
  g.type AS geom_type, g.colname AS geom_colname, g.version AS geom_version, g.t_version AS geom_t_version,
  g.geomref_colname AS geom_geomref_colname, g.tablename AS geom_tablename, g.timespan AS geom_timespan,
  g.timespan_alias AS geom_timespan_alias, g.timespan_name AS geom_timespan_name,
  g.timespan_description AS geom_timespan_description, g.timespan_range AS geom_timespan_range,
  g.timespan_weight AS geom_timespan_weight, g.weight AS geom_weight, g.tags AS geom_tags, g.extra AS geom_extra,
  g.ct_extra AS geom_ct_extra, d.reltype AS denom_reltype,
  '{}'::text[] AS timespan_tags,
  ARRAY(SELECT k FROM jsonb_object_keys(n.tags) k WHERE k LIKE 'section/%' ORDER BY k) AS section_tags,
  ARRAY(SELECT k FROM jsonb_object_keys(n.tags) k WHERE k LIKE 'subsection/%' ORDER BY k) AS subsection_tags,
  ARRAY(SELECT k FROM jsonb_object_keys(n.tags) k WHERE k LIKE 'unit/%' ORDER BY k) AS unit_tags,
  coalesce(n.the_geom, g.the_geom) AS the_geom
FROM measures n
JOIN observatory.obs_geometry g ON g.id = n.geom_id
LEFT JOIN denominators d ON d.numer_id = n.id AND d.numer_tid = n.tid AND d.geom_id = n.geom_id
WHERE n.weight > 0
ORDER BY n.id, d.id, g.id, n.timespan, n.tid;
CREATE INDEX obs_meta_numer_id ON observatory.obs_meta (numer_id);

CREATE MATERIALIZED VIEW observatory.obs_meta_numer AS
SELECT m.*, (SELECT ST_Union(t.the_geom) FROM observatory.obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM (
  SELECT numer_id, min(numer_name) AS numer_name, min(numer_description) AS numer_description,
    (array_agg(numer_tags))[1] AS numer_tags, min(numer_weight) AS numer_weight,
    (array_agg(numer_extra))[1] AS numer_extra, min(numer_type) AS numer_type, min(numer_aggregate) AS numer_aggregate,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT numer_timespan) AS timespans,
    min(numer_version) AS numer_version, array_agg(DISTINCT geom_tid) AS tids
  FROM observatory.obs_meta GROUP BY numer_id
) m;
CREATE UNIQUE INDEX obs_meta_numer_id_key ON observatory.obs_meta_numer (numer_id);

CREATE MATERIALIZED VIEW observatory.obs_meta_denom AS
SELECT m.*, (SELECT ST_Union(t.the_geom) FROM observatory.obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM (
  SELECT denom_id, min(denom_name) AS denom_name, min(denom_description) AS denom_description,
    (array_agg(denom_tags))[1] AS denom_tags, min(denom_weight) AS denom_weight,
    (array_agg(denom_extra))[1] AS denom_extra, min(denom_type) AS denom_type, min(denom_aggregate) AS denom_aggregate,
    min(denom_reltype) AS reltype, array_agg(DISTINCT numer_id) AS numers,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT denom_timespan) AS timespans,
    min(denom_version) AS denom_version, array_agg(DISTINCT geom_tid) AS tids
  FROM observatory.obs_meta WHERE denom_id IS NOT NULL GROUP BY denom_id
) m;

CREATE MATERIALIZED VIEW observatory.obs_meta_geom AS
SELECT g.id AS geom_id, g.name AS geom_name, g.description AS geom_description, g.tags AS geom_tags,
  g.weight AS geom_weight, g.extra AS geom_extra, g.type AS geom_type, g.aggregate AS geom_aggregate,
  m.numers, m.denoms, m.timespans, ARRAY[g.timespan] AS geom_timespans, g.version AS geom_version, g.the_geom
FROM observatory.obs_geometry g
LEFT JOIN (
  SELECT geom_id, array_agg(DISTINCT numer_id) AS numers,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT numer_timespan) AS timespans
  FROM observatory.obs_meta GROUP BY geom_id
) m ON m.geom_id = g.id;

CREATE MATERIALIZED VIEW observatory.obs_meta_timespan AS
SELECT s.id AS timespan_id, s.alias AS timespan_alias, s.name AS timespan_name,
  s.description AS timespan_description, s.timespan AS timespan_range, s.weight AS timespan_weight,
  '{}'::jsonb AS timespan_tags, NULL::jsonb AS timespan_extra, 'Timespan'::text AS timespan_type,
  NULL::text AS timespan_aggregate, m.numers, m.denoms, m.geoms,
  (SELECT ST_Union(t.the_geom) FROM observatory.obs_table t WHERE t.id = ANY (m.tids)) AS the_geom
FROM observatory.obs_timespan s
JOIN (
  SELECT timespan, array_agg(DISTINCT numer_id) FILTER (WHERE numer_id IS NOT NULL) AS numers,
    array_agg(DISTINCT denom_id) FILTER (WHERE denom_id IS NOT NULL) AS denoms,
    array_agg(DISTINCT geom_id) AS geoms, array_agg(DISTINCT geom_tid) AS tids
  FROM (
    SELECT numer_timespan AS timespan, numer_id, denom_id, geom_id, geom_tid FROM observatory.obs_meta
    UNION ALL SELECT timespan, NULL, NULL, id, tid FROM observatory.obs_geometry
  ) used
  GROUP BY timespan
) m ON m.timespan = s.id;

CREATE MATERIALIZED VIEW observatory.obs_meta_geom_numer_timespan AS
SELECT geom_id, numer_id, array_agg(DISTINCT numer_timespan) AS timespans,
  array_agg(DISTINCT geom_timespan) AS geom_timespans
FROM observatory.obs_meta GROUP BY geom_id, numer_id;
