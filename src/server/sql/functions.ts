/**
 * The SQL functions that a CARTO account has and its clients call, written after their documented behaviour. They live
 * in the schema `cartodb` and need only PostGIS, so they work on any PostgreSQL server.
 */
import { createHash } from "node:crypto";
import { ident } from "../../sql";
import cartodbfySql from "./cartodbfy.sql";
import catalogSql from "./catalog.sql";
import geometrySql from "./geometry.sql";
import metadataSql from "./metadata.sql";
import queriesSql from "./queries.sql";
import quotaSql from "./quota.sql";
import rolesSql from "./roles.sql";
import statisticsSql from "./statistics.sql";
import tablesSql from "./tables.sql";

/** CARTO's clients recognise a stand-alone account by `public` as the first schema of this path. */
export const SEARCH_PATH = "public, cartodb, cdb_observatory";

/** Prefix of the comment on the schema `cartodb` if any version of this package created it. */
export const FUNCTIONS_MARK = "CARTO functions, ";

const FILES = [
  metadataSql,
  geometrySql,
  catalogSql,
  quotaSql,
  statisticsSql,
  queriesSql,
  cartodbfySql,
  tablesSql,
];

/** The comment on the schema `cartodb` if exactly these functions are installed. */
export const FUNCTIONS_VERSION = `${FUNCTIONS_MARK}${hash(FILES.join("\n"))}`;

/** Roles and rights of the embedded database. */
export const LOCAL_ROLES_SQL = rolesSql;

/** The comment on the role `carto` if exactly these roles and rights are installed. */
export const LOCAL_ROLES_VERSION = `cartoframes, ${hash(rolesSql)}`;

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Returns the SQL that installs the functions, for one transaction. The role that ran it can run it again.
 * @param postgisSchema schema of the extension PostGIS
 */
export function functionsSql(postgisSchema = "public"): string {
  const postgis = `${ident(postgisSchema)}.`;
  const files = FILES.map((text) => (postgisSchema === "public" ? text : inSchema(text, postgis)));
  return `${files.join("\n")}\nCOMMENT ON SCHEMA cartodb IS '${FUNCTIONS_VERSION}';\n`;
}

/** Replaces the schema of PostGIS. In the files it is `public`, which they use for PostGIS only. */
function inSchema(text: string, postgis: string): string {
  return text.replaceAll("public.", () => postgis);
}
