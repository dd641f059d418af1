import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { worldPxOf } from "../../../src/geometry/mercator";
import { paint, paintLayers, prepare, warm } from "../../../src/render/painter";
import { boxOf, indexPoints } from "../../../src/render/painter/point-index";
import { makeStamp, PHASES, type Stamp } from "../../../src/render/painter/stamps";
import { cssColor } from "../../../src/render/painter/style";
import { sizeInView, sizeOfMany } from "../../../src/render/point-size";
import { viewportOf } from "../../../src/render/projection";
import type {
  PathGeometry,
  PointGeometry,
  Rgba,
  Scene,
  SceneLayer,
  Viewport,
} from "../../../src/render/scene";
import { difference, imageOf } from "./golden";
import {
  BLUE,
  CATEGORIES,
  classed,
  constant,
  GREY,
  layerOf,
  mulberry32,
  painted,
  paths,
  px,
  RED,
  sceneOf,
  WHITE,
} from "./scenes";

const WORLDS = [-3, -2, -1, 0, 1, 2, 3];

/** Views of one point from the whole world down to a street, some across the antimeridian. */
const VIEWS = [
  { lng: 0, lat: 0, zoom: -1 },
  { lng: 0, lat: 0, zoom: 0.75 },
  { lng: 179.5, lat: 10, zoom: 3 },
  { lng: -179.9, lat: -10, zoom: 6.25 },
  { lng: 12, lat: 50, zoom: 9 },
  { lng: 12, lat: 50, zoom: 14.5 },
].map((view) => ({ kind: "center", ...view }) as const);

