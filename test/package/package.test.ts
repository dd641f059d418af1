import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localHome } from "../../src/local/home";
import { stopServer } from "../../src/local/launcher";
import { Kernel } from "../support/jupyter";

const ROOT = join(__dirname, "../..");
const run = promisify(execFile);

/** A project that depends on the packed package and on tslab, and on nothing else. */
let project: string;
let warnings: string;
const home = () => join(project, "home");
const env = () => ({ ...process.env, CARTOFRAMES_HOME: home() });
const node = async (...args: string[]) =>
  (await run(process.execPath, args, { cwd: project, env: env() })).stdout;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "cartoframes-package-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", project], {
    cwd: ROOT,
  });
  const { filename } = JSON.parse(stdout)[0];
  const dependencies = { cartoframes: `file:${filename}`, tslab: "1.0.22" };
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "theirs", private: true, dependencies }),
  );
  const install = await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], {
    cwd: project,
  });
  warnings = install.stderr;
  await mkdir(join(project, "work"));
});
afterAll(async () => {
  await stopServer(localHome(home()));
  await rm(project, { recursive: true, force: true });
});

test("CommonJS", async () => {
  const program = `
    const { cc, CartoContext } = require("cartoframes");
    cc.query("SELECT 1 AS a").then((df) => console.log(cc instanceof CartoContext, JSON.stringify(df.values)));`;
  expect(await node("-e", program)).toBe("true [[1]]\n");
});

test("ES modules", async () => {
  const program = `
    import { cc, SqlError } from "cartoframes";
    try { await cc.query("SELEC") } catch (error) { console.log(error instanceof SqlError, error.message) }`;
  expect(await node("--input-type=module", "-e", program)).toMatch(/^true syntax error at or near "SELEC"/);
});

test("importing loads neither danfo nor the database", async () => {
  const program = `
    require("cartoframes");
    const heavy = Object.keys(require.cache).filter((file) => /danfo|tensorflow|pglite|fastify/.test(file));
    console.log(JSON.stringify(heavy));`;
  expect(await node("-e", program)).toBe("[]\n");
});

test("frames need no other packages", async () => {
  const program = `
    const { DataFrame, readCSV, toCSV } = require("cartoframes");
    const frame = new DataFrame({ a: [1, 2] });
    console.log(frame instanceof DataFrame, toCSV(frame.add(1)).trim().split("\\n").join());
    readCSV("none.csv").catch(({ message }) => console.log(/".* exist/.exec(message)[0].split("/").at(-1)));`;
  expect(await node("-e", program)).toBe('true a,2,3\nnone.csv" does not exist\n');
});

test("does not disturb the project's own danfojs-node", async () => {
  const program = `
    const ours = require("cartoframes").DataFrame;
    const theirs = require("danfojs-node").DataFrame;
    const sums = [ours, theirs].map((Frame) => new Frame({ a: [1, 2] }).add(1).values);
    console.log(ours !== theirs, JSON.stringify(sums));`;
  const { stdout, stderr } = await run(process.execPath, ["-e", program], { cwd: ROOT });
  expect(stdout).toBe("true [[[2],[3]],[[2],[3]]]\n");
  expect(stderr).not.toContain("already"); // registered, by the other's TensorFlow.js
});

test("installs few and small packages, without a warning about direct dependencies", async () => {
  const sizeMb = async (folder: string) =>
    Number.parseInt((await run("du", ["-sm", join(project, "node_modules", folder)])).stdout, 10);
  const [all, ours] = [await sizeMb("."), await sizeMb("cartoframes")];
  expect(ours).toBeLessThan(40);
  expect(all).toBeLessThan(245); // tslab takes 100 MB of it, and GDAL 41 MB
  expect(warnings).not.toMatch(/deprecated|danfo|cartoframes|canvas|pglite/);
});

describe("a tslab notebook of that project", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await Kernel.start({ cwd: join(project, "work"), env: env() });
  });
  afterAll(() => kernel?.shutdown());

  test("runs a cell and shows the frame", async () => {
    const { status, results } = await kernel.execute(
      'import { cc, DataFrame } from "cartoframes";\nconst df = await cc.query("SELECT 1 AS a, \'x\' AS b");\ndf',
    );
    expect(results).toMatchObject([
      { output_type: "display_data", data: { "text/html": expect.stringContaining("<table") } },
    ]);
    expect(status).toBe("ok");
  });

  test("the frame is typed", async () => {
    const { stderr } = await kernel.execute("const n: number = df;");
    expect(stderr).toContain("Type 'DataFrame' is not assignable to type 'number'");
  });

  test("completion lists the methods, inspection shows their documentation", async () => {
    const matches = await kernel.complete("cc.", 3);
    expect(matches).toEqual(expect.arrayContaining(["read", "query", "write", "delete", "tables"]));
    expect(await kernel.inspect("cc.read", 6)).toContain("Reads a table as a DataFrame");
  });
});
