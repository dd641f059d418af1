/** A dependent project with `tsc --strict` and without `skipLibCheck`, by the oldest and the newest TypeScript. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(__dirname, "../..");

const PROGRAM = `
import { cc, concat, CartoContext, DataFrame, figure, Layer, MapView, merge, QueryLayer, readCSV, readJSON, Series, SqlError, toCSV }
  from "cartoframes";

class Places extends DataFrame {
  first(): DataFrame { return this.head(1) as DataFrame; }
}

export async function main(): Promise<DataFrame> {
  const df: DataFrame = await cc.read("places", { decodeGeom: true });
  const column: Series = df.column("people");
  const csv: DataFrame = await readCSV("places.csv", { delimiter: ";" });
  const json: DataFrame = await readJSON("places.json");
  const merged = merge({ left: df, right: csv, on: ["name"], how: "left" });
  const all = concat({ dfList: [df, json, column], axis: 0 });
  if (all instanceof DataFrame) console.log(toCSV(all), merged.shape);
  const view: MapView = await cc.map({ layers: [new Layer("places", { color: "red" }), new QueryLayer("SELECT 1")] });
  await cc.write(new Places({ name: ["Bern"] }).first(), "places");
  console.log(figure(), view, SqlError, CartoContext);
  return new DataFrame({ people: [1] });
}
`;

/** Frames of the project's own copy of danfo are arguments like ours. */
const OWN_DANFO = `
import { cc, Layer } from "cartoframes";
import { DataFrame } from "danfojs-node";
export const df = new DataFrame({ lng: [7.4], lat: [46.9] });
export const written = cc.write(df, "places", { lnglat: ["lng", "lat"] });
export const layer = new Layer(df, { lnglat: ["lng", "lat"] });
`;

const OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: "es2022",
  types: ["node"],
};

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "declarations-"));
  const installed = join(project, "node_modules/cartoframes"); // a copy: a link would find this repository's packages
  mkdirSync(join(installed, "dist"), { recursive: true });
  mkdirSync(join(project, "node_modules/@types"));
  copyFileSync(join(ROOT, "package.json"), join(installed, "package.json"));
  for (const name of ["index.d.ts", "declarations.d.ts"])
    copyFileSync(join(ROOT, "dist", name), join(installed, "dist", name));
  for (const name of ["@types/node", "danfojs-node"])
    symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  writeFileSync(join(project, "program.ts"), PROGRAM);
  writeFileSync(join(project, "own-danfo.ts"), OWN_DANFO);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Returns what the compiler prints, nothing if all is well. */
function compile(compiler: string, file: string, options: object): Promise<string> {
  const config = join(project, `${compiler}-${file}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...OPTIONS, ...options }, files: [file] }));
  const tsc = join(ROOT, "node_modules", compiler, "bin/tsc");
  return new Promise((done) => {
    execFile(process.execPath, [tsc, "-p", config], { cwd: project }, (_, stdout, stderr) =>
      done(stdout + stderr),
    );
  });
}

describe.each([
  ["typescript-5.0", { module: "commonjs", lib: ["es2022"] }],
  ["typescript-newest", { module: "nodenext", lib: ["es2022"] }],
])("%s", (compiler, options) => {
  test("accepts the declarations", async () => {
    expect(await compile(compiler, "program.ts", options)).toBe("");
  });

  test("accepts frames of the project's own danfojs-node", async () => {
    expect(await compile(compiler, "own-danfo.ts", { ...options, skipLibCheck: true })).toBe("");
  });
});
