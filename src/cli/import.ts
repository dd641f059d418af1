import type { Command } from "commander";
import { CartoContext } from "../context/carto-context";

interface ImportCommandOptions {
  readonly table?: string;
  readonly overwrite?: boolean;
  readonly database?: string;
}

export function addImportCommand(program: Command): void {
  program
    .command("import")
    .description("Import files as tables, as cc.import does.")
    .argument("<files...>", "paths, globs, folders or URLs")
    .option("--table <name>", "name of the table (default: the name of the file)")
    .option("--overwrite", "replace existing tables")
    .option("--database <url>", "import into this PostgreSQL database instead of the configured place")
    .action(async (files: string[], { table, overwrite, database }: ImportCommandOptions) => {
      const context = new CartoContext(database === undefined ? {} : { baseUrl: database });
      await context.import(files, table, { overwrite });
    });
}
