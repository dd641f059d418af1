/** The quickstart as people see it: run in JupyterLab, untrusted there, and as the page that nbconvert makes of it. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Mint, Safe } from "cartocolor";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { localHome } from "../../src/local/home";
import { stopServer } from "../../src/local/launcher";
import { decodePng, difference, type Picture } from "../render/page/pixels";
import { launch } from "../support/browser";
import {
  findJupyter,
  type Jupyter,
  type LabServer,
  makeProject,
  removeProject,
  startLab,
  waitForKernel,
} from "../support/lab";
import { needs, skipTest } from "../support/needs";

const COMMITTED = resolve(__dirname, "../../notebooks/01-quickstart.ipynb");

interface QuickstartMap {
  /** Place among the notebook's maps. */
  readonly at: number;
  /** Those of the data, all of them in sight. */
  readonly colors: readonly string[];
}

const AIRPORTS: QuickstartMap = { at: 0, colors: Safe["4"]!.slice(1, 4) }; // the first is Alaska's
const UNEMPLOYMENT: QuickstartMap = { at: 1, colors: Mint["7"]! };
/** The one that is not live. */
const UNEMPLOYMENT_PICTURE: QuickstartMap = { at: 2, colors: Mint["7"]! };

/** Of a map of 800 × 400, without the controls at its edges. */
const INSIDE = { x: 60, y: 12, width: 560, height: 340 };
/** The rarest colour of the three maps has twice as many. */
const MIN_PIXELS_OF_COLOR = 200;

/** The tiles of the base map would be other pixels, and not the same tomorrow. */
const NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
/** What a live map asks for all the same. */
const TILES = /^https:\/\/[a-d]\.basemaps\.cartocdn\.com\//;
/** What every page of nbconvert asks for. */
const NBCONVERT_PROGRAMS = /^https:\/\/cdnjs\.cloudflare\.com\/ajax\/libs\/(require\.js|mathjax)\//;
/** Wide enough for the maps, beside JupyterLab's list of files. */
const WINDOW: BrowserContextOptions = { viewport: { width: 1400, height: 900 } };
/** An idle machine needs a tenth of it at most, for running all cells. */
const PATIENCE_MS = 240_000;
const PATIENTLY = { timeout: PATIENCE_MS, interval: 200 };

needs("browser");
let missing: string | undefined;
let jupyter: Jupyter;
let project: string | undefined;
let lab: LabServer | undefined;
let browser: Browser | undefined;
/** The notebook after all cells were run and it was saved. */
let ran: Opened;
beforeAll(async () => {
  const found = await findJupyter();
  if ("missing" in found) {
    missing = found.missing;
    return;
  }
  jupyter = found;
  project = makeProject();
  mkdirSync(join(project, "notebooks"));
  writeNotebook("quickstart", withoutOutputs(JSON.parse(readFileSync(COMMITTED, "utf8"))));
  const local = { CARTOFRAMES_HOME: join(project, "home"), CARTO_BASE_URL: "", CARTO_API_KEY: "" };
  lab = await startLab(project, { notebookDir: "notebooks", env: { ...process.env, ...local } });
  browser = await launch(NO_NETWORK);
  ran = await openInLab("quickstart");
  await runAll(ran.page);
  await save(ran.page);
});
beforeEach((context) => {
  if (missing) skipTest(context, { kind: "JupyterLab", why: missing });
});
afterAll(async () => {
  await browser?.close();
  await lab?.stop();
  if (!project) return;
  await stopServer(localHome(join(project, "home")));
  removeProject(project);
});

describe("the quickstart", () => {
  test("shows tables and live maps when run in JupyterLab", async () => {
    const { page, errors, requests } = ran;
    await expect.poll(() => trust(page), PATIENTLY).toMatch(/^Notebook trusted: (\d+) of \1 /);
    await expectTable(page);
    await expectLiveMaps(page);
    await expectPicture(page, UNEMPLOYMENT_PICTURE);
    expect(errors()).toEqual([]);
    expect(requests().filter((url) => !TILES.test(url))).toEqual([]);
  });

  test("shows them when opened again without running", async () => {
    const { page, errors } = ran;
    await page.reload();
    await expectTable(page);
    await expectLiveMaps(page);
    expect(errors()).toEqual([]);
  });

  test("shows tables and images when untrusted", async () => {
    // As if somebody had sent it: JupyterLab trusts what it has saved itself, to the last character.
    const notebook = readNotebook("quickstart");
    writeNotebook("sent", { ...notebook, metadata: { ...notebook.metadata, title: "Sent" } });
    const { page, errors, requests } = await openInLab("sent");
    await page.locator(".jp-Notebook img").nth(2).waitFor();
    await expect.poll(() => trust(page), PATIENTLY).toMatch(/^Notebook not trusted: 0 of \d+ /);
    await expectTable(page);
    for (const map of [AIRPORTS, UNEMPLOYMENT, UNEMPLOYMENT_PICTURE]) await expectPicture(page, map);
    expect(await page.locator("iframe").count()).toBe(0);
    expect(errors()).toEqual([]);
    expect(requests()).toEqual([]);
  });

  test("shows tables and live maps when converted to HTML, without a network", async () => {
    const { page, errors, requests } = await newPage({ ...WINDOW, offline: true });
    await page.goto(pathToFileURL(await convertToHtml("quickstart")).href);
    await expectTable(page);
    await expectLiveMaps(page);
    await expectPicture(page, UNEMPLOYMENT_PICTURE);
    expect(errors().filter(({ url }) => !NBCONVERT_PROGRAMS.test(url))).toEqual([]);
    expect(requests().filter((url) => !NBCONVERT_PROGRAMS.test(url))).toEqual([]);
  });
});

