import type { Command } from "commander";
import { tslabCommand, userDataDir, writeKernelSpec } from "../kernel/kernelspec";
import { lab } from "../kernel/lab";

export function addLabCommands(program: Command): void {
  program
    .command("lab")
    .description("Open JupyterLab with the TypeScript kernel.")
    .argument("[folder]", "folder of the notebooks (default: notebooks)")
    .argument("[jupyter...]", "options of `jupyter lab`, such as --no-browser or --port=8889")
    .allowUnknownOption()
    .action(async (first: string | undefined, rest: string[]) => {
      const projectDir = process.cwd();
      const hasFolder = first !== undefined && !first.startsWith("-");
      const args = first === undefined || hasFolder ? rest : [first, ...rest];
      process.exitCode = await lab({ notebookDir: hasFolder ? first : "notebooks", args, projectDir });
    });

  program
    .command("install")
    .description(
      "Register the TypeScript kernel for the current user, so that every Jupyter and VS Code find it.",
    )
    .action(() => {
      const file = writeKernelSpec(userDataDir(), { argv: tslabCommand(process.cwd()) });
      console.log(`Registered the kernel "TypeScript" in ${file}.`);
      console.log("It runs the tslab of this folder. Run this command again if you move the folder.");
    });
}
