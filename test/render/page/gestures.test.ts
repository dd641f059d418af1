/** The wheel, touchpads and fingers on a live map in Chromium. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CDPSession, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { worldPxOf } from "../../../src/geometry/mercator";
import { renderPng } from "../../../src/render/image/png";
import { sceneToDocument, sceneToHtml } from "../../../src/render/page/html";
import { centerOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { newContext, open, openOutput, painted, withBrowser } from "./browser";
import { type Area, decodePng, difference, type Picture } from "./pixels";
import { BASEMAP, pointLayer, sceneOf, worldAt } from "./scenes";

withBrowser();

/** Leaflet looks at the last 50 ms of a drag to tell whether the map glides on. */
const FLICK_MS = 100;

const random = mulberry32(7);
const axis = (from: number, to: number) =>
  Float64Array.from({ length: 500 }, () => from + random() * (to - from));
const scene = sceneOf([pointLayer(axis(0.1, 0.9), axis(0.2, 0.7))]);
const ZOOM = 1; // of `sceneOf`
const INSIDE: Area = { x: 60, y: 12, width: 480, height: 330 };
const POINTER = [410, 130] as const;

/** The scene after a zoom by `levels` around the pointer, which stays on its place. */
function zoomed(levels: number, from: Scene = scene): Picture | Promise<Picture> {
  const { widthPx, heightPx } = from;
  const [x, y] = worldAt(from, ...POINTER);
  const worldPx = worldPxOf(ZOOM + levels);
  const originX = x - POINTER[0] / worldPx;
  const originY = y - POINTER[1] / worldPx;
  const { lng, lat, zoom } = centerOf({ originX, originY, worldPx, widthPx, heightPx, pixelRatio: 1 });
  return decodePng(renderPng({ ...from, view: { kind: "center", lng, lat, zoom } }));
}

async function openDocument(from: Scene = scene) {
  const { page, errors } = await open(sceneToDocument(from, new Uint8Array()));
  await painted(page);
  await page.mouse.move(...POINTER);
  return { page, errors };
}

const picture = async (page: Page) => decodePng(await page.screenshot());

const STEPS = [-1, 0, 1];

/**
 * Waits until the map rests where a zoom by `levels` shows it, or a pixel beside it: Leaflet's views lie on whole pixels. The
 * page's outlines are simpler than the image's.
 */
async function expectZoomed(page: Page, levels: number, from?: Scene): Promise<void> {
  const expected = await zoomed(levels, from);
  const off = async () => {
    const shown = await picture(page);
    const near = STEPS.flatMap((dx) => STEPS.map((dy) => difference(expected, shown, INSIDE, [dx, dy]).mean));
    return Math.min(...near);
  };
  await expect.poll(off).toBeLessThan(1.1);
}

/** Turns the wheel in the page itself, in steps that no mouse has. */
const turn = (
  page: Page,
  times: number,
  options: { deltaY: number; deltaMode?: number; ctrlKey?: boolean },
) => {
  const [clientX, clientY] = POINTER;
  const init = JSON.stringify({ bubbles: true, cancelable: true, clientX, clientY, ...options });
  return page.evaluate(`for (let i = 0; i < ${times}; i++)
    document.getElementById("map").dispatchEvent(new WheelEvent("wheel", ${init}))`);
};

