/** The roles statements run under on the embedded database, whose own session is a superuser's. */
export const ROLES = { master: "carto", public: "publicuser" } as const;

/** The same roles with the right to use the spool files of COPY. */
export const COPY_ROLES = { master: "carto_copy", public: "publicuser_copy" } as const;

/**
 * Roles and rights of the embedded database. Never for a database of the user's. Idempotent.
 * `publicuser` must stay unable to run code of its own (see `refuseBeyondPublic`): no language, no temporary
 * schema, no set_config.
 */
export const LOCAL_ROLES_SQL = `
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
GRANT publicuser, pg_write_server_files TO publicuser_copy;
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
`;
