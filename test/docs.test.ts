import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { styling } from "../src/map";
import { kernelForDocs } from "./support/docs-kernel";
import type { Kernel } from "./support/jupyter";
import { temporaryHome } from "./support/server";

const ROOT = join(__dirname, "..");
const run = promisify(execFile);
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

interface Example {
  readonly line: number;
  readonly code: string;
  /** Says why, where the code is checked but not run. */
  readonly notRun: string | undefined;
  /** The indented block that follows: what the cell shows. */
  readonly shows: readonly string[];
}

/** The blocks of TypeScript in a document. */
function examplesIn(file: string): Example[] {
  const lines = read(file).split("\n");
  return lines.flatMap((fence, start) => {
    if (fence !== "```ts") return [];
    const end = lines.indexOf("```", start);
    const after = lines.slice(end + 1);
    const text = after.findIndex((line) => line !== "" && !line.startsWith("    "));
    return {
      line: start + 1,
      code: lines.slice(start + 1, end).join("\n"),
      notRun: /^<!-- not run: (.*) -->$/.exec(lines[start - 1]!)?.[1],
      shows: after.slice(0, text === -1 ? undefined : text).filter((line) => line !== ""),
    };
  });
}

/** Examples of the reference are those of hover help, where imports would repeat in each. */
const REFERENCE_IMPORTS =
  'import { BaseMap, cc, Credentials, DataFrame, figure, Layer, QueryLayer, styling, widget } from "cartoframes";';

/** Code that compiles as a cell and does nothing. */
function uncalled(code: string): string {
  const imports = code.match(/^import .*$/gm) ?? [];
  return `${imports.join("\n")}\nasync function notRun() {\n${code.replace(/^import .*$/gm, "")}\n}`;
}

/** In the order in which they use each other's tables. */
const DOCUMENTS = [
  "README.md",
  "docs/frames.md",
  "docs/maps.md",
  "docs/explore.md",
  "docs/tables.md",
  "docs/api.md",
  "docs/files.md",
  "docs/sync.md",
  "docs/batch.md",
  "docs/observatory.md",
  "docs/gallery.md",
];

describe("examples run as cells and print the documented output", () => {
  let home: string;
  let kernel: Kernel;
  beforeAll(async () => {
    home = await temporaryHome();
    kernel = await kernelForDocs(home);
    await kernel.execute(REFERENCE_IMPORTS);
  });
  afterAll(async () => {
    await kernel?.shutdown();
    await stopServer(localHome(home));
    rmSync(home, { recursive: true, force: true });
  });

  test.each(DOCUMENTS)("%s", async (file) => {
    const examples = examplesIn(file);
    expect(examples.length).toBeGreaterThan(0);
    for (const { line, code, notRun, shows } of examples) {
      const { status, stderr, results } = await kernel.execute(notRun ? uncalled(code) : code);
      expect.soft(status, `${file}:${line}\n${stderr}`).toBe("ok");
      const texts = results.map((output) => ("text" in output ? output.text : output.data["text/plain"]));
      const shown = texts.flat().join("\n").split("\n").map(squeezed);
      const unseen = shows.filter((text) => !shown.includes(squeezed(text)));
      expect.soft(unseen, `${file}:${line} shows\n${shown.join("\n")}`).toEqual([]);
    }
  });
});

/** Columns may be padded otherwise where a table is cut. */
const squeezed = (line: string) => line.trim().replace(/\s+/g, " ");

