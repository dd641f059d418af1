/**
 * The Data Observatory as SQL: the catalog in the schema `observatory` and the OBS_* functions in `cdb_observatory`, as in a
 * CARTO account. It needs only PostGIS 3.0 on PostgreSQL 13.
 */
import { createHash } from "node:crypto";
import { ident, literal } from "../../sql";
import boundariesSql from "./sql/boundaries.sql";
import dataSql from "./sql/data.sql";
import discoverySql from "./sql/discovery.sql";
import geometrySql from "./sql/geometry.sql";
import measuresSql from "./sql/measures.sql";
import metadataSql from "./sql/metadata.sql";
import publicationSql from "./sql/publication.sql";
import schemasSql from "./sql/schemas.sql";
import searchPathSql from "./sql/search-path.sql";
import tablesSql from "./sql/tables.sql";
import viewsSql from "./sql/views.sql";

export const CATALOG_SCHEMA = "observatory";
export const FUNCTIONS_SCHEMA = "cdb_observatory";

/** Prefix of the comments on both schemas if any version of this package created them. */
export const OBSERVATORY_MARK = "Data Observatory of cartoframes, ";

/** Everything except the schemas, in the order in which it is installed; each file may be run again. */
const INSTALL_SQL = [
  tablesSql,
  viewsSql,
  geometrySql,
  discoverySql,
  metadataSql,
  dataSql,
  measuresSql,
  boundariesSql,
  publicationSql,
  searchPathSql,
].join("\n");

/** The comment on the functions' schema that says that this version is installed. */
export const OBSERVATORY_VERSION = `${OBSERVATORY_MARK}${createHash("sha256").update(INSTALL_SQL).digest("hex").slice(0, 16)}`;

/** The search_path under which the catalog, the functions and PostGIS are found. */
export function observatoryPath(postgisSchema: string): string {
  return [FUNCTIONS_SCHEMA, CATALOG_SCHEMA, postgisSchema].map(ident).join(", ");
}

/**
 * Installs an empty catalog and its functions, or updates the functions to this version. If `isFirst` and another session
 * has just installed them, it fails with SQLSTATE 42P06. For `inTransaction`.
 */
export function installSql({
  postgisSchema,
  isFirst,
}: {
  readonly postgisSchema: string;
  readonly isFirst: boolean;
}): string {
  return `${isFirst ? schemasSql : ""}
SET LOCAL search_path = ${observatoryPath(postgisSchema)};
${INSTALL_SQL}
COMMENT ON SCHEMA ${FUNCTIONS_SCHEMA} IS ${literal(OBSERVATORY_VERSION)}`;
}

/** The lock under which the catalog changes; `_obs_lock` in `sql/publication.sql` takes the same. */
const LOCK_SQL = "pg_catalog.pg_advisory_xact_lock(7299699)";

/** Runs the statements in one transaction; `what` describes it to those who wait for the database. */
export function inTransaction(what: string, ...statements: readonly string[]): string {
  return `/* ${what} */ BEGIN; SELECT ${LOCK_SQL}; SET LOCAL client_min_messages = warning; SET LOCAL check_function_bodies = off;
${statements.join(";\n")};
COMMIT;`;
}
