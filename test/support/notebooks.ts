/** Runs the example notebooks in the real kernel. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type CellResult, Kernel, type Output } from "./jupyter";

const DIR = resolve(__dirname, "../../notebooks");
/** The first cell of a home builds the local database. */
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

export interface NotebookRun {
  /** Cells that failed or printed to stderr, each with its place. */
  readonly problems: readonly string[];
  /** Cells whose outputs differ from the committed ones, with the lines that differ. */
  readonly differences: readonly string[];
  /** The notebook with its new outputs, as JupyterLab would write it. */
  readonly file: string;
}

/** Lists the notebooks in the order in which they use each other's tables. */
export function notebookFiles(): string[] {
  const names = readdirSync(DIR).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => join(DIR, name));
}

/** Runs all cells up to the first that fails, on the local server of `home` or on the database at a URL. */
export async function runNotebook(path: string, home: string, database?: string): Promise<NotebookRun> {
  const committed = JSON.parse(readFileSync(path, "utf8")) as Notebook;
  const notebook = structuredClone(committed);
  const { CARTO_BASE_URL, CARTO_API_KEY, ...env } = process.env; // examples must not write into an account
  const kernel = await Kernel.start({
    cwd: dirname(path),
    env: { ...env, CARTOFRAMES_HOME: home, ...(database && { CARTO_BASE_URL: database }) },
    timeoutMs: CELL_TIMEOUT_MS,
  });
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
  const problems: string[] = [];
  for (const [cell, { status, executionCount, results, stderr }] of ran) {
    cell.execution_count = executionCount;
    cell.outputs = [...results];
    const where = `${basename(path)}, cell ${notebook.cells.indexOf(cell) + 1}`;
    if (status !== "ok") problems.push(`${where}: ${status}\n${indented(stderr)}`);
    else if (stderr) problems.push(`${where}: printed to stderr\n${indented(stderr)}`);
  }
  return {
    problems,
    differences: differences(basename(path), committed, notebook),
    file: asJupyterWrites(notebook),
  };
}

function differences(file: string, committed: Notebook, fresh: Notebook): string[] {
  return fresh.cells.flatMap((cell, i) => {
    const before = committed.cells[i];
    if (cell.cell_type !== "code" || before?.cell_type !== "code") return [];
    const [was, is] = [textOf(before.outputs), textOf(cell.outputs)];
    if (was === is) return [];
    return [`${file}, cell ${i + 1}: differs from the committed output\n${lineDiff(was, is)}`];
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

/** Formats a notebook like nbformat: sorted keys, an indent of one space, long strings as lists of lines. */
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

/** Returns true for types whose strings are stored as lists of lines, unlike JSON and base64. */
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
