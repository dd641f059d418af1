/** Cells, clusters and heatmaps in maps of a figure that share their scales. */
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions } from "../../../src/map";
import { figure } from "../../../src/render";
import { CellLevels } from "../../../src/render/aggregate/levels";
import type { PointGeometry, Scene, SceneLayer } from "../../../src/render/scene";
import { expectGolden } from "../../render/painter/golden";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { SharedFigure } from "./shared-figure";

const VIEW = { lng: 8.5, lat: 47.5, zoom: 8 };

/** Points around Zürich, the more the denser, with fares up to `most`. */
function pointsOf(count: number, most: number, seed: number): DataFrame {
  const random = mulberry32(seed);
  const numbers = (scale: number, start: number) =>
    Array.from({ length: count }, () => start + scale * random());
  return new DataFrame({ lng: numbers(1, 8), lat: numbers(0.8, 47.1), fare: numbers(most, 0) } as never);
}
const FEW = pointsOf(300, 10, 1);
const MANY = pointsOf(6000, 80, 2);
const layerOf = (frame: DataFrame, options: LayerOptions) =>
  new Layer(frame, { lnglat: ["lng", "lat"], ...options });

const legendOf = ({ legends }: Scene) =>
  legends.map(({ items, ramp }) => [
    ...items.map(({ label, color }) => `${label} ${color.slice(0, 3)}`),
    ...(ramp ? [`${ramp.from} to ${ramp.to}`] : []),
  ]);
const alone = async (frame: DataFrame, options: LayerOptions) =>
  (
    await mapScene(nowhere, {
      layers: [new BaseMap({ source: "none" }), layerOf(frame, options)],
      ...VIEW,
      progress,
    })
  ).scene;

/** Returns the counts of the cells of a map. */
async function countsOf(frame: DataFrame): Promise<number[]> {
  const { layers } = await alone(frame, { as: "hexbin" });
  const [layer] = layers as [SceneLayer & { geometry: PointGeometry }];
  return [...new CellLevels(layer, layer.geometry, layer.aggregate!).valuesAt(VIEW.zoom)];
}

async function pairOf(one: LayerOptions, other: LayerOptions = one, views = [VIEW, VIEW]) {
  const fig = new SharedFigure();
  await fig.putMap(0, { layers: [layerOf(FEW, one)], ...views[0] });
  const maps = (await fig.putMap(1, { layers: [layerOf(MANY, other)], ...views[1] })) as [Scene, Scene];
  return { maps, warnings: fig.warnings };
}

describe("cells and clusters of one kind share their classes", () => {
  test.each<LayerOptions>([
    { as: "hexbin" },
    { as: "grid", cell: 14 },
    { as: "hexbin", value: { sum: "fare" } },
    { as: "hexbin", value: { avg: "fare" }, color: { scheme: "tealGrn", bins: 4 } },
    { as: "cluster" },
    { as: "cluster", value: { max: "fare" } },
    { as: "h3", cell: 6 },
    { as: "h3", cell: 6, value: { avg: "fare" } },
  ])("%j", async (options) => {
    const { maps, warnings } = await pairOf(options);
    expect(warnings).toEqual([]);
    const [few, many] = maps.map(legendOf);
    expect(few).toEqual(many);
    expect(few![0]!.length).toBeGreaterThan(2);
    expect(few).not.toEqual(legendOf(await alone(FEW, options)));
  });

  test("the classes are those of the cells of both maps", async () => {
    const { maps } = await pairOf({ as: "hexbin", color: { bins: 2 } });
    const breaks = maps.map(({ layers }) => layers[0]!.aggregate!.levels![8]!.breaks);
    expect(breaks[0]).toEqual(breaks[1]);
    const values = await Promise.all([FEW, MANY].map((frame) => countsOf(frame)));
    const half = values.flat().filter((count) => count >= breaks[0]![0]!).length / values.flat().length;
    expect(half).toBeCloseTo(0.5, 1);
    expect(values[0]!.every((count) => count < breaks[0]![0]!)).toBe(true);
  });

  test("heatmaps share their densest place, or their range of means", async () => {
    const density = await pairOf({ as: "heatmap" });
    const scales = density.maps.map(({ layers }) => layers[0]!.aggregate!.levels![8]!);
    expect(scales[0]).toEqual(scales[1]);
    const means = await pairOf({ as: "heatmap", value: { avg: "fare" } });
    expect(legendOf(means.maps[0])).toEqual(legendOf(means.maps[1]));
    expect(legendOf(means.maps[0])).not.toEqual(
      legendOf(await alone(FEW, { as: "heatmap", value: { avg: "fare" } })),
    );
    expect([...density.warnings, ...means.warnings]).toEqual([]);
  });

  test("a column named like a count is another scale", async () => {
    const fig = new SharedFigure();
    await fig.put(0, layerOf(FEW, { as: "h3", cell: 6 }));
    const frame = new DataFrame({ lng: [8, 9], lat: [47, 48], count: ["low", "high"] } as never);
    const [h3, text] = await fig.put(1, layerOf(frame, { color: "count" }));
    expect(legendOf(text!)[0]!.map((label) => label.split(" ")[0])).toEqual(["high", "low"]);
    expect(h3!.legends[0]!.title).toBe("count");
  });
});

