-- Lists what the current role, that of a limited key, owns and must not: expressions that would run with the rights of
-- whoever uses the object. Tables behind a view are read with the rights of its owner, but its functions run with those of
-- the reader, as do the functions of a default or a check with those of the writer. A function that executes a text or a
-- name (query_to_xml, CDB_SyncTable) would thus have the rights of the master. So only functions are allowed that are
-- immutable, or that compute from their arguments and the clock.
--
-- The functions are taken from the stored expressions, whatever their spelling, search path or nesting was. The types of
-- nodes that name a function are those of PostgreSQL's src/include/nodes/primnodes.h and parsenodes.h.

WITH expressions AS (
  SELECT c.relname, stored.tree
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL (
    SELECT adbin::pg_catalog.text FROM pg_catalog.pg_attrdef WHERE adrelid = c.oid
    UNION ALL SELECT conbin::pg_catalog.text FROM pg_catalog.pg_constraint WHERE conrelid = c.oid
    UNION ALL SELECT pg_catalog.concat(indexprs, indpred) FROM pg_catalog.pg_index WHERE indrelid = c.oid
    UNION ALL SELECT partexprs::pg_catalog.text FROM pg_catalog.pg_partitioned_table WHERE partrelid = c.oid
    UNION ALL SELECT pg_catalog.concat(ev_qual, ev_action) FROM pg_catalog.pg_rewrite WHERE ev_class = c.oid
    UNION ALL SELECT pg_catalog.concat(polqual, polwithcheck) FROM pg_catalog.pg_policy WHERE polrelid = c.oid
  ) AS stored (tree)
  WHERE c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
), called AS (
  SELECT DISTINCT e.relname, found[1]::pg_catalog.oid AS function
  FROM expressions e
  CROSS JOIN LATERAL pg_catalog.regexp_matches(e.tree, ':(?:funcid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g') AS found
)
SELECT p.proname, c.relname
FROM called c JOIN pg_catalog.pg_proc p ON p.oid = c.function
WHERE NOT (
  p.provolatile = 'i'
  OR p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname::pg_catalog.text = ANY (ARRAY[
    'now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp', 'age', 'date', 'date_part', 'date_trunc',
    'extract', 'time', 'timestamp', 'timestamptz', 'timetz', 'timezone', 'to_char', 'to_date', 'to_number', 'to_timestamp',
    'random', 'gen_random_uuid', 'nextval', 'bernoulli', 'system',
    'array_to_json', 'array_to_string', 'concat', 'concat_ws', 'format', 'quote_literal', 'quote_nullable',
    'json_agg', 'json_build_array', 'json_build_object', 'json_object_agg', 'row_to_json', 'to_json',
    'jsonb_agg', 'jsonb_build_array', 'jsonb_build_object', 'jsonb_object_agg', 'to_jsonb'])
) OR NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
ORDER BY 1, 2 LIMIT 1
