/** An animated map in Chromium: playing, slider, keys and buttons. */
import { DataFrame } from "danfojs-node";
import type { Frame } from "playwright-core";
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type MapOptions } from "../../../src/map";
import { renderPng } from "../../../src/render/image/png";
import { sceneToHtml } from "../../../src/render/page/html";
import { packScene } from "../../../src/render/page/pack";
import { alongCurve } from "../../../src/render/page/pick";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { type OpenOptions, openOutput, painted, withBrowser } from "./browser";
import { decodePng, difference, pixelAt } from "./pixels";

withBrowser();

const NONE = new BaseMap({ source: "none" });
const sceneOf = async (options: MapOptions) =>
  (await mapScene(nowhere, { zoom: 2, lat: 0, lng: 0, size: [600, 400], ...options, progress })).scene;

/** Ten events from west to east, one each day, 60 px apart, and a still circle above them. */
const lngAt = (xPx: number) => ((xPx - 300) / 1024) * 360;
const events = new DataFrame({
  lng: Array.from({ length: 10 }, (_, i) => lngAt(30 + 60 * i)),
  lat: Array.from({ length: 10 }, () => 0),
  t: Array.from({ length: 10 }, (_, i) => new Date(Date.UTC(2018, 1, 1 + i)).toISOString()),
  name: Array.from({ length: 10 }, (_, i) => `event ${i}`),
});
const others = new DataFrame({ lng: [0], lat: [30] });
const lnglat = ["lng", "lat"] as const;
const xOf = (i: number) => 30 + 60 * i;
const RED = [255, 0, 0];
const layersOf = (time: object = {}) => [
  NONE,
  new Layer(others, {
    lnglat,
    color: "#00ff00",
    size: 20,
    stroke: false,
    opacity: 1,
    legend: { title: "Still" },
  }),
  new Layer(events, {
    lnglat,
    color: "#ff0000",
    size: 20,
    opacity: 1,
    tooltip: "name",
    time: { column: "t", trails: 0, duration: 2, ...time },
    legend: { title: "Events" },
  }),
];

async function openScene(scene: Scene, options: OpenOptions = {}) {
  const html = sceneToHtml(scene, renderPng(scene));
  const opened = await openOutput(html, { widthPx: 600, heightPx: 400, ...options });
  return { ...opened, settled: () => painted(opened.page) };
}

const momentOf = (frame: Frame) => frame.locator(".time output").textContent();
const frameNoOf = (frame: Frame) => frame.locator(".time input").inputValue();
const labelOf = (frame: Frame) => frame.locator(".time .play").getAttribute("aria-label");

test("plays at once, in a loop, and pauses", async () => {
  const { page, frame, errors, requests } = await openScene(await sceneOf({ layers: layersOf() }));
  expect(await labelOf(frame)).toBe("Pause");
  const seen = new Set<string | null>();
  for (let i = 0; i < 200 && seen.size < 10; i++) {
    seen.add(await momentOf(frame));
    await page.waitForTimeout(40);
  }
  expect(seen.size).toBe(10);
  await page.waitForTimeout(2200);
  expect(await labelOf(frame)).toBe("Pause");
  await frame.click(".time .play");
  expect(await labelOf(frame)).toBe("Play");
  const at = await momentOf(frame);
  await page.waitForTimeout(500);
  expect(await momentOf(frame)).toBe(at);
  expect(errors).toEqual([]);
  expect(requests).toEqual([]);
});

test("paused, it looks like the image; each frame shows its own events and the static layers", async () => {
  const scene = await sceneOf({ layers: layersOf(), at: "2018-02-04" });
  const { frame, picture, settled, errors } = await openScene(scene);
  expect(await labelOf(frame)).toBe("Play");
  expect(await momentOf(frame)).toBe("4 Feb 2018");
  const still = await decodePng(renderPng(scene));
  expect(difference(await picture(), still, { x: 60, y: 120, width: 480, height: 180 })).toMatchObject({
    differing: 0,
  });
  for (const n of [0, 7, 9, 3]) {
    await frame.locator(".time input").fill(String(n));
    await settled();
    const seen = await picture();
    for (let i = 0; i < 10; i++)
      expect(pixelAt(seen, xOf(i), 200), `frame ${n}, event ${i}`).toEqual(
        i === n ? RED : pixelAt(still, 300, 260),
      );
    expect(pixelAt(seen, 300, 112)).toEqual([0, 255, 0]);
  }
  expect(errors).toEqual([]);
});

test("cumulative layers keep earlier points; several layers share the clock", async () => {
  const scene = await sceneOf({
    layers: [
      NONE,
      new Layer(events, {
        lnglat,
        color: "#ff0000",
        size: 20,
        opacity: 1,
        time: { column: "t", cumulative: true },
      }),
      new Layer(new DataFrame({ lng: [0, 0], lat: [30, -30], t: ["2018-02-03", "2018-02-08"] }), {
        lnglat,
        color: "#0000ff",
        size: 20,
        opacity: 1,
        time: { column: "t", trails: 0 },
      }),
    ],
    at: "2018-02-03",
  });
  const { frame, picture, settled } = await openScene(scene);
  const ground = [...scene.basemap.background].slice(0, 3);
  const shown = async () => {
    await settled();
    const seen = await picture();
    return [
      ...Array.from({ length: 10 }, (_, i) => pixelAt(seen, xOf(i), 200)),
      pixelAt(seen, 300, 112),
      pixelAt(seen, 300, 288),
    ]
      .map((pixel) => {
        if (String(pixel) === String(ground)) return ".";
        return pixel[0] === 255 ? "r" : "b";
      })
      .join("");
  };
  expect(await shown()).toBe("rrr.......b.");
  await frame.locator(".time input").fill("7");
  expect(await shown()).toBe("rrrrrrrr...b");
});

