-- OBS_GetMeta completes the entries of a request from the catalog; OBS_MetadataValidation checks them.

CREATE OR REPLACE FUNCTION cdb_observatory._obs_suggested_name(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT btrim(regexp_replace(lower($1), '[^a-z0-9]+', '_', 'g'), '_')
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetMeta(
  geom geometry, params json, num_timespan_options int DEFAULT 1, num_score_options int DEFAULT 1,
  target_geoms int DEFAULT NULL
) RETURNS json LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  place CONSTANT geometry := _obs_bounds(geom);
  wanted CONSTANT numeric := target_geoms;
  timespan_options CONSTANT int := coalesce(num_timespan_options, 1);
  score_options CONSTANT int := coalesce(num_score_options, 1);
  is_single boolean;
  found json;
BEGIN
  IF params IS NULL OR json_array_length(params) = 0 THEN
    RETURN NULL;
  END IF;
  is_single := json_array_length(params) = 1;
  IF is_single AND coalesce(params->0->>'numer_id', '') = '' AND coalesce(params->0->>'geom_id', '') = '' THEN
    RAISE EXCEPTION 'Must pass either numer_id or geom_id to every key in GetMeta';
  END IF;
  WITH asked AS MATERIALIZED (
    SELECT e.ordinality AS id, nullif(p->>'numer_id', '') AS numer_id, nullif(p->>'denom_id', '') AS denom_id,
      nullif(p->>'geom_id', '') AS geom_id, nullif(p->>'numer_timespan', '') AS numer_timespan,
      nullif(p->>'geom_timespan', '') AS geom_timespan, nullif(p->>'normalization', '') AS normalization,
      nullif(p->>'max_timespan_rank', '')::numeric AS max_timespan_rank,
      nullif(p->>'max_score_rank', '')::numeric AS max_score_rank,
      nullif(p->>'target_geoms', '')::numeric AS target_geoms, nullif(p->>'target_area', '')::numeric AS target_area
    FROM json_array_elements(params) WITH ORDINALITY AS e(p, ordinality)
  ), matching AS MATERIALIZED (
    SELECT a.id, m.numer_id, m.denom_id, m.geom_id, m.numer_timespan, m.geom_timespan,
      m.numer_aggregate, m.numer_colname, m.numer_geomref_colname, m.numer_tablename, m.numer_type,
      m.numer_description, m.numer_t_description, m.numer_name, m.denom_aggregate, m.denom_colname,
      m.denom_geomref_colname, m.denom_tablename, m.denom_type, m.denom_reltype, m.denom_description,
      m.denom_t_description, m.denom_name, m.geom_colname, m.geom_geomref_colname, m.geom_tablename, m.geom_type,
      m.geom_description, m.geom_t_description, m.geom_name
    FROM asked a
    JOIN obs_meta m ON m.numer_id = a.numer_id
      AND m.denom_id IS NOT DISTINCT FROM coalesce(a.denom_id, m.denom_id)
      AND m.geom_id = coalesce(a.geom_id, m.geom_id)
      AND m.numer_timespan = coalesce(a.numer_timespan, m.numer_timespan)
      AND m.geom_timespan = coalesce(a.geom_timespan, m.geom_timespan)
      -- If several levels draw the same areas, the first published counts, unless the caller names another.
      AND (a.geom_id IS NOT NULL OR m.geom_extra->>'same_areas_as' IS NULL)
    UNION ALL
    SELECT a.id, NULL, NULL, g.id, NULL, g.timespan, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL, NULL, NULL, NULL, g.colname, g.geomref_colname, g.tablename, g.type, g.description,
      g.t_description, g.name
    FROM asked a
    JOIN obs_geometry g ON g.id = a.geom_id AND g.timespan = coalesce(a.geom_timespan, g.timespan)
    WHERE a.numer_id IS NULL
  ), targets AS MATERIALIZED (
    SELECT t.desired, t.target_area, s.geom_id, s.score, s.numgeoms
    FROM (
      SELECT coalesce(a.target_geoms, wanted) AS desired, a.target_area, array_agg(DISTINCT m.geom_id) AS geom_ids
      FROM asked a JOIN matching m USING (id) GROUP BY 1, 2
    ) t
    CROSS JOIN LATERAL _obs_scores(place, t.geom_ids, t.desired, t.target_area) s
    WHERE NOT (is_single AND (SELECT numer_id IS NOT NULL AND geom_id IS NOT NULL FROM asked))
  ), scored AS (
    SELECT m.*, coalesce(t.score, 1) AS score, t.numgeoms AS num_geoms, a.max_timespan_rank, a.max_score_rank,
      CASE WHEN t.geom_id IS NOT NULL THEN a.target_geoms END AS target_geoms,
      CASE WHEN t.geom_id IS NOT NULL THEN a.target_area END AS target_area,
      CASE
        WHEN m.numer_id IS NULL OR lower(m.numer_type) <> 'numeric' THEN NULL
        WHEN a.normalization IS NOT NULL THEN a.normalization
        WHEN m.denom_reltype = 'denominator' THEN 'denominated'
        WHEN m.numer_aggregate = 'sum' THEN 'area'
        ELSE 'prenormalized'
      END AS normalization
    FROM matching m
    JOIN asked a USING (id)
    LEFT JOIN targets t ON t.geom_id = m.geom_id
      AND t.desired IS NOT DISTINCT FROM coalesce(a.target_geoms, wanted)
      AND t.target_area IS NOT DISTINCT FROM a.target_area
    WHERE t.geom_id IS NOT NULL OR is_single AND a.numer_id IS NOT NULL AND a.geom_id IS NOT NULL
  ), ranked AS (
    SELECT s.*,
      dense_rank() OVER (PARTITION BY id ORDER BY numer_timespan DESC) AS timespan_rank,
      dense_rank() OVER (PARTITION BY id ORDER BY score DESC) AS score_rank,
      row_number() OVER (PARTITION BY id, score ORDER BY numer_timespan DESC, denom_id, geom_id) AS timespan_rownum,
      row_number() OVER (PARTITION BY id, numer_timespan ORDER BY score DESC, denom_id, geom_id) AS score_rownum
    FROM scored s
  ), kept AS (
    SELECT id, numer_id, timespan_rank, score_rank, timespan_rownum, score_rownum, score,
      _obs_suggested_name(CASE
        WHEN numer_id IS NULL THEN concat_ws(' ', geom_name, geom_timespan)
        WHEN normalization ILIKE 'area%' THEN concat_ws(' ', numer_colname, 'per sq km', numer_timespan)
        WHEN normalization ILIKE 'denom%' THEN concat_ws(' ', numer_colname, numer_timespan, 'by', denom_colname)
        ELSE concat_ws(' ', numer_colname, numer_timespan)
      END) AS suggested_name,
      numer_aggregate, numer_colname, numer_geomref_colname, numer_tablename, numer_type, numer_description,
      numer_t_description, denom_aggregate, denom_colname, denom_geomref_colname, denom_tablename, denom_type,
      denom_reltype, denom_description, denom_t_description, geom_colname, geom_geomref_colname, geom_tablename,
      geom_type, geom_timespan, geom_description, geom_t_description, numer_timespan, numer_name, denom_name,
      geom_name, normalization, max_timespan_rank, max_score_rank, target_geoms, target_area, num_geoms, denom_id,
      geom_id
    FROM ranked
    WHERE (max_timespan_rank IS NULL OR timespan_rank <= max_timespan_rank)
      AND score_rank <= coalesce(max_score_rank, 1)
      AND timespan_rownum <= timespan_options AND score_rownum <= score_options
  )
  SELECT json_agg(row_to_json(k) ORDER BY id, score_rank, timespan_rank, denom_id, geom_id) INTO found FROM kept k;
  RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_MetadataValidation(
  geometry_extent geometry, geometry_type text, params json, target_geoms int DEFAULT NULL,
  OUT valid boolean, OUT errors text[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry json;
BEGIN
  errors := '{}';
  IF geometry_type IN ('ST_Polygon', 'ST_MultiPolygon') THEN
    FOR entry IN SELECT json_array_elements(OBS_GetMeta(geometry_extent, params, 1, 1, target_geoms)) LOOP
      IF lower(entry->>'normalization') = 'denominated' AND entry->>'denom_id' IS NULL THEN
        errors := errors || format('Normalizated measure should have a numerator and a denominator. Please review the provided options (%s).', entry->>'numer_id');
      END IF;
      IF entry->>'numer_id' IS NOT NULL AND entry->>'numer_aggregate' IS NULL THEN
        errors := errors || format('For polygon geometry, aggregation is mandatory. Please review the provided options (%s).', entry->>'numer_id');
      END IF;
      IF entry->>'numer_aggregate' IN ('median', 'average') THEN
        IF entry->>'denom_id' IS NULL THEN
          errors := errors || format('Median or average aggregation for polygons requires a denominator to provide weights (%s).', entry->>'numer_id');
        END IF;
        IF coalesce(entry->>'normalization', '') NOT ILIKE 'pre%' THEN
          errors := errors || format('Median or average aggregation only supports prenormalized normalization, %s passed (%s).', coalesce(entry->>'normalization', 'null'), entry->>'numer_id');
        END IF;
      END IF;
    END LOOP;
  END IF;
  valid := cardinality(errors) = 0;
END
$$;
