#!/usr/bin/env node
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { version } from "../../package.json";
import { deleteCredentials } from "../context/connection/credentials";
import { CartoError, InvalidArgumentError as CliError } from "../errors";
import { tslabCommand, userDataDir, writeKernelSpec } from "../kernel/kernelspec";
import { lab } from "../kernel/lab";
import { databaseAddress, shownDatabase } from "../local/database";
import { databaseHome, homesIn, localHome } from "../local/home";
import { connectLocal, findServer, stopServer } from "../local/launcher";
import { LockedError } from "../server/engine/lock";
import { ask, QuestionAborted, readInput } from "./ask";
import { ObservatoryCommands, readPublication } from "./observatory-commands";

const program = new Command("cartoframes")
  .description("Maps and spatial data frames for TypeScript notebooks, and the local CARTO behind them.")
  .version(version);

program
  .command("lab")
  .description("open JupyterLab with the TypeScript kernel on a folder of notebooks")
  .argument("[folder]", "folder of the notebooks (default: notebooks)")
  .argument("[jupyter...]", "options of jupyter lab, such as --no-browser or --port=8889")
  .allowUnknownOption()
  .action(async (first: string | undefined, rest: string[]) => {
    const isOption = first?.startsWith("-") ?? false;
    const notebookDir = isOption || first === undefined ? "notebooks" : first;
    const args = isOption ? [first!, ...rest] : rest;
    process.exitCode = await lab({ notebookDir, args, projectDir: process.cwd() });
  });

program
  .command("install")
  .description("register the TypeScript kernel for this user, so that every Jupyter and VS Code find it")
  .action(() => {
    const file = writeKernelSpec(userDataDir(), { argv: tslabCommand(process.cwd()) });
    console.log(`Registered the kernel "TypeScript": ${file}`);
    console.log("It runs the tslab of this folder: install it again if the folder moves.");
  });

const home = [
  "--home <dir>",
  "folder of the local server's data (default: CARTOFRAMES_HOME, else the platform's)",
] as const;

const databaseOption = [
  "--database <url>",
  "serve this PostgreSQL database, postgres://user@host/database, instead of the embedded one",
] as const;

program
  .command("serve")
  .description("serve the local CARTO in the foreground, for other programs too")
  .option(...home)
  .option(...databaseOption)
  .option("--port <port>", "fixed port on 127.0.0.1", parsePort)
  .action(async ({ home, database: url, port }: { home?: string; database?: string; port?: number }) => {
    if (url) process.title = "cartoframes serve"; // where the platform lists it, the password goes with it
    const database = url === undefined ? undefined : databaseAddress(url);
    const place = database ? databaseHome(database, home) : localHome(home);
    const { runServer } = await import("../server/daemon"); // it alone needs the database
    const server = await runServer(place, { port, idleStopMs: Number.POSITIVE_INFINITY, database });
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
    const what = database ? shownDatabase(database) : place.dir;
    console.log(`Serving ${what} at http://127.0.0.1:${server.port} (Ctrl-C stops).`);
    console.log("Its API key: npx cartoframes status --show-key");
    await server.stopped;
    process.exit(0);
  });

program
  .command("status")
  .description("tell whether the local server runs, where, and on what data")
  .option(...home)
  .option("--show-key", "print the API key, for other programs")
  .action(async ({ home, showKey }: { home?: string; showKey?: boolean }) => {
    const server = await findServer(localHome(home));
    const { dir, dataDir, logFile } = localHome(home);
    const lines: [string, string][] = server
      ? [
          ["Server", `running, pid ${server.status.pid}, cartoframes ${server.status.version}`],
          ["Address", server.baseUrl],
          ["Engine", server.status.engine],
          ["Busy with", server.status.busyWith ?? "nothing"],
          ...(showKey ? [["API key", server.key] satisfies [string, string]] : []),
        ]
      : [["Server", "not running; the first call in a notebook starts it"]];
    lines.push(
      ["Data", dir],
      ["Size", `${((await folderSize(dataDir)) / 1e6).toFixed(0)} MB`],
      ["Log", logFile],
    );
    for (const [name, value] of lines) console.log(`${`${name}:`.padEnd(11)}${value}`);
    const [, ...databases] = await homesIn(home);
    const others = (await Promise.all(databases.map(findServer))).filter((other) => other !== undefined);
    for (const { status, baseUrl, key } of others) {
      const secret = showKey ? `, key ${key}` : "";
      console.log(`Database:  ${status.database} at ${baseUrl}, pid ${status.pid}${secret}`);
    }
    if (!server && others.length === 0) process.exitCode = 3; // as `systemctl status` does
  });

