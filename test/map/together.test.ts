/** Options of layers whose points are drawn together, and what the scene makes of them. */
import { DataFrame } from "danfojs-node";
import { latLngToCell } from "h3-js";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, type MapOptions, QueryLayer } from "../../src/map";
import { renderCanvas } from "../../src/render/image/png";
import { legendsAt, paintTogether, prepare } from "../../src/render/painter";
import { viewportOf } from "../../src/render/projection";
import { nowhere, progress } from "../support/nowhere";
import { mulberry32 } from "../support/seeded";

const random = mulberry32(9);
const COUNT = 600;
const LNG = Array.from({ length: COUNT }, () => 8 + random() * random() * 3);
const LAT = Array.from({ length: COUNT }, () => 47 + random());
const FARE = Array.from({ length: COUNT }, (_, i) => (i % 10 === 0 ? null : 5 + random() * 20));
const frame = new DataFrame({ lng: LNG, lat: LAT, fare: FARE, name: LNG.map((lng) => `p${lng}`) } as never);

const made = (options: LayerOptions, map: MapOptions = {}) =>
  mapScene(nowhere, { layers: new Layer(frame, { lnglat: ["lng", "lat"], ...options }), ...map, progress });
const layerOf = async (options: LayerOptions, map?: MapOptions) =>
  (await made(options, map)).scene.layers[0]!;
const problem = (options: object): string => {
  try {
    new QueryLayer("SELECT 1", options);
    return "no error";
  } catch (error) {
    return (error as Error).message.replace('Layer "SELECT 1": ', "");
  }
};

describe("options", () => {
  test("what is wrong, and what to do", () => {
    expect(
      [
        { as: "hexagon" },
        { value: "count" },
        { as: "points", cell: 3 },
        { as: "hexbin", value: "fare" },
        { as: "hexbin", value: { median: "fare" } },
        { as: "hexbin", value: { sum: "a", avg: "b" } },
        { as: "hexbin", value: { sum: "" } },
        { as: "heatmap", value: { max: "fare" } },
        { as: "hexbin", cell: 1 },
        { as: "h3", cell: 16 },
        { as: "h3", cell: 2.5 },
        { as: "hexbin", size: 3 },
        { as: "hexbin", tooltip: "name" },
        { as: "cluster", label: "name" },
        { as: "cluster", time: "at" },
        { as: "hexbin", color: "fare" },
        { as: "hexbin", color: { column: "fare" } },
        { as: "hexbin", color: { scheme: "mind" } },
        { as: "hexbin", color: { bins: 12 } },
        { as: "hexbin", color: "rgb(1, 2" },
      ].map(problem),
    ).toMatchInlineSnapshot(`
      [
        "\`as\` must be one of "points", "heatmap", "hexbin", "grid", "h3", "cluster"; got "hexagon".",
        "\`value\` requires \`as\`: "heatmap", "hexbin", "grid", "h3" or "cluster".",
        "\`cell\` requires \`as\`: "heatmap", "hexbin", "grid", "h3" or "cluster".",
        "\`value\` must be "count", or one of { sum: column }, { avg: column }, { min: column } and { max: column }; got "fare".",
        "\`value\` must be "count", or one of { sum: column }, { avg: column }, { min: column } and { max: column }; got {"median":"fare"}.",
        "\`value\` must be "count", or one of { sum: column }, { avg: column }, { min: column } and { max: column }; got {"sum":"a","avg":"b"}.",
        "\`value.sum\` must be the name of a column of numbers; got "".",
        "A heatmap shows counts, sums and averages; got \`value: { max }\`. For that, use "hexbin" or "grid".",
        "\`cell\` must be a size in CSS pixels, from 2 to 200; got 1.",
        "\`cell\` must be a resolution of H3, a whole number from 0 to 15; got 16.",
        "\`cell\` must be a resolution of H3, a whole number from 0 to 15; got 2.5.",
        "\`size\` is about single points, which \`as: "hexbin"\` does not draw: set the size of its cells with \`cell\`.",
        "\`tooltip\` is about single points, which \`as: "hexbin"\` does not draw: its tooltip shows the value and the count of a cell.",
        "\`label\` is about single points, which \`as: "cluster"\` does not draw: leave \`label\` out.",
        "\`time\` and \`as: "cluster"\` exclude each other. Use "heatmap", "hexbin" or "grid".",
        "\`color\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato", or { scheme, bins }; got "fare". To colour cells by a column, use \`value\`, such as { avg: "fare" }.",
        "\`color\` cannot depend on column "fare" if points are drawn together. Use \`value\`, such as { avg: "fare" }.",
        "No colour scheme is named "mind". Did you mean "mint"?",
        "\`color.bins\` must be a whole number from 2 to 7; got 12.",
        "\`color\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato", or { scheme, bins }; got "rgb(1, 2".",
      ]
    `);
  });
  test("a column that is missing, or no number", async () => {
    await expect(made({ as: "hexbin", value: { sum: "far" } })).rejects.toThrow(
      '`value` must be a column of layer DataFrame (600 × 4); got "far". Its columns are "lng", "lat", "fare", "name". Did you mean "fare"?',
    );
    await expect(made({ as: "hexbin", value: { sum: "name" } })).rejects.toThrow(
      '`value` must be a column of numbers; column "name" of layer DataFrame (600 × 4) is of type text.',
    );
  });
  test("lines and polygons cannot be drawn together", async () => {
    const line = {
      type: "LineString",
      coordinates: [
        [0, 0],
        [1, 1],
      ],
    } as const;
    for (const as of ["heatmap", "h3"] as const)
      await expect(mapScene(nowhere, { layers: new Layer(line, { as }), progress })).rejects.toThrow(
        `\`as: "${as}"\` requires points; layer GeoJSON (1 feature) consists of lines. Leave \`as\` out, or use ST_Centroid in a query.`,
      );
  });
});

