import { type Command, InvalidArgumentError } from "commander";
import { databaseAddress, shownDatabase } from "../local/database";
import { databaseHome, homesIn, localHome } from "../local/home";
import { stopServer } from "../local/launcher";

/** Arguments of `option()` for `--home`. */
export const HOME_OPTION = [
  "--home <dir>",
  "data folder of the local server (default: CARTOFRAMES_HOME, or else a folder of the platform)",
] as const;

export function addServeCommands(program: Command): void {
  program
    .command("serve")
    .description("Serve the local CARTO APIs in the foreground, also for other programs.")
    .option(...HOME_OPTION)
    .option(
      "--database <url>",
      "serve this PostgreSQL database, such as postgres://user@host/name, instead of the embedded one",
    )
    .option("--port <port>", "port on 127.0.0.1 (default: a free one)", parsePort)
    .action(async ({ home, database: url, port }: { home?: string; database?: string; port?: number }) => {
      if (url) process.title = "cartoframes serve"; // hides the password in the list of processes, where that is possible
      const database = url === undefined ? undefined : databaseAddress(url);
      const place = database ? databaseHome(database, home) : localHome(home);
      const { runServer } = await import("../server/daemon"); // the only command that loads the database
      const server = await runServer(place, { port, idleStopMs: Number.POSITIVE_INFINITY, database });
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
      const what = database ? shownDatabase(database) : place.dir;
      console.log(`Serving ${what} at http://127.0.0.1:${server.port}. Press Ctrl-C to stop.`);
      console.log("To see its API key, run `npx cartoframes status --show-key`.");
      await server.stopped;
      process.exit(0);
    });

  program
    .command("stop")
    .description("Stop the local servers. Their data are kept.")
    .option(...HOME_OPTION)
    .option("--database <url>", "stop only the server of this PostgreSQL database")
    .action(async ({ home, database }: { home?: string; database?: string }) => {
      const all = database ? [databaseHome(databaseAddress(database), home)] : await homesIn(home);
      const stopped = await Promise.all(all.map(stopServer));
      console.log(stopped.includes(true) ? "Stopped." : "No local server is running.");
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError("The port must be an integer from 1 to 65535.");
}
