/** Measures how long Node takes to start and import cartoframes, compared with importing danfo. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { compare, printHeader } from "./support";

const start = (code: string) => async () =>
  execFileSync(process.execPath, ["-e", code], { cwd: join(__dirname, "..") });

async function main(): Promise<void> {
  printHeader();
  const danfo = { name: "`danfojs-node` alone", run: start('require("danfojs-node")') };
  await compare("start Node, import cartoframes", start('require("cartoframes")'), danfo, 15);
  await compare("start Node, import nothing", start(""), danfo, 15);
}

main();
