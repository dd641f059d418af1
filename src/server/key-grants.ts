/** Translates the grants of a regular API key to rights of a database role. */
import { randomBytes } from "node:crypto";
import * as z from "zod";
import { ident, literal } from "../sql";
import { type Engine, type KeyRole, lastRows } from "./engine/engine";

const TablePermission = z.enum(["select", "insert", "update", "delete"]);

const Grant = z.discriminatedUnion("type", [
  z.object({ type: z.literal("apis"), apis: z.array(z.enum(["sql", "maps"])) }),
  z.object({
    type: z.literal("database"),
    tables: z
      .array(z.object({ schema: z.string(), name: z.string(), permissions: z.array(TablePermission) }))
      .default([]),
    schemas: z.array(z.object({ name: z.string(), permissions: z.array(z.literal("create")) })).default([]),
    table_metadata: z.array(z.unknown()).default([]),
  }),
  z.object({ type: z.literal("dataservices"), services: z.array(z.string()) }),
  z.object({ type: z.literal("user"), data: z.array(z.string()) }),
]);

/** Grants of a key, at most one of each type. */
export const Grants = z
  .array(Grant)
  .refine((grants) => new Set(grants.map(({ type }) => type)).size === grants.length, {
    error: "each type of grant may be given only once",
  });
export type Grants = z.infer<typeof Grants>;

export function mayUseSql(grants: Grants): boolean {
  return mayUse(grants, "sql");
}

export function mayUseMaps(grants: Grants): boolean {
  return mayUse(grants, "maps");
}

function mayUse(grants: Grants, api: "sql" | "maps"): boolean {
  return grants.some((grant) => grant.type === "apis" && grant.apis.includes(api));
}

/**
 * Creates a database role with the rights of `default_public` and of the grants, and a second role, `…_copy`, for COPY.
 * @throws DatabaseError if a table or schema does not exist; no role is created then
 */
export async function createKeyRole(engine: Engine, grants: Grants): Promise<KeyRole> {
  const role: KeyRole = `cartoframes_key_${randomBytes(8).toString("hex")}`;
  const statements = [
    `CREATE ROLE ${role}`,
    `CREATE ROLE ${role}_copy`,
    `GRANT publicuser TO ${role}`,
    `GRANT ${role}, publicuser_copy TO ${role}_copy`,
    `GRANT ${role} TO CURRENT_USER`, // the master has the rights of its keys, including those on their tables
    `GRANT EXECUTE ON FUNCTION cartodb.CDB_TableMetadataTouch(regclass) TO ${role}`,
    `GRANT EXECUTE ON FUNCTION cartodb._CDB_Dataset_Register(regclass, regclass) TO ${role}`,
  ];
  for (const grant of grants) {
    if (grant.type !== "database") continue;
    for (const { schema, name, permissions } of grant.tables) {
      if (permissions.length === 0) continue;
      const table = `${ident(schema)}.${ident(name)}`;
      statements.push(`GRANT USAGE ON SCHEMA ${ident(schema)} TO ${role}`);
      statements.push(`GRANT ${permissions.join(", ")} ON TABLE ${table} TO ${role}`);
      if (permissions.includes("insert")) {
        statements.push(
          ...(await sequencesOf(engine, schema, name)).map((s) => `GRANT USAGE ON SEQUENCE ${s} TO ${role}`),
        );
      }
    }
    for (const { name, permissions } of grant.schemas) {
      if (permissions.length > 0) statements.push(`GRANT USAGE, CREATE ON SCHEMA ${ident(name)} TO ${role}`);
    }
  }
  await engine.query(statements.join(";\n"));
  return role;
}

/** Drops the roles of a key. Tables that the key created become the master's; its `…_copy` role never owns any. */
export async function dropKeyRole(engine: Engine, role: KeyRole): Promise<void> {
  await engine.query(
    `REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}_copy, ${role}`,
  );
}

async function sequencesOf(engine: Engine, schema: string, table: string): Promise<string[]> {
  const result = await engine.query(`
    SELECT format('%I.%I', n.nspname, s.relname)
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjid = ${literal(`${ident(schema)}.${ident(table)}`)}::regclass`);
  return lastRows(result).map(([name]) => String(name));
}
