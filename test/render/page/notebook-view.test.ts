/** The map in a notebook cell: in VS Code, and while the cell changes its width. */
import escapeHtml from "escape-html";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { JUPYTER_DISPLAY } from "../../../src/kernel";
import { renderPng } from "../../../src/render/image/png";
import { MapView } from "../../../src/render/map-view";
import { sceneToHtml } from "../../../src/render/page/html";
import { open, openOutput, withBrowser } from "./browser";
import { decodePng, difference } from "./pixels";
import { airports } from "./samples";

/** With `notebook.experimental.enableCsp`, of VS Code's src/vs/workbench/contrib/notebook/…/backLayerWebView.ts. */
const VS_CODE_POLICY = `default-src 'none'; script-src https://*.vscode-cdn.net 'unsafe-inline' 'unsafe-eval';
 style-src https://*.vscode-cdn.net 'unsafe-inline'; img-src https://*.vscode-cdn.net https: http: data:;
 font-src https://*.vscode-cdn.net https:; connect-src https:; child-src https: data:`;
/** Permissions of its output frame, from src/vs/workbench/contrib/webview/browser/pre/index.html. */
const VS_CODE_SANDBOX = "allow-scripts allow-same-origin allow-forms allow-pointer-lock allow-downloads";
const VS_CODE_WARNING =
  "An iframe which has both allow-scripts and allow-same-origin for its sandbox attribute can escape its sandboxing.";
/** Their styles, and those of extensions/notebook-renderers, that could affect a map. */
const VS_CODE_CSS = `
  body { background-color: transparent; color: #cccccc; font: 13px "Segoe WPC", sans-serif; margin: 0; padding: 0;
    height: 100%; width: 100%; overflow: hidden; overscroll-behavior-x: none; }
  img, video { max-width: 100%; max-height: 100%; }
  a, a code { color: #3794ff; }
  p, h1, h2, dl, dt, dd, button, input { font-family: monospace; color: red; }
  table, thead, tr, th, td, tbody { border: none !important; border-spacing: 0; border-collapse: collapse; }
  #container .output { width: calc(100% - 66px); margin-left: 58px; padding-top: 8px; box-sizing: border-box; }
  #container div.output > div { padding-left: 8px; padding-right: 8px; box-sizing: border-box; overflow-x: auto;
    border: 1px solid transparent; }`;

/** A script puts the output into a page that knows of its height what an observer of its size says. */
function vsCodeView(output: string, { policy = true } = {}): string {
  const meta = policy ? `<meta http-equiv="Content-Security-Policy" content="${VS_CODE_POLICY}">` : "";
  const json = JSON.stringify(output).replaceAll("<", "\\u003c");
  const view = `<!doctype html><html style="color-scheme: dark"><head><meta charset="utf-8">${meta}<style>${VS_CODE_CSS}</style></head>
    <body class="vscode-dark" data-vscode-theme-kind="vscode-dark">
    <div id="container" style="position: absolute; width: 100%; top: 0"><div class="cell_container">
      <div class="output_container"><div class="output"></div></div></div></div>
    <script>
      const output = document.querySelector(".output");
      new ResizeObserver(([{ target }]) => { window.outputHeight = target.offsetHeight; }).observe(output);
      const element = document.createElement("div");
      element.innerHTML = ${json};
      output.append(element);
    </script></body></html>`;
  return `<!doctype html><body style="margin:0;background:#1e1e1e">
    <iframe sandbox="${VS_CODE_SANDBOX}" style="width:1000px;height:700px;border:0" srcdoc="${escapeHtml(view)}"></iframe>`;
}

withBrowser();

const scene = () =>
  ({ ...airports(), basemap: { ...airports().basemap, tiles: undefined } }) as ReturnType<typeof airports>;
const mapHtml = () => sceneToHtml(scene(), renderPng(scene()));
const sizes = (page: Page) =>
  page.evaluate<number[][]>(`["div", "img", "iframe"].map((name) => {
    const { width, height } = document.querySelector(name).getBoundingClientRect();
    return [Math.round(width), Math.round(height)];
  })`);
const pixelsOf = async (png: Uint8Array) => decodePng(Buffer.from(png));

describe("VS Code's notebook view", () => {
  test.each([
    ["as it is", { policy: false }],
    ["with its Content-Security-Policy", { policy: true }],
  ])("shows the live map in its size, %s", async (_, options) => {
    const { page, errors, requests } = await open(vsCodeView(mapHtml(), options), {
      widthPx: 1000,
      heightPx: 700,
    });
    await page.waitForFunction("frames[0] && frames[0].outputHeight > 300");
    const [, view] = page.frames();
    const map = view!.childFrames()[0]!;
    await map.waitForSelector(".leaflet-container canvas");
    await map.waitForSelector(".legend tbody tr");
    const { widthPx: width, heightPx: height } = scene();
    // its padding and border, and no line below an inline element
    expect(await view!.evaluate("window.outputHeight")).toBe(height + 8 + 2);
    await view!.evaluate(`document.querySelector("img").style.visibility = "hidden"`); // what is seen is the live one
    const box = (await view!.locator("iframe").boundingBox())!;
    expect([box.width, box.height]).toEqual([width, height]);
    const shown = await pixelsOf(await page.screenshot({ clip: box }));
    const inside = { x: 60, y: 12, width: width - 300, height: height - 60 };
    expect(difference(await pixelsOf(renderPng(scene())), shown, inside).mean).toBeLessThan(1);
    // styles of the surrounding page have no effect
    const legendColor = `getComputedStyle(document.querySelector(".legend h2")).color`;
    expect(await map.evaluate(legendColor)).toBe("rgb(38, 50, 56)");
    await map.click(".leaflet-control-zoom-in");
    const off = async () =>
      difference(shown, await pixelsOf(await page.screenshot({ clip: box })), inside).mean;
    await expect.poll(off).toBeGreaterThan(2);
    expect(errors.filter((error) => error !== VS_CODE_WARNING)).toEqual([]);
    expect(requests).toEqual([]);
  });

  test("shows the image in an untrusted workspace, which does not show HTML", async () => {
    const bundle = new MapView(scene())[JUPYTER_DISPLAY]() as Record<string, Uint8Array>;
    const shown = await pixelsOf(bundle["image/png"]!);
    expect([shown.width, shown.height]).toEqual([scene().widthPx, scene().heightPx]);
  });
});

describe("in a cell", () => {
  test("the frame is as high as the image at any width", async () => {
    const { page } = await openOutput(mapHtml(), { widthPx: 1000, heightPx: 700 });
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

  test("a map that was moved keeps its centre and zoom when the cell changes its width", async () => {
    const { page, frame, errors } = await openOutput(mapHtml(), { widthPx: 1000, heightPx: 700 });
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
