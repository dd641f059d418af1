/** Entry point of the server process: `node dist/server.js <home> [--database-from-stdin]`. Its output is the log. */
import { text } from "node:stream/consumers";
import type { DatabaseAddress } from "../local/database";
import { localHome } from "../local/home";
import { DATABASE_FROM_STDIN, EXIT_ALREADY_RUNNING } from "../local/launcher";
import { runServer } from "./daemon";
import { LockedError } from "./engine/lock";

async function main(): Promise<void> {
  const home = localHome(process.argv[2]);
  const idleStopMs = Number(process.env.CARTOFRAMES_IDLE_STOP_MS) || undefined;
  const database = process.argv[3] === DATABASE_FROM_STDIN ? await databaseFromStdin() : undefined;
  const server = await runServer(home, { idleStopMs, database });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
  await server.stopped;
}

async function databaseFromStdin(): Promise<DatabaseAddress> {
  return JSON.parse(await text(process.stdin)) as DatabaseAddress;
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(new Date().toISOString(), error instanceof LockedError ? error.message : error);
    process.exit(error instanceof LockedError ? EXIT_ALREADY_RUNNING : 1);
  },
);
