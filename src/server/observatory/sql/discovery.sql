-- The functions that list what the catalog has for a place. Columns are in CARTO's order.

-- True if an id that the caller passed is in the list of a row. A flag, not a filter; NULL if the row has no list.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_listed(id text, list text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN $2 IS NOT NULL THEN coalesce($1 = ANY ($2), false) END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetAvailableNumerators(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL,
  denom_id text DEFAULT NULL, geom_id text DEFAULT NULL, timespan text DEFAULT NULL
) RETURNS TABLE (
  numer_id text, numer_name text, numer_description text, numer_weight numeric, numer_license text, numer_source text,
  numer_type text, numer_aggregate text, numer_extra jsonb, numer_tags jsonb, valid_denom boolean, valid_geom boolean,
  valid_timespan boolean
) LANGUAGE sql STABLE AS $$
  SELECT m.numer_id, m.numer_name, m.numer_description, m.numer_weight, NULL::text, NULL::text, m.numer_type,
    m.numer_aggregate, m.numer_extra, m.numer_tags, _obs_listed($3, m.denoms), _obs_listed($4, m.geoms),
    _obs_listed($5, m.timespans)
  FROM obs_meta_numer m
  WHERE ($1 IS NULL OR ST_Intersects(_obs_bounds($1), m.the_geom))
    AND (coalesce(cardinality($2), 0) = 0 OR m.numer_tags ?& $2)
  ORDER BY m.numer_id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetAvailableDenominators(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL,
  numer_id text DEFAULT NULL, geom_id text DEFAULT NULL, timespan text DEFAULT NULL
) RETURNS TABLE (
  denom_id text, denom_name text, denom_description text, denom_weight numeric, denom_license text, denom_source text,
  denom_type text, denom_aggregate text, denom_extra jsonb, denom_tags jsonb, valid_numer boolean, valid_geom boolean,
  valid_timespan boolean
) LANGUAGE sql STABLE AS $$
  SELECT m.denom_id, m.denom_name, m.denom_description, m.denom_weight, NULL::text, NULL::text, m.denom_type,
    m.denom_aggregate, m.denom_extra, m.denom_tags, _obs_listed($3, m.numers), _obs_listed($4, m.geoms),
    _obs_listed($5, m.timespans)
  FROM obs_meta_denom m
  WHERE ($1 IS NULL OR ST_Intersects(_obs_bounds($1), m.the_geom))
    AND (coalesce(cardinality($2), 0) = 0 OR m.denom_tags ?& $2)
  ORDER BY m.denom_id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetAvailableTimespans(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL,
  numer_id text DEFAULT NULL, denom_id text DEFAULT NULL, geom_id text DEFAULT NULL
) RETURNS TABLE (
  timespan_id text, timespan_name text, timespan_description text, timespan_weight numeric, timespan_aggregate text,
  timespan_license text, timespan_source text, timespan_type text, timespan_extra jsonb, timespan_tags jsonb,
  valid_numer boolean, valid_denom boolean, valid_geom boolean
) LANGUAGE sql STABLE AS $$
  SELECT m.timespan_id, m.timespan_name, m.timespan_description, m.timespan_weight, m.timespan_aggregate, NULL::text,
    NULL::text, m.timespan_type, m.timespan_extra, m.timespan_tags, _obs_listed($3, m.numers),
    _obs_listed($4, m.denoms), _obs_listed($5, m.geoms)
  FROM obs_meta_timespan m
  WHERE ($1 IS NULL OR ST_Intersects(_obs_bounds($1), m.the_geom))
    AND (coalesce(cardinality($2), 0) = 0 OR m.timespan_tags ?& $2)
  ORDER BY m.timespan_id
$$;

-- Scores geometry levels: how close their number of boundaries inside the bounds is to the number wanted, times the share
-- of the bounds that they fill. A boundary that crosses the bounds counts by the share of it that lies inside.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_scores(bounds geometry, geom_ids text[], desired numeric, target_area numeric)
RETURNS TABLE (geom_id text, score numeric, numtiles bigint, numgeoms numeric, percentfill numeric)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- Computed once, not per boundary.
  place CONSTANT geometry := _obs_bounds(bounds);
  place_deg2 CONSTANT float8 := ST_Area(place);
  wanted CONSTANT numeric := coalesce(desired, 3000);
  scale CONSTANT float8 := CASE WHEN coalesce(target_area, 0) > 0 THEN target_area / nullif(place_deg2, 0) ELSE 1 END;
BEGIN
  RETURN QUERY
  SELECT c.id,
    (CASE WHEN target_area = 0 THEN c.boundaries
      ELSE 100 / (1 + abs(log(0.0001 + wanted) - log((0.0001 + c.boundaries * scale)::numeric))) * c.fill END)::numeric,
    c.touched, (c.boundaries * scale)::numeric, c.fill::numeric
  FROM (
    -- Rounded, because the last digits of a sum depend on its order, and equal requests must get equal answers.
    SELECT g.id, count(*) AS touched, round(sum(part.inside)::numeric, 9)::float8 AS boundaries,
      round(least(1, sum(b.deg2 * part.inside) / nullif(place_deg2, 0))::numeric, 12)::float8 AS fill
    FROM obs_geometry g
    JOIN obs_boundary b ON b.tablename = g.tablename AND b.footprint && place AND ST_Intersects(place, b.footprint)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN ST_Covers(place, b.footprint) THEN 1
        ELSE ST_Area(ST_Intersection(place, b.footprint)) / nullif(ST_Area(b.footprint), 0) END AS inside
    ) part
    WHERE geom_ids IS NULL OR g.id = ANY (geom_ids)
    GROUP BY g.id
  ) c
  WHERE c.boundaries > 0;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetAvailableGeometries(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL, numer_id text DEFAULT NULL,
  denom_id text DEFAULT NULL, timespan text DEFAULT NULL, number_geoms int DEFAULT NULL
) RETURNS TABLE (
  geom_id text, geom_name text, geom_description text, geom_weight numeric, geom_aggregate text, geom_license text,
  geom_source text, geom_type text, geom_extra jsonb, geom_tags jsonb, valid_numer boolean, valid_denom boolean,
  valid_timespan boolean, score numeric, numtiles bigint, notnull_percent numeric, numgeoms numeric,
  percentfill numeric, estnumgeoms numeric, meanmediansize numeric
) LANGUAGE sql STABLE AS $$
  SELECT m.geom_id, m.geom_name, m.geom_description, m.geom_weight, m.geom_aggregate, NULL::text, NULL::text,
    m.geom_type, m.geom_extra, m.geom_tags, _obs_listed($3, m.numers), _obs_listed($4, m.denoms),
    coalesce($5 = ANY (m.geom_timespans), false) OR coalesce(CASE
      WHEN $3 IS NULL THEN $5 = ANY (m.timespans)
      ELSE EXISTS (SELECT FROM obs_meta_geom_numer_timespan t
        WHERE t.geom_id = m.geom_id AND t.numer_id = $3 AND $5 = ANY (t.timespans)) END, false),
    s.score, s.numtiles, NULL::numeric, s.numgeoms, s.percentfill, NULL::numeric, NULL::numeric
  FROM obs_meta_geom m
  JOIN _obs_scores($1, NULL, $6, NULL) s ON s.geom_id = m.geom_id
  WHERE coalesce(cardinality($2), 0) = 0 OR m.geom_tags ?& $2
  ORDER BY s.score DESC, m.geom_id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetAvailableBoundaries(geom geometry, timespan text DEFAULT NULL)
