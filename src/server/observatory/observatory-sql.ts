/**
 * The Data Observatory as SQL: the catalog in schema `observatory`, the OBS_* functions in `cdb_observatory`, as a CARTO
 * account has them. It needs PostGIS 3.0 on PostgreSQL 13 and nothing else.
 */
import { createHash } from "node:crypto";
import { ident, literal } from "../../sql";
import { dataSql } from "./data-functions";
import { discoverySql } from "./discovery-functions";
import { geometrySql } from "./geometry-functions";
import { LOCK_SQL } from "./lock";
import { placesSql } from "./place-functions";
import { publishSql } from "./publish-functions";
import { ANALYZE_SQL, catalogSql, META_VIEWS, metaSql } from "./schema";

export const CATALOG_SCHEMA = "observatory";
export const FUNCTIONS_SCHEMA = "cdb_observatory";

/** How the comments on both schemas begin where they are ours, whatever the version. */
export const OBSERVATORY_MARK = "Data Observatory of cartoframes, ";

const functionTexts = [geometrySql, discoverySql, dataSql, placesSql, publishSql];

/** What the comment on the functions' schema says when these very functions are installed. */
export function observatoryVersion(): string {
  const text = [catalogSql, metaSql, ...functionTexts].join("\n");
  return `${OBSERVATORY_MARK}${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

/** Names are found in the catalog and in PostGIS, whatever the caller's path says. */
export function observatoryPath(postgisSchema: string, first: string): string {
  const schemas = [first, CATALOG_SCHEMA, FUNCTIONS_SCHEMA, postgisSchema];
  return [...new Set(schemas)].map(ident).join(", ");
}

/**
 * Installs the catalog, empty, and its functions, or brings the functions up to this version. The first time it fails
 * with 42P06 where somebody else was faster. For `inTransaction`.
 */
export function installSql({
  postgisSchema,
  isFirst,
}: {
  readonly postgisSchema: string;
  readonly isFirst: boolean;
}): string {
  const body = `
${catalogSql}
${[...META_VIEWS]
  .reverse()
  .map((view) => `DROP MATERIALIZED VIEW IF EXISTS ${view};`)
  .join("\n")}
${ANALYZE_SQL}
${metaSql}
INSERT INTO obs_dump_version VALUES ('cartoframes') ON CONFLICT DO NOTHING;
SET LOCAL search_path = ${observatoryPath(postgisSchema, FUNCTIONS_SCHEMA)};
DO $do$
BEGIN
  -- With postgis_raster there is one; the statements of clients name it without a schema.
  IF to_regtype('geomval') IS NULL THEN
    CREATE TYPE ${FUNCTIONS_SCHEMA}.geomval AS (geom geometry, val double precision);
  END IF;
END
$do$;
${functionTexts.join("\n")}
DO $do$
DECLARE
  routine regprocedure;
BEGIN
  FOR routine IN
    SELECT oid FROM pg_proc WHERE pronamespace = ${literal(FUNCTIONS_SCHEMA)}::regnamespace AND proname LIKE 'obs\\_%'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, ${observatoryPath(postgisSchema, FUNCTIONS_SCHEMA)}, pg_temp', routine);
  END LOOP;
END
$do$;
COMMENT ON SCHEMA ${FUNCTIONS_SCHEMA} IS ${literal(observatoryVersion())};`;
  return `
${isFirst ? `CREATE SCHEMA ${FUNCTIONS_SCHEMA}; CREATE SCHEMA ${CATALOG_SCHEMA};` : ""}
SET LOCAL search_path = ${observatoryPath(postgisSchema, CATALOG_SCHEMA)};
${body}`;
}

/** All of it or nothing; `what` is shown to those who wait for it. */
export function inTransaction(what: string, ...statements: readonly string[]): string {
  return `/* ${what} */ BEGIN; SELECT pg_catalog.${LOCK_SQL}; SET LOCAL client_min_messages = warning; SET LOCAL check_function_bodies = off;
${statements.join(";\n")};
COMMIT;`;
}
