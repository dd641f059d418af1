import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createCanvas } from "@napi-rs/canvas";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { cartoBasemap } from "../../../src/map/base-map";
import { encodeStill } from "../../../src/render/image/encode-png";
import { renderCanvas, renderPng } from "../../../src/render/image/png";
import { sceneToDocument, sceneToHtml } from "../../../src/render/page/html";
import { alongCurve } from "../../../src/render/page/pick";
import type { Scene, SceneLayer } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { type OpenOptions, open, openOutput, painted, withBrowser } from "./browser";
import { DIST } from "./built";
import { type Area, decodePng, difference, type Picture, pixelAt, unlikeWithinAPixel } from "./pixels";
import { airports, counties } from "./samples";
import { BASEMAP, constantColor, HOSTILE, pathLayer, pointLayer, sceneOf, worldAt } from "./scenes";

withBrowser();

/** Clocks of machines that paint in no time, or a thousand times slower. */
const FAST = "performance.now = () => 0;";
const SLOW = "const now = performance.now.bind(performance); performance.now = () => 1000 * now();";

/** The map as a notebook shows it, on a fast machine. */
function openMap(scene: Scene, options: OpenOptions & { html?: string } = {}) {
  const { widthPx, heightPx } = scene;
  const html = options.html ?? sceneToHtml(scene, renderPng(scene));
  return openOutput(html, { widthPx, heightPx, before: FAST, ...options });
}

/** The map without the controls at its edges. */
const inside = ({ widthPx, heightPx }: Scene): Area => ({
  x: 60,
  y: 12,
  width: widthPx - 120,
  height: heightPx - 40,
});

async function firstView(scene: Scene): Promise<Picture> {
  return decodePng(renderPng({ ...scene, legends: [] }));
}

const random = mulberry32(42);
const axis = (count: number, from: number, to: number) =>
  Float64Array.from({ length: count }, () => from + random() * (to - from));
const classes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(random() * 4) || 255);

const byClass = (count: number): SceneLayer["color"] => ({
  kind: "classes",
  palette: [constantColor, [230, 60, 90, 255], [20, 160, 120, 200], [240, 180, 30, 255]],
  missing: [120, 120, 120, 255],
  classes: classes(count),
});

function star(x: number, y: number, radius: number, turn = 0): number[] {
  const ring = Array.from({ length: 11 }, (_, i) => {
    const angle = turn + (i * Math.PI) / 5;
    const r = i % 2 ? radius * 0.4 : radius;
    return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
  });
  return ring.flat();
}
const stars = Array.from({ length: 40 }, () => [
  [star(0.2 + random() * 0.6, 0.2 + random() * 0.5, 0.03, random()), star(0.5, 0.5, 0.01)],
]);
const zigzags = Array.from({ length: 30 }, () => [[[...axis(24, 0.2, 0.7)]]]);

const LAYERS: Record<string, SceneLayer> = {
  points: pointLayer(axis(400, 0.1, 0.9), axis(400, 0.2, 0.7)),
  "points by class and size, outlined": pointLayer(axis(400, 0.1, 0.9), axis(400, 0.2, 0.7), {
    color: byClass(400),
    size: { kind: "classes", px: [4, 9, 14.5, 30], missingPx: 3, classes: classes(400) },
    stroke: { color: [255, 255, 255, 255], widthPx: 1 },
    opacity: 0.8,
  }),
  lines: pathLayer("line", zigzags, { size: { kind: "constant", px: 1.5 } }),
  "lines by class": pathLayer("line", zigzags, {
    color: byClass(30),
    size: { kind: "classes", px: [1, 2, 4, 8], missingPx: 1, classes: classes(30) },
    opacity: 0.5,
  }),
  polygons: pathLayer("polygon", stars),
  "polygons by class, outlined": pathLayer("polygon", stars, {
    color: byClass(40),
    stroke: { color: [40, 40, 40, 255], widthPx: 1 },
    opacity: 0.7,
  }),
};

