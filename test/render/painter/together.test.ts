/** Layers whose points are drawn together. */
import { createCanvas } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import type { LngLat } from "../../../src/geo";
import { hitAll, legendsAt, paint, paintTogether, placedIn, prepare } from "../../../src/render/painter";
import { viewportOf } from "../../../src/render/projection";
import type { Aggregate, Scene, SceneLayer, Viewport } from "../../../src/render/scene";
import { expectGolden, imageOf } from "./golden";
import { BLUE, constant, layerOf, mulberry32, points, px, RAMP, sceneOf } from "./scenes";

const AGGREGATE: Aggregate = { as: "hexbin", cellPx: 14, statistic: "count", title: "count", palette: RAMP };
const random = mulberry32(11);
const normal = () => random() + random() + random() - 1.5;
/** A dense town, a loose one and some farms. */
const PLACES: LngLat[] = Array.from({ length: 4000 }, (_, i) =>
  i % 10 < 6
    ? [-12 + normal() * 8, 4 + normal() * 6]
    : i % 10 < 9
      ? [14 + normal() * 18, -6 + normal() * 10]
      : [(random() - 0.5) * 66, (random() - 0.5) * 38],
);
const VALUES = Float64Array.from(PLACES, ([lng]) => lng);

function togetherScene(style: Partial<Aggregate>, rest: Partial<SceneLayer> = {}): Scene {
  const aggregate = { ...AGGREGATE, ...style };
  const hasValues = aggregate.statistic !== "count";
  const layer = layerOf(points(PLACES), {
    aggregate,
    opacity: 0.9,
    ...(hasValues && { columns: [{ kind: "numbers", values: VALUES }] }),
    ...rest,
  });
  const legends = [{ title: "", geometry: "polygon", items: [], layer: 0 }] as const;
  return sceneOf([layer], { legends });
}

const prepared = (scene: Scene) =>
  prepare(scene, { createCanvas, together: paintTogether, fonts: "sans-serif" });

function canvasOf(scene: Scene, { pixelRatio = 1, viewport = viewportOf(scene, { pixelRatio }) } = {}) {
  const canvas = createCanvas(viewport.widthPx * pixelRatio, viewport.heightPx * pixelRatio);
  paint(canvas.getContext("2d"), prepared(scene), viewport);
  return canvas;
}

describe("golden", () => {
  test.each([
    ["hexbin", {}],
    ["grid-avg", { as: "grid", cellPx: 10, statistic: "avg" }],
    ["heatmap", { as: "heatmap", cellPx: 16 }],
    ["heatmap-avg", { as: "heatmap", cellPx: 16, statistic: "avg" }],
  ] as const)("%s", async (name, style) => {
    await expectGolden(
      `together-${name}`,
      canvasOf(togetherScene(style), { pixelRatio: 2 }).toBuffer("image/png"),
    );
  });
  test("density", async () => {
    const density = { palette: [RAMP[1]!, RAMP[2]!, BLUE], spread: { count: 50_000, area: 0 } };
    const scene = sceneOf([layerOf(points(PLACES), { color: constant(BLUE), size: px(2), density })]);
    await expectGolden("together-density", canvasOf(scene, { pixelRatio: 2 }).toBuffer("image/png"));
  });
});

test("clusters have a disc for each, and write their numbers", () => {
  const scene = togetherScene({ as: "cluster", cellPx: 40 });
  const viewport = viewportOf(scene);
  const found = placedIn(prepared(scene), viewport, { wanted: () => true, most: 1000 });
  const { data } = imageOf(canvasOf(scene));
  expect(found.length).toBeGreaterThan(5);
  const inked = found.filter(({ x, y }) => {
    const at = [(x - viewport.originX) * viewport.worldPx - 8, (y - viewport.originY) * viewport.worldPx].map(
      Math.round,
    );
    const [column, row] = at as [number, number];
    return data[4 * (row * 200 + column)] !== 238;
  });
  expect(inked.length).toBeGreaterThan(found.length * 0.7); // others are single points, which are smaller
});

