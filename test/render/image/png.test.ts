import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildBasemap } from "../../../scripts/basemap";
import { buildFont } from "../../../scripts/font";
import type { LngLat } from "../../../src/geo";
import { decodeBasemap, encodeBasemap } from "../../../src/render/basemap-data";
import { renderPng } from "../../../src/render/image/png";
import type { Legend, Scene } from "../../../src/render/scene";
import { expectGolden, pixelsOf } from "../painter/golden";
import {
  BLUE,
  CATEGORIES,
  classed,
  layerOf,
  paths,
  points,
  px,
  RAMP,
  RED,
  sceneOf,
  WHITE,
} from "../painter/scenes";

const DIST = join(__dirname, "../../../dist");

beforeAll(async () => {
  if (!existsSync(join(DIST, "font.ttf"))) await buildFont(join(DIST, "font.ttf"));
  if (!existsSync(join(DIST, "basemap.bin"))) await buildBasemap(join(DIST, "basemap.bin"));
});

const HOSTILE = '</script><img src=x onerror="alert(1)">\n\u2028\0 ends here';
const ranges: Legend = {
  title: "Unemployment, %",
  geometry: "polygon",
  items: RAMP.map((color, i) => ({ label: `${2 * i} – ${2 * i + 2}`, color, sizePx: 0 })),
};
const categories: Legend = {
  title: "Name Ὄνομα Имя",
  geometry: "point",
  items: ["north", "south", HOSTILE, ""].map((label, i) => ({
    label,
    color: CATEGORIES[i]!,
    sizePx: 4 + 6 * i,
  })),
};
const light: Scene["basemap"] = {
  theme: "light",
  background: [212, 218, 220, 255],
  vector: { land: [251, 248, 243, 255], border: [205, 197, 196, 255] },
};
const dark: Scene["basemap"] = {
  theme: "dark",
  background: [44, 44, 46, 255],
  vector: { land: [14, 14, 14, 255], border: [58, 58, 60, 255] },
};
const europe = layerOf(
  points([
    [-3.7, 40.4],
    [2.35, 48.86],
    [13.4, 52.5],
    [37.6, 55.75],
  ]),
  { color: classed(CATEGORIES, [0, 1, 2, 3]), stroke: { color: WHITE, widthPx: 1 } },
);
const scene = sceneOf([europe], {
  widthPx: 480,
  heightPx: 320,
  view: { kind: "fit", bounds: [-10, 36, 40, 60] },
  basemap: light,
  legends: [ranges, categories],
});

test("a legend of colours and one of points, attribution, on a light map", async () => {
  await expectGolden("png-light", renderPng(scene));
});

test("twice the pixels, on a dark map", async () => {
  await expectGolden(
    "png-dark-2x",
    renderPng({ ...scene, basemap: dark, legends: [categories] }, { pixelRatio: 2 }),
  );
});

test("lines explained by their width", async () => {
  const route: LngLat[] = [
    [-10, 40],
    [20, 50],
    [40, 45],
  ];
  const line = layerOf(paths("line", [[route]]), { size: px(3) });
  const legend: Legend = {
    title: "Trips a day that were counted by hand in the whole of the year 2020",
    geometry: "line",
    items: [1, 3, 6].map((sizePx) => ({ label: `≤ ${sizePx},000`, color: RED, sizePx })),
  };
  await expectGolden("png-lines", renderPng({ ...scene, layers: [line], legends: [legend] }));
});

test("more legend entries than fit", async () => {
  const items = Array.from({ length: 40 }, (_, i) => ({
    label: `category ${i + 1}`,
    color: BLUE,
    sizePx: 8,
  }));
  await expectGolden(
    "png-many",
    renderPng({ ...scene, legends: [{ title: "Kind", geometry: "point", items }, ranges] }),
  );
});

