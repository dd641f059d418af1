import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { beforeAll, describe, test } from "vitest";
import { buildBasemap } from "../../../scripts/basemap";
import type { LngLat } from "../../../src/geo";
import { decodeBasemap } from "../../../src/render/basemap-data";
import type { BasemapShapes } from "../../../src/render/painter";
import type { Scene, SceneLayer, SizeStyle } from "../../../src/render/scene";
import { expectGolden } from "./golden";
import {
  BLUE,
  CATEGORIES,
  classed,
  constant,
  layerOf,
  mulberry32,
  painted,
  paths,
  points,
  px,
  RAMP,
  RED,
  sceneOf,
  sized,
  WHITE,
} from "./scenes";

/** A view of 35° × 21° per 100 × 60 pixels around (0, 0): zoom 2 shows 0.35° in a pixel. */
const ROW: LngLat[] = [-28, -21, -14, -7, 0, 7, 14, 21, 28].map((lng) => [lng, 0]);
const CLASSES = [0, 1, 2, 3, 4, 3, 2, 1, 255];
const outline = { color: WHITE, widthPx: 1.5 };
const rectangle = (west: number, south: number, east: number, north: number): LngLat[] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];
const at = (lng: number, lat: number, zoom: number): Scene["view"] => ({ kind: "center", lng, lat, zoom });
/** Degrees of longitude in a pixel at zoom 2. */
const PIXEL = 360 / 1024;
const edges: LngLat[] = [-100, 0, 100].flatMap((x) =>
  [-59, 0, 59].map((y): LngLat => [x * PIXEL, y * PIXEL]),
);
const crowd = (count: number): LngLat[] => {
  const random = mulberry32(7);
  return Array.from({ length: count }, () => [(random() - 0.5) * 50, (random() - 0.5) * 30]);
};
const zigzag = (west: number, lat: number): LngLat[] =>
  [0, 1, 2, 3, 4, 5].map((i) => [west + i * 5, lat + (i % 2 ? 8 : 0)]);
const grid = (columns: number, rows: number): LngLat[][][] =>
  Array.from({ length: columns * rows }, (_, i) => {
    const [west, south] = [-30 + (i % columns) * (60 / columns), -18 + Math.floor(i / columns) * (36 / rows)];
    return [rectangle(west, south, west + 60 / columns, south + 36 / rows)];
  });
const circle: LngLat[] = Array.from({ length: 61 }, (_, i) => {
  const angle = (i * Math.PI) / 30;
  return [16 + 11 * Math.cos(angle), 11 * Math.sin(angle)];
});
const spiral: LngLat[] = Array.from({ length: 4000 }, (_, i) => {
  const [angle, radius] = [i / 60, i / 250];
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
});

const POINTS: Record<string, SceneLayer> = {
  constant: layerOf(points(ROW)),
  quantiles: layerOf(points(ROW), { color: classed(RAMP, CLASSES), stroke: outline }),
  category: layerOf(points(crowd(150)), {
    color: classed(
      CATEGORIES,
      crowd(150).map((_, i) => (i % 7 === 6 ? 255 : i % 4)),
    ),
    size: px(9),
    stroke: { color: WHITE, widthPx: 1 },
  }),
  size: layerOf(points(ROW), {
    size: sized([2, 4, 8, 16, 32], 5, CLASSES),
    stroke: { color: BLUE, widthPx: 1 },
  }),
  "size-and-color": layerOf(points(ROW), {
    color: classed(RAMP, CLASSES),
    size: sized([2, 4, 8, 16, 32], 5, [4, 3, 2, 1, 0, 1, 2, 3, 255]),
  }),
  hollow: layerOf(points(ROW), {
    color: classed(CATEGORIES, [0, 1, 2, 3, 0, 1, 2, 3, 255]),
    size: { ...sized([32, 12, 4, 2, 8, 24], 5, [0, 1, 2, 3, 4, 5, 0, 1, 255]), hollowBelow: 3 } as SizeStyle,
    stroke: outline,
  }),
  stroke: layerOf(points(ROW), { stroke: { color: [20, 20, 20, 160], widthPx: 5 } }),
  opacity: layerOf(points(crowd(60)), { size: px(20), stroke: outline, opacity: 0.5 }),
  translucent: layerOf(points(crowd(60)), { size: px(20), color: constant([214, 73, 64, 80]) }),
  edges: layerOf(points(edges), { size: px(30), stroke: { color: BLUE, widthPx: 3 } }),
  multi: layerOf(points([...ROW.slice(0, 3), ...ROW.slice(5, 8)], [0, 0, 1, 0, 1, 1]), {
    rowCount: 2,
    color: classed(CATEGORIES, [0, 1]),
  }),
};