describe("every part of a view is painted like the whole", () => {
  test.each(["hexbin", "grid", "heatmap"] as const)("%s", (as) => {
    const scene = togetherScene({ as });
    const whole = viewportOf(scene);
    const all = imageOf(canvasOf(scene));
    const part: Viewport = {
      ...whole,
      originX: whole.originX + 70 / whole.worldPx,
      originY: whole.originY + 30 / whole.worldPx,
      widthPx: 60,
      heightPx: 40,
    };
    const { data } = imageOf(canvasOf(scene, { viewport: part }));
    let worst = 0;
    for (let y = 0; y < 40; y++)
      for (let x = 0; x < 240; x++)
        worst = Math.max(worst, Math.abs(data[y * 240 + x]! - all.data[(y + 30) * 800 + 280 + x]!));
    expect(worst).toBeLessThanOrEqual(20); // edges are smoothed;
  });
});

const countOfCell = ({ columns = [] }: SceneLayer) => {
  const counts = columns[1];
  return counts?.kind === "numbers" ? counts.values[0]! : Number.NaN;
};

describe("features", () => {
  test.each(["hexbin", "grid", "heatmap", "cluster"] as const)(
    "%s: the cells of a view hold all its points",
    (as) => {
      const scene = togetherScene({ as });
      const all = prepared(scene);
      const world = viewportOf({ ...scene, view: { kind: "center", lng: 0, lat: 0, zoom: 2 } });
      const found = placedIn(all, world, { wanted: () => true, most: 10_000 });
      const counts = found.map(({ of }) => countOfCell(of));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(PLACES.length * 0.97); // some are outside
      expect(Math.max(...counts)).toBe(counts[0]);
      const { x, y, of } = found[0]!;
      const place = [(x - world.originX) * world.worldPx, (y - world.originY) * world.worldPx] as const;
      const look = { slopPx: 0, wanted: () => true, most: 5 };
      expect(hitAll(all, world, place, look)[0]?.of.columns).toEqual(of.columns);
      expect(hitAll(all, world, place, look)[0]?.of).toBe(hitAll(all, world, place, look)[0]?.of);
      expect(hitAll(all, world, [0, 0], look)).toEqual([]);
    },
  );
  test("a frame has the points of its time only", () => {
    const starts = Uint32Array.of(0, 1000, 4000);
    const scene = togetherScene({}, { time: { starts, cumulative: false, trails: 0 } });
    const all = prepared(scene);
    const countOf = (frame: number) => {
      all.now.frame = frame;
      const found = placedIn(all, viewportOf(scene), { wanted: () => true, most: 10_000 });
      return found.reduce((sum, { of }) => sum + countOfCell(of), 0);
    };
    expect(countOf(0)).toBeLessThanOrEqual(1000);
    expect(countOf(0)).toBeGreaterThan(950);
    expect(countOf(1)).toBeGreaterThan(2850);
  });
});

test("legends have the classes of the scale", () => {
  const [all, zoomed] = [2, 5].map((zoom) => legendsAt(prepared(togetherScene({})), 256 * 2 ** zoom)[0]!);
  expect(all!.items).toHaveLength(5);
  expect(all!.items.at(-1)!.label).toMatch(/^≥ \d+$/);
  expect(zoomed!.items.map(({ label }) => label)).not.toEqual(all!.items.map(({ label }) => label));
  const heat = legendsAt(prepared(togetherScene({ as: "heatmap" })), 1024)[0]!;
  expect(heat.ramp).toMatchObject({ from: "low", to: "high" });
  const mean = legendsAt(prepared(togetherScene({ as: "heatmap", statistic: "avg" })), 1024)[0]!;
  expect(mean.ramp?.from).toMatch(/^≤ −\d+/);
});
