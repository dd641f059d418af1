-- Functions that make geometries. Where PostGIS is not in the schema public, functions.ts replaces the "public." of
-- this file and of cartodbfy.sql.

CREATE OR REPLACE FUNCTION cartodb.CDB_LatLng(lat numeric, lng numeric) RETURNS public.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.ST_SetSRID(public.ST_MakePoint($2::float8, $1::float8), 4326)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_LatLng(lat float8, lng float8) RETURNS public.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.ST_SetSRID(public.ST_MakePoint($2, $1), 4326)
$$;

-- Web Mercator cannot show the poles: everything beyond 89 degrees is cut off.
CREATE OR REPLACE FUNCTION cartodb._CDB_TransformCut(geom public.geometry) RETURNS public.geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  mappable CONSTANT public.geometry := public.ST_MakeEnvelope(-180, -89, 180, 89, 4326);
  kind CONSTANT text := public.GeometryType(geom);
  lnglat public.geometry := geom;
BEGIN
  IF public.ST_SRID(geom) = 3857 THEN
    RETURN geom;
  END IF;
  IF public.ST_SRID(geom) <> 4326 THEN
    lnglat := public.ST_Transform(geom, 4326);
  END IF;
  IF public.ST_IsEmpty(lnglat) THEN
    RETURN NULL;
  END IF;
  IF lnglat OPERATOR(public.@) mappable THEN
    RETURN public.ST_Transform(lnglat, 3857);
  END IF;
  IF public.ST_Dimension(geom) > 0 AND kind <> 'GEOMETRYCOLLECTION' THEN
    lnglat := public.ST_CollectionExtract(public.ST_MakeValid(lnglat), public.ST_Dimension(geom) + 1);
  END IF;
  lnglat := public.ST_Intersection(lnglat, mappable);
  IF public.ST_IsEmpty(lnglat) THEN
    RETURN NULL;
  END IF;
  IF kind LIKE 'MULTI%' THEN
    lnglat := public.ST_Multi(lnglat);
  END IF;
  RETURN public.ST_Transform(lnglat, 3857);
END
$$;

-- PostgreSQL inlines this expression, which makes the common case three times as fast as a call. It would not inline a
-- STRICT function; NULL gives NULL anyway.
CREATE OR REPLACE FUNCTION cartodb.CDB_TransformToWebmercator(geom public.geometry) RETURNS public.geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN public.ST_SRID($1) = 4326 AND $1 OPERATOR(public.@) public.ST_MakeEnvelope(-180, -89, 180, 89, 4326)
      AND NOT public.ST_IsEmpty($1)
    THEN public.ST_Transform($1, 3857)
    ELSE cartodb._CDB_TransformCut($1)
  END
$$;

-- Resolution in metres of Web Mercator per pixel of a tile of 256 × 256 pixels.
CREATE OR REPLACE FUNCTION cartodb.CDB_XYZ_Resolution(z int) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT 6378137.0::float8 * 2 * pg_catalog.pi() / 256 / pg_catalog.power(2::float8, $1)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_XYZ_Extent(x int, y int, z int) RETURNS public.geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.ST_MakeEnvelope($1 * side - half, half - ($2 + 1) * side, ($1 + 1) * side - half, half - $2 * side, 3857)
  FROM (SELECT 256 * cartodb.CDB_XYZ_Resolution($3), 128 * cartodb.CDB_XYZ_Resolution(0)) AS tile(side, half)
$$;
