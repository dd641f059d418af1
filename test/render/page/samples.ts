/** Maps of real data, from the packages vega-datasets and us-atlas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MultiPolygon, Polygon } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { worldOf } from "../../../src/geometry/mercator";
import type { Rgba, Scene } from "../../../src/render/scene";
import { pathLayer, pointLayer, sceneOf } from "./scenes";

const MODULES = join(__dirname, "../../../node_modules");
const read = (file: string) => readFileSync(join(MODULES, file), "utf8");
const rgba = (hex: string): Rgba => [
  Number.parseInt(hex.slice(1, 3), 16),
  Number.parseInt(hex.slice(3, 5), 16),
  Number.parseInt(hex.slice(5, 7), 16),
  255,
];

// CARTOColors "Bold" and "SunsetDark".
const BOLD = ["#7F3C8D", "#11A579", "#3969AC", "#F2B701", "#E73F74", "#80BA5A", "#E68310"].map(rgba);
const SUNSET_DARK = ["#fcde9c", "#faa476", "#f0746e", "#e34f6f", "#dc3977", "#b9257a", "#7c1d6f"].map(rgba);
const OTHER = rgba("#A5AA99");

const CONUS = [-125, 24.5, -66.5, 49.5] as const;

/** 3,376 airports of the USA by state. */
export function airports(): Scene {
  const lines = read("vega-datasets/data/airports.csv").trim().split("\n").slice(1);
  const rows = lines.map((line) =>
    line.match(/("[^"]*"|[^,]*)(,|$)/g)!.map((cell) => cell.replace(/,$/, "")),
  );
  const world = rows.map((row) => worldOf([Number(row[6]), Number(row[5])]));
  const counts = new Map<string, number>();
  for (const [, , , state = ""] of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, BOLD.length);
  const classOf = new Map(top.map(([state], i) => [state, i]));
  const layer = pointLayer(
    Float64Array.from(world, ([x]) => x),
    Float64Array.from(world, ([, y]) => y),
    {
      color: {
        kind: "classes",
        palette: BOLD,
        missing: OTHER,
        classes: Uint8Array.from(rows, (row) => classOf.get(row[3] ?? "") ?? 255),
      },
      stroke: { color: [255, 255, 255, 255], widthPx: 1 },
      opacity: 0.9,
    },
  );
  const items = top.map(([label], i) => ({ label, color: BOLD[i]!, sizePx: 7 }));
  return sceneOf([layer], {
    widthPx: 800,
    heightPx: 400,
    view: { kind: "fit", bounds: CONUS },
    legends: [
      { title: "state", geometry: "point", items: [...items, { label: "Other", color: OTHER, sizePx: 7 }] },
    ],
  });
}

/** 3,142 counties of the USA and their rate of unemployment. */
export function counties(): Scene {
  const topology = JSON.parse(read("us-atlas/counties-10m.json")) as Topology<{
    counties: GeometryCollection;
  }>;
  const { features } = feature(topology, topology.objects.counties);
  const rates = new Map(
    read("vega-datasets/data/unemployment.tsv")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split("\t"))
      .map(([id, rate]) => [Number(id), Number(rate)]),
  );
  const breaks = [0.04, 0.06, 0.08, 0.1, 0.12, 0.14];
  const layer = pathLayer(
    "polygon",
    features.map(({ geometry }) => polygonsOf(geometry as Polygon | MultiPolygon)),
    {
      color: {
        kind: "classes",
        palette: SUNSET_DARK,
        missing: [200, 200, 200, 255],
        classes: Uint8Array.from(features, ({ id }) => {
          const rate = rates.get(Number(id));
          return rate === undefined ? 255 : breaks.filter((at) => rate >= at).length;
        }),
      },
      stroke: { color: [255, 255, 255, 255], widthPx: 0.5 },
      opacity: 0.9,
    },
  );
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const labels = [
    `below ${percent(breaks[0]!)}`,
    ...breaks.slice(1).map((to, i) => `${percent(breaks[i]!)} – ${percent(to)}`),
    `${percent(breaks.at(-1)!)} and more`,
  ];
  return sceneOf([layer], {
    widthPx: 800,
    heightPx: 400,
    view: { kind: "fit", bounds: CONUS },
    legends: [
      {
        title: "unemployment",
        geometry: "polygon",
        items: labels.map((label, i) => ({ label, color: SUNSET_DARK[i]!, sizePx: 0 })),
      },
    ],
  });
}

const polygonsOf = (geometry: Polygon | MultiPolygon): number[][][] =>
  (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).map((rings) =>
    rings.map((ring) => ring.flatMap(([lng, lat]) => worldOf([lng!, lat!]))),
  );
