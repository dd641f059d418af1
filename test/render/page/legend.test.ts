import { expect, test } from "vitest";
import { renderPng } from "../../../src/render/image/png";
import { sceneToHtml } from "../../../src/render/page/html";
import type { Legend, Scene } from "../../../src/render/scene";
import { open, withBrowser } from "./browser";
import { BASEMAP, pointLayer, sceneOf } from "./scenes";

withBrowser();

const point = pointLayer(Float64Array.of(0.5), Float64Array.of(0.5));

async function openLegend(legend: Legend) {
  const scene: Scene = { ...sceneOf([point]), basemap: BASEMAP, legends: [legend] };
  return open(sceneToHtml(scene, renderPng(scene)));
}

test("large points are nested, with a leader from each to its label", async () => {
  const sizes = [8, 50, 90];
  const { page, errors } = await openLegend({
    title: "People",
    geometry: "point",
    items: sizes.map((sizePx) => ({
      label: `${sizePx} <b>px</b>`,
      count: sizePx,
      color: [200, 0, 0, 255],
      sizePx,
      stroke: { color: [255, 255, 255, 255], widthPx: 0.5 },
    })),
  });
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame()) ?? page.mainFrame();
  const nested = frame.locator(".legend .nested");
  await nested.waitFor();
  const found = await nested.evaluate((list) => {
    const middleOf = (element: { getBoundingClientRect(): { top: number; height: number } }) => {
      const { top, height } = element.getBoundingClientRect();
      return top + height / 2;
    };
    return {
      radii: [...list.querySelectorAll("circle")].map((circle) => circle.r.baseVal.value),
      bottoms: [...list.querySelectorAll("circle")].map(
        (circle) => circle.cy.baseVal.value + circle.r.baseVal.value,
      ),
      texts: [...list.querySelectorAll("li")].map((entry) => entry.textContent),
      labels: [...list.querySelectorAll("li")].map(middleOf),
      leaders: [...list.querySelectorAll("polyline")].map((line) => line.points.getItem(2).y),
      top: list.getBoundingClientRect().top,
    };
  });
  expect(found.radii).toEqual([45, 25, 4]);
  expect(new Set(found.bottoms).size).toBe(1);
  expect(found.texts).toEqual(["90 <b>px</b>90", "50 <b>px</b>50", "8 <b>px</b>8"]);
  for (const [i, middle] of found.labels.entries())
    expect(Math.abs(middle - found.top - found.leaders[i]!)).toBeLessThanOrEqual(1);
  expect(errors).toEqual([]);
});

test("symbols have the size and the outline of the map", async () => {
  const { page } = await openLegend({
    title: "Roads",
    geometry: "line",
    items: [1, 12].map((sizePx) => ({ label: `${sizePx}`, color: [0, 0, 0, 255], sizePx })),
  });
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame()) ?? page.mainFrame();
  const lines = frame.locator(".legend b.line");
  await lines.first().waitFor();
  expect(await lines.evaluateAll((all) => all.map((line) => line.getBoundingClientRect().height))).toEqual([
    1, 12,
  ]);
});
