/** The functions of the reference that answer for one place, and those that return boundaries. */

/** OBS_GetMeasure counts on about so many boundaries in sight. */
const MEASURE_TARGET_GEOMS = 500;

export const placesSql = `
-- The first metadata entry for a measure, with the normalization asked for.
CREATE OR REPLACE FUNCTION _obs_entry(geom geometry, measure_id text, "normalize" text, boundary_id text, time_span text)
RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry json;
BEGIN
  entry := OBS_GetMeta(geom, json_build_array(json_build_object(
    'numer_id', measure_id, 'geom_id', boundary_id, 'numer_timespan', time_span)), 1, 1, ${MEASURE_TARGET_GEOMS})->0;
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

CREATE OR REPLACE FUNCTION _obs_value(geom geometry, measure_id text, "normalize" text, boundary_id text, time_span text, simplification numeric)
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

CREATE OR REPLACE FUNCTION OBS_GetMeasure(
  geom geometry, measure_id text, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL,
  time_span text DEFAULT NULL, simplification numeric DEFAULT 0.00001
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_value($1, $2, $3, $4, $5, $6)::numeric
$$;

CREATE OR REPLACE FUNCTION OBS_GetCategory(
  geom geometry, category_id text, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL,
  simplification numeric DEFAULT 0.00001
) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT _obs_value($1, $2, NULL, $3, $4, $5)
$$;

CREATE OR REPLACE FUNCTION OBS_GetMeasureById(
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

-- Measures are called by name, too: lower case, everything else an underscore. The one that is known here counts.
CREATE OR REPLACE FUNCTION _obs_named_value(geom geometry, name text, "normalize" text, boundary_id text, time_span text, section text)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  standard CONSTANT text := _obs_suggested_name(name);
  candidate text;
  found text;
BEGIN
  -- Of several, the one whose areas fit the place best.
  FOR candidate IN
    SELECT e->>'numer_id' FROM json_array_elements(OBS_GetMeta(geom, (
      SELECT json_agg(json_build_object('numer_id', m.numer_id, 'geom_id', boundary_id, 'numer_timespan', time_span))
      FROM obs_meta_numer m WHERE _obs_suggested_name(m.numer_name) = standard AND (section IS NULL OR m.numer_tags ? section)
    ), 1, 1, ${MEASURE_TARGET_GEOMS})) e ORDER BY (e->>'score')::numeric DESC, e->>'numer_id'
  LOOP
    found := _obs_value(geom, candidate, "normalize", boundary_id, time_span, 0.00001);
    EXIT WHEN found IS NOT NULL;
  END LOOP;
  IF NOT EXISTS (SELECT FROM obs_meta_numer m WHERE _obs_suggested_name(m.numer_name) = standard) THEN
    RAISE EXCEPTION 'There is no measure named "%"', name
      USING HINT = 'SELECT numer_id, numer_name FROM OBS_GetAvailableNumerators() lists them.';
  END IF;
  RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetUSCensusMeasure(
  geom geometry, name text, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, $2, $3, $4, $5, 'section/tags.united_states')::numeric
$$;

CREATE OR REPLACE FUNCTION OBS_GetUSCensusCategory(
  geom geometry, name text, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, $2, NULL, $3, $4, 'section/tags.united_states')
$$;

CREATE OR REPLACE FUNCTION OBS_GetPopulation(
  geom geometry, "normalize" text DEFAULT NULL, boundary_id text DEFAULT NULL, time_span text DEFAULT NULL
) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT _obs_named_value($1, 'Total Population', $2, $3, $4, NULL)::numeric
$$;

-- All measures of a place, each of its latest timespan or the one given, at the level that fits best.
CREATE OR REPLACE FUNCTION _obs_snapshot(geom geometry, time_span text, boundary_id text, is_text boolean)
RETURNS SETOF json LANGUAGE plpgsql STABLE AS $$
DECLARE
  entries json;
BEGIN
  entries := OBS_GetMeta(geom, (SELECT json_agg(json_build_object('numer_id', m.numer_id, 'geom_id', boundary_id,
      'numer_timespan', time_span, 'normalization', CASE WHEN NOT is_text THEN 'predenominated' END) ORDER BY m.numer_id)
    FROM obs_meta_numer m WHERE (lower(m.numer_type) <> 'numeric') = is_text), 1, 1, ${MEASURE_TARGET_GEOMS});
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

CREATE OR REPLACE FUNCTION OBS_GetDemographicSnapshot(
  geom geometry, time_span text DEFAULT NULL, boundary_id text DEFAULT NULL
) RETURNS SETOF json LANGUAGE sql STABLE AS $$
  SELECT _obs_snapshot($1, $2, $3, false)
$$;

CREATE OR REPLACE FUNCTION OBS_GetSegmentSnapshot(geom geometry, boundary_id text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_agg(s) FROM _obs_snapshot($1, NULL, $2, true) s
$$;

-- Boundaries of one level. An unknown level has none.
CREATE OR REPLACE FUNCTION _obs_boundaries(geom geometry, boundary_id text, time_span text)
RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  place CONSTANT geometry := _obs_lnglat(geom);
  level record;
BEGIN
  SELECT g.tablename, g.colname, g.geomref_colname INTO level FROM obs_geometry g
  WHERE g.id = boundary_id AND (time_span IS NULL OR g.timespan = time_span);
  IF level IS NULL OR place IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT o.%1$I, o.%2$I::text FROM observatory.%3$I o WHERE o.%1$I && $1 AND ST_Intersects(o.%1$I, $1) ORDER BY 2',
    level.colname, level.geomref_colname, level.tablename) USING place;
END
$$;

CREATE OR REPLACE FUNCTION _obs_expect(geom geometry, VARIADIC kinds text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF ST_GeometryType(geom) <> ALL (kinds) THEN
    RAISE EXCEPTION 'Invalid geometry type (%), expecting %', ST_GeometryType(geom),
      (SELECT string_agg(quote_literal(kind), ' or ') FROM unnest(kinds) kind);
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetBoundary(geom geometry, boundary_id text, time_span text DEFAULT NULL)
RETURNS geometry LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  RETURN (SELECT b.the_geom FROM _obs_boundaries(geom, boundary_id, time_span) b LIMIT 1);
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetBoundaryId(geom geometry, boundary_id text, time_span text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  RETURN (SELECT b.geom_refs FROM _obs_boundaries(geom, boundary_id, time_span) b LIMIT 1);
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetBoundaryById(geometry_id text, boundary_id text, time_span text DEFAULT NULL)
RETURNS geometry LANGUAGE plpgsql STABLE AS $$
DECLARE
  level record;
  found geometry;
BEGIN
  SELECT g.tablename, g.colname, g.geomref_colname INTO level FROM obs_geometry g WHERE g.id = boundary_id;
  IF level IS NOT NULL THEN
    EXECUTE format('SELECT o.%I FROM observatory.%I o WHERE o.%I = $1', level.colname, level.tablename, level.geomref_colname)
    INTO found USING geometry_id;
  END IF;
  RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION _obs_check_overlap(overlap_type text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF overlap_type IS NULL OR overlap_type NOT IN ('intersects', 'contains', 'within') THEN
    RAISE EXCEPTION 'Overlap type ''%'' is not an accepted type (choose intersects, within, or contains)', overlap_type;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetBoundariesByGeometry(
  geom geometry, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT * FROM _obs_boundaries(geom, boundary_id, time_span);
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetBoundariesByPointAndRadius(
  geom geometry, radius numeric, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT * FROM _obs_boundaries(ST_Buffer(_obs_lnglat(geom)::geography, radius)::geometry, boundary_id, time_span);
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetPointsByGeometry(
  geom geometry, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Polygon', 'ST_MultiPolygon');
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT ST_PointOnSurface(b.the_geom), b.geom_refs FROM _obs_boundaries(geom, boundary_id, time_span) b;
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetPointsByPointAndRadius(
  geom geometry, radius numeric, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT ST_PointOnSurface(b.the_geom), b.geom_refs
  FROM OBS_GetBoundariesByPointAndRadius(geom, radius, boundary_id, time_span, overlap_type) b;
END
$$;
`;
