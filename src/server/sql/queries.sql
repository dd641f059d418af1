-- Functions that analyse a query passed as text.

-- Splits a text at semicolons outside quotes, dollar quotes and comments. A part with nothing but comments is left out.
CREATE OR REPLACE FUNCTION cartodb.CDB_QueryStatements(query text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $func$
DECLARE
  rest text := query;
  piece text;
  tag text;
  depth int;
  statement text := '';
  is_empty boolean := true;
BEGIN
  WHILE rest <> '' LOOP
    piece := NULL;
    IF rest ~ '^;' THEN
      IF NOT is_empty THEN
        RETURN NEXT btrim(statement, E' \t\n\r\f\v');
      END IF;
      statement := '';
      is_empty := true;
      rest := substr(rest, 2);
      CONTINUE;
    ELSIF rest ~ '^(--|/[*]|\s)' THEN
      piece := substring(rest FROM '^(?:--[^\n\r]*|\s+)');
      IF piece IS NULL THEN
        piece := '/*';
        depth := 1;
        WHILE depth > 0 AND length(piece) < length(rest) LOOP
          tag := substring(substr(rest, length(piece) + 1) FROM '^(?:/[*]|[*]/|[^/*]+|.)');
          depth := depth + CASE tag WHEN '/*' THEN 1 WHEN '*/' THEN -1 ELSE 0 END;
          piece := piece || tag;
        END LOOP;
      END IF;
    ELSE
      is_empty := false;
      IF rest ~ '^[eE]''' THEN
        piece := substring(rest FROM '^[eE]''(?:[^''\\]|''''|\\.)*''');
      ELSIF rest ~ '^[''"]' THEN
        piece := coalesce(substring(rest FROM '^''[^'']*'''), substring(rest FROM '^"[^"]*"'));
      ELSIF rest ~ '^[$]' THEN
        tag := substring(rest FROM '^[$](?:(?:[A-Za-z_]|[^\x01-\x7F])(?:[A-Za-z0-9_]|[^\x01-\x7F])*)?[$]');
        IF tag IS NULL THEN
          piece := '$';
        ELSIF strpos(substr(rest, length(tag) + 1), tag) > 0 THEN
          piece := left(rest, strpos(substr(rest, length(tag) + 1), tag) + 2 * length(tag) - 1);
        END IF;
      ELSE
        piece := substring(rest FROM '^(?:(?:[A-Za-z0-9_]|[^\x01-\x7F])(?:[A-Za-z0-9_$]|[^\x01-\x7F])*|.)');
      END IF;
    END IF;
    piece := coalesce(piece, rest); -- an unclosed quote
    statement := statement || piece;
    rest := substr(rest, length(piece) + 1);
  END LOOP;
  IF NOT is_empty THEN
    RETURN NEXT btrim(statement, E' \t\n\r\f\v');
  END IF;
END
$func$;

-- Never executes the text: a cursor accepts a single statement, and EXPLAIN does not run it.
CREATE OR REPLACE FUNCTION cartodb._CDB_Explain(query text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
  line record;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (FORMAT JSON, VERBOSE) ' || query LOOP
    RETURN to_jsonb(line) -> 'QUERY PLAN';
  END LOOP;
END
$$;

-- Skips statements that EXPLAIN does not accept, such as CREATE TABLE or BEGIN.
CREATE OR REPLACE FUNCTION cartodb.CDB_QueryTablesText(query text) RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
  statement text;
  tables text[] := '{}';
BEGIN
  FOR statement IN SELECT * FROM cartodb.CDB_QueryStatements(query) LOOP
    BEGIN
      tables := tables || ARRAY(
        SELECT pg_catalog.format('%I.%I', node ->> 'Schema', node ->> 'Relation Name')
        FROM pg_catalog.jsonb_path_query(
          cartodb._CDB_Explain(statement), '$.** ? (@.type() == "object" && exists (@."Relation Name"))') AS node
      );
    EXCEPTION WHEN syntax_error THEN
      CONTINUE;
    END;
  END LOOP;
  RETURN ARRAY(SELECT DISTINCT name FROM pg_catalog.unnest(tables) AS name ORDER BY name);
END
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_QueryTables(query text) RETURNS name[]
LANGUAGE sql VOLATILE STRICT AS $$
  SELECT cartodb.CDB_QueryTablesText($1)::name[]
$$;

-- Returns the planner's estimate. Tables without statistics are analysed first.
CREATE OR REPLACE FUNCTION cartodb.CDB_EstimateRowCount(query text) RETURNS numeric
LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
  tablename regclass;
BEGIN
  FOR tablename IN
    SELECT c.oid
    FROM pg_catalog.unnest(cartodb.CDB_QueryTablesText(query)) AS name
    JOIN pg_catalog.pg_class c ON c.oid = name::regclass
    WHERE (c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0)) AND c.relkind = 'r'
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
  LOOP
    EXECUTE pg_catalog.format('ANALYZE %s', tablename);
  END LOOP;
  RETURN cartodb._CDB_Explain(query) -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
