/** What the tables leave that a write fills under a temporary name, when it is cut off with its process. */

import { existsSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalHome } from "../local/home";
import { ident, literal, TEMPORARY_TABLE } from "../sql";
import type { Engine } from "./engine/engine";

export interface Leftovers {
  /** Drops what an earlier server left; the engine to use from then on. */
  watch(engine: Engine): Promise<Engine>;
  /** Drops what is left. Only while no write is under way. One that cannot be dropped harms nobody. */
  drop(engine: Engine): Promise<void>;
}

/** Tells the tables that somebody will still go on with, such as a batch job. */
type IsNeeded = (table: string) => boolean;
/** Called with an error that must not stop the rest. */
type Report = (error: unknown) => void;

/** Of the embedded database: nobody else writes there, so every such table is one. */
export function allLeftovers(isNeeded: IsNeeded, report: Report): Leftovers {
  const leftovers: Leftovers = {
    async watch(engine) {
      await leftovers.drop(engine);
      return engine;
    },
    async drop(engine) {
      const { statements } = await engine.query(
        `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ ${literal(TEMPORARY_TABLE.source)}`,
      );
      for (const [table] of statements[0]!.rows) {
        if (isNeeded(table!)) continue;
        await engine.query(`DROP TABLE IF EXISTS public.${ident(table!)}`).catch(report);
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
 * Of a database that others use, too: a table of such a name may be filled from another machine at this moment, and
 * PostgreSQL does not say how old a table is. So the server notes the names of those that pass through it, and drops
 * no other.
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
        // Whoever still fills it, an orphan of a killed server, is waited for the next time.
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

/** Those that this role may drop, in whatever schema. */
async function tablesCalled(engine: Engine, names: readonly string[]): Promise<string[]> {
  const { statements } = await engine.query(
    `SELECT c.oid::regclass FROM pg_catalog.pg_class c
     WHERE c.relkind = 'r' AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AND c.relname IN (${names.map(literal).join(", ")})`,
  );
  return statements[0]!.rows.map(([table]) => table!);
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
