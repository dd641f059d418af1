#!/usr/bin/env node
import { Command } from "commander";
import { version } from "../../package.json";
import { CartoError } from "../errors";
import { LockedError } from "../server/engine/lock";
import { QuestionAborted } from "./ask";
import { addImportCommand } from "./import";
import { addLabCommands } from "./lab";
import { addLoginCommands } from "./login";
import { addObservatoryCommands } from "./observatory";
import { addServeCommands } from "./serve";
import { addStatusCommand } from "./status";

const program = new Command("cartoframes")
  .description("Maps and spatial data frames for TypeScript notebooks, with a local CARTO server.")
  .version(version);

addLabCommands(program);
addImportCommand(program);
addServeCommands(program);
addStatusCommand(program);
addLoginCommands(program);
addObservatoryCommands(program);

program.parseAsync().catch((error) => {
  if (error instanceof QuestionAborted) process.exit(130); // as a shell does after Ctrl-C
  console.error(error instanceof CartoError || error instanceof LockedError ? error.message : error);
  process.exit(1);
});
