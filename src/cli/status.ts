import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { homesIn, localHome } from "../local/home";
import { findServer } from "../local/launcher";
import { HOME_OPTION } from "./serve";

interface StatusOptions {
  readonly home?: string;
  readonly showKey?: boolean;
}

export function addStatusCommand(program: Command): void {
  program
    .command("status")
    .description("Show which local servers run, at which address, and on which data.")
    .option(...HOME_OPTION)
    .option("--show-key", "print the API key, for other programs")
    .action(async ({ home, showKey = false }: StatusOptions) => {
      const { dir, dataDir, logFile } = localHome(home);
      const server = await findServer(localHome(home));
      printTable([
        ...serverLines(server, showKey),
        ["Data", dir],
        ["Size", `${((await folderSize(dataDir)) / 1e6).toFixed(0)} MB`],
        ["Log", logFile],
      ]);
      const [, ...databases] = await homesIn(home);
      const others = (await Promise.all(databases.map(findServer))).filter((other) => other !== undefined);
      for (const { status, baseUrl, key } of others) {
        const secret = showKey ? `, key ${key}` : "";
        console.log(`Database:  ${status.database} at ${baseUrl}, pid ${status.pid}${secret}`);
      }
      if (!server && others.length === 0) process.exitCode = 3; // as `systemctl status` does
    });
}

function serverLines(server: Awaited<ReturnType<typeof findServer>>, showKey: boolean): [string, string][] {
  if (!server) return [["Server", "not running; the first call in a notebook starts it"]];
  const { status, baseUrl, key } = server;
  return [
    ["Server", `running, pid ${status.pid}, cartoframes ${status.version}`],
    ["Address", baseUrl],
    ["Engine", status.engine],
    ["Busy with", status.busyWith ?? "nothing"],
    ...(showKey ? [["API key", key] satisfies [string, string]] : []),
  ];
}

function printTable(lines: readonly [string, string][]): void {
  for (const [name, value] of lines) console.log(`${`${name}:`.padEnd(11)}${value}`);
}

async function folderSize(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
