-- Functions that normalize and measure geometries. Two conventions hold in all of them:
-- * Edges longer than half a degree get vertices in between, so that they stay straight in longitude and latitude, as maps
--   draw them, when they are projected.
-- * Before an invalid polygon is repaired, ST_SnapToGrid(g, 1e-9) removes rings that have collapsed to a point or a line:
--   GEOS throws on those, and a C++ exception in PGlite's WebAssembly ends the statement without an error.

-- Area in square kilometres of polygons in longitude and latitude. EPSG:6933 is a cylindrical projection that keeps the areas
-- of the WGS 84 ellipsoid, so the areas of pieces add up; geodesic edges would differ on the two sides of a cut.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_km2(geometry) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
  SELECT ST_Area(ST_Transform($1, 6933)) / 1e6
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_in_degrees(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  g geometry := ST_Force2D(geom);
BEGIN
  IF ST_SRID(g) = 0 THEN
    RETURN ST_SetSRID(g, 4326);
  ELSIF ST_SRID(g) <> 4326 THEN
    RETURN ST_Transform(g, 4326);
  END IF;
  RETURN g;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_wrap(g geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF ST_XMax(g) > 180 THEN
    g := ST_WrapX(g, 180, -360);
  END IF;
  IF ST_XMin(g) < -180 THEN
    g := ST_WrapX(g, -180, 360);
  END IF;
  RETURN g;
END
$$;

-- Makes a caller's geometry flat, valid, and of longitudes from -180 to 180. NULL if it is empty.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_lnglat(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  g geometry := _obs_in_degrees(geom);
BEGIN
  IF ST_IsEmpty(g) THEN
    RETURN NULL;
  END IF;
  IF ST_Dimension(g) = 2 AND NOT ST_IsValid(g) THEN
    g := ST_CollectionExtract(ST_MakeValid(ST_SnapToGrid(g, 1e-9)), 3);
  END IF;
  g := _obs_wrap(g);
  IF ST_YMax(g) > 90 OR ST_YMin(g) < -90 THEN
    g := ST_Intersection(g, ST_MakeEnvelope(-180, -90, 180, 90, 4326));
  END IF;
  IF ST_IsEmpty(g) THEN
    RETURN NULL;
  END IF;
  IF ST_Dimension(g) = 2 THEN
    IF ST_NPoints(g) > 1000 THEN
      g := ST_SimplifyPreserveTopology(g, 0.00001);
    END IF;
    g := ST_Segmentize(g, 0.5);
  END IF;
  RETURN g;
END
$$;

-- Prepares a boundary that is known to be valid and to lie in longitudes from -180 to 180.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_plain_area(geom geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT ST_Multi(ST_Segmentize($1, 0.5))
$$;

-- Prepares a boundary of the catalog, without simplifying it. NULL if nothing of it is a polygon.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_area(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  g geometry := _obs_in_degrees(geom);
BEGIN
  IF NOT ST_IsValid(g) THEN
    g := ST_MakeValid(ST_SnapToGrid(g, 1e-9));
  END IF;
  g := _obs_wrap(g);
  g := ST_CollectionExtract(g, 3);
  IF ST_IsEmpty(g) THEN
    RETURN NULL;
  END IF;
  RETURN _obs_plain_area(g);
END
$$;

-- The boxes around the parts, so that an archipelago on both sides of the antimeridian does not span the world.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_footprint(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN CASE
    WHEN ST_NumGeometries(geom) = 1 THEN ST_Envelope(geom)
    ELSE (SELECT ST_Union(ST_Envelope(part.geom)) FROM ST_Dump(geom) part)
  END;
END
$$;

-- The area that a caller's geometry selects. NULL selects the world.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_bounds(geom geometry) RETURNS geometry
LANGUAGE plpgsql STABLE AS $$
DECLARE
  g geometry := _obs_lnglat(geom);
BEGIN
  IF g IS NULL THEN
    RETURN ST_MakeEnvelope(-180, -90, 180, 90, 4326);
  ELSIF ST_GeometryType(g) = 'ST_Point' THEN
    RETURN ST_Buffer(g::geography, 200)::geometry;
  ELSIF ST_Dimension(g) < 2 THEN
    g := ST_Envelope(g);
    RETURN CASE WHEN ST_Dimension(g) = 2 THEN g ELSE ST_Expand(g, 0.002) END;
  ELSIF ST_NPoints(g) > 10000 THEN
    RETURN ST_Envelope(g);
  END IF;
  RETURN g;
END
$$;