RETURNS TABLE (boundary_id text, description text, time_span text, tablename text)
LANGUAGE sql STABLE AS $$
  SELECT g.id, g.description, g.timespan, g.tablename FROM obs_geometry g
  WHERE ST_Intersects(_obs_bounds($1), g.the_geom) ORDER BY g.id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_LegacyBuilderMetadata(aggregate_type text DEFAULT NULL)
RETURNS TABLE (name text, subsection jsonb) LANGUAGE sql STABLE AS $$
  WITH measures AS (
    SELECT m.numer_id, m.numer_name, section.key AS section, section.value #>> '{}' AS section_name,
      subsection.key AS subsection, subsection.value #>> '{}' AS subsection_name
    FROM obs_meta_numer m
    JOIN LATERAL jsonb_each(m.numer_tags) section ON section.key LIKE 'section/%'
    JOIN LATERAL jsonb_each(m.numer_tags) subsection ON subsection.key LIKE 'subsection/%'
    WHERE m.numer_weight > 0 AND (aggregate_type IS NULL OR m.numer_aggregate = aggregate_type
      OR aggregate_type = 'sum' AND m.numer_aggregate IN ('sum', 'median', 'average'))
  ), subsections AS (
    SELECT section, section_name, subsection, subsection_name, jsonb_agg(
      jsonb_build_object('f1', jsonb_build_object('id', numer_id, 'name', numer_name)) ORDER BY numer_name, numer_id
    ) AS columns
    FROM measures GROUP BY 1, 2, 3, 4
  )
  SELECT split_part(section, '/', 2), jsonb_agg(jsonb_build_object('f1', jsonb_build_object(
    'name', subsection_name, 'id', split_part(subsection, '/', 2), 'columns', columns)) ORDER BY subsection_name)
  FROM subsections GROUP BY section ORDER BY section
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_Search(term text, relevant_boundary text DEFAULT NULL)
RETURNS TABLE (id text, description text, name text, aggregate text, source text) LANGUAGE sql STABLE AS $$
  SELECT m.numer_id, m.numer_description, m.numer_name, m.numer_aggregate, NULL::text
  FROM obs_meta_numer m
  WHERE (strpos(lower(m.numer_name), lower($1)) > 0 OR strpos(lower(m.numer_description), lower($1)) > 0)
    AND (coalesce($2, '') = '' OR $2 = ANY (m.geoms))
  ORDER BY m.numer_id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_DumpVersion() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT max(dump_id) FROM obs_dump_version
$$;
