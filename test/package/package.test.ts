import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localHome } from "../../src/local/home";
import { stopServer } from "../../src/local/launcher";
import { Kernel } from "../support/jupyter";

const ROOT = join(__dirname, "../..");
const run = promisify(execFile);

/** A project of somebody else that depends on the packed package, with nothing but the README's overrides. */
let project: string;
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
  const overrides = JSON.parse(
    /```json\n(\{[^`]*"overrides"[^`]*)```/.exec(await readFile(join(ROOT, "README.md"), "utf8"))![1]!,
  );
  const dependencies = { cartoframes: `file:${filename}`, tslab: "1.0.22" };
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "theirs", private: true, ...overrides, dependencies }),
  );
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], { cwd: project });
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
    const heavy = Object.keys(require.cache).filter((file) => /danfojs|tensorflow|pglite|fastify/.test(file));
    console.log(JSON.stringify(heavy));`;
  expect(await node("-e", program)).toBe("[]\n");
});

test("a missing or broken danfo is explained", async () => {
  const program =
    'require("cartoframes").cc.query("SELECT 1").catch((error) => console.log(error.name, error.message));';
  const danfo = join(project, "node_modules/danfojs-node");
  const tensorflow = join(project, "node_modules/@tensorflow/tfjs-node");
  for (const [folder, message] of [
    [danfo, "DanfoMissingError danfojs-node, which DataFrames are made of, is not installed"],
    [tensorflow, "DanfoMissingError danfojs-node is installed but does not load"],
  ] as const) {
    await rename(folder, `${folder}-away`);
    const output = await node("-e", program).finally(() => rename(`${folder}-away`, folder));
    expect(output).toContain(message);
    expect(output).toContain('"xlsx": "npm:@e965/xlsx@');
  }
});

describe("a tslab notebook of that project", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await Kernel.start({ cwd: join(project, "work"), env: env() });
  });
  afterAll(() => kernel?.shutdown());

  test("runs a cell and shows the frame", async () => {
    const { status, results } = await kernel.execute(
      'import { cc } from "cartoframes";\nconst df = await cc.query("SELECT 1 AS a, \'x\' AS b");\ndf',
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
