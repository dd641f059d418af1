/** Entry of the background process: `node dist/server.js <home>`. Its output is the server's log. */
import { runServer } from "./daemon";
import { LockedError } from "./engine/lock";
import { localHome } from "./home";
import { EXIT_ALREADY_RUNNING } from "./launcher";

async function main(): Promise<void> {
  const home = localHome(process.argv[2]);
  const idleStopMs = Number(process.env.CARTOFRAMES_IDLE_STOP_MS) || undefined;
  const server = await runServer(home, { idleStopMs });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
  await server.stopped;
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(new Date().toISOString(), error instanceof LockedError ? error.message : error);
    process.exit(error instanceof LockedError ? EXIT_ALREADY_RUNNING : 1);
  },
);
