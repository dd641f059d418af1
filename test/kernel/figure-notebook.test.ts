import { afterAll, beforeAll, expect, test } from "vitest";
import { type Kernel, notebookKernel } from "../support/jupyter";
import { removeHome, temporaryHome } from "../support/server";

/** The built package in a real kernel. Maps and charts of frames need no server. */
let home: string;
let kernel: Kernel;
beforeAll(async () => {
  home = await temporaryHome();
  kernel = await notebookKernel(home);
  const { stderr } = await kernel.execute(`
    import { cc, figure, Layer } from "cartoframes";
    import { DataFrame } from "danfojs-node";
    const df = new DataFrame({ name: ["Bern", "Rom"], lng: [7.4, 12.5], lat: [46.9, 41.9], people: [134, 2761] });
    const layer = new Layer(df, { lnglat: ["lng", "lat"], size: "people" });
    const fig = figure();`);
  expect(stderr).toBe("");
});
afterAll(async () => {
  await kernel?.shutdown();
  await removeHome(home);
});

test("a figure is one output, sent before the cell ends", async () => {
  const result = await kernel.execute(`
    await cc.map({ layers: layer, ax: fig.at(0) });
    fig.at(1).vega({ mark: "bar", encoding: { y: { field: "name" }, x: { field: "people", type: "quantitative" } } }, df);
    fig`);
  expect([result.status, result.stderr, result.stdout]).toEqual(["ok", "", ""]);
  expect(result.messages).toEqual(["display_data"]);
  expect(result.outputs).toEqual([
    {
      output_type: "display_data",
      data: {
        "application/vnd.vegalite.v5+json": expect.objectContaining({
          columns: 2,
          concat: [expect.anything(), expect.anything()],
        }),
        "image/png": expect.stringMatching(/^iVBORw0KGgo/),
        "text/plain": "Figure(2 columns, map, chart)",
      },
      metadata: {},
    },
  ]);
});

test("an invalid chart shows its message", async () => {
  const { status, stderr } = await kernel.execute("fig.at(1).vega({ encoding: {} })");
  expect(status).toBe("error");
  expect(stderr).toMatch(
    /^InvalidArgumentError: The specification of fig\.at\(1\) must be valid Vega-Lite 5\. /,
  );
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

test("a PNG with twice the pixels states its display size", async () => {
  const { outputs } = await kernel.execute(
    "await cc.map({ layers: layer, interactive: false, scale: 2, size: [300, 200] })",
  );
  expect(outputs).toMatchObject([
    { data: { "image/png": expect.any(String) }, metadata: { "image/png": { width: 300, height: 200 } } },
  ]);
});
