import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeScene, encodeScene, quantumOf } from "../../../src/render/page/codec";
import { packScene, withDetail } from "../../../src/render/page/pack";
import { alongCurve } from "../../../src/render/page/pick";
import { simplify } from "../../../src/render/page/simplify";
import { viewportOf } from "../../../src/render/projection";
import type { PathGeometry, PointGeometry, RangeColumn, SceneLayer } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { constantColor, HOSTILE, pathLayer, pointLayer, randomLayer, sceneOf } from "./scenes";

const throughBytes = (layer: SceneLayer) =>
  decodeScene(encodeScene({ scene: sceneOf([layer]), overviews: [] })).scene.layers[0]!;
const pointsOf = (layer: SceneLayer) => layer.geometry as PointGeometry;
const pathsOf = (layer: SceneLayer) => layer.geometry as PathGeometry;

function furthest(a: Float64Array, b: Float64Array): number {
  expect(b.length).toBe(a.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe("round trip", () => {
  test.each(Array.from({ length: 60 }, (_, i) => i + 1))("random layer, seed %i", (seed) => {
    const layer = randomLayer(mulberry32(seed));
    const back = throughBytes(layer);
    const bound = quantumOf(layer) / 2 + 1e-15;
    if (layer.geometry.kind === "point") {
      expect(furthest(layer.geometry.x, pointsOf(back).x)).toBeLessThanOrEqual(bound);
      expect(furthest(layer.geometry.y, pointsOf(back).y)).toBeLessThanOrEqual(bound);
    } else {
      expect(furthest(layer.geometry.xy, pathsOf(back).xy)).toBeLessThanOrEqual(bound);
      expect(pathsOf(back).paths).toEqual(layer.geometry.paths);
      expect(pathsOf(back).features).toEqual(layer.geometry.features);
    }
    const count = back.rowCount;
    for (const style of ["color", "size"] as const) {
      const { classes, ...rest } = { classes: new Uint8Array(0), ...layer[style] };
      const { classes: backClasses, ...backRest } = { classes: new Uint8Array(0), ...back[style] };
      expect(backRest).toEqual(rest);
      const rows = layer.geometry.rows ?? Uint32Array.from({ length: count }, (_, i) => i);
      if (layer[style].kind === "classes") {
        expect([...backClasses]).toEqual([...rows].map((row) => classes[row]!));
      }
    }
    expect(back.stroke).toEqual(layer.stroke);
    expect(back.opacity).toBe(layer.opacity);
  });

  test("positions are off by at most half a pixel at zoom 15 with a million points, at zoom 18 with few", () => {
    const pixel = (zoom: number) => 1 / (256 * 2 ** zoom);
    const layer = (count: number) => pointLayer(new Float64Array(count), new Float64Array(count));
    expect(quantumOf(layer(1_000_000))).toBe(pixel(15));
    expect(quantumOf(layer(1000))).toBe(pixel(18));
  });

  test("a layer that goes around the world many times still fits, more coarsely", () => {
    const layer = pathLayer("line", [[[[-400, 0.2, 400, 0.8, 0.5, 0.5]]]]);
    expect(furthest(pathsOf(layer).xy, pathsOf(throughBytes(layer)).xy)).toBeLessThanOrEqual(
      quantumOf(layer) / 2,
    );
  });

  test("points without a position are left out, with their class", () => {
    const layer: SceneLayer = {
      ...pointLayer(Float64Array.of(0.1, Number.NaN, 0.3), Float64Array.of(0.1, 0.2, Infinity)),
      color: {
        kind: "classes",
        palette: [[1, 2, 3, 255]],
        missing: [0, 0, 0, 0],
        classes: Uint8Array.of(4, 5, 6),
      },
    };
    const back = throughBytes(layer);
    expect([...pointsOf(back).x].map((x) => x.toFixed(5))).toEqual(["0.10000"]);
    expect(back.color).toMatchObject({ classes: Uint8Array.of(4) });
    const path = pathLayer("line", [[[[0.1, 0.1, Number.NaN, 0.2, 0.3, 0.3]]]]);
    expect([...pathsOf(throughBytes(path)).paths]).toEqual([0, 2]);
  });

  test("an empty scene", () => {
    expect(pointsOf(throughBytes(pointLayer(new Float64Array(0), new Float64Array(0)))).x).toHaveLength(0);
    expect([...pathsOf(throughBytes(pathLayer("polygon", []))).features]).toEqual([0]);
    expect(decodeScene(encodeScene({ scene: sceneOf([]), overviews: [] })).scene).toEqual(sceneOf([]));
  });

  test("every text survives", () => {
    const legends = [{ title: HOSTILE, geometry: "point" as const, items: [] }];
    const scene = { ...sceneOf([]), legends, notes: [HOSTILE] };
    expect(decodeScene(encodeScene({ scene, overviews: [] })).scene).toEqual(scene);
  });

  test("same scene, same bytes", () => {
    const bytes = () => packScene(sceneOf([randomLayer(mulberry32(7))])).bytes;
    expect(bytes()).toEqual(bytes());
  });
});

test("bytes that are not a scene, of another version, cut off or too long are errors", () => {
  const bytes = encodeScene({ scene: sceneOf([randomLayer(mulberry32(3))]), overviews: [] });
  const changed = (at: number, value: number) =>
    Uint8Array.from(bytes, (byte, i) => (i === at ? value : byte));
  expect(() => decodeScene(changed(0, 0x58))).toThrowErrorMatchingInlineSnapshot(
    `[Error: A scene must start with "CFSC"; got "XFSC".]`,
  );
  expect(() => decodeScene(changed(4, 9))).toThrowErrorMatchingInlineSnapshot(
    `[Error: The scene has version 9; this page reads version 6.]`,
  );
  expect(() => decodeScene(bytes.subarray(0, -1))).toThrow(
    /^The scene is cut off: expected at least \d+ bytes, got \d+\.$/,
  );
  expect(() => decodeScene(Uint8Array.of(...bytes, 0))).toThrow(/^The scene has \d+ bytes; expected \d+\.$/);
});

describe("drawing order", () => {
  const many = (count: number) => {
    const random = mulberry32(5);
    const axis = () => Float64Array.from({ length: count }, () => random());
    return { ...pointLayer(axis(), axis()), rowCount: count };
  };

  test("up to 50,000 points keep the order of their rows", () => {
    const layer = many(50_000);
    expect(alongCurve(sceneOf([layer])).layers[0]).toBe(layer);
  });

  test("more points are sorted, and each keeps its row", () => {
    const layer = many(100_001);
    const { x, y, rows } = pointsOf(alongCurve(sceneOf([layer])).layers[0]!);
    expect(new Set(rows).size).toBe(100_001);
    expect(rows!.every((row, i) => pointsOf(layer).x[row] === x[i] && pointsOf(layer).y[row] === y[i])).toBe(
      true,
    );
  });
});

describe("budget", () => {
  const random = mulberry32(11);
  const count = 60_000;
  const points = pointLayer(
    Float64Array.from({ length: count }, random),
    Float64Array.from({ length: count }, random),
  );
  const unpacked = (bytes: Uint8Array) => decodeScene(inflateSync(bytes));

  test("too many points become the finest overview that fits", () => {
    const { bytes, page } = packScene(sceneOf([points]), 200_000);
    expect(bytes.length).toBeLessThanOrEqual(200_000);
    expect(bytes.length).toBeGreaterThan(50_000); // the next finer one has up to four times as many
    const { scene, overviews } = unpacked(bytes);
    const kept = scene.layers[0]!.rowCount;
    expect(overviews).toEqual(page.overviews);
    expect(overviews[0]?.note).toBe(`overview of ${kept.toLocaleString("en-US")} of 60,000 points`);
    expect(overviews[0]?.worldPx).toBeGreaterThanOrEqual(viewportOf(scene).worldPx);
    const left = pointsOf(scene.layers[0]!).x.filter((x) => x < 0.5).length;
    expect(Math.abs(left / kept - 0.5)).toBeLessThan(0.02);
  });

  test("a small layer next to a large one stays whole", () => {
    const small = pathLayer("line", [[[[0.1, 0.1, 0.2, 0.2]]]]);
    const { bytes } = packScene(sceneOf([small, points]), 100_000);
    const { scene, overviews } = unpacked(bytes);
    expect(scene.layers[0]!.rowCount).toBe(1);
    expect(overviews.map((overview) => overview !== undefined)).toEqual([false, true]);
  });

  test("paths are simplified, and small ones are merged per pixel", () => {
    const wiggly = (random: () => number) =>
      Array.from({ length: 4000 }, (_, i) => (i % 2 ? 0.5 : i / 4000) + random() * 1e-5);
    const lines = pathLayer(
      "line",
      Array.from({ length: 50 }, () => [[wiggly(random)]]),
    );
    const simplified = packScene(sceneOf([lines]), 60_000);
    expect(simplified.bytes.length).toBeLessThanOrEqual(60_000);
    expect(simplified.page.overviews[0]?.note).toBe("overview of 50 lines, simplified");
    expect(unpacked(simplified.bytes).scene.layers[0]!.rowCount).toBe(50);

    const short = pathLayer(
      "line",
      Array.from({ length: 5000 }, () => {
        const [x, y] = [random(), random()];
        return [[[x, y, x + 1e-4, y + 1e-4]]];
      }),
    );
    const merged = packScene(sceneOf([short]), 10_000);
    expect(merged.bytes.length).toBeLessThanOrEqual(10_000);
    expect(merged.page.overviews[0]?.note).toMatch(/^overview of [\d,]+ of 5,000 lines, simplified$/);
  });

  test("columns are dropped before points", () => {
    const texts = Array.from({ length: count }, (_, i) => `${i} ${random()} ${random()}`);
    const column = { kind: "texts" as const, texts, codes: Uint32Array.from(texts, (_, i) => i + 1) };
    const tooltip = { fields: [{ title: "text", column: 0 }] };
    const { bytes, page } = packScene(sceneOf([{ ...points, columns: [column], tooltip }]), 250_000);
    const { scene, overviews } = unpacked(bytes);
    expect(scene.layers[0]!.columns).toBeUndefined();
    expect(overviews[0]?.worldPx).toBe(viewportOf(scene).worldPx);
    expect(page.overviews[0]?.note).toMatch(/, without tooltip and label values$/);
  });

  test("data that does not fit at the scale of the view becomes coarser", () => {
    const { bytes, page } = packScene(sceneOf([points]), 4_000);
    expect(bytes.length).toBeLessThanOrEqual(4_000);
    expect(page.overviews[0]!.worldPx).toBeLessThan(viewportOf(page.scene).worldPx);
    expect(unpacked(bytes).scene.layers[0]!.rowCount).toBeGreaterThan(0);
  });

  test("the source of the full data is stored with the overview", () => {
    const packed = packScene(sceneOf([points]), 100_000);
    const detail = {
      urlTemplate: "http://127.0.0.1:1/{z}/{x}/{y}.mvt",
      layer: "layer0",
      formats: {},
    };
    const { overviews } = unpacked(withDetail(packed, new Map([[0, detail]])).bytes);
    expect(overviews).toEqual([{ ...packed.page.overviews[0], detail }]);
  });
});

describe("simplify", () => {
  /** Two squares with wavy sides, one of them shared, and a separate triangle. */
  function neighbours(random: () => number): PathGeometry {
    const side = (from: [number, number], to: [number, number]) =>
      Array.from({ length: 200 }, (_, i) => {
        const t = i / 200;
        const off = i === 0 ? 0 : (random() - 0.5) * 0.01;
        return [from[0] + (to[0] - from[0]) * t + off, from[1] + (to[1] - from[1]) * t + off];
      });
    const middle = side([0.5, 0], [0.5, 1]); // down, without its end
    const back = [[0.5, 1], ...middle.slice(1).reverse()]; // the same up, without its end
    const left = [...side([0, 0], [0.5, 0]), ...middle, ...side([0.5, 1], [0, 1]), ...side([0, 1], [0, 0])];
    const right = [...back, ...side([0.5, 0], [1, 0]), ...side([1, 0], [1, 1]), ...side([1, 1], [0.5, 1])];
    const start = Math.floor(random() * right.length);
    const turned = [...right.slice(start), ...right.slice(0, start)];
    const closed = (ring: number[][]) => [...ring, ring[0]!].flat();
    return pathLayer("polygon", [[[closed(left)]], [[closed(turned)]], [[[2, 2, 2.001, 2, 2, 2.001, 2, 2]]]])
      .geometry as PathGeometry;
  }

  test.each([1, 2, 3, 4, 5])("neighbours keep their common border, seed %i", (seed) => {
    const whole = neighbours(mulberry32(seed));
    const { xy, paths } = simplify(whole, 0.004);
    expect(xy.length).toBeLessThan(whole.xy.length / 2);
    const ring = (path: number) =>
      new Set(
        Array.from({ length: paths[path + 1]! - paths[path]! }, (_, i) => {
          const at = 2 * (paths[path]! + i);
          return `${xy[at]} ${xy[at + 1]}`;
        }),
      );
    const common = (places: Set<string>) =>
      [...places].filter((place) => Math.abs(Number(place.split(" ")[0]) - 0.5) < 0.006).sort();
    const inner = (places: string[]) =>
      places.filter((place) => {
        const y = Number(place.split(" ")[1]);
        return y > 0.02 && y < 0.98;
      });
    const left = inner(common(ring(0)));
    const right = inner(common(ring(1)));
    // The second ring starts at any vertex, which stays.
    const extra = right.filter((place) => !left.includes(place));
    expect(extra.length).toBeLessThanOrEqual(1);
    expect(left.filter((place) => !right.includes(place))).toEqual([]);
  });

  test("rings stay rings, however small", () => {
    const { xy, paths } = simplify(neighbours(mulberry32(9)), 0.5);
    for (let path = 0; path < 3; path++) {
      const [from, to] = [paths[path]!, paths[path + 1]! - 1];
      expect(to - from).toBeGreaterThanOrEqual(3);
      expect([xy[2 * from], xy[2 * from + 1]]).toEqual([xy[2 * to], xy[2 * to + 1]]);
    }
  });

  test("no vertex moves by more than the tolerance", () => {
    const whole = neighbours(mulberry32(4));
    const tolerance = 0.002;
    const { xy, paths } = simplify(whole, tolerance);
    for (let path = 0; path < 3; path++) {
      for (let i = whole.paths[path]!; i < whole.paths[path + 1]!; i++) {
        let nearest = Infinity;
        for (let k = paths[path]!; k < paths[path + 1]! - 1; k++) {
          nearest = Math.min(nearest, distance(whole.xy, i, xy, k));
        }
        expect(nearest).toBeLessThanOrEqual(tolerance * 1.0001);
      }
    }
  });

  function distance(points: Float64Array, i: number, xy: Float64Array, k: number): number {
    const [x, y, ax, ay] = [points[2 * i]!, points[2 * i + 1]!, xy[2 * k]!, xy[2 * k + 1]!];
    const [dx, dy] = [xy[2 * k + 2]! - ax, xy[2 * k + 3]! - ay];
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(x - ax - t * dx, y - ay - t * dy);
  }
});

test("a million points with a category take less than 6 MB of base64", () => {
  const random = mulberry32(1);
  const count = 1_000_000;
  const layer: SceneLayer = {
    ...pointLayer(Float64Array.from({ length: count }, random), Float64Array.from({ length: count }, random)),
    color: {
      kind: "classes",
      palette: Array.from({ length: 8 }, () => constantColor),
      missing: constantColor,
      classes: Uint8Array.from({ length: count }, () => Math.floor(random() * 8)),
    },
  };
  const bytes = deflateSync(encodeScene({ scene: alongCurve(sceneOf([layer])), overviews: [] }));
  expect((bytes.length * 4) / 3).toBeLessThan(6e6);
  expect(packScene(alongCurve(sceneOf([layer]))).page.overviews).toEqual([]);
});

describe("columns of widgets", () => {
  const place = (count: number) => Float64Array.from({ length: count }, (_, i) => (i + 1) / (count + 2));
  const range = (steps: Uint16Array): RangeColumn => ({
    kind: "range",
    name: "v",
    edges: [0, 1, 2],
    labels: ["0", "1", "2"],
    steps,
  });

  test("keep the steps of the rows of their features", () => {
    const geometry = { kind: "point", x: place(2), y: place(2), rows: Uint32Array.of(3, 1) } as const;
    const explored = [
      range(Uint16Array.of(0, 1, 2, 2)),
      { kind: "values", name: "w", values: Float64Array.of(1.5, 2.5, 3.5, Number.NaN) },
    ] as const;
    const back = throughBytes({ ...pointLayer(place(2), place(2)), geometry, rowCount: 4, explored });
    expect(back.explored?.[0]).toEqual(range(Uint16Array.of(2, 1)));
    expect(back.explored?.[1]).toEqual({
      kind: "values",
      name: "w",
      values: Float64Array.of(Number.NaN, 2.5),
    });
    expect(back.exploredRows).toBeUndefined();
  });

  test("of features that share rows are stored once per row", () => {
    const geometry = { kind: "point", x: place(4), y: place(4), rows: Uint32Array.of(2, 2, 0, 2) } as const;
    const back = throughBytes({
      ...pointLayer(place(4), place(4)),
      geometry,
      rowCount: 3,
      explored: [range(Uint16Array.of(1, 0, 2))],
    });
    expect(back.exploredRows).toEqual(Uint32Array.of(0, 0, 1, 0));
    expect(back.explored).toEqual([range(Uint16Array.of(2, 1))]);
  });

  test("round the numbers of many rows by a hundred-thousandth of their range, but not the ends", () => {
    const count = 200_001;
    const random = mulberry32(5);
    const values = Float64Array.from({ length: count }, () => Math.exp(10 * random()));
    values[7] = Number.NaN;
    const layer = {
      ...pointLayer(place(count), place(count)),
      explored: [{ kind: "values", name: "v", values }],
    } as const;
    const [column] = throughBytes(layer).explored!;
    const back = column?.kind === "values" ? column.values : new Float64Array(0);
    const [least, most] = [values, back].map((list) => [
      list.reduce((a, b) => (b < a ? b : a)),
      list.reduce((a, b) => (b > a ? b : a)),
    ]);
    expect(back[7]).toBeNaN();
    expect(most).toEqual(least);
    expect(
      values.every((value, i) => Number.isNaN(value) || Math.abs(value - back[i]!) < 1e-5 * least![1]!),
    ).toBe(true);
  });
});
