/** Sizes by the values of a column: proportional, in classes, and their legends. */
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { buildScene, dataFromFrame, Layer, type LayerOptions } from "../../src/map";

const WKTS = { point: "POINT(1 2)", line: "LINESTRING(0 0,1 1)" };

const frameOf = (values: readonly unknown[], wkt = WKTS.point) =>
  new DataFrame(values.map((v) => ({ v, geometry: wkt })) as never, { columns: ["v", "geometry"] });

async function sceneOf(frame: DataFrame, options: LayerOptions) {
  const layer = new Layer(frame, options);
  return buildScene({ layers: [{ layer, data: await dataFromFrame(layer, frame) }] });
}

describe("size by column", () => {
  test("sizes are even steps of the range, with one legend if colour has the same classes", async () => {
    const { scene } = await sceneOf(frameOf([1, 2, 3, null]), {
      size: { column: "v", range: [4, 20], bins: 3 },
    });
    expect(scene.layers[0]!.size).toEqual({
      kind: "classes",
      px: [4, 12, 20],
      missingPx: 4,
      classes: Uint8Array.of(0, 1, 2, 255),
    });
    expect(scene.legends[0]!.items.map(({ sizePx }) => sizePx)).toEqual([4, 12, 20, 4]);
    const both = await sceneOf(frameOf([1, 2, 3]), {
      color: "v",
      size: { column: "v", range: [4, 20], bins: 5 },
    });
    expect(both.scene.legends).toHaveLength(1);
    expect(both.scene.legends[0]!.items.map(({ sizePx }) => sizePx)).toEqual([4, 12, 20]);
  });
  test("areas of points and widths of lines are proportional to the values", async () => {
    const pxOf = async (options: LayerOptions, wkt = WKTS.point) => {
      const values = [0, 1, 25, 100, 400, null];
      const { layers } = (await sceneOf(frameOf(values, wkt), options)).scene;
      const { size, geometry } = layers[0]!;
      if (size.kind !== "classes") throw new Error("expected classes");
      const ofRow = (row: number) => size.px[size.classes[row]!] ?? size.missingPx;
      return { px: values.map((_, row) => ofRow(row)), rows: [...(geometry.rows ?? [])] };
    };
    const points = await pxOf({ size: "v" });
    expect(points.px.map((px) => Math.round(px * 2) / 2)).toEqual([2, 2, 6.5, 12.5, 25, 2]);
    expect(points.rows.slice(0, 3)).toEqual([4, 3, 2]); // the largest is painted first
    const lines = await pxOf({ size: "v" }, WKTS.line);
    expect(lines.px.map((px) => Math.round(px * 2) / 2)).toEqual([0.5, 0.5, 0.5, 1.5, 6, 0.5]);
    expect((await pxOf({ size: { column: "v", max: 40 } })).px[4]).toBe(40);
    const legend = (await sceneOf(frameOf([3, 400]), { size: "v" })).scene.legends[0]!;
    expect(legend.items.map(({ label }) => label)).toEqual(["20", "200", "400"]);
  });
  test("lines have no width that is proportional to a negative value", async () => {
    const lines = frameOf([1, 2, -3], WKTS.line);
    const classes = await sceneOf(lines, { size: "v" });
    expect(classes.scene.layers[0]!.size).toMatchObject({ px: [0.5, 3.25, 6] });
    expect(classes.advice.join()).toContain('Column "v" of layer DataFrame (3 × 2) has negative values');
    await expect(sceneOf(lines, { size: { column: "v", method: "continuous" } })).rejects.toThrow(
      'The width of a line is proportional to its value, which must not be negative; column "v" of layer DataFrame (3 × 2) has -3.',
    );
  });
  test.each(["v", { column: "v", method: "continuous" }] as const)(
    "points with negative values are hollow, with an area proportional to the absolute value: %j",
    async (size) => {
      const values = [-100, -25, -1, 0, 25, 400, null, Number.NEGATIVE_INFINITY];
      const { scene, advice } = await sceneOf(frameOf(values), { size });
      const style = scene.layers[0]!.size;
      if (style.kind !== "classes") throw new Error("expected classes");
      const { px, missingPx, classes, hollowBelow } = style;
      const looks = values.map((_, row) => [
        Math.round((px[classes[row]!] ?? missingPx) * 2) / 2,
        classes[row]! < hollowBelow!,
      ]);
      expect(looks).toEqual([
        [12.5, true],
        [6.5, true],
        [4, true], // a circle of one pixel would be a dot
        [2, false],
        [6.5, false],
        [25, false],
        [2, false],
        [25, true],
      ]);
      expect(advice).toEqual([]);
    },
  );
  test.each([
    [
      [-300, 120, 40],
      ["−300", "−100", "120"],
      [true, true, false],
    ],
    [
      [-20, 300],
      ["−20", "100", "300"],
      [true, false, false],
    ],
    [
      [-3, -1],
      ["−3", "−1"],
      [true, true],
    ],
    [
      [-3, null],
      ["−3", "−1", "no data"],
      [true, true, false],
    ],
  ] as const)("the legend of %j shows points and circles", async (values, labels, hollow) => {
    const { scene } = await sceneOf(frameOf(values), {
      size: "v",
      color: "#ff0000",
      stroke: false,
      opacity: 1,
    });
    const [legend] = scene.legends;
    expect(legend!.items.map(({ label }) => label)).toEqual(labels);
    expect(legend!.items.map((item) => item.hollow === true)).toEqual(hollow);
    const land = scene.basemap.vector!.land;
    for (const item of legend!.items)
      expect(item.hollow ? [item.color, item.stroke?.color] : [item.color]).toEqual(
        item.hollow ? [land, [255, 0, 0, 255]] : [[255, 0, 0, 255]],
      );
  });
  test("two columns have two legends", async () => {
    const frame = new DataFrame({ a: ["x", "y"], b: [1, 2], geometry: [WKTS.point, WKTS.point] } as never);
    const { scene } = await sceneOf(frame, { color: "a", size: "b", legend: { title: "A" } });
    expect(scene.legends.map(({ title }) => title)).toEqual(["A", "b"]);
    const titles = async (title: object) =>
      (await sceneOf(frame, { color: "a", size: "b", legend: { title } })).scene.legends.map((l) => l.title);
    expect(await titles({ color: "Kinds", size: "People" })).toEqual(["Kinds", "People"]);
    expect(await titles({ size: "People" })).toEqual(["a", "People"]);
    await expect(titles({ colour: "Kinds" })).rejects.toThrow('legend.title has no option "colour".');
  });
});