describe("the wheel", () => {
  test("zooms by a level per 240 pixels, around the pointer", async () => {
    const { page, errors } = await openDocument();
    await page.mouse.wheel(0, -100);
    await expectZoomed(page, 100 / 240);
    await page.mouse.wheel(0, -140);
    await expectZoomed(page, 1);
    await page.mouse.wheel(0, 240);
    await expectZoomed(page, 0);
    expect(errors).toEqual([]);
  });

  test("zooms by as little as a touchpad moves", async () => {
    const { page } = await openDocument();
    await turn(page, 30, { deltaY: -2 });
    await expectZoomed(page, 0.25);
    await turn(page, 30, { deltaY: 2 });
    await expectZoomed(page, 0);
  });

  test("counts lines, and follows a pinch of a touchpad", async () => {
    const { page } = await openDocument();
    await turn(page, 1, { deltaY: -3, deltaMode: 1 });
    await expectZoomed(page, 99 / 240);
    await turn(page, 1, { deltaY: 3, deltaMode: 1 });
    await turn(page, 10, { deltaY: -10 * Math.LN2, ctrlKey: true });
    await expectZoomed(page, 1);
  });

  test("stops at whole levels over raster tiles, in the direction of the gesture", async () => {
    const tiles = { urlTemplate: "http://tiles.test/{z}/{x}/{y}.png", subdomains: "", attribution: "" };
    const tiled = { ...scene, basemap: { ...BASEMAP, tiles } };
    const { page } = await openDocument(tiled);
    await turn(page, 30, { deltaY: -2 });
    await expectZoomed(page, 0, tiled); // a quarter of a level is no step
    await page.mouse.wheel(0, -100);
    await expectZoomed(page, 1, tiled);
    await page.mouse.wheel(0, 100);
    await expectZoomed(page, 0, tiled);
  });
});

describe("fingers on a map in a notebook", () => {
  const html = `${sceneToHtml(scene, renderPng(scene))}<div style="height:3000px"></div>`;

  async function openTouched() {
    const opened = await openOutput(html, { hasTouch: true });
    const session = await opened.page.context().newCDPSession(opened.page);
    return { ...opened, session };
  }

  /** Moves fingers from their places by (dx, dy) in five steps. They rest before the last: a flick would let the map glide on. */
  async function swipe(
    session: CDPSession,
    from: readonly (readonly [number, number])[],
    by: readonly [number, number],
  ) {
    const at = (step: number) =>
      from.map(([x, y], id) => ({ x: x + (by[0] * step) / 5, y: y + (by[1] * step) / 5, id }));
    const send = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: ReturnType<typeof at>) =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints });
    await send("touchStart", at(0));
    for (let step = 1; step < 5; step++) await send("touchMove", at(step));
    await sleep(FLICK_MS);
    await send("touchMove", at(5));
    await send("touchEnd", []);
  }

  test("one scrolls the page and leaves the map alone", async () => {
    const { page, frame, picture, session } = await openTouched();
    const before = await picture();
    await swipe(session, [[300, 250]], [0, -150]);
    await page.waitForFunction("scrollY > 50");
    expect(await frame.textContent(".hint")).toBe("Use two fingers to move the map");
    await frame.waitForSelector(".hint:not(.shown)");
    const off = async () => {
      await page.evaluate("scrollTo(0, 0)"); // the page may go on scrolling for a while
      return difference(before, await picture(), INSIDE).mean;
    };
    await expect.poll(off).toBe(0);
  });

  test("two move the map", async () => {
    const { page, picture, session } = await openTouched();
    const before = await picture();
    await swipe(
      session,
      [
        [260, 200],
        [340, 200],
      ],
      [60, -40],
    );
    const area = { x: 130, y: 60, width: 350, height: 280 };
    const off = async () => difference(before, await picture(), area, [60, -40]).mean;
    await expect.poll(off).toBeLessThan(0.6);
    expect(await page.evaluate("scrollY")).toBe(0);
  });

  test("one moves the map that fills the window", async () => {
    const context = await newContext({ hasTouch: true, viewport: { width: 600, height: 400 } });
    const page = await context.newPage();
    await page.setContent(sceneToDocument(scene, new Uint8Array()));
    await painted(page);
    const before = await picture(page);
    const session = await context.newCDPSession(page);
    await swipe(session, [[300, 200]], [-60, -30]);
    const area = { x: 130, y: 60, width: 350, height: 280 };
    const off = async () => difference(before, await picture(page), area, [-60, -30]).mean;
    await expect.poll(off).toBeLessThan(0.6);
  });
});
