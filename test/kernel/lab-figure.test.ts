/** A figure as JupyterLab draws it: the saved output of a notebook, without a kernel. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import { expect, onTestFinished, test } from "vitest";
import { CartoContext, figure, Layer } from "../../src";
import { buildForMaps } from "../render/page/built";
import { launch } from "../support/browser";
import { makeProject, needsJupyter, removeProject, startLab } from "../support/lab";
import { needs } from "../support/needs";

needs("browser");
test("JupyterLab draws a figure with its own Vega-Lite", async (context) => {
  await needsJupyter(context);
  await buildForMaps();
  const df = new DataFrame({
    name: ["Bern", "Rom"],
    lng: [7.4, 12.5],
    lat: [46.9, 41.9],
    people: [134, 2761],
  });
  const fig = figure({ title: "Cities" });
  const layer = new Layer(df, { lnglat: ["lng", "lat"], size: "people" });
  await new CartoContext({ baseUrl: "local:/nowhere" }).map({ layers: layer, ax: fig.at(0) });
  const encoding = { y: { field: "name" }, x: { field: "people", type: "quantitative" } };
  fig.at(1).vega({ mark: { type: "bar", color: "#ff00ff" }, encoding }, df);

  const project = makeProject();
  onTestFinished(() => removeProject(project));
  mkdirSync(join(project, "notebooks"));
  const data = { "application/vnd.vegalite.v5+json": fig.toVegaLite(), "text/plain": String(fig) };
  const output = { output_type: "display_data", data, metadata: {} };
  const cell = { cell_type: "code", execution_count: 1, metadata: {}, source: "fig", outputs: [output] };
  const notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  writeFileSync(join(project, "notebooks/figure.ipynb"), JSON.stringify(notebook));

  const lab = await startLab(project, { notebookDir: "notebooks" });
  onTestFinished(() => lab.stop().then(() => undefined));
  const browser = await launch("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.goto(`${lab.url}/lab/tree/figure.ipynb?token=${lab.token}`);
  const drawn = page.locator(".jp-OutputArea .vega-embed").locator("canvas").first();
  await drawn.waitFor({ timeout: 240_000 });
  // the whole of it, and in it the bars of the chart and the ground of the map
  await expect
    .poll(() => drawn.evaluate(colorsOf))
    .toEqual(expect.arrayContaining(["255,0,255", "212,218,220"]));
  const { width } = (await drawn.boundingBox())!;
  expect(width).toBeGreaterThan(480 + 300);
});

/** The parts of a canvas in a page that `colorsOf` needs; the tests are not compiled for browsers. */
interface PageCanvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): {
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
}

/** Runs in the page. */
function colorsOf(element: unknown): string[] {
  const canvas = element as PageCanvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colors = new Set<string>();
  for (let i = 0; i < data.length; i += 4) colors.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return [...colors];
}
