/** Narrow images have their legends below the map where they would hide data or make the map smaller. */
import { loadImage } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { lngLatOf, worldOf } from "../../src/geometry/mercator";
import { renderPng } from "../../src/render/image/png";
import { imageViewportOf, mapPartOf, withLegendPlace } from "../../src/render/image-layout";
import { legendStripOf, type StripPart } from "../../src/render/legend-strip";
import type { Legend, Scene } from "../../src/render/scene";
import { pointLayer, sceneOf } from "./page/scenes";

const BLUE = [40, 80, 200, 255] as const;
const legendOf = (labels: readonly string[], sizePx = 10, title = "date"): Legend => ({
  title,
  geometry: "point",
  items: labels.map((label) => ({ label, color: BLUE, sizePx })),
});
const DATES = [1, 2, 3, 4, 5].map((year) => `202${year}-01-01 – 202${year}-12-31`);
const NUMBERS = ["≤ 1", "1 – 7", "7 – 21", "21 – 50", "≥ 50"];

/** A scene of points that fill a box of the given width and height in degrees. */
function sceneFor(legends: readonly Legend[], rest: Partial<Scene> = {}, [width, height] = [40, 16]): Scene {
  const places = Array.from({ length: 900 }, (_, i) =>
    worldOf([(width * (i % 30)) / 29, (height * Math.floor(i / 30)) / 29]),
  );
  const layer = pointLayer(
    Float64Array.from(places, ([x]) => x),
    Float64Array.from(places, ([, y]) => y),
  );
  const view = { kind: "fit", bounds: [0, 0, width, height] } as const;
  return sceneOf([layer], { widthPx: 400, heightPx: 300, view, legends, ...rest });
}

const endOf = ({ x, width }: StripPart) => x + width;

describe("the strip", () => {
  test("has entries in one row if they fit", () => {
    const strip = legendStripOf(sceneFor([legendOf(NUMBERS)]))!;
    const items = strip.parts.filter(({ kind }) => kind === "item");
    expect(items).toHaveLength(5);
    expect(new Set(items.map(({ y }) => y)).size).toBe(1);
    expect(strip.heightPx).toBeLessThan(60);
  });

  test("has longer entries in columns of equal width", () => {
    const strip = legendStripOf(sceneFor([legendOf(DATES)]))!;
    const items = strip.parts.filter(({ kind }) => kind === "item");
    const columns = [...new Set(items.map(({ x }) => x))];
    expect(columns).toHaveLength(2);
    expect(new Set(items.map(({ width }) => width)).size).toBe(1);
    expect(new Set(items.map(({ y }) => y)).size).toBe(3);
  });

  test.each([
    ["one legend", [legendOf(NUMBERS)]],
    ["dates", [legendOf(DATES)]],
    ["two legends", [legendOf(NUMBERS), legendOf(["a", "b"], 30, "people")]],
    ["a long text without spaces", [legendOf(["x".repeat(500), "y"])]],
    [
      "nested points",
      [
        {
          ...legendOf(["1", "9"]),
          items: [20, 60].map((px) => ({ label: `${px}`, color: BLUE, sizePx: px })),
        },
      ],
    ],
    ["a ramp", [{ ...legendOf([]), ramp: { colors: [BLUE, BLUE], from: "0", to: "1" } }]],
    ["no title", [legendOf(NUMBERS, 10, "")]],
  ] as const)("lies in the image, and its parts clear of each other: %s", (_, legends) => {
    for (const widthPx of [240, 300, 400, 480]) {
      const strip = legendStripOf(sceneFor(legends, { widthPx, heightPx: 600 }))!;
      expect(strip.heightPx).toBeLessThanOrEqual(360);
      for (const part of strip.parts) {
        expect(part.x).toBeGreaterThanOrEqual(12);
        expect(endOf(part)).toBeLessThanOrEqual(widthPx - 12);
        expect(part.y).toBeLessThan(strip.heightPx - 8);
      }
      for (const [i, part] of strip.parts.entries())
        for (const next of strip.parts.slice(i + 1))
          if (next.y === part.y) expect(next.x).toBeGreaterThanOrEqual(endOf(part));
    }
  });

  test("is for narrow images with a legend that leaves enough of the map", () => {
    expect(legendStripOf(sceneFor([legendOf(NUMBERS)], { widthPx: 481 }))).toBeUndefined();
    expect(legendStripOf(sceneFor([]))).toBeUndefined();
    expect(legendStripOf(sceneFor([legendOf(DATES)], { heightPx: 140 }))).toBeUndefined();
  });
});

describe("legends go below the map", () => {
  test("if the map is larger than beside them", () => {
    const scene = sceneFor([legendOf(DATES)]);
    const below = withLegendPlace(scene, undefined);
    expect(below.legendBelow).toBe(true);
    expect(imageViewportOf(below).worldPx).toBeGreaterThan(1.5 * imageViewportOf(scene).worldPx);
    expect(mapPartOf(below).heightPx).toBe(300 - legendStripOf(scene)!.heightPx);
    expect(mapPartOf(below).widthPx).toBe(400);
  });

  test.each<[string, Partial<Scene>, (readonly [number, number])?]>([
    ["a wide map", { widthPx: 800 }],
    ["a corner is free", {}, [10, 30]],
  ])("but not if %s", (_, rest, box) => {
    const scene = withLegendPlace(sceneFor([legendOf(NUMBERS)], rest, box as [number, number]), undefined);
    expect(scene.legendBelow).toBeUndefined();
    expect(mapPartOf(scene)).toBe(scene);
  });

  test("nor if the user chose a corner", () => {
    const scene = withLegendPlace(sceneFor([legendOf(DATES)]), "top-left");
    expect(scene).toMatchObject({ legendCorner: "top-left" });
    expect(scene.legendBelow).toBeUndefined();
  });

  test("a given centre stays in the middle of the map", () => {
    const view = { kind: "center", lng: 20, lat: 8, zoom: 3.5 } as const;
    const scene = withLegendPlace(sceneFor([legendOf(DATES)], { view }), undefined);
    expect(scene.legendBelow).toBe(true);
    const { originX, originY, worldPx, widthPx, heightPx } = imageViewportOf(scene);
    const [lng, lat] = lngLatOf([originX + widthPx / 2 / worldPx, originY + heightPx / 2 / worldPx]);
    expect(lng).toBeCloseTo(20, 0);
    expect(lat).toBeCloseTo(8, 0);
  });

  test.each([1, 2])("and the image keeps its size, at %d pixels per CSS pixel", async (pixelRatio) => {
    const scene = withLegendPlace(sceneFor([legendOf(DATES)]), undefined);
    const { width, height } = await loadImage(Buffer.from(renderPng(scene, { pixelRatio })));
    expect([width, height]).toEqual([400 * pixelRatio, 300 * pixelRatio]);
  });
});
