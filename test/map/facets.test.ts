import { expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { facetsOf, Layer, type LayerOptions } from "../../src/map";
import { legendsAt, paintTogether, prepare } from "../../src/render/painter";
import type { SceneLayer } from "../../src/render/scene";
import { nowhere, progress } from "../support/nowhere";
import { mulberry32 } from "../support/seeded";

interface Place {
  readonly lng: number;
  readonly lat: number;
  readonly [column: string]: unknown;
}

const features = (places: readonly Place[]) => ({
  type: "FeatureCollection" as const,
  features: places.map(({ lng, lat, ...properties }) => ({
    type: "Feature" as const,
    geometry: { type: "Point" as const, coordinates: [lng, lat] },
    properties,
  })),
});

async function facets(places: readonly Place[], options: LayerOptions = {}, facet = "kind") {
  const layers = new Layer(features(places) as never, options);
  const { scene, facet: column } = await mapScene(
    nowhere,
    { layers, progress, projection: "mercator" },
    { isLinked: true, facet },
  );
  return { whole: scene, ...facetsOf(scene, column!) };
}

const countIn = ({ geometry }: SceneLayer) => (geometry.kind === "point" ? geometry.x.length : 0);
const random = mulberry32(5);
const somewhere = () => ({ lng: random() * 40, lat: random() * 40 });

test("each row is in the map of its value, and all maps have one view and the classes of all rows", async () => {
  const places = Array.from({ length: 200 }, (_, i) => ({ ...somewhere(), kind: `k${i % 3}`, size: i }));
  const { whole, scenes, legends } = await facets(places, { color: "size" });
  expect(scenes.map(({ title }) => title)).toEqual(["k0", "k1", "k2"]);
  expect(scenes.map(({ layers }) => countIn(layers[0]!))).toEqual([67, 67, 66]);
  for (const { view, layers, legends } of scenes) {
    expect(view).toEqual(whole.view);
    expect(legends).toEqual([]);
    const [{ color, geometry }] = layers as [SceneLayer];
    expect(color).toEqual(whole.layers[0]!.color);
    expect(geometry.rows).toBeDefined();
  }
  expect(legends).toEqual(whole.legends);
});

test("numbers are in their order, and texts as people count", async () => {
  const years = [2020, 1999, 2004].flatMap((year) => [
    { ...somewhere(), kind: year },
    { ...somewhere(), kind: year },
  ]);
  expect((await facets(years)).scenes.map(({ title }) => title)).toEqual(["1999", "2004", "2020"]);
  const texts = ["zone 10", "zone 9", "zone 1"].map((kind) => ({ ...somewhere(), kind }));
  expect((await facets(texts)).scenes.map(({ title }) => title)).toEqual(["zone 1", "zone 9", "zone 10"]);
});

test("says which values and rows are left out", async () => {
  const places = Array.from({ length: 20 }, (_, i) =>
    Array.from({ length: i + 1 }, () => ({ ...somewhere(), kind: `k${i}` as string | null })),
  ).flat();
  places.push({ ...somewhere(), kind: null });
  const { scenes, warnings } = await facets(places);
  expect(scenes.length).toBe(12);
  expect(scenes.map(({ title }) => title)).toContain("k8");
  expect(scenes.map(({ title }) => title)).not.toContain("k7");
  expect(warnings).toEqual([
    'The figure shows the 12 most frequent of 20 values of "kind". To choose others, filter the rows first.',
    '1 feature without a value of "kind" is in no map of the figure.',
  ]);
});

test("cells of all maps have the same classes", async () => {
  const places = Array.from({ length: 600 }, (_, i) => ({
    lng: Math.round(random() * 8),
    lat: Math.round(random() * 8),
    kind: i % 5 === 0 ? "few" : "many",
  }));
  const { scenes, legends } = await facets(places, { as: "hexbin" });
  const levels = scenes.map(({ layers }) => layers[0]!.aggregate!.levels);
  expect(levels[0]).toEqual(levels[1]);
  const labels = scenes.map((scene) => {
    const prepared = prepare(
      { ...scene, legends },
      { createCanvas: () => undefined as never, together: paintTogether },
    );
    return legendsAt(prepared, 256 * 2 ** 4)[0]!.items.map(({ label }) => label);
  });
  expect(labels[0]).toEqual(labels[1]);
  expect(legends[0]!.items.map(({ label }) => label)).toEqual(labels[0]);
});
