/** Drops the temporary tables of writes that ended with their process. */

import { existsSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalHome } from "../local/home";
import { ident, literal, TEMPORARY_TABLE } from "../sql";
import { type Engine, lastRows } from "./engine/engine";

export interface Leftovers {
  /** Drops the tables that an earlier server left. Resolves to the engine to use from then on. */
  watch(engine: Engine): Promise<Engine>;
  /** Drops temporary tables. Must be called while no write is running. A table that cannot be dropped is reported. */
  drop(engine: Engine): Promise<void>;
}

/** Returns true for a table that is still needed, for example by a batch job. */
type IsNeeded = (table: string) => boolean;
/** Receives errors that do not stop the rest. */
type Report = (error: unknown) => void;

/** Returns the leftovers of the embedded database: all temporary tables, because only this server writes there. */
export function allLeftovers(isNeeded: IsNeeded, report: Report): Leftovers {
  const leftovers: Leftovers = {
    async watch(engine) {
      await leftovers.drop(engine);
      return engine;
    },
    async drop(engine) {
      const result = await engine.query(
        `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ ${literal(TEMPORARY_TABLE.source)}`,
      );
      for (const [table] of lastRows(result)) {
        if (!table || isNeeded(table)) continue;
        await engine.query(`DROP TABLE IF EXISTS public.${ident(table)}`).catch(report);
      }
    },
  };
  return leftovers;
}

const NEW_TABLE = new RegExp(
  `\\b(?:create|rename to)\\b[^;]*\\b(${TEMPORARY_TABLE.source.replace(/[$^]/g, "")})\\b`,
  "i",
);

/**
 * Returns the leftovers in a shared database. Another machine may be filling a temporary table, and PostgreSQL does not
 * record the age of a table, so the server records the names of the tables that it creates, and drops only these.
 */
export function ownLeftovers({ dir }: Pick<LocalHome, "dir">, isNeeded: IsNeeded, report: Report): Leftovers {
  const file = join(dir, "temporary-tables");
  const notedNames = async () =>
    existsSync(file)
      ? (await readFile(file, "utf8")).split("\n").filter((name) => TEMPORARY_TABLE.test(name))
      : [];
  const leftovers: Leftovers = {
    async watch(engine) {
      await leftovers.drop(engine).catch(report);
      return {
        ...forwarding(engine),
        query: async (sql, options) => {
          const name = NEW_TABLE.exec(sql)?.[1];
          if (name) await appendFile(file, `${name}\n`);
          return engine.query(sql, options);
        },
      };
    },
    async drop(engine) {
      const noted = await notedNames();
      const names = noted.filter((name) => !isNeeded(name));
      if (names.length === 0) return;
      for (const table of await tablesCalled(engine, names)) {
        // If an orphaned session of a killed server still holds the table, the next run tries again.
        await engine.query(`SET lock_timeout = '3s'; DROP TABLE IF EXISTS ${table}`).catch(report);
      }
      const left = await tablesCalled(engine, names);
      await writeFile(
        file,
        noted
          .filter((name) => !names.includes(name) || left.some((table) => table.includes(name)))
          .map((name) => `${name}\n`)
          .join(""),
      );
    },
  };
  return leftovers;
}

/** Lists the tables with these names that the role may drop, in any schema. */
async function tablesCalled(engine: Engine, names: readonly string[]): Promise<string[]> {
  const result = await engine.query(
    `SELECT c.oid::regclass FROM pg_catalog.pg_class c
     WHERE c.relkind = 'r' AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AND c.relname IN (${names.map(literal).join(", ")})`,
  );
  return lastRows(result).map(([table]) => String(table));
}

function forwarding(engine: Engine): Engine {
  return {
    query: (sql, options) => engine.query(sql, options),
    copyOut: (sql, options) => engine.copyOut(sql, options),
    copyIn: (sql, data, options) => engine.copyIn(sql, data, options),
    info: () => engine.info(),
    activity: () => engine.activity(),
    close: () => engine.close(),
  };
}
