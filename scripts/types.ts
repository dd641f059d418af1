/** Bundles the declarations of the public surface, danfo's included, into `dist/index.d.ts`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Plugin, rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const ROOT = join(__dirname, "..");
const DANFO = join(ROOT, "node_modules/danfojs-node/dist/danfojs-node/src/index.d.ts");

/** Types that danfo's declarations import from packages which a dependent project does not have. */
const TYPES_OF_OTHERS = [
  [/import \{ BaseUserConfig, TableUserConfig \} from ["']table["'];/, "type BaseUserConfig = object; type TableUserConfig = object;"],
  [/import \{ Config, Layout \} from "plotly.js-dist-min";/, "interface Config { [option: string]: any } type Layout = Record<string, any>;"],
  [/import \{ HeadersInit \} from "node-fetch";/, "type HeadersInit = Record<string, string>;"],
  [/import \{ ParsingOptions, WritingOptions \} from "xlsx";/, "type ParsingOptions = Record<string, any>; type WritingOptions = Record<string, any>;"],
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
  [/^\/\*\*\n\*  @license[\s\S]*?\*\/\n/, ""],
  [/from "danfojs-node"/g, 'from "cartoframes"'], // in examples
] as const;
