/** An overview looks like all the data, within a pixel. */
import { createCanvas } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { decodeScene, encodeScene } from "../../../src/render/page/codec";
import { overviewOfPaths, overviewOfPoints } from "../../../src/render/page/overview";
import { paintLayers, prepare } from "../../../src/render/painter";
import { viewportOf } from "../../../src/render/projection";
import type { PathGeometry, PointGeometry, SceneLayer } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { imageOf } from "../painter/golden";
import { pathLayer, pointLayer, sceneOf } from "./scenes";

const scene = sceneOf([]);
const { worldPx } = viewportOf(scene);

/** A layer as the page contains it, as an overview. */
function carried(layer: SceneLayer): SceneLayer {
  const overview = overviewOf(layer);
  const page = { scene: sceneOf([overview]), overviews: [{ worldPx, note: "" }] };
  return decodeScene(encodeScene(page)).scene.layers[0]!;
}

function overviewOf(layer: SceneLayer): SceneLayer {
  const { geometry } = layer;
  return geometry.kind === "point"
    ? overviewOfPoints(layer, geometry, worldPx).layer
    : overviewOfPaths(layer, geometry, worldPx).layer;
}

/** Returns the opacity of each pixel of the view. */
function inked(layer: SceneLayer): { ink: Uint8Array; width: number; height: number } {
  const of = sceneOf([layer]);
  const canvas = createCanvas(of.widthPx, of.heightPx);
  paintLayers(canvas.getContext("2d"), prepare(of, { createCanvas }), viewportOf(of));
  const { data, width, height } = imageOf(canvas);
  return { ink: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]!), width, height };
}

/** Counts the pixels that are solid in `a` and almost empty in `b` within a pixel. */
function lost(a: ReturnType<typeof inked>, b: ReturnType<typeof inked>): number {
  const { width, height } = a;
  let count = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      if (a.ink[y * width + x]! < 128) continue;
      let most = 0;
      for (const dy of [-1, 0, 1])
        for (const dx of [-1, 0, 1]) most = Math.max(most, b.ink[(y + dy) * width + x + dx]!);
      if (most < 64) count++;
    }
  return count;
}

function expectSame(layer: SceneLayer): void {
  const [all, overview] = [inked(layer), inked(carried(layer))];
  expect(all.ink.some((alpha) => alpha >= 128)).toBe(true);
  expect([lost(all, overview), lost(overview, all)]).toEqual([0, 0]);
}

describe("points", () => {
  const random = mulberry32(5);
  const count = 200_000;
  /** Thousands of clusters, some of them within a pixel. */
  const axis = () => {
    const middles = Float64Array.from({ length: 2000 }, random);
    return Float64Array.from(
      { length: count },
      (_, i) => middles[i % 2000]! + (random() - 0.5) * 0.02 * random() ** 4,
    );
  };
  const classes = () =>
    Uint8Array.from({ length: count }, () => (random() < 0.1 ? 255 : Math.floor(3 * random() ** 3)));
  const [x, y] = [axis(), axis()];
  const layer = pointLayer(x, y, {
    color: {
      kind: "classes",
      palette: [
        [1, 2, 3, 255],
        [9, 9, 9, 255],
        [99, 9, 9, 255],
      ],
      missing: [5, 5, 5, 255],
      classes: classes(),
    },
    size: { kind: "classes", px: [3, 8, 12], missingPx: 5, classes: classes() },
  });

  test("every pixel keeps one point of each look", () => {
    const overview = overviewOf(layer);
    const { x, y } = overview.geometry as PointGeometry;
    const cell = (x: number, y: number, row: number) => {
      const [color, size] = [layer.color, layer.size].map((style) =>
        style.kind === "classes" ? style.classes[row] : 0,
      );
      return [Math.floor(x * worldPx), Math.floor(y * worldPx), color, size].join();
    };
    const { rows } = overview.geometry as PointGeometry;
    const kept = Array.from(x, (_, i) => cell(x[i]!, y[i]!, rows![i]!));
    const all = layer.geometry as PointGeometry;
    expect(new Set(kept).size).toBe(kept.length);
    expect(new Set(kept)).toEqual(new Set(Array.from(all.x, (_, i) => cell(all.x[i]!, all.y[i]!, i))));
    expect(kept.length).toBeLessThan(0.6 * count);
  });

  test("paints the same within a pixel", () => expectSame(layer));

  test("points that are drawn together are merged: no point and no value is lost", () => {
    const values = Float64Array.from({ length: count }, () => random() * 9);
    const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((all, number) => all + number, 0);
    for (const statistic of ["count", "sum", "avg"] as const) {
      const aggregate = { as: "hexbin", cellPx: 12, statistic, title: "", palette: [] } as const;
      const columns = statistic === "count" ? {} : { columns: [{ kind: "numbers" as const, values }] };
      const merged = carried(pointLayer(x, y, { aggregate, ...columns }));
      const { weights } = merged.geometry as PointGeometry;
      expect(weights!.length).toBeLessThan(0.6 * count);
      expect(sum(weights!)).toBe(count);
      const column = merged.columns?.[0];
      if (column?.kind !== "numbers") continue;
      const total =
        statistic === "avg" ? column.values.map((value, i) => value * weights![i]!) : column.values;
      expect(sum(total)).toBeCloseTo(sum(values), 3);
    }
  });

  test("points with a density keep their number, those of each frame apart", () => {
    const density = { palette: [], spread: { count, area: 1 } };
    const { weights } = carried(pointLayer(x, y, { density })).geometry as PointGeometry;
    expect(weights!.reduce((sum, weight) => sum + weight, 0)).toBe(count);
    const starts = Uint32Array.of(0, 50_000, count);
    const time = { starts, cumulative: false, trails: 0 };
    const aggregate = { as: "heatmap", cellPx: 12, statistic: "count", title: "", palette: [] } as const;
    const timed = carried(pointLayer(x, y, { aggregate, time }));
    const shares = (timed.geometry as PointGeometry).weights!;
    const [, first] = timed.time!.starts;
    expect(shares.subarray(0, first).reduce((sum, weight) => sum + weight, 0)).toBe(50_000);
  });

  test("keeps as many translucent points as make a difference", () => {
    const stacked = pointLayer(new Float64Array(10_000).fill(0.5), new Float64Array(10_000).fill(0.5), {
      color: { kind: "constant", color: [0, 0, 0, 64] },
    });
    const overview = overviewOf(stacked);
    expect(overview.rowCount).toBe(10_000);
    expect((overview.geometry as PointGeometry).x.length).toBeLessThan(30);
    expectSame(stacked);
  });
});

