-- The functions that return boundaries, their identifiers, and points inside them.

-- The boundaries of one level that meet a geometry; none if the level is unknown.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_boundaries(geom geometry, boundary_id text, time_span text)
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

CREATE OR REPLACE FUNCTION cdb_observatory._obs_expect(geom geometry, VARIADIC kinds text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF ST_GeometryType(geom) <> ALL (kinds) THEN
    RAISE EXCEPTION 'Invalid geometry type (%), expecting %', ST_GeometryType(geom),
      (SELECT string_agg(quote_literal(kind), ' or ') FROM unnest(kinds) kind);
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetBoundary(geom geometry, boundary_id text, time_span text DEFAULT NULL)
RETURNS geometry LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  RETURN (SELECT b.the_geom FROM _obs_boundaries(geom, boundary_id, time_span) b LIMIT 1);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetBoundaryId(geom geometry, boundary_id text, time_span text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  RETURN (SELECT b.geom_refs FROM _obs_boundaries(geom, boundary_id, time_span) b LIMIT 1);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetBoundaryById(geometry_id text, boundary_id text, time_span text DEFAULT NULL)
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

CREATE OR REPLACE FUNCTION cdb_observatory._obs_check_overlap(overlap_type text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF overlap_type IS NULL OR overlap_type NOT IN ('intersects', 'contains', 'within') THEN
    RAISE EXCEPTION 'Overlap type ''%'' is not an accepted type (choose intersects, within, or contains)', overlap_type;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetBoundariesByGeometry(
  geom geometry, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT * FROM _obs_boundaries(geom, boundary_id, time_span);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetBoundariesByPointAndRadius(
  geom geometry, radius numeric, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Point');
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT * FROM _obs_boundaries(ST_Buffer(_obs_lnglat(geom)::geography, radius)::geometry, boundary_id, time_span);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetPointsByGeometry(
  geom geometry, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM _obs_expect(geom, 'ST_Polygon', 'ST_MultiPolygon');
  PERFORM _obs_check_overlap(overlap_type);
  RETURN QUERY SELECT ST_PointOnSurface(b.the_geom), b.geom_refs FROM _obs_boundaries(geom, boundary_id, time_span) b;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetPointsByPointAndRadius(
  geom geometry, radius numeric, boundary_id text, time_span text DEFAULT NULL, overlap_type text DEFAULT 'intersects'
) RETURNS TABLE (the_geom geometry, geom_refs text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT ST_PointOnSurface(b.the_geom), b.geom_refs
  FROM OBS_GetBoundariesByPointAndRadius(geom, radius, boundary_id, time_span, overlap_type) b;
END
$$;