describe("points", () => {
  test.each(VIEWS)("culled and hidden points would not show: $lng, $lat at zoom $zoom", (view) => {
    const random = mulberry32(Math.round(view.zoom * 100) + 1000);
    const layer = layerOf(pointsAround(view, 4000, random), {
      color: classed(
        CATEGORIES,
        Array.from({ length: 4000 }, () => (random() < 0.1 ? 255 : Math.floor(random() * 4))),
      ),
      size: px(9),
      stroke: { color: WHITE, widthPx: 1 },
    });
    const { mean, worst } = differenceFromBottomUp(sceneOf([layer], { view }));
    expect(mean).toBeLessThan(0.2);
    expect(worst).toBeLessThanOrEqual(3); // rounded more than once, each time by half a step
  });

  test.each([
    ["translucent fill", { color: constant([214, 73, 64, 60]) }],
    ["hardly any fill", { color: constant([214, 73, 64, 4]), size: px(40) }],
    ["translucent stroke", { stroke: { color: [0, 0, 0, 90] as Rgba, widthPx: 3 } }],
    ["layer of half opacity", { opacity: 0.5, stroke: { color: BLUE, widthPx: 2 } }],
    ["larger than a mask's 32 pixels", { size: px(75), stroke: { color: BLUE, widthPx: 2 } }],
    ["smaller than a pixel", { size: px(0.5) }],
  ])("painted bottom-up it would look the same: %s", (_, style) => {
    const layer = layerOf(pointsAround(VIEWS[3]!, 400, mulberry32(5)), style);
    const { mean, worst } = differenceFromBottomUp(sceneOf([layer], { view: VIEWS[3]! }));
    expect(mean).toBeLessThan(1);
    expect(worst).toBeLessThanOrEqual(8);
  });

  test("looks almost like Skia's arcs", () => {
    const layer = layerOf(pointsAround(VIEWS[3]!, 300, mulberry32(5)), {
      stroke: { color: BLUE, widthPx: 2 },
    });
    const scene = sceneOf([layer], { view: VIEWS[3]! });
    const { mean } = difference(imageOf(painted(scene).canvas).data, imageOf(withArcs(scene)).data);
    expect(mean).toBeLessThan(2); // they are polygons, up to 0.1 pixels too small
  });

  test("the centre of a disc is at most an eighth of a pixel off", () => {
    const random = mulberry32(11);
    for (let i = 0; i < 100; i++) {
      const [centerX, centerY] = [20 + random() * 20, 20 + random() * 20];
      const viewport = { ...viewOfPixels, pixelRatio: 1 };
      const geometry: PointGeometry = {
        kind: "point",
        x: Float64Array.of(centerX / viewport.worldPx),
        y: Float64Array.of(centerY / viewport.worldPx),
      };
      const canvas = layersAlone(sceneOf([layerOf(geometry, { size: px(11) })]), viewport);
      const { data, width } = imageOf(canvas);
      let [sum, sumX, sumY] = [0, 0, 0];
      for (let p = 0; p < data.length / 4; p++) {
        const alpha = data[4 * p + 3]!;
        sum += alpha;
        sumX += alpha * ((p % width) + 0.5);
        sumY += alpha * (Math.floor(p / width) + 0.5);
      }
      expect(Math.abs(sumX / sum - centerX), `case ${i}`).toBeLessThan(0.125 + 0.01);
      expect(Math.abs(sumY / sum - centerY), `case ${i}`).toBeLessThan(0.125 + 0.01);
      expect(sum / 255).toBeCloseTo(Math.PI * 5.5 ** 2, 0);
    }
  });

  test("later points are painted over earlier ones, whatever the order of the index", () => {
    const random = mulberry32(3);
    const count = 5000;
    const geometry = pointsAround(VIEWS[4]!, count, random);
    geometry.x[count - 1] = geometry.x[17]!;
    geometry.y[count - 1] = geometry.y[17]!;
    const classes = new Array(count).fill(0);
    classes[count - 1] = 1;
    const layer = layerOf(geometry, { color: classed([RED, BLUE], classes) });
    const scale = worldPxOf(17);
    const viewport = {
      ...viewOfPixels,
      worldPx: scale,
      originX: geometry.x[17]! - 100 / scale,
      originY: geometry.y[17]! - 60 / scale,
    };
    const canvas = layersAlone(sceneOf([layer]), viewport);
    expect([...canvas.getContext("2d").getImageData(100, 60, 1, 1).data]).toEqual([...BLUE]);
  });

  test("the order of the index is a permutation, and sorted points keep their own order", () => {
    const { x, y } = pointsAround(VIEWS[0]!, 10_000, mulberry32(1));
    const { order } = indexPoints(x, y, boxOf(x, y));
    expect(new Set(order).size).toBe(10_000);
    const [sortedX, sortedY] = [x, y].map((axis) => Float64Array.from(order!, (i) => axis[i]!));
    expect(indexPoints(sortedX!, sortedY!, boxOf(x, y)).order).toBeUndefined();
  });

  test("rows that share a position or lack one", () => {
    const x = Float64Array.of(0.5, NaN, 0.5, Infinity, -Infinity, 0.5);
    const y = Float64Array.of(0.5, 0.5, NaN, 0.5, 0.5, -Infinity);
    const scene = sceneOf([layerOf({ kind: "point", x, y })]);
    expect(painted(scene).drawn).toBe(1);
    expect(painted({ ...scene, view: { kind: "center", lng: 0, lat: 0, zoom: 14 } }).drawn).toBe(1);
  });
});