const LINES: Record<string, SceneLayer> = {
  constant: layerOf(paths("line", [[zigzag(-28, -10)], [zigzag(2, 4)]]), { size: px(2) }),
  quantiles: layerOf(
    paths(
      "line",
      RAMP.map((_, i) => [zigzag(-30 + i * 6, -15 + i * 5)]),
    ),
    { color: classed(RAMP, [0, 1, 2, 3, 255]), size: px(3) },
  ),
  category: layerOf(paths("line", [[zigzag(-30, 0)], [zigzag(-15, 0)], [zigzag(0, 0)]]), {
    color: classed(CATEGORIES, [0, 1, 2]),
    size: px(6),
  }),
  size: layerOf(
    paths(
      "line",
      [0, 1, 2, 3, 4].map((i) => [zigzag(-28, -18 + i * 7), zigzag(2, -18 + i * 7)]),
    ),
    { size: sized([0.5, 1, 2, 4], 7, [0, 1, 2, 3, 255]) },
  ),
  opacity: layerOf(paths("line", [[zigzag(-28, -6), zigzag(-20, -2)], [zigzag(-12, -6)]]), {
    size: px(10),
    opacity: 0.5,
  }),
  arrow: layerOf(
    paths("line", [
      ...[0, 1, 2, 3].map((i) => [zigzag(-30 + 4 * i, -16 + 9 * i)]),
      ...[1, 2, 3, 5, 8].map((length, i): LngLat[][] => [
        [
          [18, -12 + 6 * i],
          [18 + length, -12 + 6 * i],
        ],
      ]),
    ]),
    { size: sized([0.5, 1.5, 4, 8], 2, [0, 1, 2, 3, 1, 1, 1, 1, 1]), arrow: true, opacity: 0.6 },
  ),
  edges: layerOf(paths("line", [[rectangle(-100 * PIXEL, -60 * PIXEL, 100 * PIXEL, 60 * PIXEL)]]), {
    size: px(12),
  }),
  "many-vertices": layerOf(paths("line", [[spiral]]), { size: px(1) }),
};

const POLYGONS: Record<string, SceneLayer> = {
  constant: layerOf(paths("polygon", [[rectangle(-28, -12, -4, 12)], [circle]])),
  quantiles: layerOf(paths("polygon", grid(6, 3)), {
    color: classed(
      RAMP,
      grid(6, 3).map((_, i) => (i === 7 ? 255 : i % 5)),
    ),
    stroke: { color: WHITE, widthPx: 1 },
  }),
  category: layerOf(paths("polygon", [[rectangle(-28, -15, 5, 8)], [rectangle(-8, -8, 28, 15)]]), {
    color: classed(CATEGORIES, [0, 1]),
    stroke: { color: [20, 20, 20, 255], widthPx: 2 },
  }),
  holes: layerOf(
    paths("polygon", [
      [
        rectangle(-28, -15, 28, 15),
        rectangle(-20, -10, -5, 10),
        rectangle(5, -10, 20, 10),
        rectangle(10, -5, 15, 5),
      ],
    ]),
    { stroke: outline },
  ),
  multi: layerOf(
    paths("polygon", [
      [rectangle(-28, -12, -16, 12), rectangle(4, -12, 16, 12), rectangle(7, -6, 13, 6)],
      [rectangle(-12, -12, 0, 12), rectangle(20, -12, 32, 12)],
    ]),
    { color: classed(CATEGORIES, [0, 2]) },
  ),
  stroke: layerOf(paths("polygon", [[rectangle(-20, -10, 20, 10)]]), {
    stroke: { color: [52, 101, 164, 128], widthPx: 10 },
  }),
  opacity: layerOf(paths("polygon", [[rectangle(-28, -15, 5, 8)], [rectangle(-8, -8, 28, 15)]]), {
    opacity: 0.5,
    stroke: outline,
  }),
  translucent: layerOf(paths("polygon", [[rectangle(-28, -15, 5, 8)], [rectangle(-8, -8, 28, 15)]]), {
    color: constant([214, 73, 64, 100]),
  }),
  tiny: layerOf(
    paths(
      "polygon",
      crowd(300).map(([lng, lat]) => [rectangle(lng, lat, lng + 0.05, lat + 0.05)]),
    ),
  ),
};

