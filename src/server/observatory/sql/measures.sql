-- The functions that return the values of measures at one place.

-- The first metadata entry for a measure, with the requested normalization. About 500 boundaries are assumed in view.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_entry(geom geometry, measure_id text, "normalize" text, boundary_id text, time_span text)
RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry json;
BEGIN
  entry := OBS_GetMeta(geom, json_build_array(json_build_object(
    'numer_id', measure_id, 'geom_id', boundary_id, 'numer_timespan', time_span)), 1, 1, 500)->0;
  IF entry IS NULL THEN
    RETURN NULL;
  END IF;
  "normalize" := coalesce("normalize", CASE
    WHEN ST_GeometryType(geom) IN ('ST_Point', 'ST_MultiPoint') AND entry->>'numer_aggregate' = 'sum' THEN 'area'
    ELSE 'predenominated' END);
  IF "normalize" ILIKE 'area%' AND entry->>'numer_aggregate' IS DISTINCT FROM 'sum' THEN
    "normalize" := 'predenominated';
  END IF;
  RETURN (entry::jsonb || jsonb_build_object('normalization', "normalize"))::json;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_value(geom geometry, measure_id text, "normalize" text, boundary_id text, time_span text, simplification numeric)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  place geometry := geom;
  entry json;
BEGIN
  IF geom IS NULL THEN
    RETURN NULL;
  ELSIF ST_GeometryType(geom) NOT IN ('ST_Point', 'ST_MultiPoint', 'ST_Polygon', 'ST_MultiPolygon') THEN
    RAISE EXCEPTION 'Invalid geometry type (%), can only handle ''ST_Point'', ''ST_Polygon'', and ''ST_MultiPolygon''', ST_GeometryType(geom);
  END IF;
  IF simplification > 0 AND ST_NPoints(geom) > 1000 THEN
    place := ST_SimplifyPreserveTopology(geom, simplification);
  END IF;
  entry := _obs_entry(place, measure_id, "normalize", boundary_id, time_span);
  RETURN (SELECT d.data->0->>'value' FROM OBS_GetData(ARRAY[ROW(place, 1)::geomval], json_build_array(entry)) d
    WHERE entry IS NOT NULL);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetMeasure(
  geom geometry, measure_id text, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL,
  time_span text DEFAULT NULL, simplification numeric DEFAULT 0.00001
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_value($1, $2, $3, $4, $5, $6)::numeric
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetCategory(
  geom geometry, category_id text, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL,
  simplification numeric DEFAULT 0.00001
) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT _obs_value($1, $2, NULL, $3, $4, $5)
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetMeasureById(
  geom_ref text, measure_id text, boundary_id text, time_span text DEFAULT NULL
) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry jsonb;
BEGIN
  entry := OBS_GetMeta(NULL, json_build_array(json_build_object('numer_id', measure_id, 'geom_id', boundary_id,
    'numer_timespan', time_span, 'normalization', 'predenominated')))->0;
  RETURN (SELECT (d.data->0->>'value')::numeric FROM OBS_GetData(ARRAY[geom_ref], json_build_array(entry)) d
    WHERE entry IS NOT NULL);
END
$$;

-- The value of a measure given by its name, compared in lower case with underscores for other characters. If several
-- measures have the name, the first that has a value counts.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_named_value(geom geometry, name text, "normalize" text, boundary_id text, time_span text, section text)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  standard CONSTANT text := _obs_suggested_name(name);
  candidate text;
  found text;
BEGIN
  -- The measure whose areas fit the place best comes first.
  FOR candidate IN
    SELECT e->>'numer_id' FROM json_array_elements(OBS_GetMeta(geom, (
      SELECT json_agg(json_build_object('numer_id', m.numer_id, 'geom_id', boundary_id, 'numer_timespan', time_span))
      FROM obs_meta_numer m WHERE _obs_suggested_name(m.numer_name) = standard AND (section IS NULL OR m.numer_tags ? section)
    ), 1, 1, 500)) e ORDER BY (e->>'score')::numeric DESC, e->>'numer_id'
  LOOP
    found := _obs_value(geom, candidate, "normalize", boundary_id, time_span, 0.00001);
    EXIT WHEN found IS NOT NULL;
  END LOOP;
  IF NOT EXISTS (SELECT FROM obs_meta_numer m WHERE _obs_suggested_name(m.numer_name) = standard) THEN
    RAISE EXCEPTION 'No measure is named "%"', name
      USING HINT = 'SELECT numer_id, numer_name FROM OBS_GetAvailableNumerators() lists them.';
  END IF;
  RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetUSCensusMeasure(
  geom geometry, name text, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, $2, $3, $4, $5, 'section/tags.united_states')::numeric
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetUSCensusCategory(
  geom geometry, name text, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, $2, NULL, $3, $4, 'section/tags.united_states')
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetPopulation(
  geom geometry, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, 'Total Population', $2, $3, $4, NULL)::numeric
$$;

-- All measures of a place at the level that fits best, each of time_span or else of its latest timespan.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_snapshot(geom geometry, time_span text, boundary_id text, is_text boolean)
RETURNS SETOF json LANGUAGE plpgsql STABLE AS $$
DECLARE
  entries json;
BEGIN
  entries := OBS_GetMeta(geom, (SELECT json_agg(json_build_object('numer_id', m.numer_id, 'geom_id', boundary_id,
      'numer_timespan', time_span, 'normalization', CASE WHEN NOT is_text THEN 'predenominated' END) ORDER BY m.numer_id)
    FROM obs_meta_numer m WHERE (lower(m.numer_type) <> 'numeric') = is_text), 1, 1, 500);
  IF entries IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT json_build_object('value', v.value->'value', 'id', e.entry->>'numer_id', 'name', e.entry->>'numer_name',
    'type', e.entry->>'numer_type', 'description', e.entry->>'numer_description')
  FROM OBS_GetData(ARRAY[ROW(geom, 1)::geomval], entries) d
  CROSS JOIN LATERAL json_array_elements(d.data) WITH ORDINALITY AS v(value, n)
  JOIN LATERAL json_array_elements(entries) WITH ORDINALITY AS e(entry, n) ON e.n = v.n
  ORDER BY v.n;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetDemographicSnapshot(
  geom geometry, time_span text DEFAULT NULL, boundary_id text DEFAULT NULL
) RETURNS SETOF json LANGUAGE sql STABLE AS $$
  SELECT _obs_snapshot($1, $2, $3, false)
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetSegmentSnapshot(geom geometry, boundary_id text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_agg(s) FROM _obs_snapshot($1, NULL, $2, true) s
$$;