describe("lines and polygons", () => {
  test.each(VIEWS)("culled, clipped and thinned they look the same: $lng, $lat at zoom $zoom", (view) => {
    for (const kind of ["line", "polygon"] as const) {
      const geometry = blobsAround(view, kind, 40, mulberry32(Math.round(view.zoom * 100) + 2000));
      const layer = layerOf(geometry, {
        color: classed(
          CATEGORIES,
          Array.from({ length: 40 }, (_, i) => i % 5),
        ),
        size: px(3),
        stroke: { color: WHITE, widthPx: 1 },
      });
      const scene = sceneOf([layer], { view });
      const { mean } = difference(imageOf(painted(scene).canvas).data, imageOf(withNaivePaths(scene)).data);
      expect(mean, kind).toBeLessThan(1.2);
    }
  });

  test("paints only features that touch the view, in each copy of the world", () => {
    const square = (x: number, y: number) => [x, y, x + 0.01, y, x + 0.01, y + 0.01, x, y + 0.01, x, y];
    const xy = Float64Array.from([...square(0.5, 0.5), ...square(0.99, 0.5), ...square(0.5, 0.1)]);
    const geometry: PathGeometry = {
      kind: "polygon",
      xy,
      paths: Uint32Array.of(0, 5, 10, 15),
      features: Uint32Array.of(0, 1, 2, 3),
    };
    const scene = sceneOf([layerOf(geometry)]);
    const drawnAt = (lng: number) =>
      painted({ ...scene, view: { kind: "center", lng, lat: 0, zoom: 5 } }).drawn;
    expect([0, -179.5, 179.5, 90].map(drawnAt)).toEqual([1, 1, 1, 0]);
  });
});

describe("nothing to paint", () => {
  const none = new Float64Array(0);
  const empty: Record<string, SceneLayer> = {
    "no points": layerOf({ kind: "point", x: none, y: none }),
    "no place": layerOf({ kind: "point", x: Float64Array.of(NaN), y: Float64Array.of(NaN) }),
    "no lines": layerOf({ kind: "line", xy: none, paths: Uint32Array.of(0), features: Uint32Array.of(0) }),
    "a feature without paths": layerOf({
      kind: "polygon",
      xy: none,
      paths: Uint32Array.of(0),
      features: Uint32Array.of(0, 0),
    }),
    "a path without vertices": layerOf({
      kind: "polygon",
      xy: none,
      paths: Uint32Array.of(0, 0),
      features: Uint32Array.of(0, 1),
    }),
    "a path without places": layerOf({
      kind: "line",
      xy: Float64Array.of(NaN, NaN, NaN, NaN),
      paths: Uint32Array.of(0, 2),
      features: Uint32Array.of(0, 1),
    }),
    "no size": layerOf({ kind: "point", x: Float64Array.of(0.5), y: Float64Array.of(0.5) }, { size: px(0) }),
    "a size that is none": layerOf(
      { kind: "point", x: Float64Array.of(0.5), y: Float64Array.of(0.5) },
      { size: px(NaN) },
    ),
    transparent: layerOf(
      { kind: "point", x: Float64Array.of(0.5), y: Float64Array.of(0.5) },
      { color: constant([0, 0, 0, 0]) },
    ),
  };
  test.each(Object.entries(empty))("%s", (_, layer) => {
    const scene = sceneOf([layer]);
    const prepared = prepare(scene, { createCanvas });
    warm(prepared);
    const canvas = createCanvas(200, 120);
    expect(paint(canvas.getContext("2d"), prepared, viewportOf(scene)).drawn).toBe(0);
    expect(new Set(imageOf(canvas).data)).toEqual(new Set(scene.basemap.background));
  });
});

test("painting restores the context", () => {
  const context = createCanvas(200, 120).getContext("2d");
  context.setTransform(2, 0, 0, 2, 6, 8);
  context.fillStyle = "#123456";
  const scene = sceneOf([layerOf(pointsAround(VIEWS[0]!, 10, mulberry32(1)), { opacity: 0.5 })]);
  paint(context, prepare(scene, { createCanvas }), viewportOf(scene));
  context.clearRect(-3, -4, 100, 60);
  context.fillRect(0, 0, 1, 1);
  const pixelAt = (x: number, y: number) => [...context.getImageData(x, y, 1, 1).data];
  expect([pixelAt(5, 8), pixelAt(6, 8), pixelAt(7, 9), pixelAt(8, 9)]).toEqual([
    [0, 0, 0, 0],
    [0x12, 0x34, 0x56, 255],
    [0x12, 0x34, 0x56, 255],
    [0, 0, 0, 0],
  ]);
});

