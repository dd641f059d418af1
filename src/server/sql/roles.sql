-- Roles and rights of the embedded database, never of a user's database. Can be run again.
--
-- RESET ROLE would bring back the superuser whose session this is, so `publicuser` must not be able to execute a text as
-- SQL (refuseBeyondRole in ../engine/sql-scan.ts checks the statement itself): it gets no language, no temporary schema,
-- no set_config, and no function that executes its argument. It may call the functions of `cartodb`: these execute only
-- quoted names, and queries through a cursor, which accepts no other command. New objects of the master are private
-- until they are granted. Large objects and log messages are denied because anybody could fill the disk with them.

DO $do$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['carto', 'publicuser', 'carto_copy', 'publicuser_copy'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I', role);
    END IF;
  END LOOP;
END
$do$;
GRANT carto, pg_read_server_files, pg_write_server_files TO carto_copy;
GRANT publicuser, pg_read_server_files, pg_write_server_files TO publicuser_copy;
ALTER ROLE carto CREATEROLE;
GRANT publicuser, publicuser_copy TO carto WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
ALTER DATABASE postgres OWNER TO carto;
ALTER SCHEMA public OWNER TO carto;
GRANT USAGE ON SCHEMA public, cartodb TO PUBLIC;
GRANT ALL ON SCHEMA cartodb TO carto;
GRANT ALL ON ALL TABLES IN SCHEMA cartodb TO carto;
GRANT ALL ON TABLE public.spatial_ref_sys TO carto;
REVOKE TEMPORARY, CREATE ON DATABASE postgres FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql, sql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql, sql TO carto;
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO carto;
ALTER DEFAULT PRIVILEGES FOR ROLE carto REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
DO $do$
DECLARE
  routine regprocedure;
BEGIN
  FOR routine IN
    SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE (l.lanname = 'plpgsql' AND p.prosrc ~* '\mexecute\M' AND p.pronamespace <> 'cartodb'::regnamespace)
      OR (p.pronamespace = 'pg_catalog'::regnamespace AND (
        p.proname ~ '^(lo_|lowrite$|loread$)' OR p.proname ~ '_to_xml' OR p.proname = 'pg_logical_emit_message'
        OR (p.proname IN ('ts_stat', 'ts_rewrite') AND 'text'::regtype = ANY (p.proargtypes::oid[]))))
  LOOP
    EXECUTE pg_catalog.format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', routine);
    EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO carto', routine);
  END LOOP;
END
$do$;
INSERT INTO cartodb.cdb_conf (key, value) VALUES ('username', 'local') ON CONFLICT DO NOTHING;
REVOKE EXECUTE ON FUNCTION cartodb.CDB_TableMetadataTouch(regclass), cartodb._CDB_Dataset_Register(regclass, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cartodb.CDB_TableMetadataTouch(regclass), cartodb._CDB_Dataset_Register(regclass, regclass)
  TO carto WITH GRANT OPTION;
