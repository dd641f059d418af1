-- Class breaks and other statistics of arrays and numbers.

CREATE OR REPLACE FUNCTION cartodb.CDB_QuantileBins(in_array numeric[], breaks int) RETURNS numeric[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT percentile_disc(ARRAY(SELECT i::float8 / $2 FROM generate_series(1, $2) i)) WITHIN GROUP (ORDER BY value)
  FROM unnest($1) value
$$;

-- Integers are computed as numeric, because the range times the number of classes may overflow their own type.
CREATE OR REPLACE FUNCTION cartodb.CDB_EqualIntervalBins(in_array anyarray, breaks int) RETURNS anyarray
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bins ALIAS FOR $0;
BEGIN
  IF pg_typeof(in_array) IN ('int2[]'::regtype, 'int4[]'::regtype, 'int8[]'::regtype) THEN
    bins := (
      SELECT array_agg(lowest + div((highest - lowest) * i, breaks) ORDER BY i)
      FROM (SELECT min(value)::numeric AS lowest, max(value)::numeric AS highest FROM unnest(in_array) value) s,
        generate_series(1, breaks) i
      WHERE lowest IS NOT NULL);
  ELSE
    bins := (
      SELECT array_agg(CASE WHEN i = breaks THEN highest ELSE lowest + (highest - lowest) * i / breaks END ORDER BY i)
      FROM (SELECT min(value) AS lowest, max(value) AS highest FROM unnest(in_array) value) s,
        generate_series(1, breaks) i
      WHERE lowest IS NOT NULL);
  END IF;
  RETURN bins;
END
$$;

-- Breaks for long-tailed distributions: the mean, then the mean of the values above it, and so on.
CREATE OR REPLACE FUNCTION cartodb.CDB_HeadsTailsBins(in_array numeric[], breaks int) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sorted numeric[];
  bins numeric[] := '{}';
  mean numeric;
BEGIN
  SELECT array_agg(value ORDER BY value), avg(value) INTO sorted, mean FROM unnest(in_array) value WHERE value IS NOT NULL;
  IF cardinality(sorted) - 1 < breaks THEN
    RETURN sorted;
  END IF;
  IF sorted IS NULL THEN
    RETURN NULL;
  END IF;
  WHILE cardinality(bins) < breaks AND mean IS NOT NULL LOOP
    bins := bins || mean;
    SELECT avg(value) INTO mean FROM unnest(sorted) value WHERE value > bins[cardinality(bins)];
  END LOOP;
  RETURN bins;
END
$$;

-- Natural breaks: the classes with the smallest sum of squared distances from the class means. The best last cut never
-- moves down as the value goes up (Wang and Song 2011, doi:10.32614/RJ-2011-015), so each layer of the search is
-- divided and conquered. More than 1,000 distinct values are grouped with their neighbours first. "iterations" belongs
-- to the random search that CARTO does, and is ignored.
CREATE OR REPLACE FUNCTION cartodb.CDB_JenksBins(in_array numeric[], breaks int, iterations int DEFAULT 0, invert boolean DEFAULT false)
RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lows numeric[];
  highs numeric[];
  -- Running totals of counts, values and squares up to each group; values are distances from the mean, for precision.
  counts float8[];
  sums float8[];
  squares float8[];
  groups int;
  cost float8[];
  previous float8[];
  cuts int[][];
  layer_cuts int[];
  todo int[];
  a int; b int; low int; high int; mid int; best int; top int;
  n float8; s float8; c float8; best_cost float8;
  bins numeric[] := '{}';
BEGIN
  IF breaks IS NULL OR breaks < 1 THEN
    RETURN NULL;
  END IF;
  WITH distinct_values AS (
    SELECT value, count(*) AS weight, ntile(1000) OVER (ORDER BY value) AS part
    FROM unnest(in_array) value WHERE value::text NOT IN ('NaN', 'Infinity', '-Infinity') GROUP BY value
  ), parts AS (
    SELECT min(value) AS first_value, max(value) AS last_value, sum(weight)::float8 AS weight,
      sum(weight * distance) AS total, sum(weight * distance * distance) AS square
    FROM (SELECT *, (value - avg(value) OVER ())::float8 AS distance FROM distinct_values) AS centered
    GROUP BY part
  )
  SELECT array_agg(first_value ORDER BY first_value), array_agg(last_value ORDER BY first_value),
    array_agg(weight ORDER BY first_value), array_agg(total ORDER BY first_value), array_agg(square ORDER BY first_value)
  INTO lows, highs, counts, sums, squares
  FROM (
    SELECT first_value, last_value, sum(weight) OVER w AS weight, sum(total) OVER w AS total, sum(square) OVER w AS square
    FROM parts WINDOW w AS (ORDER BY first_value)
  ) running;
  groups := cardinality(lows);
  IF groups <= breaks THEN
    RETURN CASE WHEN invert THEN lows ELSE highs END;
  END IF;
  IF groups IS NULL THEN
    RETURN NULL;
  END IF;

  -- cost[i] is the cost of the best classes for the groups 1 to i; a cut is the first group of the last class.
  cost := ARRAY(SELECT squares[i] - sums[i] * sums[i] / counts[i] FROM generate_series(1, groups) i);
  cuts := array_fill(1, ARRAY[breaks, groups]);
  FOR layer IN 2 .. breaks LOOP
    previous := cost;
    layer_cuts := array_fill(0, ARRAY[groups]);
    todo := ARRAY[layer, groups, layer, groups]; -- groups from, to; cuts from, to
    WHILE cardinality(todo) > 0 LOOP
      top := cardinality(todo);
      a := todo[top - 3]; b := todo[top - 2]; low := todo[top - 1]; high := todo[top];
      todo := todo[1 : top - 4];
      mid := (a + b) / 2;
      best := low;
      best_cost := NULL;
      FOR cut IN low .. least(mid, high) LOOP
        n := counts[mid] - counts[cut - 1];
        s := sums[mid] - sums[cut - 1];
        c := previous[cut - 1] + greatest(squares[mid] - squares[cut - 1] - s * s / n, 0);
        IF best_cost IS NULL OR c < best_cost THEN
          best := cut;
          best_cost := c;
        END IF;
      END LOOP;
      cost[mid] := best_cost;
      layer_cuts[mid] := best;
      IF a < mid THEN
        todo := todo || ARRAY[a, mid - 1, low, best];
      END IF;
      IF mid < b THEN
        todo := todo || ARRAY[mid + 1, b, best, high];
      END IF;
    END LOOP;
    FOR i IN layer .. groups LOOP
      cuts[layer][i] := layer_cuts[i];
    END LOOP;
  END LOOP;

  b := groups;
  FOR layer IN REVERSE breaks .. 1 LOOP
    a := cuts[layer][b];
    bins := (CASE WHEN invert THEN lows[a] ELSE highs[b] END) || bins;
    b := a - 1;
  END LOOP;
  RETURN bins;
END
$$;

-- The most frequent value; the smallest if several are equally frequent.
CREATE OR REPLACE FUNCTION cartodb._CDB_Math_Final(anyarray) RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT value FROM unnest($1) value WHERE value IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value LIMIT 1
$$;

-- PostgreSQL 14 changed the pseudo-types of array_append.
DO $do$
BEGIN
  IF current_setting('server_version_num')::int >= 140000 THEN
    CREATE OR REPLACE FUNCTION cartodb._CDB_Math_Final(anycompatiblearray) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
      SELECT value FROM unnest($1) value WHERE value IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value LIMIT 1
    $$;
    CREATE OR REPLACE AGGREGATE cartodb.CDB_Math_Mode(anycompatible) (
      SFUNC = array_append, STYPE = anycompatiblearray, INITCOND = '{}', FINALFUNC = cartodb._CDB_Math_Final);
  ELSE
    CREATE OR REPLACE AGGREGATE cartodb.CDB_Math_Mode(anyelement) (
      SFUNC = array_append, STYPE = anyarray, INITCOND = '{}', FINALFUNC = cartodb._CDB_Math_Final);
  END IF;
END
$do$;

-- Reads a date, or a number of seconds since 1970; NULL if the text is neither.
CREATE OR REPLACE FUNCTION cartodb.CDB_StringToDate(input text) RETURNS timestamp
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED AS $$
BEGIN
  RETURN input::timestamp;
EXCEPTION WHEN data_exception THEN
  BEGIN
    RETURN to_timestamp(input::float8) AT TIME ZONE 'UTC';
  EXCEPTION WHEN data_exception THEN
    RETURN NULL;
  END;
END
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_DateToNumber(input timestamp) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.date_part('epoch', $1)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_DateToNumber(input timestamptz) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.date_part('epoch', $1)
$$;
