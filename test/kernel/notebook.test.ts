import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type CellResult, Kernel } from "../support/jupyter";
import { createWorkspace, removeWorkspace } from "./workspace";

const IMPORTS = `import "notebook-support";
import * as dfd from "danfojs-node";
`;

let cwd: string;
/** Where it does not matter what ran before. */
let kernel: Kernel;
beforeAll(async () => {
  cwd = await createWorkspace();
  kernel = await Kernel.start({ cwd });
  expect((await kernel.execute(IMPORTS)).outputs).toEqual([]);
});
afterAll(async () => {
  await kernel.shutdown();
  removeWorkspace(cwd);
});

async function freshKernel(): Promise<Kernel> {
  const kernel = await Kernel.start({ cwd });
  onTestFinished(() => kernel.shutdown());
  return kernel;
}

/** The one output of a cell, which must have come as one message in both forms. */
function shown(result: CellResult): { html: string; text: string } {
  expect(result.stderr).toBe("");
  expect(result.messages).toEqual(["display_data"]);
  const [output] = result.outputs;
  if (output?.output_type !== "display_data") throw new Error("no display_data");
  expect(Object.keys(output.data).sort()).toEqual(["text/html", "text/plain"]);
  return { html: output.data["text/html"] as string, text: output.data["text/plain"] as string };
}

describe("a frame as a cell's last value", () => {
  test("danfo imported after the package, in the same cell", async () => {
    const kernel = await freshKernel();
    const { html, text } = shown(await kernel.execute(`${IMPORTS}new dfd.DataFrame({ a: [1, 2] })`));
    expect(html).toMatch(/^<div[^>]*>\n<table/);
    expect(text).toMatchInlineSnapshot(`
      "       a
         int32
      0      1
      1      2
      2 rows × 1 column"
    `);
  });

  test("danfo imported before the package", async () => {
    const kernel = await freshKernel();
    const before = await kernel.execute(`import * as dfd from "danfojs-node";
const df = new dfd.DataFrame({ a: [1, 2] });
let answer = 42; answer`);
    expect(before.stdout).toBe("42\n");
    shown(await kernel.execute(`import "notebook-support";\ndf`));
    expect((await kernel.execute("console.log(df)")).stdout).toContain("2 rows × 1 column\n");
  });

  test("filtered after sorting, in the cell that imports both", async () => {
    const kernel = await freshKernel();
    const cell = `${IMPORTS}const df = new dfd.DataFrame({ a: [1, 2] }).sortValues("a", { ascending: false });
df.query(df["a"].gt(1))`;
    expect(shown(await kernel.execute(cell)).text).toMatchInlineSnapshot(`
      "       a
         int32
      1      2
      1 row × 1 column"
    `);
  });

  test("any frame", async () => {
    await kernel.execute(`${IMPORTS}const df = new dfd.DataFrame({ a: [1, 2], b: ["x", "y"] });`);
    expect(shown(await kernel.execute(`df["a"]`)).text).toContain("2 values");
    expect(shown(await kernel.execute("df.head(1)")).text).toContain("1 row × 2 columns");
    expect(shown(await kernel.execute("await Promise.resolve(df)")).text).toContain("2 rows × 2 columns");
    expect(
      shown(await kernel.execute(`new dfd.DataFrame([], { columns: ["a"], dtypes: ["int32"] })`)).text,
    ).toContain("0 rows × 1 column");
    expect(
      shown(await kernel.execute("class Places extends dfd.DataFrame {}\nnew Places({ a: [1] })")).text,
    ).toContain("1 row × 1 column");
    const large = "new dfd.DataFrame({ n: Array.from({ length: 100_000 }, (_, i) => i) })";
    expect(shown(await kernel.execute(large)).text).toContain("100,000 rows × 1 column");
    const hostile = `new dfd.DataFrame({ "<img src=x>": ["<script>alert(1)</script>"] })`;
    expect(shown(await kernel.execute(hostile)).html).not.toMatch(/<(script|img)/);
    const covered = `const traps = new dfd.DataFrame({ a: [1], b: [2] });
traps.$setColumnNames(["columns", "shape"]);
traps`;
    expect(shown(await kernel.execute(covered)).text).toContain("1 row × 2 columns");
  });

  test("of two frames in a cell, the last one; both with show()", async () => {
    await kernel.execute(`${IMPORTS}import { show } from "notebook-support";
const df = new dfd.DataFrame({ a: [1] });`);
    shown(await kernel.execute("df;\ndf"));
    expect((await kernel.execute("show(df);\ndf")).messages).toEqual(["display_data", "display_data"]);
  });
});

