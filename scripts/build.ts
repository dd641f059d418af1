/** Builds everything that the package ships into `dist`. Keeps each part whose inputs have not changed. Usage: `npm run build` */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build as bundle } from "esbuild";
import { buildBasemap, buildUsaBasemap } from "./basemap";
import { BUNDLES } from "./bundles";
import { buildCityNames } from "./city-names";
import { DANFO_BUNDLE } from "./danfo";
import { buildFont } from "./font";
import { buildGazetteer } from "./gazetteer";
import { buildNames } from "./names";
import { writeNotices } from "./notices";
import { buildStarter } from "./observatory";
import { buildPage } from "./page";
import { buildTemplate } from "./template";
import { buildTypes } from "./types";
import { buildVega } from "./vega";

const ROOT = join(__dirname, "..");
const DIST = join(ROOT, "dist");
const STAMPS = join(DIST, ".build.json");

interface Part {
  /** Name in the console. */
  readonly says: string;
  /** Files and folders that `make` writes. */
  readonly outputs: readonly string[];
  /** Programs whose source files and imports are the inputs, in addition to the installed packages. */
  readonly inputs: readonly string[];
  readonly make: () => Promise<unknown>;
}

const dist = (name: string) => join(DIST, name);

const PARTS: readonly Part[] = [
  {
    says: "programs",
    outputs: Object.keys(BUNDLES.entryPoints).map((name) => dist(`${name}.js`)),
    inputs: [...Object.values(BUNDLES.entryPoints), "scripts/bundles.ts"],
    make: () => bundle(BUNDLES),
  },
  {
    says: "bundle of danfo.js",
    outputs: [dist("danfo.js")],
    inputs: ["scripts/danfo.ts", "src/frame/danfo-request.ts"],
    make: () => bundle({ ...DANFO_BUNDLE, outdir: DIST }),
  },
  {
    says: "program of map pages",
    outputs: [dist("page.js"), dist("page-together.js"), dist("page-boot.js")],
    inputs: [
      "src/render/page/browser/page.ts",
      "src/render/page/browser/page-together.ts",
      "src/render/page/browser/boot.ts",
      "scripts/page.ts",
    ],
    make: () => buildPage(DIST),
  },
  {
    says: "bundle of Vega",
    outputs: [dist("vega.js")],
    inputs: ["src/render/figure/program.ts", "scripts/vega.ts"],
    make: () => buildVega(DIST),
  },
  {
    says: "basemap",
    outputs: [dist("basemap.bin"), dist("basemap-usa.bin")],
    inputs: ["scripts/basemap.ts"],
    make: async () => {
      await buildBasemap(dist("basemap.bin"));
      await buildUsaBasemap(dist("basemap-usa.bin"));
    },
  },
  {
    says: "place names",
    outputs: [dist("names.bin")],
    inputs: ["scripts/names.ts"],
    make: () => buildNames(dist("names.bin")),
  },
  {
    says: "names of cities in other languages",
    outputs: [dist("city-names.json.zz")],
    inputs: ["scripts/city-names.ts"],
    make: () => buildCityNames(dist("city-names.json.zz")),
  },
  {
    says: "gazetteer",
    outputs: [dist("gazetteer.json.br")],
    inputs: ["scripts/gazetteer.ts"],
    make: () => buildGazetteer(dist("gazetteer.json.br")),
  },
  {
    says: "font",
    outputs: [dist("font.ttf"), dist("font-latin.ttf"), dist("font-names.woff2")],
    inputs: ["scripts/font.ts"],
    make: () => buildFont(dist("font.ttf")),
  },
  {
    says: "type declarations (10 s)",
    outputs: [dist("index.d.ts"), dist("declarations.d.ts")],
    inputs: ["src/index.ts", "scripts/types.ts"],
    make: () => buildTypes(dist("index.d.ts")),
  },
  {
    says: "third-party notices",
    outputs: [join(ROOT, "THIRD_PARTY_NOTICES.md")],
    inputs: [
      ...Object.values(BUNDLES.entryPoints),
      "src/render/page/browser/page-together.ts",
      "scripts/notices.ts",
    ],
    make: () => writeNotices(join(ROOT, "THIRD_PARTY_NOTICES.md")),
  },
  {
    says: "database template (30 s)",
    outputs: [dist("template")],
    inputs: ["scripts/template.ts"],
    make: () => buildTemplate(dist("template")),
  },
  {
    says: "starter catalog of the Data Observatory (30 s)",
    outputs: [dist("observatory.json.br")],
    inputs: ["scripts/observatory.ts"],
    make: () => buildStarter(dist("observatory.json.br")),
  },
];

/** Makes the parts that are missing or whose inputs have changed. */
export async function build(): Promise<void> {
  rmSync(dist("types"), { recursive: true, force: true }); // of earlier versions
  for (const { says, outputs, inputs, make } of PARTS) {
    const stamp = await hashOf(inputs);
    if (readStamps()[says] === stamp && outputs.every(existsSync)) continue;
    console.error(`Building the ${says}…`);
    await make();
    writeFileSync(STAMPS, `${JSON.stringify({ ...readStamps(), [says]: stamp }, null, 2)}\n`);
  }
}

function readStamps(): Record<string, string> {
  return existsSync(STAMPS) ? JSON.parse(readFileSync(STAMPS, "utf8")) : {};
}

/** Hashes programs, the files of this project that they import, and the list of installed packages. */
async function hashOf(programs: readonly string[]): Promise<string> {
  const { metafile } = await bundle({
    entryPoints: programs.map((file) => join(ROOT, file.replace(ROOT, ""))),
    bundle: true,
    packages: "external",
    platform: "node",
    loader: { ".sql": "text", ".css": "text" },
    outdir: DIST,
    write: false,
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: "error",
  });
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", ...Object.keys(metafile.inputs).sort()]) {
    hash
      .update(`${relative(ROOT, join(ROOT, file))}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

if (require.main === module) {
  build().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