describe("the first view looks like the image", () => {
  const cases = [
    ...Object.entries(LAYERS).map(([name, layer]) => [name, sceneOf([layer])] as const),
    ["all in one", sceneOf(Object.values(LAYERS))],
    ["nothing", sceneOf([])],
    ["airports", airports()],
    ["counties", counties()],
    [
      "no vector base",
      sceneOf([LAYERS.points!], { basemap: { theme: "light", background: [250, 250, 250, 255] } }),
    ],
    [
      "across the antimeridian, several worlds",
      sceneOf([LAYERS.polygons!, LAYERS.points!], {
        widthPx: 900,
        view: { kind: "center", lng: 187.3, lat: -10, zoom: 0.6 },
      }),
    ],
  ] as const;

  test.each(cases)("%s", async (_name, withLegends) => {
    const scene = { ...withLegends, legends: [] };
    const { errors, requests, picture } = await openMap(scene);
    const { mean, differing } = difference(await picture(), await firstView(scene), inside(scene));
    expect(errors).toEqual([]);
    expect(requests).toEqual([]);
    expect(mean).toBeLessThan(0.6);
    expect(differing).toBeLessThan(0.002);
  });

  test("with two device pixels per pixel", async () => {
    // Chromium's emulation of a pixel ratio does not reach into sandboxed frames.
    const html = sceneToDocument(airports(), new Uint8Array());
    const { page } = await open(html, { widthPx: 800, pixelRatio: 2 });
    await painted(page);
    expect(await page.evaluate("document.querySelector('canvas').width")).toBe(1600);
    expect(await page.evaluate("document.querySelector('canvas').clientWidth")).toBe(800);
  });

  test("fits a smaller frame", async () => {
    const scene = { ...airports(), legends: [] };
    const { picture } = await openMap(scene, { widthPx: 400, heightPx: 300 });
    const small = { ...scene, widthPx: 400, heightPx: 280 }; // not lower than that
    const area = { x: 60, y: 12, width: 200, height: 160 };
    await expectShown(picture, await firstView(small), { area });
  });

  test("in a cell that starts collapsed", async () => {
    const scene = airports();
    const html = sceneToHtml(scene, renderPng(scene));
    const folded = `<!doctype html><body style="margin:0"><div id="cell" style="display:none">${html}</div>`;
    const { page, errors } = await open(folded, { widthPx: 800 });
    await page.waitForTimeout(100);
    await page.evaluate("document.getElementById('cell').style.display = ''");
    await painted(page);
    const shown = await decodePng(await page.screenshot());
    expect(difference(shown, await firstView(scene), { ...inside(scene), width: 600 }).mean).toBeLessThan(
      0.3,
    );
    expect(errors).toEqual([]);
  });
});

interface Comparison {
  readonly area: Area;
  /** Offset at which pixel (x, y) of `expected` is shown. */
  readonly moved?: readonly [number, number];
  readonly mean?: number;
}

/** Waits until the page shows an image, after its animations. */
async function expectShown(
  picture: () => Promise<Picture>,
  expected: Picture,
  { area, moved = [0, 0], mean = 0.6 }: Comparison,
): Promise<void> {
  const off = async () => difference(expected, await picture(), area, moved).mean;
  await expect.poll(off).toBeLessThan(mean);
}

async function drag(page: Page, [dx, dy]: readonly [number, number]): Promise<void> {
  await page.mouse.move(300, 200);
  await page.mouse.down();
  for (let step = 1; step <= 5; step++) await page.mouse.move(300 + (dx * step) / 5, 200 + (dy * step) / 5);
  await page.waitForTimeout(150); // no inertia
  await page.mouse.up();
}

