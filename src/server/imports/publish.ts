/** Gives loaded tables their names in one transaction, so that either all tables of an import appear, or none. */
import { normalizeTableName } from "../../frame/names";
import { ident, literal } from "../../sql";
import { type Privacy, privacySql } from "../datasets";
import { DatabaseError, type Engine } from "../engine/engine";
import { ImportFailure } from "./errors";
import { freeTableName, takenNames } from "./table-names";

export interface LoadedTable {
  /** Temporary name while loading. */
  readonly temporary: string;
  /** Wanted name, from the name of the file. */
  readonly wanted: string;
}

const ATTEMPTS = 5;
/** SQLSTATEs: duplicate_table, duplicate_object; unique_violation; dependent_objects_still_exist. */
const NAME_TAKEN = new Set(["42P07", "42710"]);
const UNIQUE_VIOLATION = "23505";
const OBJECTS_DEPEND = "2BP01";

/** @throws ImportFailure 2012, 2013 */
export async function publish(
  engine: Engine,
  tables: readonly LoadedTable[],
  { overwrite, privacy, signal }: { overwrite: boolean; privacy: Privacy | null; signal: AbortSignal },
): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const taken = await takenNames(engine);
    const names: string[] = [];
    const sql: string[] = [];
    for (const { temporary, wanted } of tables) {
      const old = normalizeTableName(wanted);
      const replaces = overwrite && taken.has(old) && !names.includes(old);
      const name = replaces ? old : freeTableName(wanted, taken);
      const steps = replaces ? await replacement(engine, temporary, name) : newName(temporary, name);
      const rights = privacySql(ident(name), privacy ?? "PRIVATE", { wherePossible: true });
      sql.push(...steps.before, ...(privacy || !replaces ? [rights] : []), ...steps.after);
      taken.add(name);
      names.push(name);
    }
    try {
      await engine.query(sql.join(";\n"), { signal });
      return names;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (isNameTaken(error) && attempt < ATTEMPTS) continue; // another session took the name
      if (error.code !== OBJECTS_DEPEND) throw error;
      throw new ImportFailure(
        2013,
        `${error.message}. Drop the dependent objects, or import under another name.`,
        {
          cause: error,
        },
      );
    }
  }
}

/** True if the name was taken. While another transaction is taking it, that shows as a duplicate key in a catalog table. */
function isNameTaken({ code, constraint }: DatabaseError): boolean {
  return NAME_TAKEN.has(code) || (code === UNIQUE_VIOLATION && constraint?.startsWith("pg_") === true);
}

interface Steps {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

function newName(temporary: string, name: string): Steps {
  // Registering it again renames its key, sequence and indexes, too.
  const register = `SELECT CDB_CartodbfyTable(${literal(ident(name))}::regclass)`;
  return { before: [`ALTER TABLE ${ident(temporary)} RENAME TO ${ident(name)}`, register], after: [] };
}

/**
 * Requires that an import can replace the relation of this name, if there is one.
 * @throws ImportFailure 2013
 */
export async function checkReplaceable(engine: Engine, name: string): Promise<void> {
  const [found] = await rows(
    engine,
    `SELECT relkind, e.extname FROM pg_class c
     LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
     LEFT JOIN pg_extension e ON e.oid = d.refobjid
     WHERE c.oid = to_regclass(${literal(ident(name))})`,
  );
  if (!found) return;
  const refused = (what: string, or = "Import") =>
    new ImportFailure(2013, `${what} ${or} under another name.`);
  const [kind, extension] = found;
  if (extension) throw refused(`"${name}" belongs to the extension ${extension} and cannot be replaced.`);
  if (kind !== "r") throw refused(`"${name}" is not a table.`);
  const views = await rows(engine, viewsOn(name));
  const materialized = views.find(([, viewKind]) => viewKind !== "v");
  if (materialized)
    throw refused(`The materialized view ${materialized[0]} depends on "${name}".`, "Drop it, or import");
}

/** Replaces the old table, keeping its privileges and the views that depend on it. */
async function replacement(engine: Engine, temporary: string, name: string): Promise<Steps> {
  await checkReplaceable(engine, name);
  await checkSameClasses(engine, name, temporary);
  const views = await rows(engine, viewsOn(name));
  const grants = (await rows(engine, grantsOn(literal(ident(name))))).flat();
  const viewGrants: string[] = [];
  for (const [view = ""] of views) viewGrants.push(...(await rows(engine, grantsOn(literal(view)))).flat());
  const { before } = newName(temporary, name);
  return {
    before: [
      ...views.map(([view]) => `DROP VIEW ${view}`).reverse(),
      `DROP TABLE ${ident(name)}`,
      ...before,
      ...grants,
    ],
    after: [
      ...views.map(
        ([view, , definition = ""]) => `CREATE VIEW ${view} AS ${definition.replace(/;\s*$/, "")}`,
      ),
      ...viewGrants,
    ],
  };
}

/** Selects the views that depend on the table, directly or indirectly, each after the views that it depends on. */
const viewsOn = (name: string) => `
  WITH RECURSIVE dependent AS (
    SELECT ${literal(ident(name))}::regclass::oid AS oid, 0 AS level
    UNION
    SELECT r.ev_class, level + 1
    FROM dependent
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = dependent.oid
      AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
    WHERE r.ev_class <> dependent.oid
  )
  SELECT c.oid::regclass::text, c.relkind, pg_get_viewdef(c.oid)
  FROM (SELECT oid, max(level) AS level FROM dependent WHERE level > 0 GROUP BY oid) v JOIN pg_class c ON c.oid = v.oid
  ORDER BY level`;

const grantsOn = (relation: string) => `
  SELECT format('GRANT %s ON %s TO %s%s', acl.privilege_type, c.oid::regclass,
    CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
    CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) acl
  WHERE c.oid = ${relation}::regclass AND acl.grantee <> c.relowner`;

const CLASS_NAMES: Readonly<Record<string, string>> = { N: "number", S: "string", B: "boolean", D: "date" };

/** Requires that the new table has each column of the old one, with a type of the same class. */
async function checkSameClasses(engine: Engine, name: string, temporary: string): Promise<void> {
  const classes = async (table: string) => {
    const found = await rows(
      engine,
      `SELECT attname, typcategory, typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       WHERE attrelid = ${literal(ident(table))}::regclass AND attnum > 0 AND NOT attisdropped
         AND attname NOT IN ('cartodb_id', 'the_geom_webmercator')`,
    );
    return new Map(
      found.map(([column = "", category = "", type = ""]) => [column, CLASS_NAMES[category] ?? type]),
    );
  };
  const [old, fresh] = [await classes(name), await classes(temporary)];
  for (const [column, was] of old) {
    const is = fresh.get(column);
    if (is === was) continue;
    const what = is === undefined ? "is missing in the new data" : `is a ${was}, but a ${is} in the new data`;
    throw new ImportFailure(
      2012,
      `Table "${name}" was not replaced, because its column "${column}" ${what}. The table is unchanged.`,
    );
  }
}

/** Returns the rows of a query, with an empty text for NULL. */
async function rows(engine: Engine, sql: string): Promise<string[][]> {
  const { statements } = await engine.query(sql);
  return (statements.at(0)?.rows ?? []).map((row) => row.map((value) => value ?? ""));
}