describe("what cannot be shared is said", () => {
  test.each<[LayerOptions, LayerOptions, string]>([
    [
      { as: "hexbin" },
      { as: "grid" },
      'Layers with `as: "hexbin"` in fig.at(0) and `as: "grid"` in fig.at(1) have scales of their own. To share one, pass the same `as` to both.',
    ],
    [
      { as: "hexbin", cell: 10 },
      { as: "hexbin", cell: 20 },
      "Layers with `cell: 10` in fig.at(0) and `cell: 20` in fig.at(1) have scales of their own. To share one, pass the same `cell` to both.",
    ],
    [
      { as: "h3", cell: 5 },
      { as: "h3", cell: 6 },
      "Layers with `cell: 5` in fig.at(0) and `cell: 6` in fig.at(1) have scales of their own. To share one, pass the same `cell` to both.",
    ],
    [
      { as: "cluster" },
      { as: "cluster", value: { avg: "fare" } },
      'Layers with `value: "count"` in fig.at(0) and `value: "avg(fare)"` in fig.at(1) have scales of their own. To share one, pass the same `value` to both.',
    ],
    [
      { as: "heatmap" },
      { as: "grid", value: { sum: "fare" } },
      'Layers with `as: "heatmap"` and `value: "count"` in fig.at(0) and `as: "grid"` and `value: "sum(fare)"` in fig.at(1) have scales of their own. To share one, pass the same `as` and `value` to both.',
    ],
  ])("%j and %j", async (one, other, warning) => {
    const { maps, warnings } = await pairOf(one, other);
    expect(warnings).toEqual([warning]);
    expect(legendOf(maps[0])).toEqual(legendOf(await alone(FEW, one)));
    expect(legendOf(maps[1])).toEqual(legendOf(await alone(MANY, other)));
  });

  test("cells of different width on the ground share counts, with a warning, and means without one", async () => {
    const views = [VIEW, { ...VIEW, zoom: 10 }];
    const counts = await pairOf({ as: "hexbin" }, { as: "hexbin" }, views);
    expect(counts.warnings).toEqual([
      'Cells in fig.at(0) are 4 times as wide on the ground as those in fig.at(1), so their values of "count" are not comparable. Pass the same `zoom`, with `lat` and `lng`, to both maps, or use `as: "h3"` with the same `cell`.',
    ]);
    expect(legendOf(counts.maps[0])).toEqual(legendOf(counts.maps[1]));
    const means = { as: "hexbin", value: { avg: "fare" } } as const;
    expect((await pairOf(means, means, views)).warnings).toEqual([]);
  });

  test("a map without such layers has nothing to say, and a layer that is like one of several shares with it", async () => {
    const fig = new SharedFigure();
    await fig.put(0, layerOf(FEW, { as: "hexbin" }), layerOf(FEW, { as: "cluster" }));
    await fig.put(1, layerOf(MANY, { color: "fare" }));
    expect(fig.warnings).toEqual([]);
    await fig.put(2, layerOf(MANY, { as: "cluster" }));
    expect(fig.warnings.filter((warning) => !warning.startsWith("Cells in"))).toEqual([]);
  });
});

test("a figure draws them", async () => {
  const fig = figure({ columns: 2, scale: "shared" });
  for (const [index, frame] of [FEW, MANY].entries())
    await makeMap(nowhere, {
      layers: [new BaseMap({ source: "none" }), layerOf(frame, { as: "hexbin" })],
      title: index === 0 ? "300 points" : "6,000 points",
      ...VIEW,
      size: [400, 300],
      isPicture: true,
      ax: fig.at(index),
      progress,
    });
  await expectGolden("figure-shared-cells", fig.toPNG());
});