describe("other last values", () => {
  test("an object that defines its display, at once or asynchronously", async () => {
    await kernel.execute(`import "notebook-support";
const bundle = { "text/html": "<b>map</b>", "text/plain": "a map", "image/png": new Uint8Array([1, 2, 3]) };
class MapView { [Symbol.for("Jupyter.display")]() { return bundle; } }
class SlowView { async [Symbol.for("Jupyter.display")]() { return bundle; } }`);
    const data = { "text/html": "<b>map</b>", "text/plain": "a map", "image/png": "AQID" };
    for (const view of ["MapView", "SlowView"]) {
      const { outputs, stderr } = await kernel.execute(`new ${view}()`);
      expect(stderr).toBe("");
      expect(outputs).toEqual([{ output_type: "display_data", data, metadata: {} }]);
    }
  });

  test("an error in its display fails the cell", async () => {
    await kernel.execute(`import "notebook-support";`);
    const result = await kernel.execute(
      `({ [Symbol.for("Jupyter.display")]() { throw new Error("no picture"); } })`,
    );
    expect(result.status).toBe("error");
    expect(result.stderr).toContain("no picture");
  });

  test("other values are printed as usual", async () => {
    const first = await kernel.execute(`import "notebook-support";\n({ a: 1 })`);
    expect(first.stdout).toBe("{ a: 1 }\n");
    expect((await kernel.execute("1 + 1")).stdout).toBe("2\n");
    expect((await kernel.execute("undefined")).outputs).toEqual([]);
    expect((await kernel.execute("null")).outputs).toEqual([]);
    expect((await kernel.execute(`""`)).stdout).toBe("\n");
    expect((await kernel.execute(`console.log("once")`)).stdout).toBe("once\n");
    expect((await kernel.execute("let tsLastExpr = 3; tsLastExpr + 1")).stdout).toBe("4\n");
  });
});

describe("console.log", () => {
  test("prints frames as text, also inside objects", async () => {
    const result = await kernel.execute(`${IMPORTS}const df = new dfd.DataFrame({ a: [1, 2] });
console.log(df);
console.log({ df, deep: [[[df]]] });`);
    expect(result.messages.every((type) => type === "stream")).toBe(true);
    expect(result.stdout).toMatchInlineSnapshot(`
      "       a
         int32
      0      1
      1      2
      2 rows × 1 column
      {
        df: 
               a
           int32
        0      1
        1      2
        2 rows × 1 column,
        deep: [ [ [Array] ] ]
      }
      "
    `);
  });

  test("does not change anything outside a notebook", async () => {
    const { installNotebookSupport, show } = await import("../../src/kernel");
    const { DataFrame } = await import("danfojs-node");
    installNotebookSupport();
    expect(Symbol.for("nodejs.util.inspect.custom") in DataFrame.prototype).toBe(false);
    expect(show(new DataFrame({ a: [1] }))).toBe(false);
  });
});

describe("errors", () => {
  test.each([
    ["thrown", "throw"],
    ["rejected", "await Promise.reject"],
  ])("of cartoframes show one message without a stack: %s", async (_, how) => {
    await kernel.execute(`import { CartoError } from "notebook-support";`);
    const result = await kernel.execute(
      `${how}(new CartoError("No table x.", { cause: new Error("42P01") }))`,
    );
    expect(result.status).toBe("error");
    expect(result.stderr).toBe("CartoError: No table x.\n");
    expect((await kernel.execute("1")).status).toBe("ok");
  });
});

const SLEEP = "const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));";

