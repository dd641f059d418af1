/** Maps of a figure that share their scales. */
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, styling } from "../../../src/map";
import { figure } from "../../../src/render";
import type { Scene } from "../../../src/render/scene";
import { expectGolden } from "../../render/painter/golden";
import { nowhere, progress } from "../../support/nowhere";
import { SharedFigure } from "./shared-figure";

const layerOf = (values: readonly unknown[], options: LayerOptions = {}, name = "rate") =>
  new Layer(
    new DataFrame({ [name]: values, lng: values.map((_, i) => i), lat: values.map(() => 10) } as object),
    { lnglat: ["lng", "lat"], color: name, size: 16, ...options },
  );

const labelsOf = ({ legends }: Scene) => legends.map(({ items }) => items.map(({ label }) => label));
const classesOf = ({ layers }: Scene, layer = 0) => {
  const { color } = layers[layer]!;
  return color.kind === "classes" ? [...color.classes] : undefined;
};

describe("columns of the same name", () => {
  test("have the classes and the legend of all values", async () => {
    const fig = new SharedFigure();
    const [alone] = await fig.put(0, layerOf([1, 2, 3, 4, 5]));
    expect(labelsOf(alone!)).toEqual([["1", "2", "3", "4", "5"]]);
    const maps = await fig.put(1, layerOf([6, 7, 8, 9, 10, null]));
    expect(maps).toHaveLength(2);
    expect(maps.map((scene) => classesOf(scene))).toEqual([
      [0, 0, 1, 1, 2],
      [2, 3, 3, 4, 4, 255],
    ]);
    const all = (
      await mapScene(nowhere, { layers: layerOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, null]), progress })
    ).scene;
    for (const map of maps) {
      expect(labelsOf(map)).toEqual(labelsOf(all));
      expect(map.legends[0]!.items.map(({ label }) => label).at(-1)).toBe("no data");
    }
  });

  test("are shared in whatever order maps are added, also at the same time", async () => {
    const [first, second] = [new SharedFigure(), new SharedFigure()];
    await first.put(0, layerOf([1, 2, 3]));
    const inTurn = await first.put(1, layerOf([50, 60, 70]));
    await Promise.all([second.put(1, layerOf([50, 60, 70])), second.put(0, layerOf([1, 2, 3]))]);
    const atOnce = await second.put(0, layerOf([1, 2, 3]));
    expect(atOnce.map(labelsOf)).toEqual(inTurn.map(labelsOf));
    expect(atOnce.map((scene) => classesOf(scene))).toEqual(inTurn.map((scene) => classesOf(scene)));
  });

  test("are shared by the layers of one map, too, and other columns are not", async () => {
    const fig = new SharedFigure();
    const maps = await fig.put(3, layerOf([1, 2]), layerOf([8, 9]), layerOf([5, 6], {}, "other"));
    const [, both] = (await fig.put(0, layerOf([5]))) as [Scene, Scene];
    expect(maps).toHaveLength(1);
    expect([0, 1, 2].map((layer) => classesOf(both, layer))).toEqual([
      [0, 1],
      [3, 4],
      [0, 1],
    ]);
  });

  test("are those of maps that the figure still shows", async () => {
    const fig = new SharedFigure();
    await fig.put(0, layerOf([100, 200]));
    await fig.put(1, layerOf([1, 2, 3]));
    fig.figure.at(0).vega({ mark: "bar", data: { values: [{ a: 1 }] } });
    const [, after] = await fig.put(1, layerOf([1, 2, 3]));
    expect(labelsOf(after!)).toEqual([["1", "2", "3"]]);
  });

  test.each<[string, readonly unknown[], readonly unknown[], LayerOptions]>([
    ["categories", ["oak", "elm"], ["ash", "oak"], { color: "rate" }],
    ["booleans", [true], [false, true], { color: "rate" }],
    ["a ramp", [1, 2], [9, 10], { color: { column: "rate", method: "continuous" } }],
    ["a diverging scheme, because the values of both have both signs", [1, 2], [-4, -1], { color: "rate" }],
    ["bounds", [1, 2], [9, 10], { color: { column: "rate", scheme: styling.sunset([2, 5]) } }],
  ])("%s", async (_, one, other, options) => {
    const fig = new SharedFigure();
    await fig.put(0, layerOf(one, options));
    const [a, b] = (await fig.put(1, layerOf(other, options))) as [Scene, Scene];
    expect(b.legends[0]!.items.map(({ label, color }) => [label, color])).toEqual(
      a.legends[0]!.items.map(({ label, color }) => [label, color]),
    );
    expect(b.legends[0]!.ramp).toEqual(a.legends[0]!.ramp);
    const joined = (await mapScene(nowhere, { layers: layerOf([...one, ...other], options), progress }))
      .scene;
    expect([...classesOf(a)!, ...classesOf(b)!]).toEqual(classesOf(joined));
  });

  test("must have one kind of values; if not, the figure is unchanged", async () => {
    const fig = new SharedFigure();
    const [before] = await fig.put(0, layerOf([1, 2, 3]));
    await expect(fig.put(2, layerOf(["a", "b"]))).rejects.toThrow(
      'Maps of a figure with `scale: "shared"` must have the same kind of values in columns of the same name; "rate" has numbers in fig.at(0) and text in fig.at(2). Rename one of the columns, or leave `scale` out.',
    );
    const [after] = await fig.put(1, layerOf([1, 2, 3]));
    expect(labelsOf(after!)).toEqual(labelsOf(before!));
  });
});

test("maps without `scale` have their own classes, and other values of `scale` are refused", () => {
  expect(figure().at(0).sharing).toBeUndefined();
  expect(() => figure({ scale: "same" as never })).toThrow(
    '`scale` must be "shared", or absent for maps with classes of their own; got "same".',
  );
});

test("a figure draws them", async () => {
  const fig = figure({ columns: 2, scale: "shared", title: "Two years" });
  const put = (index: number, values: readonly number[], title: string) => {
    const layers = [new BaseMap({ source: "none" }), layerOf(values)];
    return makeMap(nowhere, {
      layers,
      title,
      size: [300, 200],
      isPicture: true,
      ax: fig.at(index),
      progress,
    });
  };
  await put(0, [1, 2, 3, 4, 5, 6], "1990");
  await put(1, [4, 6, 8, 10, 12, 14], "2020");
  await expectGolden("figure-shared-scale", fig.toPNG());
});