describe("docs/api.md is complete", () => {
  const api = read("docs/api.md");
  const missing = (names: Iterable<string>) => [...names].filter((name) => !mentions(name));
  /** As a whole word inside backticks, a heading or a block of code. */
  const words = new Set(
    Array.from(
      api.matchAll(/`[^`\n]+`|^```.*?^```|^#.*$/gms),
      ([code]) => code.match(/[\w$]+/g) ?? [],
    ).flat(),
  );
  const mentions = (name: string) => words.has(name);

  test("has every export with its members and options", () => {
    const entry = join(ROOT, "src/index.ts");
    const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const program = ts.createProgram([entry], options);
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    const names = checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const members = isOurs(symbol) ? membersOf(checker.getDeclaredTypeOfSymbol(symbol)) : [];
      return [exported.name, ...members];
    });
    expect(names).toEqual(
      expect.arrayContaining(["cc", "CartoContext", "read", "overwrite", "toPNG", "sqlState"]),
    );
    expect(missing(new Set(names))).toEqual([]);
  });

  test("has every scheme", () => {
    expect(missing(Object.keys(styling))).toEqual([]);
  });

  test("docs/command-line.md has every command and option", async () => {
    const help = async (...args: string[]) =>
      (await run(process.execPath, [join(ROOT, "dist/cli.js"), ...args, "--help"])).stdout;
    const section = read("docs/command-line.md");
    const commands = Array.from((await help()).matchAll(/^ {2}([a-z]+) /gm), ([, name]) => name!);
    expect(commands).toContain("serve");
    for (const command of commands.filter((name) => name !== "help")) {
      expect(section).toMatch(new RegExp(`^\\| \`${command}\\b`, "m"));
      for (const option of (await help(command)).match(/--[a-z-]+/g)!) expect(section).toContain(option);
    }
  });

  test("docs/command-line.md has every environment variable that the code reads", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
    const used = sources
      .filter((name) => name.endsWith(".ts"))
      .flatMap(
        (name) =>
          read(join("src", name)).match(
            /(?<=process\.env\.)\w+|(?<=\{.*)\b[A-Z_]+\b(?=.*\} = process\.env)/g,
          ) ?? [],
      );
    const documented = read("docs/command-line.md");
    expect([...new Set(used)].filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

function isOurs(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((node) => isSource(node.getSourceFile())) ?? false;
}

const isSource = ({ fileName }: ts.SourceFile) => fileName.startsWith(join(ROOT, "src"));

/** Names of what a class or an interface of ours declares, without what is private, internal or a symbol. */
function membersOf(type: ts.Type): string[] {
  return type.getProperties().flatMap((member) => {
    const declaration = member.declarations?.find((node) => isSource(node.getSourceFile()));
    if (declaration === undefined || /^(#|__)/.test(member.name)) return [];
    const isHidden =
      (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) !== 0 ||
      ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === "internal");
    return isHidden ? [] : [member.name];
  });
}

test("links point to existing files and headings", () => {
  const notebooks = readdirSync(join(ROOT, "notebooks")).filter((name) => name.endsWith(".ipynb"));
  const documents: [file: string, markdown: string][] = [
    ...["README.md", "CHANGELOG.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)]
      .filter((file) => file.endsWith(".md"))
      .map((file): [string, string] => [file, read(file)]),
    ...notebooks.map((name): [string, string] => [`notebooks/${name}`, markdownOf(`notebooks/${name}`)]),
  ];
  const dead = documents.flatMap(([file, markdown]) =>
    Array.from(withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target) && !isThere(file, target))
      .map((target) => `${file}: ${target}`),
  );
  expect(documents.length).toBeGreaterThan(5);
  expect(dead).toEqual([]);
});

const withoutCode = (markdown: string) => markdown.replace(/^```.*?^```|`[^`\n]*`/gms, "");

function markdownOf(notebook: string): string {
  const { cells } = JSON.parse(read(notebook)) as { cells: { cell_type: string; source: string[] }[] };
  return cells.flatMap((cell) => (cell.cell_type === "markdown" ? [cell.source.join("")] : [])).join("\n\n");
}

function isThere(from: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(ROOT, from) : join(ROOT, dirname(from), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || headingsIn(relative(ROOT, file)).includes(anchor);
}

/** The anchors that GitHub gives to headings. */
function headingsIn(file: string): string[] {
  return Array.from(read(file).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
