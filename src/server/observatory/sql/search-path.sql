-- Lets the functions that clients call find the catalog and PostGIS, whatever the caller's search_path is.
DO $do$
DECLARE
  postgis_schema CONSTANT regnamespace := (SELECT extnamespace FROM pg_extension WHERE extname = 'postgis');
  routine regprocedure;
BEGIN
  FOR routine IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'cdb_observatory'::regnamespace AND proname LIKE 'obs\_%'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, cdb_observatory, observatory, %s, pg_temp',
      routine, postgis_schema);
  END LOOP;
END
$do$;