/** A mesh of quadrilaterals with wavy shared sides; `cell` is in pixels of the view. */
function mesh(columns: number, rows: number, cellPx: number, random: () => number): SceneLayer {
  const side = cellPx / worldPx;
  const corner = new Map<string, number[]>();
  const at = (c: number, r: number) => {
    const key = `${c} ${r}`;
    const known = corner.get(key) ?? [0.3 + side * (c + 0.4 * random()), 0.3 + side * (r + 0.4 * random())];
    corner.set(key, known);
    return known;
  };
  const sides = new Map<string, number[][]>();
  const between = (from: [number, number], to: [number, number]): number[][] => {
    const [key, back] = [`${from} ${to}`, `${to} ${from}`];
    if (sides.has(back)) return [...sides.get(back)!].reverse();
    const [a, b] = [at(...from), at(...to)];
    const points = Array.from({ length: 11 }, (_, i) =>
      i % 10 === 0
        ? i
          ? b
          : a
        : a.map((v, k) => v + ((b[k]! - v) * i) / 10 + (random() - 0.5) * side * 0.08),
    );
    sides.set(key, points);
    return points;
  };
  const features = [];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const ring = [
        between([c, r], [c + 1, r]),
        between([c + 1, r], [c + 1, r + 1]),
        between([c + 1, r + 1], [c, r + 1]),
        between([c, r + 1], [c, r]),
      ].flatMap((part) => part.slice(0, -1));
      const start = Math.floor(random() * ring.length);
      const turned = [...ring.slice(start), ...ring.slice(0, start)];
      features.push([[[...turned, turned[0]!].flat()]]);
    }
  return pathLayer("polygon", features);
}

/** Counts the rings that contain each side. */
function sidesOf({ xy, paths }: PathGeometry): Map<string, number> {
  const counts = new Map<string, number>();
  for (let path = 0; path + 1 < paths.length; path++)
    for (let i = paths[path]!; i + 1 < paths[path + 1]!; i++) {
      const ends = [`${xy[2 * i]} ${xy[2 * i + 1]}`, `${xy[2 * i + 2]} ${xy[2 * i + 3]}`].sort();
      if (ends[0] === ends[1]) continue;
      counts.set(ends.join(), (counts.get(ends.join()) ?? 0) + 1);
    }
  return counts;
}

describe("polygons", () => {
  test.each([
    ["larger than a pixel", 40, 30, 6],
    ["about as large", 120, 100, 1.2],
    ["much smaller", 400, 300, 0.3],
  ])("%s: what is painted is the same within a pixel", (_, columns, rows, cellPx) =>
    expectSame(mesh(columns, rows, cellPx, mulberry32(columns))),
  );

  test("shared borders stay shared", () => {
    const whole = mesh(40, 30, 6, mulberry32(3));
    const geometry = carried(whole).geometry as PathGeometry;
    expect(geometry.xy.length).toBeLessThan((whole.geometry as PathGeometry).xy.length / 3);
    const counts = [...sidesOf(geometry).values()];
    expect(counts.filter((count) => count > 2)).toEqual([]);
    const single = counts.filter((count) => count === 1).length;
    expect(single).toBeLessThan(4 * (40 + 30) * 2); // the rim, of a few pieces a cell
    expect(counts.length - single).toBeGreaterThan(40 * 30);
  });

  test("keeps one of the polygons that are smaller than a pixel in each pixel", () => {
    const overview = overviewOf(mesh(400, 300, 0.3, mulberry32(1)));
    const features = (overview.geometry as PathGeometry).features.length - 1;
    expect(features).toBeLessThan(1.3 * (400 * 300 * 0.3 ** 2));
  });
});

test("lines: paints the same within a pixel", () => {
  const random = mulberry32(9);
  const lines = Array.from({ length: 20_000 }, () => {
    const [x, y, length] = [random(), random(), 0.03 * random() ** 6];
    const steps = 2 + Math.floor(random() * 20);
    return [
      [
        Array.from({ length: steps }, () => [
          x + (random() - 0.5) * length,
          y + (random() - 0.5) * length,
        ]).flat(),
      ],
    ];
  });
  expectSame(pathLayer("line", lines, { size: { kind: "constant", px: 1.5 } }));
});
