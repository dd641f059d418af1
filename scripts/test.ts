/** `npm test`: checks and builds at the same time, then runs all tests. A step that succeeds prints one line. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "..");

/** Runs a script of package.json, and prints its output only if it fails. */
async function step(name: string): Promise<boolean> {
  const start = performance.now();
  const child = spawn(`npm run ${name}`, { cwd: ROOT, shell: true });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const code = await new Promise((done) => child.once("close", done));
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(code === 0 ? `npm run ${name}: ok, ${seconds} s` : `${printed}\nnpm run ${name} failed.`);
  return code === 0;
}

async function main(): Promise<void> {
  console.log("Checking and building …");
  const steps = await Promise.all(["check", "build"].map(step));
  if (steps.includes(false)) {
    process.exitCode = 1;
    return;
  }
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.exitCode = await new Promise<number>((done) => child.once("close", (code) => done(code ?? 1)));
}

main();