const viewOfPixels: Viewport = {
  originX: 0,
  originY: 0,
  worldPx: 256,
  widthPx: 200,
  heightPx: 120,
  pixelRatio: 1,
};

function layersAlone(scene: Scene, viewport: Viewport) {
  const canvas = createCanvas(scene.widthPx, scene.heightPx);
  paintLayers(canvas.getContext("2d"), prepare(scene, { createCanvas }), viewport);
  return canvas;
}

type View = (typeof VIEWS)[number];

/** Points, half of them in and around the view, the others anywhere. */
function pointsAround(view: View, count: number, random: () => number): PointGeometry {
  const { originX, originY, worldPx } = viewportOf(sceneOf([], { view }));
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const near = i % 2 === 0;
    x[i] = near ? originX + (random() * 300 - 50) / worldPx : random();
    x[i] = x[i]! - Math.floor(x[i]!);
    y[i] = near ? originY + (random() * 220 - 50) / worldPx : random();
  }
  return { kind: "point", x, y };
}

/** Rings of 200 vertices, from specks to far larger than the view. */
function blobsAround(
  view: View,
  kind: "line" | "polygon",
  count: number,
  random: () => number,
): PathGeometry {
  const centers = pointsAround(view, count, random);
  const { worldPx } = viewportOf(sceneOf([], { view }));
  const vertices = 200;
  const xy = new Float64Array(2 * vertices * count);
  for (let f = 0; f < count; f++) {
    const radius = Math.min(0.4, (2 * 10 ** (random() * 4)) / worldPx);
    for (let v = 0; v < vertices; v++) {
      const angle = (2 * Math.PI * v) / (vertices - 1);
      const wobble = radius * (1 + 0.2 * Math.sin(7 * angle));
      xy[2 * (f * vertices + v)] = centers.x[f]! + wobble * Math.cos(angle);
      xy[2 * (f * vertices + v) + 1] = centers.y[f]! + wobble * Math.sin(angle);
    }
  }
  return {
    kind,
    xy,
    paths: Uint32Array.from({ length: count + 1 }, (_, f) => f * vertices),
    features: Uint32Array.from({ length: count + 1 }, (_, f) => f),
  };
}

/** Paints the first layer with one arc per point, in all copies of the world. */
function withArcs(scene: Scene) {
  return naive(scene, (context, layer, viewport) => {
    forEachDisc(layer, viewport, (x, y, row) => {
      context.beginPath();
      context.arc(x, y, sizeOf(layer) / 2, 0, 2 * Math.PI);
      context.fillStyle = cssColor(fillOf(layer, row));
      context.fill();
      if (!layer.stroke) return;
      context.strokeStyle = cssColor(layer.stroke.color);
      context.lineWidth = layer.stroke.widthPx;
      context.stroke();
    });
  });
}

/** Difference from stamping every point over the previous ones without rounding. */
function differenceFromBottomUp(scene: Scene) {
  const { widthPx, heightPx, basemap } = scene;
  const layer = scene.layers[0]!;
  const ink = new Float64Array(4 * widthPx * heightPx); // premultiplied, 0–1
  const stamps = new Map<string, Stamp>();
  forEachDisc(layer, viewportOf(scene), (x, y, row) => {
    const [stepX, stepY] = [Math.floor(x * PHASES + 0.5), Math.floor(y * PHASES + 0.5)];
    const [phaseX, phaseY] = [stepX & (PHASES - 1), stepY & (PHASES - 1)];
    const fill = fillOf(layer, row);
    const key = [fill, phaseX, phaseY].join();
    const outline = layer.stroke && { color: layer.stroke.color, width: layer.stroke.widthPx };
    const disc = { radius: sizeOf(layer) / 2, fill, ...(outline && { outline }) };
    const stamp = stamps.get(key) ?? makeStamp(disc, phaseX, phaseY);
    stamps.set(key, stamp);
    for (let i = 0; i < stamp.pixels.length; i++) {
      const column = Math.floor(stepX / PHASES) - stamp.half + (i % stamp.size);
      const line = Math.floor(stepY / PHASES) - stamp.half + Math.floor(i / stamp.size);
      if (column < 0 || column >= widthPx || line < 0 || line >= heightPx) continue;
      const parts = [0, 8, 16, 24].map((shift) => ((stamp.pixels[i]! >>> shift) & 255) / 255);
      const at = 4 * (line * widthPx + column);
      for (let part = 0; part < 4; part++) ink[at + part] = parts[part]! + ink[at + part]! * (1 - parts[3]!);
    }
  });
  const expected = ink.map((value, i) => {
    const alpha = ink[i | 3]! * layer.opacity;
    const below = basemap.background[i & 3]!;
    return value * 255 * layer.opacity + below * (1 - alpha);
  });
  return difference(imageOf(painted(scene).canvas).data, expected);
}