describe("moving", () => {
  const scene = sceneOf(Object.values(LAYERS));

  test("a drag moves painted pixels and paints new strips", async () => {
    const { page, picture, errors } = await openMap(scene);
    const before = await picture();
    await drag(page, [90, -40]);
    const area = { x: 60, y: 60, width: 360, height: 280 };
    await expectShown(picture, before, { area, moved: [90, -40], mean: 0.05 });
    const strip = { x: 62, y: 100, width: 28, height: 260 }; // outside of the first view
    const [x, y] = worldAt(scene, 300 - 90, 200 + 40);
    await expectShown(picture, await firstView(centered(scene, x, y)), { area: strip });
    expect(errors).toEqual([]);
  });

  test("the buttons zoom in and out", async () => {
    const { frame, picture } = await openMap(scene);
    const before = await picture();
    await frame.click(".leaflet-control-zoom-in");
    const closer = {
      ...scene,
      view: { ...(scene.view as { lng: number; lat: number }), kind: "center", zoom: 2 },
    } as Scene;
    await expectShown(picture, await firstView(closer), { area: inside(scene), mean: 1.1 }); // the page's outlines are simpler
    await frame.click(".leaflet-control-zoom-out");
    await expectShown(picture, before, { area: inside(scene), mean: 0.05 });
  });

  describe("when painting takes longer than a frame", () => {
    const watch = `window.busy = 0;
      new MutationObserver((changes) => (window.busy += changes.length))
        .observe(document, { subtree: true, attributeFilter: ["aria-busy"] });`;
    const zoomed = (x: number, y: number): Scene => {
      const { view } = centered(scene, x, y);
      return { ...scene, view: { ...view, zoom: 2 } as Scene["view"] };
    };

    test("a new zoom is painted in bands", async () => {
      const { page, frame, picture, errors } = await openMap(scene, { before: SLOW + watch });
      expect(await frame.evaluate("window.busy")).toBeLessThan(3); // the first view is painted whole
      await frame.click(".leaflet-control-zoom-in");
      await frame.waitForSelector("canvas[aria-busy=true]");
      await painted(page);
      const [x, y] = worldAt(scene, 300, 200);
      await expectShown(picture, await firstView(zoomed(x, y)), { area: inside(scene), mean: 1.2 });
      expect(errors).toEqual([]);
    });

    test("the map can be dragged or zoomed before all bands are painted", async () => {
      const { page, frame, picture, errors } = await openMap(scene, { before: SLOW });
      await frame.click(".leaflet-control-zoom-in");
      await frame.waitForSelector("canvas[aria-busy=true]");
      await drag(page, [90, 40]);
      await painted(page);
      const [x, y] = worldAt(scene, 300 - 45, 200 - 20);
      const area = { x: 120, y: 60, width: 280, height: 240 };
      await expectShown(picture, await firstView(zoomed(x, y)), { area, mean: 1.2 });
      await frame.click(".leaflet-control-zoom-out");
      await frame.waitForSelector("canvas[aria-busy=true]");
      await frame.click(".leaflet-control-zoom-in");
      await painted(page);
      await expectShown(picture, await firstView(zoomed(x, y)), { area, mean: 1.2 });
      expect(errors).toEqual([]);
    });
  });

  test("arrow keys and plus move the map", async () => {
    const { frame, picture } = await openMap(scene);
    const before = await picture();
    await frame.focus("#map");
    await frame.press("#map", "ArrowRight");
    const area = { x: 160, y: 60, width: 300, height: 280 };
    await expectShown(picture, before, { area, moved: [-80, 0], mean: 0.05 });
  });

  test("the next copy of the world shows everything again", async () => {
    const { page, picture } = await openMap(scene);
    const before = await picture();
    for (let turn = 0; turn < 4; turn++) await drag(page, [128, 0]); // 512 pixels are the world at zoom 1
    await expectShown(picture, before, { area: inside(scene) });
  });

  test("the wheel scrolls the notebook until the reader clicks the map", async () => {
    const html = `${sceneToHtml(scene, renderPng(scene))}<div style="height:3000px"></div>`;
    const { page, frame, picture } = await openMap(scene, { html });
    const before = await picture();
    await page.mouse.move(300, 200);
    await page.mouse.wheel(0, 200);
    await page.waitForFunction("scrollY === 200");
    await page.evaluate("scrollTo(0, 0)");
    expect(await frame.textContent(".hint")).toMatch(
      /^Click the map or hold (Ctrl|⌘) to zoom with the wheel$/,
    );
    await frame.waitForSelector(".hint:not(.shown)");
    await page.waitForTimeout(300);
    expect(difference(await picture(), before, inside(scene)).mean).toBe(0);

    await page.mouse.click(300, 200);
    await page.mouse.wheel(0, -200);
    const off = async () => difference(await picture(), before, inside(scene)).mean;
    await expect.poll(off).toBeGreaterThan(1);
    expect(await page.evaluate("scrollY")).toBe(0);
  });
});

