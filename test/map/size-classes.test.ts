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
    const both = await sceneOf(frameOf([1, 2, -3]), { size: "v" });
    expect(both.scene.layers[0]!.size).toMatchObject({ px: [5, 15, 25] });
    expect(both.advice.join()).toContain('Column "v" of layer DataFrame (3 × 2) has negative values');
    const proportional = { column: "v", method: "continuous" } as const;
    await expect(sceneOf(frameOf([1, -3]), { size: proportional })).rejects.toThrow(
      'Sizes are proportional to values, which must not be negative; column "v" of layer DataFrame (2 × 2) has -3.',
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