describe("progress", () => {
  test("of long work is one line, updated in place", async () => {
    const result = await kernel.execute(`import { progress } from "notebook-support";
${SLEEP}
const line = progress("airports <b>");
for (let i = 1; i <= 20; i++) { line.update({ done: i * 100, total: 2000, unit: "rows" }); await sleep(100); }
line.finish("read 2,000 rows");`);
    expect(result.messages[0]).toBe("display_data");
    expect(result.messages.length).toBeGreaterThan(2);
    expect(new Set(result.messages.slice(1))).toEqual(new Set(["update_display_data"]));
    expect(result.outputs).toEqual([
      {
        output_type: "display_data",
        data: {
          "text/plain": "read 2,000 rows",
          "text/html": '<div style="opacity:0.75">read 2,000 rows</div>',
        },
        metadata: { cartoframes: { progress: true } },
      },
    ]);
  });

  test("names the current step, and where it stopped", async () => {
    await kernel.execute(`import { progress } from "notebook-support";\n${SLEEP}`);
    const running = await kernel.execute(`const line = progress("a <b> table");
line.update({ done: 1_500_000, total: 6_000_000, unit: "bytes", note: "waiting" });
await sleep(1500);`);
    const [output] = running.outputs;
    if (output?.output_type !== "display_data") throw new Error("no display_data");
    expect(output.data["text/plain"]).toMatch(/^a <b> table · 1\.5 of 6\.0 MB · \d+ s · waiting$/);
    expect(output.data["text/html"]).toContain("width:25%");
    expect(output.data["text/html"]).toContain("a &lt;b&gt; table");
    await kernel.execute("line.fail()");
    expect(output.data["text/plain"]).toMatch(/^a <b> table: stopped after 1\.5 of 6\.0 MB, \d+ s$/);
  });

  test("is not shown for short work", async () => {
    const result = await kernel.execute(`import { progress } from "notebook-support";
const line = progress("airports");
line.update({ done: 1, unit: "rows" });
line.finish("read 1 row");`);
    expect(result.messages).toEqual([]);
  });
});

describe("interrupt", () => {
  const REQUESTS = `import { withInterrupt } from "notebook-support";
${SLEEP}
const aborted: string[] = [];
const request = (name: string) => withInterrupt(undefined, (signal: AbortSignal) => new Promise((_, reject) => {
  signal.addEventListener("abort", () => { aborted.push(name); setTimeout(() => reject(new Error("reset")), 20); });
  require("fs").writeFileSync("under-way", "");
}));`;

  /** Presses the stop button while the cell waits. */
  async function interrupted(code: string): Promise<CellResult> {
    const marker = join(cwd, "under-way");
    rmSync(marker, { force: true });
    const cell = kernel.execute(code);
    await expect.poll(() => existsSync(marker)).toBe(true);
    await sleep(100); // for the second of two requests
    kernel.interrupt();
    return cell;
  }

  test("cancels all running work with one line, and the kernel keeps running", async () => {
    await kernel.execute(REQUESTS);
    const result = await interrupted(`const [a, b] = [request("a"), request("b")];\nawait a;\nawait b;`);
    expect(result.status).toBe("error");
    expect(result.stderr).toBe("Interrupted\n");
    const next = await kernel.execute("await sleep(100);\naborted.join()");
    expect(next).toMatchObject({ status: "ok", stderr: "", stdout: "a,b\n" });

    // Once more: the second listener must work like the first.
    const again = await interrupted(`await request("c")`);
    expect(again.stderr).toBe("Interrupted\n");
    expect((await kernel.execute("aborted.join()")).stdout).toBe("a,b,c\n");
  });

  test("rejects running calls with InterruptedError", async () => {
    await kernel.execute(REQUESTS);
    await interrupted(`try { await request("a"); } catch (e: any) { aborted.push(e.name); }`);
    expect((await kernel.execute("await sleep(50);\naborted.join()")).stdout).toBe("a,InterruptedError\n");
  });

  test("does not hide other unhandled rejections", async () => {
    await kernel.execute(REQUESTS);
    await interrupted(`await request("a")`);
    const result = await kernel.execute(`void Promise.reject(new Error("mine"));\nawait sleep(50);`);
    expect(result.stderr).toContain("mine");
  });

  test("the caller's signal also cancels; outside a notebook, SIGINT is not handled", async () => {
    const { withInterrupt } = await import("../../src/kernel");
    const controller = new AbortController();
    const listeners = process.listenerCount("SIGINT");
    const work = withInterrupt(controller.signal, async (signal) => {
      await sleep(1);
      expect(process.listenerCount("SIGINT")).toBe(listeners);
      await sleep(60_000, undefined, { signal });
    });
    controller.abort(new Error("enough"));
    await expect(work).rejects.toThrow();
  });
});