test("Space plays and pauses; arrow keys, Home and End move the slider, which announces the time", async () => {
  const { page, frame } = await openScene(await sceneOf({ layers: layersOf(), at: "2018-02-04" }));
  const slider = frame.locator(".time input");
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  expect(await frameNoOf(frame)).toBe("5");
  expect(await slider.getAttribute("aria-valuetext")).toBe("6 Feb 2018");
  await page.keyboard.press("ArrowLeft");
  expect(await momentOf(frame)).toBe("5 Feb 2018");
  await page.keyboard.press("Home");
  expect(await frameNoOf(frame)).toBe("0");
  await page.keyboard.press("Space");
  expect(await labelOf(frame)).toBe("Pause");
  await page.keyboard.press("Space");
  expect(await labelOf(frame)).toBe("Play");
  await frame.locator(".leaflet-container").focus();
  await page.keyboard.press("Space");
  expect(await labelOf(frame)).toBe("Pause");
  await frame.locator(".time .play").focus();
  await page.keyboard.press("Space"); // a button's own
  expect(await labelOf(frame)).toBe("Play");
});

test("speed, and stopping at the end without a loop", async () => {
  const { page, frame } = await openScene(await sceneOf({ layers: layersOf({ loop: false, speed: 2 }) }));
  expect(await frame.locator(".time .speed").textContent()).toBe("2×");
  await frame.click(".time .speed");
  expect(await frame.locator(".time .speed").getAttribute("aria-label")).toBe("Speed 4×");
  expect(await frame.locator(".time .loop").getAttribute("aria-pressed")).toBe("false");
  await frame.waitForSelector('.time .play[aria-label="Play"]');
  expect(await frameNoOf(frame)).toBe("9");
  await frame.click(".time .play"); // from the beginning
  await page.waitForTimeout(100);
  expect(Number(await frameNoOf(frame))).toBeLessThan(9);
});

test("starts paused if the reader asks for reduced motion", async () => {
  const { page, frame } = await openScene(await sceneOf({ layers: layersOf() }));
  expect(await labelOf(frame)).toBe("Pause");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await expect.poll(() => labelOf(frame)).toBe("Play"); // who comes to prefer it as well
  await page.reload();
  await painted(page);
  // the process of the new frame gets the setting a moment later
  await expect.poll(() => labelOf(page.frames()[1]!)).toBe("Play");
});

test("tooltips show visible points and disappear with them; the legend hides a layer", async () => {
  const { page, frame, settled, picture } = await openScene(
    await sceneOf({ layers: layersOf(), at: "2018-02-04" }),
  );
  const hover = async (i: number) => {
    await page.mouse.move(xOf(i) - 1, 200);
    await page.mouse.move(xOf(i), 200);
    await settled();
    const tooltip = frame.locator(".tooltip");
    return (await tooltip.isVisible()) ? tooltip.textContent() : undefined;
  };
  expect(await hover(3)).toBe("nameevent 3");
  expect(await hover(4)).toBeUndefined();
  await hover(3);
  await frame.locator(".time input").focus();
  await page.keyboard.press("ArrowRight");
  await settled();
  expect(await frame.locator(".tooltip").isVisible()).toBe(false);
  expect(pixelAt(await picture(), xOf(4), 200)).toEqual(RED);
  await frame.click(".legend button:text('Events')");
  await settled();
  expect(pixelAt(await picture(), xOf(4), 200)).not.toEqual(RED);
});

test("can be panned and zoomed while it plays", async () => {
  const { page, frame, errors } = await openScene(await sceneOf({ layers: layersOf() }));
  await page.mouse.move(300, 150);
  await page.mouse.down();
  for (let i = 0; i < 20; i++) await page.mouse.move(300 + 4 * i, 150 + i);
  await page.mouse.up();
  await frame.click(".leaflet-control-zoom-in");
  const before = await momentOf(frame);
  await page.waitForTimeout(600);
  expect(await momentOf(frame)).not.toBe(before);
  expect(errors).toEqual([]);
});

test("a page with many events has an overview of them with all frames", async () => {
  const random = mulberry32(7);
  const count = 150_000;
  const df = new DataFrame({
    lng: Array.from({ length: count }, () => 300 * random() - 150),
    lat: Array.from({ length: count }, () => 120 * random() - 60),
    t: Array.from({ length: count }, (_, i) => (i < 40 ? i * 5 : Math.floor(random() ** 9 * 200))),
  });
  const scene = alongCurve(await sceneOf({ layers: new Layer(df, { lnglat, time: "t" }) }));
  const { starts } = scene.layers[0]!.time!;
  const used = (of: Uint32Array) => of.filter((start, i) => i > 0 && start > of[i - 1]!).length;
  const { page, bytes } = packScene(scene, 60_000);
  expect(bytes.length).toBeLessThanOrEqual(60_000);
  expect(page.overviews[0]!.note).toMatch(/^overview of [\d,]+ of 150,000 points$/);
  const { inflateSync } = await import("node:zlib");
  const { decodeScene } = await import("../../../src/render/page/codec");
  const packed = decodeScene(inflateSync(bytes)).scene.layers[0]!.time!;
  expect(used(packed.starts)).toBe(used(starts));
  expect(packed.starts.at(-1)).toBeLessThan(count);
});
