import { type Command, Option } from "commander";
import { CartoContext } from "../context/carto-context";
import { Credentials, type CredentialsOptions, deleteCredentials } from "../context/connection/credentials";
import { InvalidArgumentError } from "../errors";
import { ask, readInput } from "./ask";

export function addLoginCommands(program: Command): void {
  program
    .command("login")
    .description(
      "Check the API key of a CARTO account and save it for the current user's notebooks and programs.",
    )
    .option("--user <name>", "name of an account in CARTO's cloud, https://<name>.carto.com")
    .option("--url <url>", "URL of an account elsewhere, such as https://host/user/name")
    .addOption(new Option("--key [key]").hideHelp().argParser(refuseKey).preset(""))
    .addOption(new Option("--api-key [key]").hideHelp().argParser(refuseKey).preset(""))
    .addHelpText(
      "after",
      "\nThe command asks for the key without showing it, or reads it from standard input.",
    )
    .action(async ({ user, url }: { user?: string; url?: string }) => {
      const { stdin } = process;
      if (user === undefined && url === undefined && !stdin.isTTY) {
        throw new InvalidArgumentError("Pass the account with --user or --url.");
      }
      const account = user ?? url ?? (await ask("Name or URL of the account: ")).trim();
      const where =
        user === undefined && account.includes(":") ? { baseUrl: account } : { username: account };
      const key = stdin.isTTY ? await ask("API key (not shown): ", { hidden: true }) : await readInput();
      const file = await login({ ...where, key });
      console.log(`The key is valid. Saved it in ${file}. To remove it, run \`npx cartoframes logout\`.`);
    });

  program
    .command("logout")
    .description("Remove the saved API key.")
    .action(() => {
      const removed = deleteCredentials();
      for (const file of removed) console.log(`Removed ${file}.`);
      if (removed.length === 0) console.log("No credentials are saved.");
    });
}

/** Checks the key with a request to the account, then saves it. Returns the path of the file. */
async function login(options: Pick<CredentialsOptions, "username" | "baseUrl" | "key">): Promise<string> {
  const key = options.key?.trim();
  if (!key) throw new InvalidArgumentError("The key is empty. Nothing was saved.");
  const creds = new Credentials({ ...options, key });
  await CartoContext.connect({ creds });
  return creds.save();
}

function refuseKey(): never {
  throw new InvalidArgumentError(
    "A key on the command line can be seen by others and stays in the shell's history. Leave it out: the command asks for it, or reads it from standard input. Regenerate a key that you have typed here.",
  );
}
