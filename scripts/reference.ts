/**
 * `npm run reference`: writes `docs/api.md` and `src/option-names.ts` from the declarations and doc comments of the public
 * surface. `--check` writes nothing and fails if one of them is out of date.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..");
const SRC = join(ROOT, "src");
const OPTION_NAMES = join(SRC, "option-names.ts");
const REFERENCE = join(ROOT, "docs/api.md");
const LINE_WIDTH = 110;

/** Exports of each chapter in reading order. Types that only one call uses follow it without being listed. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  Contexts: ["cc", "CartoContext", "Credentials"],
  DataFrames: ["DataFrame", "Series", "readCSV", "readJSON", "readExcel"],
  Jobs: ["BatchJobStatus"],
  Maps: ["Layer", "QueryLayer", "BaseMap", "styling", "MapView"],
  Figures: ["figure", "Figure", "FigureCell"],
  "Data Observatory": ["Observatory"],
};

const INTRODUCTION = `# API reference

<!-- Written by \`npm run reference\` from the declarations in src/ and their doc comments. Edit those instead. -->

Everything that \`import { … } from "cartoframes"\` provides. The guides in [docs/](README.md) explain the same by task;
[command-line.md](command-line.md) lists commands and environment variables.

Coordinates are longitude first, latitude second. Every method of a context returns a promise; a notebook cell can \`await\` it
directly.
`;

const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
const { options: compilerOptions } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);

/** The public surface and the declarations behind it. */
class Surface {
  readonly checker: ts.TypeChecker;
  readonly exports: ReadonlyMap<string, ts.Symbol>;
  readonly #program: ts.Program;

  constructor() {
    const entry = join(SRC, "index.ts");
    this.#program = ts.createProgram([entry], compilerOptions);
    this.checker = this.#program.getTypeChecker();
    const source = this.#program.getSourceFile(entry);
    const module = source && this.checker.getSymbolAtLocation(source);
    if (!module) throw new Error("src/index.ts exports nothing.");
    this.exports = new Map(
      this.checker.getExportsOfModule(module).map((symbol) => [symbol.name, this.#resolved(symbol)]),
    );
  }

  #resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  get ownFiles(): ts.SourceFile[] {
    return this.#program.getSourceFiles().filter(isOwn);
  }

  /** Members that our declarations give to a class or an interface, without hidden ones; `internal` keeps those marked `@internal`. */
  members(symbol: ts.Symbol, { internal = false } = {}): ts.Symbol[] {
    return this.checker
      .getDeclaredTypeOfSymbol(symbol)
      .getProperties()
      .filter((member) => isShown(member, internal));
  }
}

const isOwn = ({ fileName }: ts.SourceFile) => fileName.startsWith(SRC);

function declarationOf(symbol: ts.Symbol): ts.Declaration | undefined {
  return symbol.declarations?.find((node) => isOwn(node.getSourceFile()));
}

function isShown(member: ts.Symbol, internal: boolean): boolean {
  const declaration = declarationOf(member);
  if (declaration === undefined || /^(#|__)/.test(member.name)) return false;
  if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) return false;
  return internal || !hasTag(member, "internal");
}

const hasTag = (symbol: ts.Symbol, name: string) => symbol.getJsDocTags().some((tag) => tag.name === name);

/** Returns the option names of each interface that the sources use as `OPTION_NAMES.<interface>`. */
function optionNames(surface: Surface): string {
  const used = new Set<string>();
  const declared = new Map<string, ts.Symbol>();
  for (const file of surface.ownFiles) {
    for (const [, name] of file.text.matchAll(/\bOPTION_NAMES\.(\w+)/g)) if (name) used.add(name);
    for (const node of file.statements) {
      if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node)) continue;
      const symbol = surface.checker.getSymbolAtLocation(node.name);
      if (symbol && ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export)
        declared.set(node.name.text, symbol);
    }
  }
  const lists = [...used].sort().map((name) => {
    const symbol = declared.get(name);
    if (!symbol) throw new Error(`OPTION_NAMES.${name} is used, but no interface of that name is exported.`);
    const names = surface.members(symbol, { internal: true }).map((member) => JSON.stringify(member.name));
    return `  ${name}: [${names.join(", ")}],`;
  });
  return `/** Option names of the interfaces that calls check their arguments against. Written by \`npm run reference\`. */
// biome-ignore format: generated
export const OPTION_NAMES = {
${lists.join("\n")}
} as const;
`;
}

/** Writes Markdown from symbols. */
class Reference {
  readonly #surface: Surface;
  readonly #written = new Set<string>();

