/**
 * How the observatory sees geometries, and how it measures them. Areas and shares are taken in EPSG:6933, a
 * cylindrical projection that keeps the areas of the WGS 84 ellipsoid: what is cut into pieces adds up again, which
 * geodesic edges that differ on the two sides of a cut would not do.
 */
export const EQUAL_AREA_SRID = 6933;

/** Square kilometres of polygons in longitude and latitude whose long edges have vertices in between. */
export function km2(geometry: string): string {
  return `(ST_Area(ST_Transform(${geometry}, ${EQUAL_AREA_SRID})) / 1e6)`;
}

/** Long edges are straight in longitude and latitude, as maps draw them: with vertices this far apart they stay so. */
const EDGE_DEG = 0.5;

/**
 * An invalid polygon loses the rings that have collapsed to a point or a line first, which this does without GEOS: on
 * them GEOS throws, and thrown through PGlite's WebAssembly that ends the statement without an error.
 */
const SNAP_DEG = "1e-9";

const TO_LNGLAT = `\
  IF ST_SRID(g) = 0 THEN
    g := ST_SetSRID(g, 4326);
  ELSIF ST_SRID(g) <> 4326 THEN
    g := ST_Transform(g, 4326);
  END IF;`;
const WRAP = `\
  IF ST_XMax(g) > 180 THEN
    g := ST_WrapX(g, 180, -360);
  END IF;
  IF ST_XMin(g) < -180 THEN
    g := ST_WrapX(g, -180, 360);
  END IF;`;

export const geometrySql = `
-- A user's geometry: flat, valid, in longitudes from -180 to 180.
CREATE OR REPLACE FUNCTION _obs_lnglat(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  g geometry := ST_Force2D(geom);
BEGIN
${TO_LNGLAT}
  IF ST_IsEmpty(g) THEN
    RETURN NULL;
  END IF;
  IF ST_Dimension(g) = 2 AND NOT ST_IsValid(g) THEN
    g := ST_CollectionExtract(ST_MakeValid(ST_SnapToGrid(g, ${SNAP_DEG})), 3);
  END IF;
${WRAP}
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
    g := ST_Segmentize(g, ${EDGE_DEG});
  END IF;
  RETURN g;
END
$$;

-- A boundary that is known to be valid, and to lie in longitudes from -180 to 180.
CREATE OR REPLACE FUNCTION _obs_plain_area(geom geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT ST_Multi(ST_Segmentize($1, ${EDGE_DEG}))
$$;

-- A boundary of the catalog, which is not simplified.
CREATE OR REPLACE FUNCTION _obs_area(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  g geometry := ST_Force2D(geom);
BEGIN
${TO_LNGLAT}
  IF NOT ST_IsValid(g) THEN
    g := ST_MakeValid(ST_SnapToGrid(g, ${SNAP_DEG}));
  END IF;
${WRAP}
  g := ST_CollectionExtract(g, 3);
  IF ST_IsEmpty(g) THEN
    RETURN NULL;
  END IF;
  RETURN _obs_plain_area(g);
END
$$;

-- The boxes around the parts: an archipelago on both sides of the antimeridian does not reach around the world.
CREATE OR REPLACE FUNCTION _obs_footprint(geom geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN CASE
    WHEN ST_NumGeometries(geom) = 1 THEN ST_Envelope(geom)
    ELSE (SELECT ST_Union(ST_Envelope(part.geom)) FROM ST_Dump(geom) part)
  END;
END
$$;

-- Where a caller looks. NULL is everywhere.
CREATE OR REPLACE FUNCTION _obs_bounds(geom geometry) RETURNS geometry
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
`;
