import { createHash } from "node:crypto";
import { literal } from "../../sql";
import type { Role } from "../engine/engine";
import { LOCAL_USER } from "../guard";

const NAMES = new Map<Role, string>([
  ["master", "carto"],
  ["public", "publicuser"],
]);

/** The role statements run under on the embedded database, whose own session is a superuser's. */
export function roleName(role: Role): string {
  return NAMES.get(role) ?? role;
}

/** The same role with the right to use the spool files of COPY. */
export function copyRoleName(role: Role): string {
  return `${roleName(role)}_copy`;
}

/**
 * Roles and rights of the embedded database. Never for a database of the user's. Idempotent.
 *
 * `publicuser` must stay unable to run a text of its own as SQL, because RESET ROLE in it would bring the superuser
 * back (see `refuseBeyondRole`): no language, no temporary schema, no set_config, no function that executes its
 * argument. Those of `cartodb` may be called: they execute names, quoted, and queries by way of a cursor, which takes
 * no other command. What the master makes is not everybody's either, until it is granted. Large objects and messages
 * in the log would let everybody fill the disk.
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
    WHERE (l.lanname = 'plpgsql' AND p.prosrc ~* '\\mexecute\\M' AND p.pronamespace <> 'cartodb'::regnamespace)
      OR (p.pronamespace = 'pg_catalog'::regnamespace AND (
        p.proname ~ '^(lo_|lowrite$|loread$)' OR p.proname ~ '_to_xml' OR p.proname = 'pg_logical_emit_message'
        OR (p.proname IN ('ts_stat', 'ts_rewrite') AND 'text'::regtype = ANY (p.proargtypes::oid[]))))
  LOOP
    EXECUTE pg_catalog.format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', routine);
    EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO carto', routine);
  END LOOP;
END
$do$;
INSERT INTO cartodb.cdb_conf (key, value) VALUES ('username', ${literal(LOCAL_USER)}) ON CONFLICT DO NOTHING;
REVOKE EXECUTE ON FUNCTION cartodb.CDB_TableMetadataTouch(regclass), cartodb._CDB_Dataset_Register(regclass, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cartodb.CDB_TableMetadataTouch(regclass), cartodb._CDB_Dataset_Register(regclass, regclass)
  TO carto WITH GRANT OPTION;
`;

/** What the comment on the role `carto` says when these very roles and rights are installed. */
export const LOCAL_ROLES_VERSION = `cartoframes, ${createHash("sha256").update(LOCAL_ROLES_SQL).digest("hex").slice(0, 16)}`;