  constructor(surface: Surface) {
    this.#surface = surface;
  }

  readonly #isOurs = (name: string): boolean => {
    const symbol = this.#surface.exports.get(name);
    return symbol !== undefined && declarationOf(symbol) !== undefined;
  };

  toString(): string {
    const chapters = Object.entries(CHAPTERS).map(
      ([title, names]) => `## ${title}\n\n${names.map((name) => this.#entry(name)).join("\n")}`,
    );
    const errors = [...this.#surface.exports].filter(([name]) => name.endsWith("Error"));
    const rest = () => [...this.#surface.exports.keys()].filter((name) => !this.#written.has(name));
    const body = [...chapters, `## Errors\n\n${this.#errors(errors)}`].join("\n");
    const types = rest()
      .sort()
      .map((name) => this.#entry(name));
    return tidied(
      `${INTRODUCTION}\n${contents([...Object.keys(CHAPTERS), "Errors", "Other types"])}\n\n${body}\n## Other types\n\n${types.join("\n")}`,
    );
  }

  #entry(name: string): string {
    const symbol = this.#surface.exports.get(name);
    if (!symbol) throw new Error(`The reference lists ${name}, which src/index.ts does not export.`);
    this.#written.add(name);
    const declaration = declarationOf(symbol);
    const heading = `### ${name}\n\n`;
    if (!declaration) return `${heading}Exported from ${packageOf(symbol)}.\n`;
    if (ts.isClassDeclaration(declaration)) return heading + this.#class(symbol, declaration);
    if (ts.isInterfaceDeclaration(declaration)) return `${heading}${prose(symbol)}${this.#table(symbol)}`;
    if (ts.isFunctionDeclaration(declaration)) return heading + this.#callable(symbol, name);
    return `${heading}${prose(symbol)}\`\`\`typescript\n${this.#text(symbol, declaration)}\n\`\`\`\n`;
  }

  /** Returns the declaration of a type or constant; a type derived from a value is spelled out. */
  #text(symbol: ts.Symbol, declaration: ts.Declaration): string {
    if (ts.isVariableDeclaration(declaration)) {
      return `const ${declaration.name.getText()}: ${declaration.type?.getText() ?? "unknown"}`;
    }
    const text = declaration.getText().replace(/^export /, "");
    if (!text.includes("typeof ")) return text;
    const type = this.#surface.checker.getDeclaredTypeOfSymbol(symbol);
    const { NoTruncation, InTypeAlias } = ts.TypeFormatFlags;
    return `type ${symbol.name} = ${this.#surface.checker.typeToString(type, undefined, NoTruncation | InTypeAlias)};`;
  }

  #class(symbol: ts.Symbol, declaration: ts.ClassDeclaration): string {
    const variable = symbol.name === "CartoContext" ? "cc" : instanceName(symbol.name);
    const make = declaration.members.find(ts.isConstructorDeclaration);
    const made = make && !hasInternalTag(make) ? this.#maker(symbol.name, make) : "";
    const statics = [...(symbol.exports?.values() ?? [])].filter(
      (member) => member.flags & ts.SymbolFlags.Method && isShown(member, false),
    );
    const members = this.#surface.members(symbol);
    const methods = members.filter((member) => member.flags & ts.SymbolFlags.Method);
    const fields = members.filter((member) => !(member.flags & ts.SymbolFlags.Method));
    const sections = [
      ...statics.map(
        (member) =>
          `#### ${symbol.name}.${member.name}\n\n${this.#callable(member, `${symbol.name}.${member.name}`)}`,
      ),
      ...methods.map(
        (member) =>
          `#### ${variable}.${member.name}\n\n${this.#callable(member, `${variable}.${member.name}`)}`,
      ),
    ];
    return [
      prose(symbol),
      made,
      fields.length > 0 ? `${propertyTable("Property", fields, this.#isOurs)}\n` : "",
      ...sections,
    ]
      .filter(Boolean)
      .join("\n");
  }

  #maker(name: string, declaration: ts.ConstructorDeclaration): string {
    const signature = this.#surface.checker.getSignatureFromDeclaration(declaration);
    if (!signature) return "";
    return `#### new ${name}\n\n\`\`\`typescript\nnew ${name}(${parametersOf(declaration)})\n\`\`\`\n\n${this.#details(signature, declaration)}`;
  }

  /** Describes a function or method: signatures, text, parameters with their options, result and errors. */
  #callable(symbol: ts.Symbol, name: string): string {
    const declarations = (symbol.declarations ?? []).filter(
      (node) => ts.isMethodDeclaration(node) || ts.isFunctionDeclaration(node),
    );
    const overloads = declarations.length > 1 ? declarations.filter((node) => !node.body) : declarations;
    return overloads
      .map((declaration) => {
        const signature = this.#surface.checker.getSignatureFromDeclaration(declaration);
        if (!signature) return "";
        const result = declaration.type ? `: ${flat(declaration.type.getText())}` : "";
        return `\`\`\`typescript\n${name}(${parametersOf(declaration)})${result}\n\`\`\`\n\n${this.#details(signature, declaration)}`;
      })
      .join("\n");
  }

  #details(signature: ts.Signature, declaration: ts.SignatureDeclaration): string {
    const tags = signature.getJsDocTags();
    const said = (name: string) =>
      tags.filter((tag) => tag.name === name).map((tag) => ts.displayPartsToString(tag.text));
    const parameters = said("param").map((text) =>
      text.replace(/^(\S+)\s*(?:-\s*)?(.*)$/s, (_, name, what) => `* \`${name}\`: ${folded(what)}`),
    );
    const options = declaration.parameters.flatMap((parameter) => this.#optionsOf(parameter.type));
    return [
      paragraphs(ts.displayPartsToString(signature.getDocumentationComment(this.#surface.checker))),
      parameters.length > 0 ? `${parameters.join("\n")}\n` : "",
      ...options,
      ...said("returns").map((text) => `**Returns** ${folded(text)}\n`),
      ...throwsList(said("throws")),
      ...said("example").map((text) => `${text.trim()}\n`),
    ]
      .filter(Boolean)
      .join("\n");
  }

  /** Returns tables of the option interfaces in a parameter's type, one per interface in the whole reference. */
  #optionsOf(type: ts.TypeNode | undefined): string[] {
    if (!type) return [];
    if (ts.isIntersectionTypeNode(type)) return type.types.flatMap((part) => this.#optionsOf(part));
    if (!ts.isTypeReferenceNode(type)) return [];
    const name = type.typeName.getText();
    const symbol = this.#surface.exports.get(name);
    if (!symbol || !(symbol.flags & ts.SymbolFlags.Interface)) return [];
    if (this.#written.has(name)) return [`Options: see [\`${name}\`](#${anchor(name)}).\n`];
    this.#written.add(name);
    return [`##### ${name}\n\n${this.#table(symbol)}`];
  }

  #table(symbol: ts.Symbol): string {
    const title = symbol.name.endsWith("Options") ? "Option" : "Property";
    return `${propertyTable(title, this.#surface.members(symbol), this.#isOurs)}\n`;
  }

  #errors(errors: readonly [string, ts.Symbol][]): string {
    const rows = errors.map(([name, symbol]) => {
      this.#written.add(name);
      const fields = this.#surface.members(symbol).filter((member) => !["name"].includes(member.name));
      const listed = fields.map(
        (member) =>
          `\`${member.name}\`: ${cell(ts.displayPartsToString(member.getDocumentationComment(this.#surface.checker))) || `\`${cell(typeOf(member))}\``}`,
      );
      return `| \`${name}\` | ${cell(ts.displayPartsToString(symbol.getDocumentationComment(this.#surface.checker)))} | ${listed.join("; ") || "–"} |`;
    });
    return `| Class | Thrown when | Properties |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  }
}

/** Collapses empty lines, and marks examples with placeholders as not runnable. */
const tidied = (markdown: string) =>
  markdown
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^```ts\n(?=(?:(?!^```$)[\s\S])*"…")/gm, "<!-- not run: it has a placeholder -->\n```ts\n");

function propertyTable(
  title: string,
  members: readonly ts.Symbol[],
  isExported: (name: string) => boolean,
): string {
  if (members.length === 0) return "";
  const rows = members.map((member) => {
    const tags = member.getJsDocTags();
    const fallback = tags.find((tag) => tag.name === "default");
    const thrown = tags
      .filter((tag) => tag.name === "throws")
      .map((tag) => ` Throws ${cell(ts.displayPartsToString(tag.text))}`);
    const what = cell(ts.displayPartsToString(member.getDocumentationComment(undefined))) + thrown.join("");
    return `| \`${member.name}\` | ${typeCell(typeOf(member), isExported)} | ${what} | ${fallback ? cell(ts.displayPartsToString(fallback.text)) : "–"} |`;
  });
  return `| ${title} | Type | Description | Default |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** Returns the type as code, linked if the reference has an entry of that name. */
function typeCell(type: string, isExported: (name: string) => boolean): string {
  const code = `\`${cell(type)}\``;
  return isExported(type) ? `[${code}](#${anchor(type)})` : code;
}

/** Returns the type from the declaration, which reads better than the checker's expansion. */
function typeOf(member: ts.Symbol): string {
  const declaration = declarationOf(member);
  if (!declaration) return "";
  if (
    (ts.isPropertySignature(declaration) ||
      ts.isPropertyDeclaration(declaration) ||
      ts.isGetAccessor(declaration) ||
      ts.isParameter(declaration)) &&
    declaration.type
  )
    return declaration.type.getText();
  if (ts.isMethodSignature(declaration)) {
    const overloads = (member.declarations ?? []).filter(ts.isMethodSignature);
    return overloads.map((one) => `(${parametersOf(one)}) => ${one.type?.getText() ?? "void"}`).join("; ");
  }
  if (ts.isPropertyDeclaration(declaration) && declaration.initializer)
    return declaration.initializer.getText();
  return "unknown";
}

function parametersOf(declaration: ts.SignatureDeclaration): string {
  return declaration.parameters
    .map((parameter) => {
      const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined;
      const name = ts.isIdentifier(parameter.name) ? parameter.name.text : "options";
      return `${parameter.dotDotDotToken ? "..." : ""}${name}${isOptional ? "?" : ""}: ${flat(parameter.type?.getText() ?? "unknown")}`;
    })
    .join(", ");
}

/** Returns the doc comment, examples included, as Markdown. */
function prose(symbol: ts.Symbol): string {
  const text = paragraphs(ts.displayPartsToString(symbol.getDocumentationComment(undefined)));
  const tags = symbol.getJsDocTags();
  const examples = tags
    .filter((tag) => tag.name === "example")
    .map((tag) => `\n${ts.displayPartsToString(tag.text).trim()}\n`);
  return text + examples.join("") + (text || examples.length > 0 ? "\n" : "");
}

function throwsList(texts: readonly string[]): string[] {
  const items = texts.map((text) =>
    text.replace(/^(\w+)\s*(.*)$/s, (_, name, when) => `* \`${name}\` ${folded(when)}`),
  );
  return items.length > 0 ? [`**Throws**\n\n${items.join("\n")}\n`] : [];
}

/** Refills the lines of a doc comment, except code blocks and lists. */
function paragraphs(text: string): string {
  const blocks = text.trim().split(/\n{2,}/);
  let inCode = false;
  const filled = blocks.map((block) => {
    const stays = inCode || block.startsWith("```") || /^[*-] /m.test(block);
    if ((block.match(/^```/gm) ?? []).length % 2 === 1) inCode = !inCode;
    return stays ? block : wrapped(links(block).replace(/\s*\n\s*/g, " "));
  });
  return filled.join("\n\n") + (text.trim() ? "\n" : "");
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > LINE_WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}

const folded = (text: string) => links(text).replace(/\s+/g, " ").trim();
const flat = (text: string) => text.replace(/\breadonly /g, "").replace(/\s+/g, " ");
const cell = (text: string) => flat(folded(text)).replaceAll("|", "\\|");
const links = (text: string) =>
  text.replace(
    /\{@link (\w+)(?:\s*\|?\s*([^}]*))?\}/g,
    (_, name, label) => `[\`${label?.trim() || name}\`](#${anchor(name)})`,
  );
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
const contents = (titles: readonly string[]) =>
  titles.map((title) => `* [${title}](#${anchor(title)})`).join("\n");
const instanceName = (name: string) =>
  name.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (capital) => capital.toLowerCase());
const hasInternalTag = (node: ts.Node) =>
  ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal");

function packageOf(symbol: ts.Symbol): string {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? "";
  const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? "another package";
  return `[${name}](https://www.npmjs.com/package/${name})`;
}

function main(): void {
  const check = process.argv.includes("--check");
  const surface = new Surface();
  const files: [path: string, content: string][] = [
    [OPTION_NAMES, optionNames(surface)],
    [REFERENCE, new Reference(surface).toString()],
  ];
  const stale = files.filter(([path, content]) => read(path) !== content);
  if (!check) for (const [path, content] of stale) writeFileSync(path, content);
  for (const [path] of stale)
    console.log(`${relative(ROOT, path)} ${check ? "is out of date: run `npm run reference`." : "written."}`);
  if (check && stale.length > 0) process.exit(1);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

main();
