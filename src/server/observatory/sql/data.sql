-- OBS_GetData: the values of measures for geometries, or for the identifiers of boundaries.

DO $do$
BEGIN
  -- postgis_raster brings this type along. Statements of clients name it without a schema.
  IF to_regtype('geomval') IS NULL THEN
    CREATE TYPE cdb_observatory.geomval AS (geom geometry, val double precision);
  END IF;
END
$do$;

-- SQL expression for the value of an entry at one boundary. A text is returned unchanged.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_boundary_value(is_number boolean, normalization text, numer text, denom text, area text)
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE
    WHEN NOT is_number THEN numer
    WHEN normalization LIKE 'denom%' THEN format('(%s)::float8 / nullif((%s)::float8, 0)', numer, coalesce(denom, 'NULL'))
    WHEN normalization LIKE 'area%' THEN format('(%s)::float8 / nullif(%s, 0)', numer, area)
    ELSE numer
  END;
END
$$;

-- SQL expression for the value of an entry over the boundaries that a polygon meets; g.p is the share of each that lies
-- inside. Boundaries where the measure is NULL are left out of the denominator, too: the rate is that of the known part.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_polygon_value(is_number boolean, entry json, numer text, denom text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  normalization CONSTANT text := coalesce(lower(entry->>'normalization'), '');
  aggregate CONSTANT text := coalesce(entry->>'numer_aggregate', '');
  weighed CONSTANT text := format('sum((%s)::float8 * g.p)', numer);
  total CONSTANT text := CASE WHEN denom IS NOT NULL
    THEN format('nullif(sum((%s)::float8 * g.p) FILTER (WHERE %s IS NOT NULL), 0)', denom, numer) END;
BEGIN
  IF NOT is_number THEN
    RETURN format('mode() WITHIN GROUP (ORDER BY %s)', numer);
  ELSIF normalization LIKE 'denom%' THEN
    RETURN coalesce(weighed || ' / ' || total, 'NULL');
  ELSIF normalization LIKE 'area%' THEN
    RETURN weighed || ' / nullif(min(g.user_km2), 0)';
  ELSIF normalization LIKE 'pre%' AND aggregate = 'sum' THEN
    RETURN weighed;
  ELSIF normalization LIKE 'pre%' AND aggregate IN ('median', 'average') AND entry->>'denom_reltype' = 'universe'
    AND denom IS NOT NULL THEN
    RETURN format('sum((%s)::float8 * (%s)::float8 * g.p) / %s', numer, denom, total);
  END IF;
  RAISE NOTICE 'Cannot perform calculation over polygon for %/%/%/%',
    entry->>'numer_id', entry->>'denom_id', entry->>'geom_id', entry->>'numer_timespan';
  RETURN 'NULL';
END
$$;

-- The type named by a metadata entry. Entries come from callers, so an unknown name becomes text.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_type(entry json, property text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(to_regtype(lower($1->>$2))::text, 'text')
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetData(geomvals geomval[], params json, merge boolean DEFAULT true)
RETURNS TABLE (id int, data json) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  entry json;
  -- One item per boundary table: its columns, its joins, their aliases, its values.
  places text[] := '{}';
  ctes text[] := '{}';
  joins text[] := '{}';
  outputs text[] := '{}';
  items text[] := '{}';
  known text[] := '{}';
  place text;
  at int;
  number int := 0;
  is_points boolean;
  is_number boolean;
  numer text;
  denom text;
  value text;
  reference text;
  query text;
BEGIN
  IF params IS NULL OR geomvals IS NULL OR json_array_length(params) = 0 OR cardinality(geomvals) = 0 THEN
    RETURN;
  END IF;
  SELECT ST_GeometryType(u.geom) = 'ST_Point' INTO is_points
  FROM unnest(geomvals) WITH ORDINALITY AS u(geom, val, ordinality) WHERE u.geom IS NOT NULL ORDER BY ordinality LIMIT 1;
  IF is_points IS NULL THEN
    RETURN;
  END IF;
  FOR entry IN SELECT json_array_elements(params) LOOP
    number := number + 1;
    place := format('%I.%I.%I', entry->>'geom_tablename', entry->>'geom_geomref_colname', entry->>'geom_colname');
    at := array_position(places, place);
    IF at IS NULL THEN
      places := places || place;
      at := cardinality(places);
      reference := format('o.%I', entry->>'geom_geomref_colname');
      ctes := ctes || CASE WHEN is_points THEN format($sql$
        g%1$s AS MATERIALIZED (
          SELECT %5$s u.id, %3$s::text AS ref, b.km2, 1::float8 AS p, u.km2 AS user_km2
          FROM users u
          JOIN observatory.%2$I o ON o.%4$I && u.geom AND ST_Intersects(o.%4$I, u.geom)
          LEFT JOIN observatory.obs_boundary b ON b.tablename = %2$L AND b.geomref = %3$s
          %6$s
        )$sql$, at, entry->>'geom_tablename', reference, entry->>'geom_colname',
        CASE WHEN merge THEN 'DISTINCT ON (u.id)' END, CASE WHEN merge THEN format('ORDER BY u.id, %s', reference) END)
      ELSE format($sql$
        g%1$s AS MATERIALIZED (
          SELECT * FROM (
            SELECT u.id, %3$s::text AS ref, b.km2, u.km2 AS user_km2,
              CASE WHEN ST_Covers(u.geom, o.%4$I) THEN 1
                ELSE least(1, _obs_km2(ST_Intersection(u.geom, o.%4$I)) / nullif(b.km2, 0)) END AS p
            FROM users u
            JOIN observatory.%2$I o ON o.%4$I && u.geom AND ST_Intersects(u.geom, o.%4$I)
            LEFT JOIN observatory.obs_boundary b ON b.tablename = %2$L AND b.geomref = %3$s
          ) met WHERE p > 0
        )$sql$, at, entry->>'geom_tablename', reference, entry->>'geom_colname') END;
      joins := joins || ''::text;
      outputs := outputs || ''::text;
    END IF;
    IF entry->>'numer_id' IS NULL THEN
      reference := CASE WHEN is_points OR NOT merge THEN 'g.ref' ELSE '(array_agg(g.ref ORDER BY g.p DESC, g.ref))[1]' END;
      outputs[at] := outputs[at] || format(', %s AS r%s', reference, number);
      items := items || format(
        $sql$json_build_object('geomref', d%1$s.r%2$s, 'value', (SELECT o.%3$I::text FROM observatory.%4$I o WHERE o.%5$I = d%1$s.r%2$s))$sql$,
        at, number, entry->>'geom_colname', entry->>'geom_tablename', entry->>'geom_geomref_colname');
      CONTINUE;
    END IF;
    is_number := lower(entry->>'numer_type') = 'numeric';
    numer := format('%s_%s', entry->>'numer_tablename', at);
    IF numer <> ALL (known) THEN
      known := known || numer;
      joins[at] := joins[at] || format(' LEFT JOIN observatory.%I AS %I ON %2$I.%3$I = g.ref',
        entry->>'numer_tablename', numer, entry->>'numer_geomref_colname');
    END IF;
    numer := format('%I.%I', numer, entry->>'numer_colname');
    denom := NULL;
    IF entry->>'denom_tablename' IS NOT NULL THEN
      denom := format('%s_%s', entry->>'denom_tablename', at);
      IF denom <> ALL (known) THEN
        known := known || denom;
        joins[at] := joins[at] || format(' LEFT JOIN observatory.%I AS %I ON %2$I.%3$I = g.ref',
          entry->>'denom_tablename', denom, entry->>'denom_geomref_colname');
      END IF;
      denom := format('%I.%I', denom, entry->>'denom_colname');
    END IF;
    value := CASE
      WHEN is_points OR NOT merge
        THEN _obs_boundary_value(is_number, coalesce(lower(entry->>'normalization'), ''), numer, denom, 'g.km2')
      ELSE _obs_polygon_value(is_number, entry, numer, denom)
    END;
    outputs[at] := outputs[at] || format(', (%s)::%s AS v%s', value, _obs_type(entry, 'numer_type'), number);
    items := items || format('json_build_object(''value'', d%s.v%s)', at, number);
  END LOOP;

  query := format('WITH users AS MATERIALIZED (
      SELECT id, geom, %s AS km2 FROM (SELECT (u.val)::int AS id, _obs_lnglat(u.geom) AS geom FROM unnest($1) AS u(geom, val)) u
      WHERE geom IS NOT NULL AND id IS NOT NULL
    ), %s', CASE WHEN is_points THEN 'NULL::float8' ELSE '_obs_km2(geom)' END, array_to_string(ctes, ', '));
  FOR i IN 1..cardinality(places) LOOP
    query := query || format(', d%1$s AS (SELECT g.id%2$s FROM g%1$s g%3$s%4$s)',
      i, outputs[i], joins[i], CASE WHEN merge AND NOT is_points THEN ' GROUP BY g.id' END);
  END LOOP;
  query := query || format(' SELECT id, array_to_json(ARRAY[%s]) FROM d1', array_to_string(items, ', '));
  FOR i IN 2..cardinality(places) LOOP
    query := query || format(' FULL JOIN d%s USING (id)', i);
  END LOOP;
  RETURN QUERY EXECUTE query || ' ORDER BY id' USING geomvals;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_GetData(geomrefs text[], params json)
RETURNS TABLE (id text, data json) LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry json;
  joins text := '';
  known text[] := '{}';
  items text[] := '{}';
  aliases text[] := '{}';
  numer text;
  denom text;
  area text;
  value text;
  normalization text;
  role text;
BEGIN
  IF params IS NULL OR geomrefs IS NULL OR json_array_length(params) = 0 OR cardinality(geomrefs) = 0 THEN
    RETURN;
  END IF;
  FOR entry IN SELECT json_array_elements(params) LOOP
    FOREACH role IN ARRAY ARRAY['numer', 'denom', 'geom'] LOOP
      CONTINUE WHEN entry->>(role || '_tablename') IS NULL OR role = 'geom' AND entry->>'numer_id' IS NOT NULL;
      CONTINUE WHEN entry->>(role || '_tablename') = ANY (known);
      known := known || (entry->>(role || '_tablename'));
      aliases := aliases || format('%I.%I', entry->>(role || '_tablename'), entry->>(role || '_geomref_colname'));
      joins := joins || format(' LEFT JOIN observatory.%1$I ON %1$I.%2$I = u.id',
        entry->>(role || '_tablename'), entry->>(role || '_geomref_colname'));
    END LOOP;
    IF entry->>'numer_id' IS NULL THEN
      items := items || format('json_build_object(''geomref'', %1$I.%2$I, ''value'', %1$I.%3$I::text)',
        entry->>'geom_tablename', entry->>'geom_geomref_colname', entry->>'geom_colname');
      CONTINUE;
    END IF;
    numer := format('%I.%I', entry->>'numer_tablename', entry->>'numer_colname');
    denom := CASE WHEN entry->>'denom_tablename' IS NOT NULL
      THEN format('%I.%I', entry->>'denom_tablename', entry->>'denom_colname') END;
    area := format('(SELECT b.km2 FROM observatory.obs_boundary b WHERE b.tablename = %L AND b.geomref = u.id)',
      entry->>'geom_tablename');
    normalization := coalesce(lower(entry->>'normalization'), CASE
      WHEN denom IS NOT NULL THEN 'denominated'
      WHEN entry->>'numer_aggregate' = 'sum' THEN 'area'
      ELSE 'prenormalized' END);
    value := _obs_boundary_value(lower(entry->>'numer_type') = 'numeric', normalization, numer, denom, area);
    items := items || format('json_build_object(''value'', (%s)::%s)', value, _obs_type(entry, 'numer_type'));
  END LOOP;
  RETURN QUERY EXECUTE format('SELECT u.id, array_to_json(ARRAY[%s])
    FROM (SELECT DISTINCT ref AS id FROM unnest($1) ref WHERE ref IS NOT NULL) u%s
    WHERE coalesce(%s) IS NOT NULL ORDER BY u.id',
    array_to_string(items, ', '), joins, array_to_string(aliases, ', ')) USING geomrefs;
END
$$;