program
  .command("stop")
  .description("stop the local server, and those over databases; the data stay")
  .option(...home)
  .option("--database <url>", "stop only the one over this database")
  .action(async ({ home, database }: { home?: string; database?: string }) => {
    const all = database ? [databaseHome(databaseAddress(database), home)] : await homesIn(home);
    const stopped = await Promise.all(all.map(stopServer));
    console.log(stopped.includes(true) ? "Stopped." : "No local server is running.");
  });

program
  .command("login")
  .description("check the API key of a CARTO account and save it, for notebooks and programs of this user")
  .option("--user <name>", "an account of CARTO's cloud: https://<name>.carto.com")
  .option("--url <address>", "another address of an account: https://host/user/name")
  .addOption(new Option("--key [key]").hideHelp().argParser(refuseKey).preset(""))
  .addOption(new Option("--api-key [key]").hideHelp().argParser(refuseKey).preset(""))
  .addHelpText("after", "\nThe key is asked for without showing it, or read from standard input.")
  .action(async ({ user, url }: { user?: string; url?: string }) => {
    const { stdin } = process;
    if (user === undefined && url === undefined && !stdin.isTTY) {
      throw new CliError("Which account? Pass --user or --url.");
    }
    const account = user ?? url ?? (await ask("Name or address of the account: ")).trim();
    const where = user === undefined && account.includes(":") ? { baseUrl: account } : { username: account };
    const key = stdin.isTTY ? await ask("API key (not shown): ", { hidden: true }) : await readInput();
    const { login } = await import("./login");
    const file = await login({ ...where, key });
    console.log(`The key is good. Saved in ${file}; npx cartoframes logout removes it.`);
  });

program
  .command("logout")
  .description("remove the saved API key")
  .action(() => {
    const removed = deleteCredentials();
    for (const file of removed) console.log(`Removed ${file}.`);
    if (removed.length === 0) console.log("No credentials are saved.");
  });

const observatory = program
  .command("observatory")
  .description("list, describe, add and remove the datasets of the local server's Data Observatory");

type Place = { home?: string; database?: string };

/** The server of that place, started if it does not run. */
async function observatoryOf({ home, database: url }: Place): Promise<ObservatoryCommands> {
  const database = url === undefined ? undefined : databaseAddress(url);
  const server = await connectLocal(database ? databaseHome(database, home) : localHome(home), database);
  return new ObservatoryCommands(server, (line) => console.error(line));
}

function observatoryCommand(name: string, description: string): Command {
  return observatory
    .command(name)
    .description(description)
    .option(...home)
    .option("--database <url>", "the one in this PostgreSQL database instead of the embedded one");
}

observatoryCommand(
  "list",
  "the datasets that are installed, and those of the starter catalog that are not",
).action(async (place: Place) => {
  for (const line of await (await observatoryOf(place)).list()) console.log(line);
});

observatoryCommand("info", "boundaries and measures of a dataset, their sources and licences")
  .argument("<dataset>")
  .action(async (dataset: string, place: Place) => {
    for (const line of await (await observatoryOf(place)).info(dataset)) console.log(line);
  });

observatoryCommand("add", "add a dataset of the starter catalog, or a table as boundaries and measures")
  .argument("<dataset>", "its name; with --table the name of a JSON file that describes the table")
  .option("--table <name>", "a table of the server: see docs/observatory.md for the file")
  .action(async (dataset: string, { table, ...place }: Place & { table?: string }) => {
    const publication = table === undefined ? undefined : await readPublication(dataset);
    const commands = await observatoryOf(place);
    const lines = publication
      ? await commands.addTable(table!, publication)
      : await commands.addStarter(dataset);
    for (const line of lines) console.log(line);
  });

observatoryCommand("remove", "remove a dataset; tables of yours that it was made of stay")
  .argument("<dataset>")
  .action(async (dataset: string, place: Place) => {
    for (const line of await (await observatoryOf(place)).remove(dataset)) console.log(line);
  });

function refuseKey(): never {
  throw new CliError(
    "A key does not belong on the command line, where others can see it and the shell remembers it: it is asked for, or read from standard input. Regenerate a key that was typed here.",
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError("Expected a port between 1 and 65535.");
}

async function folderSize(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries) {
    if (entry.isFile())
      bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return bytes;
}

program.parseAsync().catch((error) => {
  if (error instanceof QuestionAborted) process.exit(130); // as a shell does after Ctrl-C
  console.error(error instanceof CartoError || error instanceof LockedError ? error.message : error);
  process.exit(1);
});
