-- Functions that describe tables, columns and the account.

CREATE OR REPLACE FUNCTION cartodb.CDB_Username() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(cartodb._CDB_Setting('username'), current_user::text)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_ColumnNames(tablename regclass) RETURNS SETOF name
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT attname FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_ColumnType(tablename regclass, columnname text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.format_type(atttypid, NULL) FROM pg_catalog.pg_attribute
  WHERE attrelid = $1 AND attname = $2::name AND attnum > 0 AND NOT attisdropped
$$;

-- Lists the tables the caller may read: 'public' selects those everybody may read, 'private' the others.
CREATE OR REPLACE FUNCTION cartodb.CDB_UserTables(perm text DEFAULT 'all') RETURNS SETOF name
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_roles everybody ON everybody.rolname = 'publicuser'
  CROSS JOIN LATERAL (
    SELECT coalesce(has_table_privilege(everybody.oid, c.oid, 'SELECT'), false) AS is_public
  ) privacy
  WHERE c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'cartodb', 'topology', 'observatory')
    AND n.nspname NOT LIKE 'pg\_temp\_%'
    AND c.relname NOT IN ('spatial_ref_sys', 'cdb_tablemetadata', 'cdb_analysis_catalog', 'cdb_conf')
    AND has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'SELECT')
    AND CASE perm WHEN 'all' THEN true WHEN 'public' THEN is_public WHEN 'private' THEN NOT is_public ELSE false END
  ORDER BY c.relname
$$;
