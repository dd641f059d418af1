import { type Command, InvalidArgumentError } from "commander";
import { CartoContext } from "../context/carto-context";
import { CartoError } from "../errors";

interface ImportCommandOptions {
  readonly table?: string;
  readonly overwrite?: boolean;
  readonly append?: boolean;
  readonly layer?: readonly string[];
  readonly encoding?: string;
  readonly srid?: number;
  readonly columns?: readonly string[];
  readonly where?: string;
  readonly bbox?: readonly number[];
  readonly limit?: number;
  readonly database?: string;
}

const repeated = (value: string, before: readonly string[] = []) => [...before, value];
const listOf = (text: string) => text.split(",").map((part) => part.trim());

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function box(text: string): number[] {
  const edges = listOf(text).map((edge) => (edge === "" ? Number.NaN : Number(edge)));
  if (edges.length !== 4 || edges.some(Number.isNaN))
    throw new InvalidArgumentError("It must be four numbers: west,south,east,north.");
  return edges;
}

/** Names options as the command line does. */
const withFlags = (message: string) =>
  message
    .replaceAll(/\{ (overwrite|append): true \}/g, "--$1")
    .replaceAll(/`(layer|encoding|srid|columns|where|bbox|limit|overwrite|append)(?::[^`]*)?`/g, "--$1");

export function addImportCommand(program: Command): void {
  program
    .command("import")
    .description("Import files as tables, as cc.import does.")
    .argument("<files...>", "paths, globs, folders or URLs")
    .option("--table <name>", "name of the table (default: the name of the file)")
    .option("--overwrite", "replace existing tables")
    .option("--append", "add the rows to existing tables")
    .option("--layer <name>", "layer to import; may be repeated (default: all, or the first sheet)", repeated)
    .option("--encoding <name>", "encoding of the texts (default: found out)")
    .option("--srid <code>", "EPSG code of the coordinates (default: that of the file, or 4326)", wholeNumber)
    .option("--columns <names>", "columns to keep, separated by commas (default: all)", listOf)
    .option("--where <condition>", "SQL condition for the rows to keep")
    .option("--bbox <west,south,east,north>", "box in degrees around the rows to keep", box)
    .option("--limit <rows>", "maximum number of rows", wholeNumber)
    .option("--database <url>", "import into this PostgreSQL database instead of the configured place")
    .action(async (files: string[], { table, database, ...options }: ImportCommandOptions) => {
      const context = new CartoContext(database === undefined ? {} : { baseUrl: database });
      const stop = new AbortController();
      for (const name of ["SIGINT", "SIGTERM"] as const)
        process.once(name, () => stop.abort(new Error("The import was interrupted.")));
      const call = { ...options, signal: stop.signal } as Parameters<CartoContext["import"]>[2];
      await context.import(files, table, call).catch((error) => {
        if (error instanceof CartoError) error.message = withFlags(error.message);
        throw error;
      });
    });
}
