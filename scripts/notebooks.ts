/**
 * Runs the example notebooks in the real kernel and stores their outputs as JupyterLab would. With `--check`, writes
 * nothing and compares the text of the outputs with the committed notebooks. Fails if a cell fails or prints to stderr,
 * or (with `--check`) if its output has changed. Usage: `npm run notebooks [--check] [files…]`
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Client } from "pg";
import { functionsSql } from "../src/server/sql/functions";
import { type CellResult, Kernel, type Output } from "../test/support/jupyter";
import { postgresBin, startPostgres } from "../test/support/postgres";

const ROOT = resolve(__dirname, "..");
/** Notebooks that also run on a PostgreSQL database and must show the same there. */
const ON_POSTGRES = new Set(["03-accounts-and-databases.ipynb"]);
/** Generous, because the first cell in a new home folder creates the local database. */
const CELL_TIMEOUT_MS = 300_000;

interface CodeCell {
  cell_type: "code";
  source: string | string[];
  execution_count: number | null;
  outputs: Output[];
}

interface Notebook {
  cells: (CodeCell | { cell_type: "markdown" | "raw" })[];
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const check = args.includes("--check");
  const named = args.filter((arg) => arg !== "--check").map((file) => resolve(file));
  const files = named.length > 0 ? named : allNotebooks();

  const home = process.env.CARTOFRAMES_HOME ?? temporaryHome();
  let problems = 0;
  for (const file of files) {
    problems += await runNotebook(file, { home, check });
    if (ON_POSTGRES.has(basename(file))) problems += await runOnPostgres(file, home);
  }
  process.exit(problems === 0 ? 0 : 1);
}

/** Runs a notebook on a native PostgreSQL and compares its outputs with those on the embedded database. */
async function runOnPostgres(file: string, home: string): Promise<number> {
  if (!postgresBin()) {
    console.log(`skipped ${basename(file)} on PostgreSQL: PostgreSQL is not installed`);
    return 0;
  }
  const postgres = await startPostgres();
  process.once("exit", () => postgres.stop());
  const database = await postgres.createDatabase("notebook", "analyst");
  const analyst = new Client(database);
  await analyst.connect();
  await analyst.query(functionsSql()); // otherwise the first write installs them and says so
  await analyst.end();
  return runNotebook(file, { home, check: true, database });
}

/** Creates a home folder for this run. It is removed, and its server stopped, when the process exits. */
function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "cartoframes-home-"));
  process.once("exit", () => {
    spawnSync(process.execPath, [join(ROOT, "dist/cli.js"), "stop", "--home", home]);
    rmSync(home, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  return home;
}

function allNotebooks(): string[] {
  const dir = join(ROOT, "notebooks");
  const names = readdirSync(dir).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => join(dir, name));
}

/** Runs a notebook, prints each problem with its cell, and returns the number of problems. */
async function runNotebook(
  file: string,
  { home, check, database }: { readonly home: string; readonly check: boolean; readonly database?: string },
): Promise<number> {
  const committed = JSON.parse(readFileSync(file, "utf8")) as Notebook;
  const notebook = structuredClone(committed);
  const { CARTO_BASE_URL, CARTO_API_KEY, ...env } = process.env; // examples must not write to an account
  const kernel = await Kernel.start({
    cwd: dirname(file),
    env: { ...env, CARTOFRAMES_HOME: home, ...(database && { CARTO_BASE_URL: database }) },
    timeoutMs: CELL_TIMEOUT_MS,
  });
  const problems: string[] = [];
  const ran = new Map<CodeCell, CellResult>();
  try {
    for (const cell of notebook.cells) {
      if (cell.cell_type !== "code") continue;
      const result = await kernel.execute(text(cell.source));
      ran.set(cell, result);
      if (result.status !== "ok") break;
    }
  } finally {
    await kernel.shutdown();
  }
  // Only now, because background work may print after its cell, and later cells may update earlier outputs.
  for (const [cell, { status, executionCount, results, stderr }] of ran) {
    cell.execution_count = executionCount;
    cell.outputs = [...results];
    const where = `${relative(ROOT, file)}, cell ${notebook.cells.indexOf(cell) + 1}`;
    if (status !== "ok") problems.push(`${where}: ${status}\n${indented(stderr)}`);
    else if (stderr) problems.push(`${where}: printed to stderr\n${indented(stderr)}`);
  }

  if (check) problems.push(...differences(relative(ROOT, file), committed, notebook));
  else if (problems.length === 0) writeFileSync(file, asJupyterWrites(notebook));
  const place = database ? " on PostgreSQL" : "";
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"}  ${basename(file)}${place}`);
  for (const problem of problems) console.error(problem);
  return problems.length;
}

function differences(file: string, committed: Notebook, fresh: Notebook): string[] {
  return fresh.cells.flatMap((cell, i) => {
    const before = committed.cells[i];
    if (cell.cell_type !== "code" || before?.cell_type !== "code") return [];
    const [was, is] = [textOf(before.outputs), textOf(cell.outputs)];
    if (was === is) return [];
    return [`${file}, cell ${i + 1}: shows something else than committed\n${lineDiff(was, is)}`];
  });
}

function textOf(outputs: readonly Output[]): string {
  const texts = outputs.map((output) =>
    output.output_type === "stream" ? text(output.text) : text((output.data["text/plain"] ?? "") as string),
  );
  return texts.map((part) => part.trimEnd()).join("\n");
}

/** Returns the lines between the common beginning and the common end. */
function lineDiff(was: string, is: string): string {
  const [before, after] = [was.split("\n"), is.split("\n")];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const longest = Math.min(before.length, after.length) - start;
  while (end < longest && before.at(-1 - end) === after.at(-1 - end)) end++;
  const cut = (lines: string[], sign: string) =>
    lines.slice(start, lines.length - end).map((line) => `  ${sign} ${line}`);
  return [`  @@ line ${start + 1}`, ...cut(before, "-"), ...cut(after, "+")].join("\n");
}

/** Serializes a notebook as nbformat does: sorted keys, one space of indentation, long strings as lists of lines. */
function asJupyterWrites(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === "code" ? { ...cell, outputs: cell.outputs.map(withLines) } : cell,
  );
  return `${JSON.stringify(sorted({ ...notebook, cells }), null, 1)}\n`;
}

function withLines(output: Output): object {
  if (output.output_type === "stream") return { ...output, text: lines(output.text) };
  const data = Object.entries(output.data).map(([mime, value]) => [
    mime,
    typeof value === "string" && isText(mime) ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** Splits text into lines; JSON and base64 are stored unchanged. */
const isText = (mime: string) => mime.startsWith("text/") || mime === "image/svg+xml";

const lines = (value: string | string[]) => text(value).match(/[^\n]*\n|[^\n]+$/g) ?? [];
const text = (value: string | string[]) => (Array.isArray(value) ? value.join("") : value);
const indented = (value: string) => value.trimEnd().replace(/^/gm, "  ");

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