function centered(scene: Scene, x: number, y: number): Scene {
  const lat = (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
  return { ...scene, view: { kind: "center", lng: x * 360 - 180, lat, zoom: 1 } };
}

describe("texts", () => {
  const legends: Scene["legends"] = [
    {
      title: `"title" ${HOSTILE}`,
      geometry: "point",
      items: [
        { label: HOSTILE, color: constantColor, sizePx: 8 },
        { label: "", color: [1, 2, 3, 128], sizePx: 30 },
      ],
    },
    { title: "lines", geometry: "line", items: [{ label: "עברית", color: constantColor, sizePx: 2 }] },
  ];

  test("hostile names and values appear as text", async () => {
    const scene = sceneOf([LAYERS.points!], { legends });
    const { page, frame, errors, requests } = await openMap(scene);
    expect(await frame.locator(".legend h2").allTextContents()).toEqual([`"title" ${HOSTILE}`, "lines"]);
    expect(await frame.locator(".legend tbody tr").allTextContents()).toEqual([HOSTILE, "", "עברית"]);
    expect(await page.locator("img").getAttribute("alt")).toContain(HOSTILE.replace("\0", "\ufffd"));
    expect(await frame.evaluate("[document.images.length, window.hacked]")).toEqual([0, undefined]);
    expect(await page.evaluate("[document.images.length, window.hacked]")).toEqual([1, undefined]);
    expect(errors).toEqual([]);
    expect(requests).toEqual([]);
  });

  test("in a standalone file, too", async () => {
    const scene = sceneOf([LAYERS.points!], { legends });
    const { page, errors } = await open(sceneToDocument(scene, renderPng(scene)));
    await painted(page);
    expect(await page.locator(".legend tbody tr").allTextContents()).toEqual([HOSTILE, "", "עברית"]);
    expect(await page.title()).toContain("<img src=x onerror=");
    expect(await page.evaluate("window.hacked")).toBe(undefined);
    expect(errors).toEqual([]);
  });

  test("attributions are text with links, of what the map shows", async () => {
    const attribution =
      'Tiles <b>by</b> [A & "B"](https://a.test/x?y=1&z=2), [no](javascript:alert(1)), [C](https://c.test)';
    const basemap = { ...BASEMAP, tiles: { ...TILES, attribution } };
    let isOnline = false;
    const { page } = await open(sceneToDocument(sceneOf([], { basemap }), new Uint8Array()), {
      route: () => (isOnline ? tile("#00ff00") : undefined),
    });
    const credits = () => page.textContent(".attribution");
    await expect.poll(credits).toBe("Leaflet · Natural Earth");
    isOnline = true;
    await page.evaluate("dispatchEvent(new Event('online'))");
    await expect.poll(credits).toBe('Leaflet · Tiles <b>by</b> A & "B", [no](javascript:alert(1)), C');
    const links =
      "[...document.querySelectorAll('.attribution a')].map((a) => [a.href, a.target, a.rel].join(' '))";
    expect(await page.evaluate(links)).toEqual([
      "https://leafletjs.com/ _blank noopener noreferrer",
      "https://a.test/x?y=1&z=2 _blank noopener noreferrer",
      "https://c.test/ _blank noopener noreferrer",
    ]);
  });
});

describe("permissions of the page", () => {
  const scene = sceneOf([LAYERS.points!]);

  test("cannot reach the notebook", async () => {
    const { frame } = await openMap(scene);
    expect(await frame.evaluate("origin")).toBe("null");
    await expect(frame.evaluate("parent.document.title")).rejects.toThrow(/cross-origin|SecurityError/);
  });

  test("runs no other script and requests nothing", async () => {
    const { frame, requests } = await openMap(scene);
    await frame.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked = 1' }))",
    );
    await frame.evaluate("new Image().src = 'https://elsewhere.test/x.png'");
    await frame.evaluate("fetch('https://elsewhere.test/').catch(() => {})");
    expect(await frame.evaluate("window.hacked")).toBe(undefined);
    expect(requests).toEqual([]);
  });
});