test("a long attribution is as wide as the image, with the scale bar above it", async () => {
  const text = `Tiles © ${"many people ".repeat(20)}\n\u0000`;
  const basemap = { ...scene.basemap, tiles: { urlTemplate: "", subdomains: "", attribution: text } };
  const none = { ground: [], labels: [] };
  const view = { kind: "fit", bounds: [5, 43, 8, 45] } as const;
  const small = { ...scene, view, basemap, widthPx: 240, heightPx: 160, legends: [], layers: [] };
  await expectGolden("png-attribution", renderPng(small, { tiles: none }));
});

describe("size", () => {
  test.each([
    [480, 320, 1],
    [480, 320, 2],
    [333, 111, 1.5],
    [60, 40, 1],
    [1, 1, 1],
  ])("%d × %d at ratio %d", async (widthPx, heightPx, pixelRatio) => {
    const { width, height } = await pixelsOf(renderPng({ ...scene, widthPx, heightPx }, { pixelRatio }));
    expect([width, height]).toEqual([Math.round(widthPx * pixelRatio), Math.round(heightPx * pixelRatio)]);
  });
});

test("the same scene gives the same bytes", () => {
  expect(Buffer.compare(renderPng(scene), renderPng(structuredClone(scene)))).toBe(0);
});

test("texts of any kind and length change nothing outside the legend", async () => {
  const long = [
    HOSTILE,
    "x".repeat(100_000),
    "👩‍👩‍👧‍👦".repeat(500),
    "\u202e gnirts",
    "﷽".repeat(50),
    " ",
    "\0",
  ];
  const legends = long.map((text): Legend => {
    return { title: text, geometry: "polygon", items: [{ label: text, color: RED, sizePx: 0 }] };
  });
  const [plain, lettered] = await Promise.all(
    [
      { ...scene, legends: [] },
      { ...scene, legends },
    ].map((s) => pixelsOf(renderPng(s))),
  );
  const outside = (0.55 * scene.widthPx - 30) | 0; // a legend takes up to 45 % of the width, and its margin
  for (let y = 0; y < scene.heightPx; y++) {
    const row = 4 * y * scene.widthPx;
    expect(lettered!.data.subarray(row, row + 4 * outside)).toEqual(
      plain!.data.subarray(row, row + 4 * outside),
    );
  }
});

describe("basemap data", () => {
  const route: LngLat[] = [
    [-10, 40],
    [20, 50],
  ];
  const line = paths("line", [[route]]);
  const land = paths("polygon", [
    [
      [
        [170, 10],
        [190, 10],
        [190, 20],
        [170, 10],
      ],
    ],
  ]);
  const rivers = paths("line", [[route.slice(1)], [route]]);
  const none = paths("line", []);
  const bytes = encodeBasemap({ land, borders: line, stateBorders: none, lakes: land, rivers });

  test("round trip within a step of the grid", () => {
    const decoded = decodeBasemap(bytes);
    expect(decoded.land.features).toEqual(land.features);
    expect(decoded.borders.paths).toEqual(line.paths);
    expect(decoded.stateBorders.xy.length).toBe(0);
    expect(decoded.lakes).toEqual(decoded.land);
    expect(decoded.rivers.paths).toEqual(rivers.paths);
    decoded.land.xy.forEach((value, i) => {
      expect(Math.abs(value - land.xy[i]!)).toBeLessThanOrEqual(0.5 / 65536);
    });
  });

  test("cut off or of another version", () => {
    expect(() => decodeBasemap(bytes.subarray(0, -1))).toThrowErrorMatchingInlineSnapshot(
      `[Error: The basemap is cut off after 77 bytes, inside a number.]`,
    );
    const newer = bytes.slice();
    newer[4] = 9;
    expect(() => decodeBasemap(newer)).toThrowErrorMatchingInlineSnapshot(
      `[Error: The basemap has version 9; this release reads version 3.]`,
    );
    expect(() => decodeBasemap(Uint8Array.of(1, 2, 3))).toThrowErrorMatchingInlineSnapshot(
      `[Error: The basemap must start with "CFBM".]`,
    );
  });
});
