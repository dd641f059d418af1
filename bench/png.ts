/** Compares 800 × 400 PNGs by our painter with the arcs and paths of the canvas. Usage: `npx tsx bench/png.ts`, after a build */
import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import type { MultiPolygon, Polygon } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "us-atlas/counties-10m.json";
import { worldOf } from "../src/geometry/mercator";
import { renderPng } from "../src/render/image/png";
import { cssColor } from "../src/render/painter/style";
import { viewportOf } from "../src/render/projection";
import type { PathGeometry, PointGeometry, Rgba, Scene, SceneLayer } from "../src/render/scene";
import { compare, printHeader } from "./support";

const PALETTE: readonly Rgba[] = [
  [228, 241, 225, 255],
  [156, 205, 193, 255],
  [99, 166, 160, 255],
  [47, 116, 120, 255],
  [13, 88, 95, 255],
];
const WHITE: Rgba = [255, 255, 255, 255];
const POINT_PX = 7;
/** Number of places around which the points are clustered, like people around towns. */
const TOWNS = 400;

async function main(): Promise<void> {
  printHeader();
  for (const count of [100_000, 1_000_000]) {
    const scene = sceneOf(pointLayer(count));
    const reference = { name: "one arc() per point", run: async () => naivePng(scene, drawArcs) };
    await compare(
      `${count.toLocaleString("en")} points to a PNG`,
      async () => renderPng(scene),
      reference,
      3,
    );
  }
  const counties = sceneOf(countyLayer());
  const reference = { name: "one path per county", run: async () => naivePng(counties, drawPolygons) };
  const count = counties.layers[0]!.rowCount.toLocaleString("en");
  await compare(`${count} counties to a PNG`, async () => renderPng(counties), reference);
}

const sceneOf = (layer: SceneLayer): Scene => ({
  widthPx: 800,
  heightPx: 400,
  view: { kind: "fit", bounds: [-125, 24, -66, 50] },
  basemap: { theme: "light", background: [238, 240, 242, 255] },
  layers: [layer],
  legends: [],
});

const styleOf = (rowCount: number) =>
  ({
    rowCount,
    color: {
      kind: "classes",
      palette: PALETTE,
      missing: WHITE,
      classes: Uint8Array.from({ length: rowCount }, (_, i) => i % PALETTE.length),
    },
    size: { kind: "constant", px: POINT_PX },
    stroke: { color: WHITE, widthPx: 1 },
    opacity: 1,
  }) as const;

function pointLayer(count: number): SceneLayer {
  const random = lcg(42);
  const towns = Array.from({ length: TOWNS }, () => [-125 + 59 * random(), 24 + 26 * random()] as const);
  const [x, y] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i++) {
    const [lng, lat] = towns[Math.floor(TOWNS * random() ** 2)]!;
    const [angle, distance] = [2 * Math.PI * random(), 3 * random() ** 3];
    const world = worldOf([lng + distance * Math.cos(angle), lat + distance * Math.sin(angle)]);
    [x[i], y[i]] = world;
  }
  return { geometry: { kind: "point", x, y }, ...styleOf(count) };
}

function countyLayer(): SceneLayer {
  const topology = atlas as unknown as Topology<{ counties: GeometryCollection }>;
  const { features } = feature(topology, topology.objects.counties);
  const xy: number[] = [];
  const paths = [0];
  const ends = [0];
  for (const { geometry } of features) {
    const parts =
      geometry.type === "Polygon"
        ? [(geometry as Polygon).coordinates]
        : (geometry as MultiPolygon).coordinates;
    for (const ring of parts.flat()) {
      for (const [lng, lat] of ring) xy.push(...worldOf([lng!, lat!]));
      paths.push(xy.length / 2);
    }
    ends.push(paths.length - 1);
  }
  const geometry: PathGeometry = {
    kind: "polygon",
    xy: Float64Array.from(xy),
    paths: Uint32Array.from(paths),
    features: Uint32Array.from(ends),
  };
  return { geometry, ...styleOf(features.length) };
}

type Draw = (
  context: SKRSContext2D,
  layer: SceneLayer,
  toX: (x: number) => number,
  toY: (y: number) => number,
) => void;

function naivePng(scene: Scene, draw: Draw): Uint8Array {
  const canvas = createCanvas(scene.widthPx, scene.heightPx);
  const context = canvas.getContext("2d");
  const { originX, originY, worldPx } = viewportOf(scene);
  context.fillStyle = cssColor(scene.basemap.background);
  context.fillRect(0, 0, scene.widthPx, scene.heightPx);
  context.strokeStyle = cssColor(WHITE);
  context.lineWidth = 1;
  const layer = scene.layers[0]!;
  draw(
    context,
    layer,
    (x) => (x - originX) * worldPx,
    (y) => (y - originY) * worldPx,
  );
  return canvas.encodeSync("png");
}

const drawArcs: Draw = (context, { geometry }, toX, toY) => {
  const { x, y } = geometry as PointGeometry;
  for (let i = 0; i < x.length; i++) {
    context.fillStyle = COLORS[i % COLORS.length]!;
    context.beginPath();
    context.arc(toX(x[i]!), toY(y[i]!), POINT_PX / 2, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
};

const drawPolygons: Draw = (context, { geometry }, toX, toY) => {
  const { xy, paths, features } = geometry as PathGeometry;
  for (let f = 0; f + 1 < features.length; f++) {
    context.fillStyle = COLORS[f % COLORS.length]!;
    context.beginPath();
    for (let path = features[f]!; path < features[f + 1]!; path++) {
      for (let v = paths[path]!; v < paths[path + 1]!; v++) {
        if (v === paths[path]) context.moveTo(toX(xy[2 * v]!), toY(xy[2 * v + 1]!));
        else context.lineTo(toX(xy[2 * v]!), toY(xy[2 * v + 1]!));
      }
      context.closePath();
    }
    context.fill("evenodd");
    context.stroke();
  }
};

const COLORS = PALETTE.map(cssColor);

/** Returns a seeded generator of numbers in [0, 1), from Numerical Recipes. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

main();