/** Points in painting order, in all copies of the world, in CSS pixels, without those far outside the view. */
function forEachDisc(
  { geometry }: SceneLayer,
  { originX, originY, worldPx }: Viewport,
  visit: (xPx: number, yPx: number, row: number) => void,
): void {
  const { x, y } = geometry as PointGeometry;
  for (let i = 0; i < x.length; i++) {
    for (const world of WORLDS) {
      const xPx = (x[i]! + world - originX) * worldPx;
      const yPx = (y[i]! - originY) * worldPx;
      if (Math.abs(xPx) < 1000 && Math.abs(yPx) < 1000) visit(xPx, yPx, i);
    }
  }
}

/** Paints the first layer with every vertex, in all copies of the world, clipped by Skia. */
function withNaivePaths(scene: Scene) {
  return naive(scene, (context, layer, { originX, originY, worldPx }) => {
    const { kind, xy, paths, features } = layer.geometry as PathGeometry;
    context.lineJoin = "round";
    context.lineCap = "round";
    for (let f = 0; f + 1 < features.length; f++) {
      for (const world of WORLDS) {
        context.beginPath();
        for (let p = features[f]!; p < features[f + 1]!; p++) {
          for (let v = paths[p]!; v < paths[p + 1]!; v++) {
            context.lineTo((xy[2 * v]! + world - originX) * worldPx, (xy[2 * v + 1]! - originY) * worldPx);
          }
        }
        context.fillStyle = cssColor(fillOf(layer, f));
        if (kind === "polygon") context.fill("evenodd");
        context.strokeStyle = kind === "polygon" ? cssColor(WHITE) : cssColor(fillOf(layer, f));
        context.lineWidth = kind === "polygon" ? 1 : 3;
        context.stroke();
      }
    }
  });
}

function naive(scene: Scene, draw: (context: SKRSContext2D, layer: SceneLayer, viewport: Viewport) => void) {
  const [target, source] = [0, 0].map(() => createCanvas(scene.widthPx, scene.heightPx));
  const layer = scene.layers[0]!;
  draw(source!.getContext("2d"), layer, viewportOf(scene));
  const context = target!.getContext("2d");
  context.fillStyle = cssColor(scene.basemap.background);
  context.fillRect(0, 0, scene.widthPx, scene.heightPx);
  context.globalAlpha = layer.opacity;
  context.drawImage(source!, 0, 0);
  return target!;
}

function fillOf({ color }: SceneLayer, row: number): Rgba {
  return color.kind === "constant" ? color.color : (color.palette[color.classes[row]!] ?? GREY);
}

const sizeOf = ({ size }: SceneLayer): number => (size.kind === "constant" ? size.px : 0);