const TILES = {
  urlTemplate: "https://{s}.tiles.test/{z}/{x}/{y}{r}.png",
  subdomains: "ab",
  attribution: "tiles",
};

function tile(color: string): Buffer {
  const canvas = createCanvas(256, 256);
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 256, 256);
  return canvas.toBuffer("image/png");
}

describe("tiles", () => {
  const scene = sceneOf(
    [pointLayer(Float64Array.of(0.5), Float64Array.of(0.5), { size: { kind: "constant", px: 40 } })],
    {
      basemap: { ...BASEMAP, tiles: TILES },
      view: { kind: "center", lng: 0, lat: 0, zoom: 1.25 },
    },
  );

  // In documents of their own: requests of a sandboxed frame's first moments escape Playwright's routes.
  test("lie between the outlines and the data", async () => {
    const html = sceneToDocument(scene, new Uint8Array());
    const { page, requests, errors } = await open(html, { route: () => tile("#00ff00") });
    await page.locator(".leaflet-tile-loaded").nth(3).waitFor();
    const shown = async () => decodePng(await page.screenshot());
    await expect.poll(async () => pixelAt(await shown(), 150, 150)).toEqual([0, 255, 0]); // tiles fade in
    expect(pixelAt(await shown(), 300, 200)).toEqual(constantColor.slice(0, 3));
    expect(requests.every((url) => /^https:\/\/[ab]\.tiles\.test\/1\/[01]\/[01]\.png$/.test(url))).toBe(true);
    expect(errors).toEqual([]);
  });

  test("are enlarged beyond their maximum zoom", async () => {
    const basemap = { ...BASEMAP, tiles: { ...TILES, maxZoom: 0 } };
    const html = sceneToDocument({ ...scene, basemap }, new Uint8Array());
    const { page, requests } = await open(html, { route: () => tile("#00ff00") });
    await page.locator(".leaflet-tile-loaded").first().waitFor();
    const corner = async () => pixelAt(await decodePng(await page.screenshot()), 150, 150);
    await expect.poll(corner).toEqual([0, 255, 0]);
    expect(new Set(requests)).toEqual(new Set(["https://a.tiles.test/0/0/0.png"]));
  });

  test("offline, the outlines stay, and each view sends at most one request", async () => {
    const { page, requests, errors } = await open(sceneToDocument(scene, new Uint8Array()));
    await painted(page);
    await expect.poll(() => errors).toEqual(["Failed to load resource: net::ERR_FAILED"]); // Chromium's own words
    expect(requests).toHaveLength(1);
    const shown = await decodePng(await page.screenshot());
    expect(difference(shown, await firstView(scene), inside(scene)).mean).toBeLessThan(0.3);
  });

  test("an invalid URL is an error", () => {
    const broken = { ...scene, basemap: { ...BASEMAP, tiles: { ...TILES, urlTemplate: "tiles/{z}" } } };
    expect(() => sceneToHtml(broken, new Uint8Array())).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: The URL of the basemap's tiles must look like "https://example.com/{z}/{x}/{y}.png"; got "tiles/{z}".]`,
    );
  });
});

