import type { Engine } from "./engine";

/** Returns an engine that accepts requests while it opens. They wait for the opening, and fail if it fails. */
export function deferEngine(opening: Promise<Engine>): Engine {
  const startedAt = new Date();
  let opened: Engine | undefined;
  let waiting = 0;
  const whenOpen = async () => {
    waiting++;
    try {
      return await opening;
    } finally {
      waiting--;
    }
  };
  opening.then(
    (engine) => {
      opened = engine;
    },
    () => {}, // every request fails with the error
  );
  return {
    query: async (sql, options) => (await whenOpen()).query(sql, options),
    copyOut: async (sql, options) => (await whenOpen()).copyOut(sql, options),
    copyIn: async (sql, data, options) => (await whenOpen()).copyIn(sql, data, options),
    info: async () => (await opening).info(),
    activity: () =>
      opened?.activity() ?? { running: { sql: "the opening of the database", startedAt }, waiting },
    close: async () => (await opening.catch(() => undefined))?.close(),
  };
}
