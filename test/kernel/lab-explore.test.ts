/** Widgets and selection in JupyterLab: the pointer moves over the map of a cell, and the next cell has its rows. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { launch } from "../support/browser";
import { makeProject, needsJupyter, removeProject, startLab, waitForKernel } from "../support/lab";
import { needs } from "../support/needs";

/** Cells of the example notebook that make the map. */
const CELLS_OF_MAP = 4;
const PATIENCE_MS = 240_000;

needs("browser");
test("a lasso in JupyterLab selects the rows that the next cell returns", async (context) => {
  await needsJupyter(context);
  const project = makeProject();
  onTestFinished(() => removeProject(project));
  mkdirSync(join(project, "notebooks"));
  const example = resolve(__dirname, "../../notebooks/07-explore.ipynb");
  const notebook = JSON.parse(readFileSync(example, "utf8")) as { cells: { outputs?: object[] }[] };
  const cells = notebook.cells
    .slice(0, CELLS_OF_MAP)
    .map((cell) => ("outputs" in cell ? { ...cell, outputs: [] } : cell));
  const last = {
    cell_type: "code",
    id: "selection",
    metadata: {},
    execution_count: null,
    outputs: [],
    source: "const chosen = await map.selection();\n[chosen.shape[0], quakes.shape[0], map.where()].join()",
  };
  writeFileSync(
    join(project, "notebooks/explore.ipynb"),
    JSON.stringify({ ...notebook, cells: [...cells, last] }),
  );

  const home = { CARTOFRAMES_HOME: join(project, "home"), CARTO_BASE_URL: "", CARTO_API_KEY: "" };
  const lab = await startLab(project, { notebookDir: "notebooks", env: { ...process.env, ...home } });
  onTestFinished(() => lab.stop().then(() => undefined));
  const browser = await launch("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1500, height: 1400 } });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${lab.url}/lab/tree/explore.ipynb?token=${lab.token}`);
  await waitForKernel(page);
  await page.locator(".jp-CodeCell .cm-content").first().click();
  for (let i = 1; i < CELLS_OF_MAP; i++) await page.keyboard.press("Shift+Enter");
  const frame = page.frameLocator("iframe[title='Interactive map']");
  await frame.locator(".panel").waitFor();
  expect(await frame.locator(".widget output").first().textContent()).toBe("1,707");

  // magnitudes from the middle of the chart on
  const bars = (await frame.locator(".plot").first().boundingBox())!;
  const at = bars.y + bars.height / 2;
  await page.mouse.move(bars.x + bars.width / 2, at);
  await page.mouse.down();
  await page.mouse.move(bars.x + bars.width, at, { steps: 3 });
  await page.mouse.up();
  const map = (await frame.locator("#map").boundingBox())!;
  await page.keyboard.down("Shift");
  await page.mouse.move(map.x + 100, map.y + 100);
  await page.mouse.down();
  const corners = [
    [map.width - 60, 100],
    [map.width - 60, map.height - 60],
    [100, map.height - 60],
    [100, 105],
  ] as const;
  for (const [x, y] of corners) await page.mouse.move(map.x + x, map.y + y, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  const selected = Number((await frame.locator(".selected output").textContent())?.split(" ")[0]);
  expect(selected).toBeGreaterThan(0);

  await expect
    .poll(
      async () => {
        await page.locator(".jp-CodeCell").last().locator(".cm-content").click();
        await page.keyboard.press("Control+Enter");
        return page.locator(".jp-CodeCell").last().locator(".jp-OutputArea-output").last().textContent();
      },
      { timeout: PATIENCE_MS, interval: 1000 },
    )
    .toMatch(new RegExp(`^${selected},1707,"magnitude" >= `));
});