describe("scenes", () => {
  test("counts: a legend with the classes of the first view, and a tooltip", async () => {
    const { scene, warnings } = await made({ as: "hexbin" });
    expect(warnings).toEqual([]);
    expect(scene.layers[0]).toMatchObject({
      aggregate: { as: "hexbin", cellPx: 12, statistic: "count", title: "count" },
      tooltip: { fields: [{ title: "count", column: 0 }] },
    });
    expect(scene.layers[0]!.columns).toBeUndefined();
    expect(scene.legends).toHaveLength(1);
    expect(scene.legends[0]).toMatchObject({ title: "count", geometry: "polygon", layer: 0 });
    expect(scene.legends[0]!.items.length).toBeGreaterThan(2);
    const colors = scene.legends[0]!.items.map(({ color }) => color.join());
    expect(new Set(colors).size).toBe(colors.length);
  });
  test("statistics: points without a value are left out, and the map says how many", async () => {
    const { scene, warnings } = await made({ as: "grid", value: { avg: "fare" }, cell: 20 });
    expect(warnings).toEqual([
      'The map leaves out 60 points of layer DataFrame (600 × 4) without a value of "fare".',
    ]);
    const [layer] = scene.layers;
    expect(layer).toMatchObject({
      aggregate: { as: "grid", cellPx: 20, statistic: "avg" },
      tooltip: {
        fields: [
          { title: "avg(fare)", column: 0 },
          { title: "count", column: 1 },
        ],
      },
    });
    expect((layer!.geometry as { x: Float64Array }).x).toHaveLength(540);
    expect(scene.legends[0]!.title).toBe("avg(fare)");
  });
  test("legends can be named and hidden; schemes, shades of a colour, and classes", async () => {
    const named = await made({
      as: "hexbin",
      legend: { title: "Trips" },
      color: { scheme: "teal", bins: 3 },
    });
    expect(named.scene.legends[0]!.title).toBe("Trips");
    expect(named.scene.layers[0]!.aggregate!.palette).toHaveLength(3);
    expect((await made({ as: "hexbin", legend: false })).scene.legends).toEqual([]);
    const { aggregate } = await layerOf({ as: "heatmap", color: "#c00" });
    expect(aggregate!.palette[3]).toEqual([204, 0, 0, 255]);
    const dark = await layerOf(
      { as: "hexbin" },
      {
        layers: [new BaseMap({ source: "dark" }), new Layer(frame, { lnglat: ["lng", "lat"], as: "hexbin" })],
      },
    );
    const brightness = dark.aggregate!.palette.map(([red, green, blue]) => red + green + blue);
    expect(brightness.at(-1)).toBeGreaterThan(brightness[0]!);
  });
  test.each(["cluster", "h3"] as const)("no points: no legend, and the usual warning (%s)", async (as) => {
    const empty = new Layer({ type: "FeatureCollection", features: [] }, { as });
    const { scene, warnings } = await mapScene(nowhere, { layers: empty, progress });
    expect(scene.legends).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("none of its rows has a geometry")]);
  });
  test("points without any value leave an empty map, and say so", async () => {
    const none = new DataFrame({ lng: [8, 9], lat: [47, 48], v: [Number.NaN, Infinity] });
    for (const as of ["hexbin", "h3", "heatmap", "cluster"] as const) {
      const layers = new Layer(none, { lnglat: ["lng", "lat"], as, value: { avg: "v" } });
      const { scene, warnings } = await mapScene(nowhere, { layers, progress });
      expect(scene.legends).toEqual([]);
      expect(warnings[0]).toBe(
        'The map leaves out 2 points of layer DataFrame (2 × 3) without a value of "v".',
      );
    }
  });
  test("a single place: cells and legends say how many points are there", async () => {
    const place = new DataFrame({ lng: Array(1000).fill(8), lat: Array(1000).fill(47) });
    for (const as of ["hexbin", "grid", "h3", "cluster"] as const) {
      const layers = new Layer(place, { lnglat: ["lng", "lat"], as });
      const { scene } = await mapScene(nowhere, { layers, progress });
      expect(scene.legends[0]!.items.map(({ label }) => label)).toEqual(["1,000"]);
    }
  });
  test("clusters have the classes of their values, and single points are in the legend of counts", async () => {
    const { scene } = await made({ as: "cluster", value: { avg: "fare" } });
    expect(scene.legends[0]!.title).toBe("avg(fare)");
    expect(scene.legends[0]!.items.at(-1)!.label).toMatch(/^≥ 1\d/);
    const apart = new DataFrame({ lng: [8, 20], lat: [47, 10] });
    const layers = new Layer(apart, { lnglat: ["lng", "lat"], as: "cluster" });
    const { legends } = (await mapScene(nowhere, { layers, progress })).scene;
    expect(legends[0]!.items.map(({ label }) => label)).toEqual(["1"]);
  });
  test.each(["hexbin", "cluster"] as const)(
    "%s: the legend has the classes of the view that it leaves room for",
    async (as) => {
      for (const size of [
        [400, 260],
        [600, 300],
        [800, 400],
        [1000, 500],
      ] as const) {
        const { scene } = await made({ as, value: { sum: "fare" } }, { size });
        const painters = prepare(scene, {
          createCanvas: () => {
            throw new Error("no canvas");
          },
          together: paintTogether,
        });
        expect(scene.legends).toEqual(legendsAt(painters, viewportOf(scene).worldPx));
      }
    },
  );
  test("classes over time are those of all frames", async () => {
    const count = 500;
    const grow = Array.from({ length: count }, (_, i) => i);
    const growing = new DataFrame({
      lng: grow.map(() => 8 + random()),
      lat: grow.map(() => 47 + random()),
      v: grow,
      t: grow,
    });
    const layers = new Layer(growing, {
      lnglat: ["lng", "lat"],
      as: "hexbin",
      value: { max: "v" },
      time: { column: "t", frames: 3 },
    });
    const { scene } = await mapScene(nowhere, { layers, progress });
    const last = scene.legends[0]!.items.at(-1)!.label;
    expect(Number(last.replace(/\D/g, ""))).toBeGreaterThan(300);
  });
  test("a heatmap of sums refuses negative numbers, and H3 cells that are too many", async () => {
    const signed = new DataFrame({ lng: [8, 9], lat: [47, 48], v: [1, -1] });
    const heat = new Layer(signed, { lnglat: ["lng", "lat"], as: "heatmap", value: { sum: "v" } });
    await expect(mapScene(nowhere, { layers: heat, progress })).rejects.toThrow(
      'A heatmap shows sums of numbers from 0 up; column "v" of layer DataFrame (2 × 3) has negative ones.',
    );
    const axis = () => Array.from({ length: 120_000 }, () => random() * 100 - 50);
    const fine = new Layer(new DataFrame({ lng: axis(), lat: axis() }), {
      lnglat: ["lng", "lat"],
      as: "h3",
      cell: 15,
    });
    await expect(mapScene(nowhere, { layers: fine, progress })).rejects.toThrow(
      "The points of layer DataFrame (120000 × 2) are in more than 100,000 cells of H3 at resolution 15.",
    );
  });
  test("translucent colours stay translucent, in the map and in the legend", async () => {
    const { scene } = await made({ as: "hexbin", color: "rgba(200, 0, 0, 0.5)", opacity: 1 });
    const { palette } = scene.layers[0]!.aggregate!;
    expect(palette.map(([, , , alpha]) => alpha)).toEqual(palette.map(() => 128));
    const [, , , alpha] = scene.legends[0]!.items.at(-1)!.color;
    expect(alpha).toBe(255); // above the basemap
    expect(scene.legends[0]!.items.at(-1)!.color[1]).toBeGreaterThan(80);
  });
  test("a heatmap over time is as dense as its fullest frame, not as all frames", async () => {
    const count = 2000;
    const at = Array.from({ length: count }, (_, i) => new Date(Date.UTC(2024, 0, 1) + i * 3_600_000));
    const spread = new DataFrame({
      lng: Array.from({ length: count }, () => 8 + random()),
      lat: Array.from({ length: count }, () => 47 + random()),
      at,
    } as never);
    const layers = new Layer(spread, { lnglat: ["lng", "lat"], as: "heatmap", time: "at", opacity: 1 });
    const plain = new Layer(spread, { lnglat: ["lng", "lat"], size: 0.1, opacity: 0 });
    const pictures = [layers, plain].map((layer) =>
      mapScene(nowhere, {
        layers: [new BaseMap({ source: "none" }), layer],
        progress,
        size: [400, 260],
        lng: 8.5,
        lat: 47.5,
        zoom: 7,
      }),
    );
    const [heat, blank] = (await Promise.all(pictures)).map(({ scene }) =>
      renderCanvas({ ...scene, legends: [], clock: undefined as never }).data(),
    );
    let strongest = 0;
    for (const [i, part] of heat!.entries()) strongest = Math.max(strongest, Math.abs(part - blank![i]!));
    expect(strongest).toBeGreaterThan(100);
  });
});

