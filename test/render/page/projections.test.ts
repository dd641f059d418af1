/** Maps in other projections than Web Mercator, in Chromium: they look like their images, end where the world ends, and find rows. */

import { readFileSync } from "node:fs";
import { geoEqualEarth } from "d3-geo";
import { DataFrame } from "danfojs-node";
import type { Frame, Page } from "playwright-core";
import { feature } from "topojson-client";
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type MapOptions } from "../../../src/map";
import { encodePng, encodeStill } from "../../../src/render/image/encode-png";
import { renderCanvas } from "../../../src/render/image/png";
import { sceneToHtml } from "../../../src/render/page/html";
import { viewportOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { openOutput, painted, pointAt, withBrowser } from "./browser";
import { type Area, decodePng, difference, pixelAt } from "./pixels";

withBrowser();

const SIZE = [600, 320] as const;
const PLACES: [string, number, number][] = [
  ["Quito", -78.5, -0.2],
  ["Suva", 178.4, -18.1],
  ["Nairobi", 36.8, -1.3],
  ["Anchorage", -149.9, 61.2],
];
const places = new DataFrame({
  name: PLACES.map(([name]) => name),
  lng: PLACES.map(([, lng]) => lng),
  lat: PLACES.map(([, , lat]) => lat),
});
/** An area without controls. */
const INSIDE: Area = { x: 70, y: 60, width: 460, height: 200 };

async function openMap({ labels = "back", ...options }: MapOptions & { labels?: "back" | null }) {
  const circles = new Layer(places, {
    lnglat: ["lng", "lat"],
    color: "crimson",
    size: 12,
    tooltip: "name",
    legend: false,
  });
  const layers = labels === null ? [new BaseMap({ labels }), circles] : circles;
  const { scene } = await mapScene(nowhere, { layers, size: SIZE, ...options, progress });
  const html = sceneToHtml(scene, encodeStill(renderCanvas(scene)));
  const [widthPx, heightPx] = SIZE;
  return { scene, ...(await openOutput(html, { widthPx, heightPx })) };
}

const pictureOf = (scene: Scene) => decodePng(encodePng(renderCanvas(scene)));

/** Pixel of a place on a map in Equal Earth, as d3-geo projects it. */
function pixelOf(scene: Scene, place: [number, number]): [number, number] {
  const { originX, originY, worldPx } = viewportOf(scene, { medium: "page" });
  const judge = geoEqualEarth()
    .scale(1 / (2 * Math.PI))
    .translate([0.5, 0.5])
    .rotate([-scene.projection!.center[0], 0]);
  const [x, y] = judge(place)!;
  return [Math.round((x - originX) * worldPx), Math.round((y - originY) * worldPx)];
}

async function tooltipAt(page: Page, frame: Frame, at: readonly [number, number]) {
  await pointAt(page, frame, at);
  const tooltip = frame.locator(".tooltip");
  return (await tooltip.isVisible()) ? tooltip.textContent() : null;
}

test.each(["equal-earth", "orthographic", "mollweide"] as const)(
  "%s looks like its image",
  async (projection) => {
    const { scene, picture, errors, requests } = await openMap({ projection, labels: null });
    const wanted = await pictureOf(scene);
    expect(difference(await picture(), wanted, INSIDE).mean).toBeLessThan(0.5);
    expect(errors).toEqual([]);
    expect(requests).toEqual([]);
  },
);

test("places are found where they are, and the world ends at its outline", async () => {
  const { scene, page, frame, picture, errors } = await openMap({});
  expect(scene.projection?.name).toBe("equal-earth");
  for (const [name, lng, lat] of PLACES)
    expect(await tooltipAt(page, frame, pixelOf(scene, [lng, lat])), name).toContain(name);
  expect(await tooltipAt(page, frame, pixelOf(scene, [0, 40]))).toBeNull();
  expect(await frame.locator(".scale:visible").count()).toBe(0);

  for (let clicks = 0; clicks < 3; clicks++) await frame.click(".leaflet-control-zoom-out");
  await painted(page);
  const red = async () => {
    const shown = await picture();
    let count = 0;
    for (let x = 0; x < SIZE[0]; x++)
      for (let y = 0; y < SIZE[1]; y++) {
        const [r, g, b] = pixelAt(shown, x, y) as [number, number, number];
        if (r > 180 && g < 60 && b < 100) count++;
      }
    return count;
  };
  // four discs of 12 pixels, none of them in another copy of the world
  await expect.poll(red).toBeLessThan(4.5 * Math.PI * 36);
  expect(await red()).toBeGreaterThan(100);
  expect(errors).toEqual([]);
});

test("the map does not leave the world", async () => {
  const { scene, page, frame, picture, errors } = await openMap({ projection: "equal-earth" });
  const around = scene.basemap.background.slice(0, 3).join();
  const middle = async () =>
    pixelAt(await picture(), SIZE[0] / 2, SIZE[1] / 2)
      .slice(0, 3)
      .join();
  await frame.click(".leaflet-control-zoom-in");
  await painted(page);
  // further than from the middle of the world to its edge, which is 900 pixels away
  for (let drags = 0; drags < 4; drags++) {
    await page.mouse.move(500, 280);
    await page.mouse.down();
    for (let step = 1; step <= 5; step++) await page.mouse.move(500 - 80 * step, 280);
    await page.mouse.up();
  }
  await painted(page);
  expect(await middle()).not.toBe(around);
  const edge = async () =>
    pixelAt(await picture(), SIZE[0] - 12, 20)
      .slice(0, 3)
      .join();
  await expect.poll(edge).toBe(around);
  expect(errors).toEqual([]);
});

test("beside a legend, the first view stays where it is fitted", async () => {
  const atlas = JSON.parse(readFileSync(require.resolve("us-atlas/counties-10m.json"), "utf8"));
  const counties = feature(atlas, atlas.objects.counties) as unknown as {
    features: { properties: object }[];
  };
  for (const [i, county] of counties.features.entries()) county.properties = { rate: i % 97 };
  const layers = new Layer(counties as never, { color: "rate" });
  const { scene } = await mapScene(nowhere, { layers, size: [800, 400], progress });
  expect(scene.projection?.name).toBe("albers-usa-territories");
  const html = sceneToHtml(scene, encodeStill(renderCanvas(scene)));
  const { page, frame } = await openOutput(html, { widthPx: 800, heightPx: 400 });
  await page.waitForTimeout(600); // longer than Leaflet's animation of a pan
  expect(await frame.locator(".leaflet-map-pane").getAttribute("style")).toContain(
    "translate3d(0px, 0px, 0px)",
  );
});
