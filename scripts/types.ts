/** Bundles the declarations of the public surface, danfo's included, into `dist/index.d.ts`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const ROOT = join(__dirname, "..");

/** Replacements for types that danfo's declarations import from packages that dependent projects lack. */
const TYPES_OF_OTHERS = [
  [
    /import \{ BaseUserConfig, TableUserConfig \} from ["']table["'];/,
    "type BaseUserConfig = object; type TableUserConfig = object;",
  ],
  [
    /import \{ Config, Layout \} from "plotly.js-dist-min";/,
    "interface Config { [option: string]: any } type Layout = Record<string, any>;",
  ],
  [/import \{ HeadersInit \} from "node-fetch";/, "type HeadersInit = Record<string, string>;"],
  [
    /import \{ ParsingOptions, WritingOptions \} from "xlsx";/,
    "type ParsingOptions = Record<string, any>; type WritingOptions = Record<string, any>;",
  ],
  [
    /import \{ ParseConfig \} from 'papaparse';/,
    `/** Options of Papa Parse: https://www.papaparse.com/docs#config */
     interface ParseConfig { delimiter?: string; newline?: string; quoteChar?: string; escapeChar?: string; header?: boolean;
       preview?: number; comments?: boolean | string; skipEmptyLines?: boolean | "greedy"; dynamicTyping?: boolean | Record<string, boolean>;
       encoding?: string; [option: string]: any }`,
  ],
  [/import request from "request";/, ""],
  [/request\.RequiredUriUrl & request\.CoreOptions/, "Record<string, any>"],
  [/import stream from "stream";/, ""],
  [/stream\.(Readable|Transform)/g, "any"],
  // Private and protected members make classes nominal: frames of a project's own danfojs-node would not be accepted.
  [/^ +(private|protected) .*;\n/gm, ""],
  [/^\/\*\*\n\* {2}@license[\s\S]*?\*\/\n/, ""],
  [/from "danfojs-node"/g, 'from "cartoframes"'], // in examples
] as const;

/** Writes `index.d.ts` and `declarations.d.ts`. A dependent project needs no types of other packages, except those of Node. */
export async function buildTypes(outFile: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "cartoframes-types-"));
  try {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    execFileSync(
      process.execPath,
      [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(work, "ours")],
      {
        stdio: "inherit",
      },
    );
    copyDanfo(join(work, "danfo"));
    for (const file of declarationsIn(join(work, "ours"))) {
      const danfo = relative(dirname(file), join(work, "danfo/danfojs-node/src/index"));
      const text = withClasses(readFileSync(file, "utf8"));
      writeFileSync(file, text.replaceAll('"danfojs-node"', JSON.stringify(danfo)));
    }
    const bundle = await rollup({
      input: join(work, "ours/index.d.ts"),
      plugins: [
        dts({
          tsconfig: join(ROOT, "tsconfig.json"),
          compilerOptions: { typeRoots: [join(ROOT, "node_modules/@types")] },
        }),
      ],
      onwarn: ({ code, message }) => {
        if (code !== "UNRESOLVED_IMPORT") console.warn(message); // not an error: most of these types are left out in the end
      },
    });
    const { output } = await bundle.generate({ format: "es" });
    writeDeclarations(output[0].code, outFile);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Writes the bundle to `declarations.d.ts`, where every type can be imported, and the public surface to `index.d.ts`. tslab
 * writes the declarations of each cell and must be able to name the type of any variable, even if the type is not public.
 */
function writeDeclarations(bundle: string, outFile: string): void {
  const exportLists = /^export (type )?\{([^}]*)\};\n?/gm;
  const code = bundle.replace(exportLists, "");
  const declared =
    /^(?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum|namespace) ([\w$]+)/gm;
  const names = [...new Set([...code.matchAll(declared)].map(([, name]) => name))];
  const surface = [...bundle.matchAll(exportLists)].map(
    ([, type = "", list]) => `export ${type}{${list}} from "./declarations";\n`,
  );
  writeFileSync(join(dirname(outFile), "declarations.d.ts"), `${code}\nexport { ${names.join(", ")} };\n`);
  writeFileSync(outFile, surface.join(""));
}

/**
 * Declares danfo's classes as classes. The source has a constant and a type of each, because danfo is loaded on first use; but
 * tslab writes the declarations of each cell, and TypeScript would write out the whole class for such a constant.
 */
function withClasses(text: string): string {
  const names: string[] = [];
  const rest = text.replace(
    /(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export declare const (\w+): typeof danfo\.\1;\nexport type \1 = danfo\.\1;\n/g,
    (_, name: string) => {
      names.push(name);
      return "";
    },
  );
  if (names.length === 0) return text;
  return `import { ${names.join(", ")} } from "danfojs-node";\n${rest}export { ${names.join(", ")} };\n`;
}

/**
 * Declares one class of frames and one of Series. danfo has two of each: `new DataFrame()` has methods to write files, and
 * `df.head()` has none. `repairDanfo` gives them to both.
 */
function withOneClass(file: string, text: string): string {
  const [, room, name] = /danfojs-(base|node\/src)\/core\/(frame|series)\.d\.ts$/.exec(file) ?? [];
  if (room === "node/src") return `export { default } from "../../../danfojs-base/core/${name}";\n`;
  if (room !== "base") return text;
  const methods = `$&
    constructor(data?: any, options?: BaseDataOptionType);
    /** Returns the values as CSV, or writes them to \`filePath\`. */
    toCSV(options?: CsvOutputOptionsNode): string;
    /** Returns the values as JSON, or writes them to \`filePath\`. */
    toJSON(options?: JsonOutputOptionsNode): object;
    /** Writes the values to the Excel file \`filePath\`. */
    toExcel(options?: ExcelOutputOptionsNode): void;`;
  return `import { CsvOutputOptionsNode, ExcelOutputOptionsNode, JsonOutputOptionsNode } from "../shared/types";\n${text
    .replace(/^ {4}constructor\(.*\n/m, "")
    .replace(/^export default class .*\{$/m, methods)}`;
}

function copyDanfo(dir: string): void {
  const from = join(ROOT, "node_modules/danfojs-node/dist");
  for (const file of declarationsIn(from)) {
    const to = join(dir, relative(from, file));
    mkdirSync(dirname(to), { recursive: true });
    let text = readFileSync(file, "utf8");
    for (const [pattern, replacement] of TYPES_OF_OTHERS) text = text.replace(pattern, replacement);
    writeFileSync(to, withOneClass(file, text));
  }
}

const declarationsIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".d.ts"))
    .map((name) => join(dir, name));