describe("density", () => {
  const many = (count: number) => {
    const axis = (from: number) => Array.from({ length: count }, () => from + random());
    return new DataFrame({ lng: axis(8), lat: axis(47) });
  };
  const densityOf = async (count: number, options: LayerOptions = {}) => {
    const layers = new Layer(many(count), { lnglat: ["lng", "lat"], ...options });
    return (await mapScene(nowhere, { layers, progress })).scene.layers[0]!.density;
  };
  test("more than 20,000 points of one colour have one, unless the points have a look of their own", async () => {
    expect(await densityOf(20_000)).toBeUndefined();
    expect((await densityOf(20_001))?.spread.count).toBe(20_001);
    expect(await densityOf(20_001, { color: "tomato", tooltip: "lng" })).toBeDefined();
    const town = { lng: Array(30_000).fill(8), lat: Array(30_000).fill(47) };
    const layers = new Layer(new DataFrame(town), { lnglat: ["lng", "lat"] });
    expect((await mapScene(nowhere, { layers, progress })).scene.layers[0]!.density).toBeUndefined();
    for (const options of [
      { as: "points" },
      { size: 2 },
      { stroke: "red" },
      { color: "lng" },
      { size: "lat" },
    ] as const)
      expect(await densityOf(20_001, options)).toBeUndefined();
  });
});