describe("without the live map", () => {
  const scene = airports();
  const png = renderPng(scene);

  test("an untrusted notebook shows the image", async () => {
    const html = sceneToHtml(scene, png).replace(/<iframe[^>]*><\/iframe>/, "");
    const { page } = await open(`<!doctype html><body style="margin:0">${html}`, { widthPx: 800 });
    const shown = await decodePng(await page.screenshot());
    expect(difference(shown, await decodePng(png), { x: 0, y: 0, width: 800, height: 400 }).mean).toBe(0);
  });

  test("an old browser shows the image and says why", async () => {
    const before = "delete window.DecompressionStream";
    const { page } = await open(sceneToDocument(scene, png), { widthPx: 800, before });
    await page.waitForSelector("#problem");
    expect(await page.textContent("#problem")).toBe(
      "This is a static image of the map. The live map could not start: this browser is too old.",
    );
    const shown = await decodePng(await page.screenshot());
    expect(difference(shown, await decodePng(png), { x: 0, y: 0, width: 800, height: 350 }).mean).toBe(0);
  });

  test("a damaged page shows the image", async () => {
    const html = sceneToHtml(scene, png).replace(/(id=&quot;scene&quot;&gt;).{2000}/, "$1");
    const { page } = await open(`<!doctype html><body style="margin:0">${html}`, { widthPx: 800 });
    await page.frames()[1]!.waitForSelector("#problem");
    expect(await page.frames()[1]!.textContent("#problem")).toMatch(
      /^This is a static image of the map. The live map could not start: /,
    );
    const shown = await decodePng(await page.screenshot());
    expect(difference(shown, await decodePng(png), { x: 0, y: 0, width: 800, height: 350 }).mean).toBe(0);
  });
});

describe("sizes", () => {
  const kb = (html: string) => Math.round(html.length / 1000);
  const at = (lng: number, lat: number, zoom: number) => ({ kind: "center" as const, lng, lat, zoom });

  test("a page of 100 points takes less than 330 kB, a map of counties less than 700 kB", () => {
    const basemap = cartoBasemap("voyager", "back");
    for (const view of [at(0, 20, 1), at(10, 48, 4), at(-98, 39, 4), at(10, 48, 6)]) {
      const points = sceneOf([pointLayer(axis(100, 0, 1), axis(100, 0, 1))], { basemap, view });
      expect(kb(sceneToHtml(points, encodeStill(renderCanvas(points))))).toBeLessThan(330);
    }
    expect(kb(sceneToHtml(counties(), new Uint8Array()))).toBeLessThan(700);
  });

  test("the program takes less than 290 kB before it is deflated", () => {
    expect(readFileSync(join(DIST, "page.js")).length).toBeLessThan(290_000);
  });

  test("same scene, same bytes", () => {
    expect(sceneToHtml(airports(), renderPng(airports()))).toBe(
      sceneToHtml(airports(), renderPng(airports())),
    );
  });
});

describe("large", () => {
  const many = (count: number) =>
    alongCurve(sceneOf([pointLayer(axis(count, 0, 1), axis(count, 0, 1), { color: byClass(count) })]));

  test("a million points with a category open and pan, in less than 8 MB", async () => {
    const scene = many(1_000_000);
    const html = sceneToHtml(scene, renderPng(scene));
    expect(html.length).toBeLessThan(8e6);
    const { page, picture, errors } = await openMap(scene, { html });
    const before = await picture();
    expect(difference(before, await firstView(scene), inside(scene)).mean).toBeLessThan(1);
    await drag(page, [60, -30]);
    const area = { x: 60, y: 60, width: 400, height: 280 };
    await expectShown(picture, before, { area, moved: [60, -30] });
    expect(errors).toEqual([]);
  });

  test("shows an overview of data that is too large, and says so once the map is zoomed in beyond it", async () => {
    const scene = many(1_700_000);
    const html = sceneToHtml(scene, new Uint8Array());
    expect(html.length).toBeLessThan(8e6);
    const { page, frame, picture } = await openMap(scene, { html });
    const [shown, all] = [await picture(), await firstView(scene)];
    expect(unlikeWithinAPixel(shown, all, inside(scene))).toBeLessThan(0.005);
    expect(await frame.isVisible(".notes")).toBe(false);
    for (let i = 0; i < 12; i++) await frame.click(".leaflet-control-zoom-in");
    await painted(page);
    expect(await frame.textContent(".notes")).toMatch(/^An overview of ([\d,]+ of )?1,700,000 points\.$/);
  });
});
