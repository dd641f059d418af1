/** Bundles the declarations of the public surface, danfo's included, into `dist/index.d.ts`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const ROOT = join(__dirname, "..");

/** Types that danfo's declarations import from packages which a dependent project does not have. */
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
  // Private members would make the classes nominal, so that a frame of a project's own danfojs-node would be refused.
  [/^ +private .*;\n/gm, ""],
  [/^\/\*\*\n\* {2}@license[\s\S]*?\*\/\n/, ""],
  [/from "danfojs-node"/g, 'from "cartoframes"'], // in examples
] as const;

/** Writes `index.d.ts` and `index.d.ts` alone: a dependent project needs no types of other packages but Node's. */
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
      const text = readFileSync(file, "utf8");
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
    await bundle.write({ file: outFile, format: "es" });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function copyDanfo(dir: string): void {
  const from = join(ROOT, "node_modules/danfojs-node/dist");
  for (const file of declarationsIn(from)) {
    const to = join(dir, relative(from, file));
    mkdirSync(dirname(to), { recursive: true });
    let text = readFileSync(file, "utf8");
    for (const [pattern, replacement] of TYPES_OF_OTHERS) text = text.replace(pattern, replacement);
    writeFileSync(to, text);
  }
}

const declarationsIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".d.ts"))
    .map((name) => join(dir, name));