describe("H3", () => {
  test("cells have the points that H3 puts into them", async () => {
    const layer = await layerOf({ as: "h3", cell: 5, value: { sum: "fare" } });
    expect(layer.geometry.kind).toBe("polygon");
    const expected = new Map<string, number>();
    for (let i = 0; i < COUNT; i++) {
      const cell = latLngToCell(LAT[i]!, LNG[i]!, 5);
      if (FARE[i] !== null) expected.set(cell, (expected.get(cell) ?? 0) + FARE[i]!);
    }
    const columns = layer.tooltip!.fields.map(
      ({ title, column }) => [title, layer.columns![column]!] as const,
    );
    expect(columns.map(([title]) => title)).toEqual(["sum(fare)", "count"]);
    const [sums, counts] = columns.map(([, column]) => [...(column as { values: Float64Array }).values]);
    const rounded = [...expected.values()].map((sum) => Number(sum.toPrecision(12)));
    expect(sums!.sort((a, b) => a - b)).toEqual(rounded.sort((a, b) => a - b));
    expect(counts!.reduce((sum, count) => sum + count, 0)).toBe(540);
  });
  test("classes of counts have no bound in common, and sums no digits that are errors", async () => {
    const labelsOf = async (options: LayerOptions) =>
      (await made({ as: "h3", cell: 5, ...options })).scene.legends[0]!.items.map(({ label }) => label);
    const ends = (await labelsOf({})).map((label) => label.match(/\d+/g)!.map(Number));
    expect(ends.length).toBeGreaterThan(3);
    for (const [i, [start]] of ends.entries()) if (i > 0) expect(start).toBe(ends[i - 1]!.at(-1)! + 1);
    const decimals = new DataFrame({ lng: [8, 8, 8], lat: [47, 47, 47], v: [0.1, 0.1, 0.1] });
    const layers = new Layer(decimals, { lnglat: ["lng", "lat"], as: "h3", value: { sum: "v" } });
    const [column] = (await mapScene(nowhere, { layers, progress })).scene.layers[0]!.columns!;
    expect(column).toMatchObject({ values: Float64Array.of(0.3) });
  });
  test("the default resolution suits the extent of the data, from a street to the world", async () => {
    const cellsOver = async (degrees: number) => {
      const axis = () => Array.from({ length: 20_000 }, () => (random() - 0.5) * degrees);
      const layers = new Layer(new DataFrame({ lng: axis(), lat: axis() }), {
        lnglat: ["lng", "lat"],
        as: "h3",
      });
      const { geometry } = (await mapScene(nowhere, { layers, progress })).scene.layers[0]!;
      return geometry.kind === "point" ? 0 : geometry.features.length - 1;
    };
    for (const degrees of [0.05, 1, 20, 160]) {
      const cells = await cellsOver(degrees);
      expect(cells).toBeGreaterThan(300);
      expect(cells).toBeLessThan(16_000);
    }
  });
});