describe.each([
  ["point", POINTS],
  ["line", LINES],
  ["polygon", POLYGONS],
] as const)("%s", (kind, layers) => {
  test.each(Object.entries(layers))("%s", async (name, layer) => {
    await expectGolden(`${kind}-${name}`, painted(sceneOf([layer])).canvas.encodeSync("png"));
  });

  test("twice the pixels", async () => {
    const { canvas } = painted(sceneOf([layers.category!]), { pixelRatio: 2 });
    await expectGolden(`${kind}-2x`, canvas.encodeSync("png"));
  });
});

/** Features across the antimeridian extend beyond 180°, and the copies of the world complete them. */
const ACROSS: readonly SceneLayer[] = [
  layerOf(
    paths("polygon", [
      [rectangle(170, -12, 190, 12), rectangle(177, -5, 183, 5)],
      [rectangle(-175, -18, -160, -13)],
    ]),
    {
      color: classed(CATEGORIES, [3, 2]),
      stroke: outline,
    },
  ),
  layerOf(paths("line", [[zigzag(165, 8)]]), { size: px(3), color: constant(BLUE) }),
  layerOf(
    points([
      [172, -15],
      [179.9, -15],
      [-180, 0],
      [180, 3],
      [-172, -15],
    ]),
  ),
];

test.each([
  ["antimeridian-from-the-west", at(179, 0, 2)],
  ["antimeridian-from-the-east", at(-179, 0, 2)],
  ["antimeridian-fitted", { kind: "fit", bounds: [165, -20, -160, 20] }],
  ["world-copies", at(0, 0, -1)],
] as [string, Scene["view"]][])("%s", async (name, view) => {
  await expectGolden(name, painted(sceneOf(ACROSS, { view })).canvas.encodeSync("png"));
});

test("zoomed far in, features of a million pixels are clipped, and their edges do not jitter", async () => {
  const layers = [
    layerOf(paths("polygon", [[rectangle(-100, -70, 2.0001, 70), rectangle(-50, -60, 1.9999, 60)]]), {
      stroke: { color: BLUE, widthPx: 3 },
    }),
    layerOf(
      paths("line", [
        [
          [
            [-170, -80],
            [2, 0],
            [170, 80],
          ],
        ],
      ]),
      { size: px(4), color: constant(BLUE) },
    ),
  ];
  await expectGolden("deep", painted(sceneOf(layers, { view: at(2, 0, 18) })).canvas.encodeSync("png"));
});

describe("basemap", () => {
  let shapes: BasemapShapes;
  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), "cartoframes-basemap-"));
    const file = join(dir, "basemap.bin");
    await buildBasemap(file);
    shapes = decodeBasemap(inflateSync(readFileSync(file)));
    rmSync(dir, { recursive: true });
  });
  const vector = { land: [251, 248, 243, 255], border: [205, 197, 196, 255] } as const;
  const basemap = { theme: "light", background: [212, 218, 220, 255], vector } as const;

  test.each([
    ["basemap-world", at(0, 20, -0.75)],
    ["basemap-bering", at(180, 62, 2)],
    ["basemap-antarctica", at(180, -80, 1.3)],
    ["basemap-states", { kind: "fit", bounds: [-125, 24, -66, 50] }],
    ["basemap-coast", at(4, 52, 7)],
  ] as [string, Scene["view"]][])("%s", async (name, view) => {
    const scene = sceneOf([layerOf(points(ROW), { color: constant(RED), size: px(4) })], { view, basemap });
    await expectGolden(name, painted(scene, { shapes }).canvas.encodeSync("png"));
  });
});