interface Opened {
  readonly page: Page;
  /** Console errors and uncaught exceptions, but for those of JupyterLab's own programs. */
  errors(): PageError[];
  /** Addresses requested of anybody but JupyterLab. */
  requests(): string[];
}

interface PageError {
  readonly text: string;
  /** Of the program, or of what it could not load. */
  readonly url: string;
}

async function newPage(options: BrowserContextOptions): Promise<Opened> {
  const page = await browser!.newPage(options);
  page.setDefaultTimeout(PATIENCE_MS);
  const errors: PageError[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push({ text: message.text(), url: message.location().url });
  });
  page.on("pageerror", ({ message, stack = "" }) => {
    errors.push({ text: message, url: /\bhttps?:[^\s)]+/.exec(stack)?.[0] ?? "" });
  });
  page.on("request", (request) => {
    if (/^https?:/.test(request.url())) requests.push(request.url());
  });
  // JupyterLab 4.6 itself throws after every cell that a kernel without a debugger runs.
  const foreign = (url: string) => !url.startsWith(`${lab!.url}/`);
  return {
    page,
    errors: () => errors.filter(({ url }) => foreign(url) && !TILES.test(url)),
    requests: () => requests.filter(foreign),
  };
}

async function openInLab(name: string): Promise<Opened> {
  const { url, token } = lab!;
  const opened = await newPage(WINDOW);
  // Each in a workspace of its own: a shared one would open again what was open in it.
  await opened.page.goto(`${url}/lab/workspaces/${name}/tree/${name}.ipynb?token=${token}`);
  await opened.page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
  return opened;
}

async function runAll(page: Page): Promise<void> {
  await waitForKernel(page);
  await page.click('.lm-MenuBar-item:has-text("Run")');
  await page.click('.lm-Menu-item:has-text("Run All Cells")');
  const stderr = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]');
  const numberOfLast = page.locator(".jp-CodeCell").last().locator(".jp-InputPrompt", { hasText: /\d/ });
  await numberOfLast.or(stderr).first().waitFor();
  expect(await stderr.allInnerTexts()).toEqual([]);
}

async function save(page: Page): Promise<void> {
  await page.keyboard.press("Control+s");
  const numberOfLast = () => readNotebook("quickstart").cells.at(-1)?.execution_count;
  await vi.waitFor(() => expect(numberOfLast()).toBeGreaterThan(0), PATIENTLY);
}

const trust = (page: Page) => page.locator(".jp-StatusItem-trust").getAttribute("title");

/** Returns the path of the page. */
async function convertToHtml(name: string): Promise<string> {
  const dir = join(project!, ".lab/jupyter"); // nothing of the user's settings
  const env = { ...process.env, JUPYTER_DATA_DIR: dir, JUPYTER_CONFIG_DIR: join(dir, "config") };
  const args = ["nbconvert", "--to", "html", "--output-dir", project!, fileOf(name)];
  await promisify(execFile)(jupyter.jupyter, args, { env });
  return join(project!, `${name}.html`);
}

/** The first table is on the screen: the airports as they come out of the file. */
async function expectTable(page: Page): Promise<void> {
  const table = page.locator("table.dataframe").first();
  await table.scrollIntoViewIfNeeded();
  // Cells that JupyterLab has not laid out yet have no such text.
  const texts = (row: string) => () => table.locator(row).first().locator("th, td").allInnerTexts();
  await expect
    .poll(texts("thead tr"), PATIENTLY)
    .toEqual([
      "",
      ...["iata\nstring", "name\nstring", "city\nstring", "state\nstring", "country\nstring"],
      ...["latitude\nfloat32", "longitude\nfloat32"],
    ]);
  expect(await texts("tbody tr")()).toEqual([
    ...["0", "00M", "Thigpen", "Bay Springs", "MS", "USA", "31.953765", "-89.234505"],
  ]);
  expect(await hiddenCells(table)).toEqual([]);
}

