import type { Engine } from "./engine";

/** An engine that can be asked before it is open: every request waits for the opening, and fails with it. */
export function deferEngine(opening: Promise<Engine>): Engine {
  const startedAt = new Date();
  let opened: Engine | undefined;
  opening.then(
    (engine) => {
      opened = engine;
    },
    () => {}, // each request reports it
  );
  return {
    query: async (sql, options) => (await opening).query(sql, options),
    copyOut: async (sql, options) => (await opening).copyOut(sql, options),
    copyIn: async (sql, data, options) => (await opening).copyIn(sql, data, options),
    info: async () => (await opening).info(),
    activity: () => opened?.activity() ?? { running: { sql: "opening the database", startedAt }, waiting: 0 },
    close: async () => (await opening.catch(() => undefined))?.close(),
  };
}
