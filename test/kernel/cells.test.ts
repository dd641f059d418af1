import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Kernel } from "../support/jupyter";
import { createWorkspace, removeWorkspace } from "./workspace";

let cwd: string;
let kernel: Kernel;
beforeAll(async () => {
  cwd = await createWorkspace();
  kernel = await Kernel.start({ cwd });
  const setup = await kernel.execute(`import { CartoError } from "notebook-support";
import * as dfd from "danfojs-node";
const df = new dfd.DataFrame({ name: ["Bern", "Rom"], population: [134, 2761] });
const other = new dfd.DataFrame({ height: [1] });
const cc = {
  asked: 0,
  async read(table: string) { return table; },
  async tables() { this.asked++; return new dfd.DataFrame({ name: ["airports", "cities", "city_parks"] }); },
};`);
  expect(setup.outputs).toEqual([]);
});
afterAll(async () => {
  await kernel?.shutdown();
  if (cwd) removeWorkspace(cwd);
});

describe("a promise that is not awaited", () => {
  test.each([
    ['cc.read("x")', "This is a promise: put `await` before `cc.read(…)`.\n"],
    ["const later = cc.read('x');\nlater", "This is a promise: put `await` before `later`.\n"],
    ["await 1;\ncc.read(\n  'x',\n)", "This is a promise: put `await` before `cc.read(…)`.\n"],
  ])("is shown as one line: %s", async (code, line) => {
    const result = await kernel.execute(code);
    expect(result).toMatchObject({ status: "ok", stdout: "", stderr: line });
  });

  test("reports its failure, and the kernel keeps running", async () => {
    const result = await kernel.execute('Promise.reject(new CartoError("No table x."))');
    await sleep(100);
    expect(result.stderr).toContain("This is a promise");
    expect(result.stderr).toContain("CartoError: No table x.\n");
    expect(result.stderr).not.toContain("Unhandled");
    expect((await kernel.execute("1 + 1")).stdout).toBe("2\n");
  });
});

describe("a cell that fails", () => {
  test.each([
    ["while it runs", 'const kept1 = 41;\nthrow new CartoError("No.");', "kept1"],
    ["after an await", 'const kept2 = await Promise.resolve(41);\nthrow new CartoError("No.");', "kept2"],
    ["in what it awaits", 'let kept3 = 41;\nawait Promise.reject(new CartoError("No."));', "kept3"],
  ])("keeps the variables it assigned: %s", async (_, code, name) => {
    const result = await kernel.execute(code);
    expect(result).toMatchObject({ status: "error", stderr: "CartoError: No.\n" });
    expect((await kernel.execute(`${name} + 1`)).stdout).toBe("42\n");
  });

  test("does not show the value of the previous cell", async () => {
    await kernel.execute("({ a: 1 })");
    const result = await kernel.execute("const thrower = () => { throw new CartoError('No.'); };\nthrower()");
    expect(result).toMatchObject({ status: "error", stdout: "" });
  });

  test("keeps nothing if it does not compile", async () => {
    const result = await kernel.execute("const unknown1 = 1;\nconst n: string = 1;");
    expect(result.status).toBe("error");
    expect((await kernel.execute("unknown1")).stderr).toContain("Cannot find name 'unknown1'");
  });
});

describe("a misspelled column", () => {
  test("is named in an error about undefined", async () => {
    const { status, stderr } = await kernel.execute('df["popultion"].gt(1)');
    expect(status).toBe("error");
    expect(stderr).toBe(
      'TypeError: No column is named "popultion". Did you mean "population"? The columns are "name", "population". ' +
        "(Cannot read properties of undefined (reading 'gt'))\n",
    );
  });

  test("is named if it is the cell's value", async () => {
    expect((await kernel.execute('df["xyz"]')).stderr).toBe(
      'No column is named "xyz". The columns are "name", "population".\n',
    );
    expect((await kernel.execute('df["xyz"] === undefined')).stdout).toBe("true\n");
    expect((await kernel.execute('df["xyz"]; undefined')).outputs).toEqual([]);
  });

  test("is not blamed for other errors", async () => {
    const { stderr } = await kernel.execute('df["xyz"];\nconst none: any = null;\nnone.gt(1)');
    expect(stderr).toContain("Cannot read properties of null");
    expect(stderr).not.toContain("column");
    expect((await kernel.execute("const gone: any = undefined;\ngone.gt(1)")).stderr).not.toContain("column");
  });
});

describe("completion inside strings", () => {
  test.each([
    ['df["', ["name", "population"]],
    ['df["pop', ["population"]],
    ["df.column('n", ["name"]],
    ['df.loc({ columns: ["name", "po', ["population"]],
    ['new Layer(df, { color: "he', []],
    ['const x = other["h', ["height"]],
    ['cc.read("ci', ["cities", "city_parks"]],
    ['new Layer("air', ["airports"]],
    ['cc.query("SELECT * FROM ci', ["cities", "city_parks"]],
    ["cc.query(`SELECT name\nFROM airports JOIN cit", ["cities", "city_parks"]],
  ])("%s", async (code, names) => {
    expect(await kernel.complete(code)).toEqual(names);
  });

  test("replaces the typed text", async () => {
    const reply = await kernel.request("complete_request", { code: 'df["pop', cursor_pos: 7 });
    expect(reply.content).toMatchObject({ status: "ok", cursor_start: 4, cursor_end: 7 });
  });

  test("lists the tables once, and leaves code to tslab", async () => {
    expect((await kernel.execute("cc.asked")).stdout).toBe("1\n");
    expect(await kernel.complete("df.colu")).toEqual(expect.arrayContaining(["column", "columns"]));
    expect(await kernel.complete('"done"; df.colu')).toEqual(expect.arrayContaining(["column"]));
  });
});

describe("a shorthand property", () => {
  test.each([
    ["of an earlier cell", "({ early, b: 1 })", "{ early: 1, b: 1 }\n"],
    [
      "several, in a call that is awaited",
      "await Promise.resolve({ early, word })",
      "{ early: 1, word: 'a' }\n",
    ],
    ["in a function", "const wrap = () => ({ early });\nwrap()", "{ early: 1 }\n"],
    ["of a variable of the same cell", "const own = 2;\n({ own, early })", "{ own: 2, early: 1 }\n"],
    [
      "of a parameter that has the name of an earlier variable",
      "[2].map((early) => ({ early }))",
      "[ { early: 2 } ]\n",
    ],
    ["that is only text", '"{ early }, " + `{ early, word }`', "{ early }, { early, word }\n"],
    ["of a destructuring", "const { early: renamed } = { early };\nrenamed", "1\n"],
  ])("can be a variable: %s", async (_, code, shown) => {
    await kernel.execute('const early = 1, word = "a";');
    expect(await kernel.execute(code)).toMatchObject({ status: "ok", stdout: shown, stderr: "" });
  });
});
