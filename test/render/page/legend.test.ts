import { expect, test } from "vitest";
import { renderPng } from "../../../src/render/image/png";
import { sceneToHtml } from "../../../src/render/page/html";
import type { Legend, Scene } from "../../../src/render/scene";
import { open, withBrowser } from "./browser";
import { BASEMAP, pointLayer, sceneOf } from "./scenes";

withBrowser();

const WHITE = [255, 255, 255, 255] as const;
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
      texts: [...list.querySelectorAll("tbody tr")].map((entry) => entry.textContent),
      labels: [...list.querySelectorAll("tbody tr")].map(middleOf),
      leaders: [...list.querySelectorAll("polyline")].map((line) => line.points.getItem(2).y),
      top: list.getBoundingClientRect().top,
    };
  });
  expect(found.radii).toEqual([45, 25, 4]);
  expect(new Set(found.bottoms).size).toBe(1);
  expect(found.texts).toEqual([
    "#c80000, 90 pixels90 <b>px</b>90",
    "#c80000, 50 pixels50 <b>px</b>50",
    "#c80000, 8 pixels8 <b>px</b>8",
  ]);
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

test("screen readers read a table, with a description of each symbol", async () => {
  const { page } = await openLegend({
    title: "Height",
    geometry: "polygon",
    items: [
      { label: "≤ 5", count: 3, color: [122, 181, 173, 255], sizePx: 10 },
      { label: "no data", count: 1200, color: [204, 204, 204, 255], hatch: [122, 122, 122, 255], sizePx: 10 },
    ],
    ramp: { colors: [[0, 0, 0, 255], WHITE], from: "1", to: "9" },
  });
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame()) ?? page.mainFrame();
  await frame.locator(".legend table").waitFor();
  expect(await frame.locator(".legend section").ariaSnapshot()).toBe(`- heading "Height" [level=2]
- img "Colours from 1 to 9"
- text: 1 9
- table "Height":
  - rowgroup:
    - row "Symbol Value Rows":
      - columnheader "Symbol"
      - columnheader "Value"
      - columnheader "Rows"
  - rowgroup:
    - row "#7ab5ad ≤ 5 3":
      - cell "#7ab5ad":
        - img "#7ab5ad"
      - rowheader "≤ 5"
      - cell "3"
    - row "#cccccc, hatched no data 1,200":
      - cell "#cccccc, hatched":
        - img "#cccccc, hatched"
      - rowheader "no data"
      - cell "1,200"`);
});

test("hatching and arrowheads are drawn", async () => {
  const { page } = await openLegend({
    title: "t",
    geometry: "polygon",
    items: [{ label: "no data", color: [204, 204, 204, 255], hatch: [122, 122, 122, 255], sizePx: 10 }],
  });
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame()) ?? page.mainFrame();
  await frame.locator(".legend b").waitFor();
  const look = 'getComputedStyle(document.querySelector(".legend b"))';
  expect(await frame.evaluate<string>(`${look}.backgroundImage`)).toContain(
    "repeating-linear-gradient(135deg, rgb(122, 122, 122)",
  );

  const { page: arrows } = await openLegend({
    title: "t",
    geometry: "line",
    arrow: true,
    items: [{ label: "flights", color: [0, 0, 0, 255], sizePx: 2 }],
  });
  const other = arrows.frames().find((candidate) => candidate !== arrows.mainFrame()) ?? arrows.mainFrame();
  await other.locator(".legend b.line").waitFor();
  expect(await other.evaluate<string>(`${look}.clipPath`)).toMatch(/^polygon\(.*100% 50%/);
});
