-- Functions that work on whole tables.

-- Rewrites the table without the space of deleted rows.
CREATE OR REPLACE FUNCTION cartodb.CDB_RegenerateTable(tablename regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key name;
BEGIN
  SELECT c.relname INTO key FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = tablename AND i.indisprimary;
  IF key IS NULL THEN
    RAISE EXCEPTION '% has no primary key', tablename
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Give it one with CDB_CartodbfyTable.';
  END IF;
  EXECUTE format('CLUSTER %s USING %I', tablename, key);
  EXECUTE format('ALTER TABLE %s SET WITHOUT CLUSTER', tablename);
  EXECUTE format('ANALYZE %s', tablename);
  PERFORM cartodb.CDB_TableMetadataTouch(tablename);
END
$$;

-- The columns of a table in order, except those in skip_cols.
CREATE OR REPLACE FUNCTION cartodb._CDB_Sync_Columns(tablename regclass, skip_cols name[])
RETURNS TABLE (name name, type text, is_comparable boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typcategory IN ('B', 'D', 'N', 'S', 'T')
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (coalesce($2, '{}'))
  ORDER BY a.attnum
$$;

-- Makes the columns and rows of dst_table equal to those of src_table, matching rows by cartodb_id. Rows that are equal
-- already are not written; the columns in skip_cols are ignored.
CREATE OR REPLACE FUNCTION cartodb.CDB_SyncTable(src_table regclass, dst_schema regnamespace, dst_table name, skip_cols name[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target CONSTANT text := format('%s.%I', dst_schema, dst_table);
  change text;
  names text;
  assignments text;
  differences text;
BEGIN
  SELECT string_agg(format('%I', c.name), ', '),
    string_agg(format('%I = s.%I', c.name, c.name), ', ') FILTER (WHERE c.name <> 'cartodb_id'),
    string_agg(
      CASE WHEN c.is_comparable THEN format('t.%I IS DISTINCT FROM s.%I', c.name, c.name)
      ELSE format('t.%I::text IS DISTINCT FROM s.%I::text', c.name, c.name) END, ' OR ') FILTER (WHERE c.name <> 'cartodb_id')
  INTO names, assignments, differences
  FROM cartodb._CDB_Sync_Columns(src_table, skip_cols) c;
  IF to_regclass(target) IS NULL THEN
    EXECUTE format('CREATE TABLE %s AS SELECT %s FROM %s', target, names, src_table);
    RETURN;
  END IF;

  FOR change IN
    SELECT format('ALTER TABLE %s DROP COLUMN %I', target, t.name)
    FROM cartodb._CDB_Sync_Columns(target::regclass, skip_cols) t
    LEFT JOIN cartodb._CDB_Sync_Columns(src_table, skip_cols) s ON s.name = t.name AND s.type = t.type
    WHERE s.name IS NULL AND t.name <> 'cartodb_id'
  LOOP
    EXECUTE change;
  END LOOP;
  FOR change IN
    SELECT format('ALTER TABLE %s ADD COLUMN %I %s', target, s.name, s.type)
    FROM cartodb._CDB_Sync_Columns(src_table, skip_cols) s
    LEFT JOIN cartodb._CDB_Sync_Columns(target::regclass, skip_cols) t ON s.name = t.name
    WHERE t.name IS NULL
  LOOP
    EXECUTE change;
  END LOOP;

  EXECUTE format('DELETE FROM %s t WHERE NOT EXISTS (SELECT FROM %s s WHERE s.cartodb_id = t.cartodb_id)', target, src_table);
  EXECUTE format(
    'INSERT INTO %s (%s) SELECT %s FROM %s s WHERE NOT EXISTS (SELECT FROM %s t WHERE t.cartodb_id = s.cartodb_id)',
    target, names, names, src_table, target);
  IF assignments IS NOT NULL THEN
    EXECUTE format(
      'UPDATE %s t SET %s FROM %s s WHERE s.cartodb_id = t.cartodb_id AND (%s)', target, assignments, src_table, differences);
  END IF;
END
$$;