test.each([1, 2])(
  "neighbouring polygons without an outline leave no seam, at %d pixels per pixel",
  (pixelRatio) => {
    const [a, b, c, d, e, f] = [
      [-20, -12],
      [3, -12],
      [7, 12],
      [-20, 12],
      [20, -12],
      [20, 12],
    ] as const;
    const halves = paths("polygon", [[[a!, b!, c!, d!, a!]], [[b!, e!, f!, c!, b!]]]);
    const { canvas } = painted(sceneOf([layerOf(halves, { color: constant(RED) })]), { pixelRatio });
    const { data, width, height } = imageOf(canvas);
    const middle = (height / 2) * width * 4;
    const reds = Array.from({ length: width }, (_, x) => [
      ...data.subarray(middle + 4 * x, middle + 4 * x + 3),
    ]);
    const isRed = (color: number[]) => color.every((value, i) => Math.abs(value - RED[i]!) <= 3);
    const inside = reds.slice(reds.findIndex(isRed), reds.findLastIndex(isRed) + 1);
    expect(inside.length).toBeGreaterThan(40);
    expect(inside.filter((color) => !isRed(color))).toEqual([]);
  },
);

describe("what is in the view decides", () => {
  const layer = (count: number) => {
    const random = mulberry32(5);
    const axis = () => Float64Array.from({ length: count }, () => 0.4 + 0.2 * random());
    const spread = { count, area: 0.04 };
    return layerOf(
      { kind: "point", x: axis(), y: axis() },
      { size: { kind: "constant", px: sizeOfMany(count), spread } },
    );
  };

  test("how large points are", () => {
    expect([10, 100, 1000, 1e5, 1e7].map(sizeOfMany)).toEqual([10, 10, 7.25, 2, 2]);
    const spread = { count: 10_000, area: 0.04 };
    expect(sizeInView(spread, 256)).toBe(sizeOfMany(10_000));
    const closer = [12, 13, 14, 30].map((zoom) => sizeInView(spread, worldPxOf(zoom)));
    expect(closer).toEqual([...closer].sort((a, b) => a - b));
    expect(closer.at(-1)).toBe(10);
  });

  test("points grow with the zoom, and are found in their size", () => {
    const points = layer(2000);
    const { x, y } = points.geometry as PointGeometry;
    const place = { x: x[7]!, y: y[7]! };
    const painter = prepare(sceneOf([points]), { createCanvas }).layers[0]!;
    const reachPx = (zoom: number) => {
      const worldPx = worldPxOf(zoom);
      const look = { worldPx, slopPx: 0, frame: 0, most: 1 };
      const hit = (px: number) => painter.hitAll({ x: place.x + px / worldPx, y: place.y }, look)[0];
      return [1, 2, 3, 4, 5, 6].filter((px) => hit(px)?.feature === 7).length;
    };
    expect(reachPx(20)).toBe(5);
    expect(reachPx(3)).toBeLessThan(5);
  });

  test("whether polygons have an outline", () => {
    const square = (lng: number) => [
      [
        [lng, 0],
        [lng + 0.1, 0],
        [lng + 0.1, 0.1],
        [lng, 0.1],
        [lng, 0],
      ] as [number, number][],
    ];
    const squares = paths(
      "polygon",
      Array.from({ length: 60 }, (_, i) => square(i * 0.1)),
    );
    const style = { color: constant(RED), stroke: { color: WHITE, widthPx: 1, thins: true } };
    /** Brightest green in the middle of the squares, which are red. */
    const brightest = (zoom: number) => {
      const view = { kind: "center", lng: 3, lat: 0.05, zoom } as const;
      const { data, width, height } = imageOf(painted(sceneOf([layerOf(squares, style)], { view })).canvas);
      const greens = Array.from({ length: 60 }, (_, i) => data[((height >> 1) * width + 70 + i) * 4 + 1]!);
      return Math.max(...greens);
    };
    expect(brightest(4.5)).toBeLessThan(120); // squares of 1.6 pixels, on light ground
    expect(brightest(7.2)).toBeGreaterThan(120); // of 10 pixels
    expect(brightest(11)).toBeGreaterThan(180); // of 146 pixels
  });
});
