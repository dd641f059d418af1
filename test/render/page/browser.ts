import type { Browser, Frame, Page, Request } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launch } from "../../support/browser";
import { needs } from "../../support/needs";
import { buildForMaps } from "./built";
import { decodePng, type Picture } from "./pixels";

/** The browser of `withBrowser`, which test files of a process share. It ends with the process. */
let browser: Browser;

/** Builds the programs of pages and starts a browser for the tests of a file, which closes the pages after them. */
export function withBrowser(): void {
  needs("browser");
  beforeAll(async () => {
    await buildForMaps();
    if (!browser?.isConnected()) browser = await launch();
  });
  afterAll(async () => {
    for (const context of browser?.contexts() ?? []) await context.close();
  });
}

export const newContext: Browser["newContext"] = (options) => browser.newContext(options);

export interface OpenOptions {
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly pixelRatio?: number;
  /** A device with a touch screen. */
  readonly hasTouch?: boolean;
  /** Answers requests of the page; without it, all requests are refused. */
  readonly route?: (request: Request) => Buffer | undefined;
  /** Runs before the page's own scripts. */
  readonly before?: string;
}

export interface Opened {
  readonly page: Page;
  /** Console errors and uncaught exceptions. */
  readonly errors: string[];
  /** URLs that the page requested. */
  readonly requests: string[];
}

const PAGE_URL = "http://notebook.test/";

/** Opens HTML in a new page, without network access except for what `route` answers. */
export async function open(html: string, options: OpenOptions = {}): Promise<Opened> {
  const { widthPx = 600, heightPx = 400, pixelRatio = 1, hasTouch = false, route, before } = options;
  const context = await newContext({
    viewport: { width: widthPx, height: heightPx },
    deviceScaleFactor: pixelRatio,
    hasTouch,
  });
  context.setDefaultTimeout(300_000); // a safety net
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.route("**/*", async (handler, request) => {
    if (request.url() === PAGE_URL)
      return handler.fulfill({ contentType: "text/html; charset=utf-8", body: html });
    requests.push(request.url());
    const body = route?.(request);
    await (body ? handler.fulfill({ contentType: "image/png", body }) : handler.abort());
  });
  if (before) await page.addInitScript(before);
  await page.goto(PAGE_URL);
  return { page, errors, requests };
}

/** Waits until the map has painted. */
export async function painted(page: Page, selector = ".leaflet-container canvas"): Promise<void> {
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame()) ?? page.mainFrame();
  await frame.waitForSelector(selector);
  await frame.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  await frame.waitForSelector("[aria-busy=true]", { state: "detached" });
}

/** Moves the pointer to a position of the map, and waits until the map has reacted. */
export async function pointAt(page: Page, frame: Frame, [x, y]: readonly [number, number]): Promise<void> {
  await page.mouse.move(x - 1, y);
  await page.mouse.move(x, y);
  await frame.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
}

export interface OpenedOutput extends Opened {
  readonly frame: Frame;
  picture(): Promise<Picture>;
}

/** Opens a page with the map as a cell shows it: in a frame. Resolves when it has painted. */
export async function openOutput(html: string, options?: OpenOptions): Promise<OpenedOutput> {
  const opened = await open(`<!doctype html><body style="margin:0">${html}`, options);
  const { page } = opened;
  await painted(page);
  return { ...opened, frame: page.frames()[1]!, picture: async () => decodePng(await page.screenshot()) };
}
