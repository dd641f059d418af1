import type { Command } from "commander";
import { databaseAddress } from "../local/database";
import { databaseHome, localHome } from "../local/home";
import { connectLocal } from "../local/launcher";
import { ObservatoryCommands, readPublication } from "./observatory-commands";
import { HOME_OPTION } from "./serve";

interface Place {
  readonly home?: string;
  readonly database?: string;
}

export function addObservatoryCommands(program: Command): void {
  const observatory = program
    .command("observatory")
    .description("List, describe, add and remove datasets of the local server's Data Observatory.");
  const addCommand = (name: string, description: string) =>
    observatory
      .command(name)
      .description(description)
      .option(...HOME_OPTION)
      .option("--database <url>", "use this PostgreSQL database instead of the embedded one");

  addCommand("list", "List the installed datasets and the rest of the starter catalog.").action(
    async (place: Place) => print(await (await connect(place)).list()),
  );
  addCommand("info", "Show the boundaries and measures of a dataset, their sources and licences.")
    .argument("<dataset>", "name of the dataset")
    .action(async (dataset: string, place: Place) => print(await (await connect(place)).info(dataset)));
  addCommand("add", "Add a dataset of the starter catalog, or publish a table as boundaries and measures.")
    .argument("<dataset>", "name of the dataset; with --table, a JSON file that describes the table")
    .option("--table <name>", "table of the local server; docs/observatory.md explains the JSON file")
    .action(async (dataset: string, { table, ...place }: Place & { table?: string }) => {
      if (table === undefined) return print(await (await connect(place)).addStarter(dataset));
      const publication = await readPublication(dataset);
      print(await (await connect(place)).addTable(table, publication));
    });
  addCommand("remove", "Remove a dataset. The table it was published from is kept.")
    .argument("<dataset>", "name of the dataset")
    .action(async (dataset: string, place: Place) => print(await (await connect(place)).remove(dataset)));
}

/** Connects to the place's local server, and starts it if it is not running. */
async function connect({ home, database: url }: Place): Promise<ObservatoryCommands> {
  const database = url === undefined ? undefined : databaseAddress(url);
  const server = await connectLocal(database ? databaseHome(database, home) : localHome(home), database);
  return new ObservatoryCommands(server, (line) => console.error(line));
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}
