/** The map in the cell of a notebook: in VS Code's view, and while the cell changes its width. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sceneToHtml } from "../../../src/render/page/html";
import { renderPng } from "../../../src/render/png";
import { launch, open, painted } from "./browser";
import { buildForMaps } from "./built";
import { decodePng, difference } from "./pixels";
import { airports } from "./samples";

/** With `notebook.experimental.enableCsp`, of VS Code's src/vs/workbench/contrib/notebook/…/backLayerWebView.ts. */
const VS_CODE_POLICY = `default-src 'none'; script-src https://*.vscode-cdn.net 'unsafe-inline' 'unsafe-eval';
 style-src https://*.vscode-cdn.net 'unsafe-inline'; img-src https://*.vscode-cdn.net https: http: data:;
 font-src https://*.vscode-cdn.net https:; connect-src https:; child-src https: data:`;

let browser: Browser;
beforeAll(async () => {
  await buildForMaps();
  browser = await launch();
});
afterAll(() => browser?.close());

const scene = () =>
  ({ ...airports(), basemap: { ...airports().basemap, tiles: undefined } }) as ReturnType<typeof airports>;
const mapHtml = () => sceneToHtml(scene(), renderPng(scene()));
const sizes = (page: Page) =>
  page.evaluate<number[][]>(`["div", "img", "iframe"].map((name) => {
    const { width, height } = document.querySelector(name).getBoundingClientRect();
    return [Math.round(width), Math.round(height)];
  })`);
const pixelsOf = async (png: Uint8Array) => decodePng(Buffer.from(png));

test("VS Code's notebook view shows the live map", async () => {
  const body = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${VS_CODE_POLICY}"><body style="margin:0">${mapHtml()}`;
  const { page, errors } = await open(browser, body, { widthPx: 1000, heightPx: 700 });
  await painted(page);
  await page.evaluate(`document.querySelector("img").style.visibility = "hidden"`); // what is seen is the live one
  const { widthPx: width, heightPx: height } = scene();
  const shown = await pixelsOf(await page.screenshot({ clip: { x: 0, y: 0, width, height } }));
  const inside = { x: 60, y: 12, width: width - 300, height: height - 60 };
  expect(difference(await pixelsOf(renderPng(scene())), shown, inside).mean).toBeLessThan(1);
  expect(errors).toEqual([]);
});

describe("in a cell", () => {
  test("the frame is as high as its picture, in any width", async () => {
    const { page } = await open(browser, `<!doctype html><body style="margin:0">${mapHtml()}`, {
      widthPx: 1000,
      heightPx: 700,
    });
    await painted(page);
    const { widthPx, heightPx } = scene();
    expect(await sizes(page)).toEqual([1, 2, 3].map(() => [widthPx, heightPx]));
    await page.setViewportSize({ width: widthPx - 80, height: 700 });
    const high = Math.round(((widthPx - 80) * heightPx) / widthPx);
    const [div, , frame] = await sizes(page);
    expect(div).toEqual(frame);
    expect(frame![0]).toBe(widthPx - 80);
    expect(Math.abs(frame![1]! - Math.max(280, high))).toBeLessThanOrEqual(1);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
  });

  test("a map that was moved keeps its place and zoom when the cell changes its width", async () => {
    const { page, errors } = await open(browser, `<!doctype html><body style="margin:0">${mapHtml()}`, {
      widthPx: 1000,
      heightPx: 700,
    });
    await painted(page);
    const frame = page.frames()[1]!;
    await frame.click(".leaflet-control-zoom-in");
    await page.waitForTimeout(600);
    const before = await page.locator("iframe").screenshot();
    await page.setViewportSize({ width: 500, height: 700 });
    await page.waitForTimeout(300);
    await page.setViewportSize({ width: 1000, height: 700 });
    await page.waitForTimeout(600);
    const [first, second] = [
      await pixelsOf(before),
      await pixelsOf(await page.locator("iframe").screenshot()),
    ];
    const { widthPx, heightPx } = scene();
    const inside = { x: 60, y: 12, width: widthPx - 300, height: heightPx - 60 };
    expect(difference(first, second, inside).mean).toBeLessThan(1);
    expect(difference(await pixelsOf(renderPng(scene())), second, inside).mean).toBeGreaterThan(2);
    expect(errors).toEqual([]);
  });
});