/** The texts of cells that somebody who points at their middle does not point at. */
function hiddenCells(table: Locator): Promise<string[]> {
  return table.evaluate((element) => {
    const cells = [...element.querySelectorAll("th, td")];
    const hidden = cells.filter((cell) => {
      cell.scrollIntoView({ block: "center" });
      const { left, top, width, height } = cell.getBoundingClientRect();
      return !cell.contains(cell.ownerDocument.elementFromPoint(left + width / 2, top + height / 2));
    });
    return hidden.map((cell) => cell.textContent);
  });
}

async function expectLiveMaps(page: Page): Promise<void> {
  await expect.poll(() => page.locator("iframe").count(), PATIENTLY).toBe(2);
  for (const map of [AIRPORTS, UNEMPLOYMENT]) {
    const frame = page.locator("iframe").nth(map.at);
    // Its picture lies below it, and would do for a map that is not there.
    const picture = page.locator("div:has(> iframe) > img").nth(map.at);
    await picture.evaluate((img) => {
      img.style.visibility = "hidden";
    });
    await expectMap(frame, map);
    await frame.contentFrame().locator(".leaflet-control-zoom-in").click();
    await expect.poll(() => offBy(frame, map), PATIENTLY).toBeGreaterThan(5);
  }
}

async function expectPicture(page: Page, map: QuickstartMap): Promise<void> {
  await expectMap(page.locator('img[src^="data:image/png"]').nth(map.at), map);
}

/** The element is on the screen, and looks like the picture that the kernel sent. */
async function expectMap(element: Locator, map: QuickstartMap): Promise<void> {
  await element.scrollIntoViewIfNeeded();
  expect(await element.boundingBox()).toMatchObject({ width: 800, height: 400 });
  await expect.poll(() => offBy(element, map), PATIENTLY).toBeLessThan(3); // letters of names are not quite alike
  const shown = await screenshot(element);
  const rare = map.colors.filter((color) => pixelsOf(shown, color) < MIN_PIXELS_OF_COLOR);
  expect(rare).toEqual([]);
}

/** Mean difference from the picture. An element may begin between two pixels: then it is in the second. */
async function offBy(element: Locator, map: QuickstartMap): Promise<number> {
  const [shown, expected] = await Promise.all([screenshot(element), pictureOf(map)]);
  return Math.min(...[0, 1].map((down) => difference(expected, shown, INSIDE, [0, down]).mean));
}

const screenshot = async (element: Locator) => decodePng(await element.screenshot());

async function pictureOf({ at }: QuickstartMap): Promise<Picture> {
  const outputs = readNotebook("quickstart").cells.flatMap(({ outputs = [] }) => outputs);
  const pictures = outputs.flatMap(({ data }) => data?.["image/png"] ?? []);
  return decodePng(Buffer.from(pictures[at]!, "base64"));
}

/** How many pixels of the map have the colour, which the layers' opacity of 0.9 mixes with that of land. */
function pixelsOf({ data, width }: Picture, hex: string): number {
  const mixed = [1, 3, 5].map((from) => 0.9 * Number.parseInt(hex.slice(from, from + 2), 16) + 0.1 * 245);
  let count = 0;
  for (let y = INSIDE.y; y < INSIDE.y + INSIDE.height; y++) {
    for (let x = INSIDE.x; x < INSIDE.x + INSIDE.width; x++) {
      const at = 4 * (y * width + x);
      if (mixed.every((value, channel) => Math.abs(value - data[at + channel]!) <= 10)) count++;
    }
  }
  return count;
}

/** As far as it is used here. */
interface Notebook {
  readonly metadata: object;
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly cell_type: string;
  readonly execution_count?: number | null;
  readonly outputs?: readonly { readonly data?: Readonly<Record<string, string>> }[];
}

const fileOf = (name: string) => join(project!, "notebooks", `${name}.ipynb`);
const readNotebook = (name: string) => JSON.parse(readFileSync(fileOf(name), "utf8")) as Notebook;
const writeNotebook = (name: string, notebook: Notebook) =>
  writeFileSync(fileOf(name), JSON.stringify(notebook));

/** So that all that is to be seen comes from running it. */
function withoutOutputs(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === "code" ? { ...cell, execution_count: null, outputs: [] } : cell,
  );
  return { ...notebook, cells };
}
