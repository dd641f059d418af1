/** Measures how long the first read takes, with and without a database and a running server, compared with loading danfo. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, printHeader } from "./support";

const ROOT = join(__dirname, "..");
const READ =
  'require("cartoframes").cc.query("SELECT 1 AS a").then((df) => { if (df.shape[0] !== 1) process.exit(1); })';

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "cartoframes-bench-"));
  const env = { ...process.env, CARTOFRAMES_HOME: home };
  const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: ROOT, env });
  const stop = () => node("dist/cli.js", "stop");
  const danfo = { name: "`danfojs-node` alone", run: async () => node("-e", 'require("danfojs-node")') };
  try {
    printHeader();
    await compare("first read, no database yet", async () => node("-e", READ), {
      ...danfo,
      prepare: () => {
        stop();
        rmSync(home, { recursive: true, force: true });
      },
    });
    await compare("first read, server not running", async () => node("-e", READ), {
      ...danfo,
      prepare: stop,
    });
    await compare("first read, server running", async () => node("-e", READ), danfo);
  } finally {
    stop();
    rmSync(home, { recursive: true, force: true });
  }
}

main();
