/**
 * Compares imported files with what GDAL's own programs read from them: rows, types, values, geometries. The files are
 * made by GDAL's drivers.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseExactJson } from "../../../src/exact-json";
import { normalizeColumnNames } from "../../../src/frame/names";
import { importer, zipOf } from "../../support/imports";
import { ogr2ogrPath } from "../../support/machine";
import { needs } from "../../support/needs";
import { serverForTests } from "../../support/server";

needs("GDAL");

const server = serverForTests();
const { file, columns } = importer(server);

type Position = readonly number[];
interface Geometry {
  readonly type: string;
  readonly coordinates?: unknown;
  readonly geometries?: readonly Geometry[];
}
interface Feature {
  readonly geometry: Geometry | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const ogr2ogr = async (...args: string[]) => {
  const options = { cwd: dir, maxBuffer: 2 ** 26 };
  return (await promisify(execFile)(ogr2ogrPath!, args, options)).stdout;
};

const feature = (geometry: Geometry | null, properties: object) => ({
  type: "Feature",
  geometry,
  properties,
});
const geometry = (type: string, coordinates: unknown) => ({ type, coordinates });
const ring = (x: number, y: number, r: number, isHole = false) => {
  const corners = [[x, y], [x + r, y], [x + r, y + r], [x, y + r], [x, y]]; // biome-ignore format: a line
  return isHole ? corners.reverse() : corners;
};

const ATTRIBUTES = [
  { name: "Straße “a”", n: 1, big: "9007199254740993", x: 0.1, day: "2024-02-29", at: "2024-02-29T23:59:58" },
  { name: "東京, \"x\"; y", n: -2147483648, big: "-9223372036854775807", x: -1e-12, day: "1901-01-01", at: "1969-12-31T00:00:01" },
  { name: "", n: 0, big: "0", x: 1e15, day: "2000-01-01", at: "2000-01-01T12:30:00" },
  { name: "null", n: null, big: null, x: null, day: null, at: null },
  { name: "Ñandú", n: 2147483647, big: "12", x: 123456.789, day: "9999-12-31", at: "2038-01-19T03:14:08" },
]; // biome-ignore format: a table

/** Geometries of each source near Bern, inside the area of all systems below. Of several points CARTO keeps the first. */
const GEOMETRIES: Record<string, (Geometry | null)[]> = {
  points: ATTRIBUTES.map((_, i) => geometry("Point", [7.25 + i / 7, 46.5 + i / 9])),
  lines: ATTRIBUTES.map((_, i) => geometry("LineString", [[7 + i / 8, 46.5], [7.5, 46.75 + i / 9], [7.6, 46.8]])),
  polygons: ATTRIBUTES.map((_, i) =>
    geometry("Polygon", [ring(7 + i / 4, 46, 0.2), ...(i % 2 ? [ring(7.05 + i / 4, 46.05, 0.05, true)] : [])])),
  multi: ATTRIBUTES.map((_, i) =>
    geometry("MultiPolygon", [[ring(7 + i / 4, 46, 0.05)], [ring(7.1 + i / 4, 46.1, 0.05)]])),
  some_missing: ATTRIBUTES.map((_, i) => (i === 2 ? null : geometry("Point", [7.5 + i / 64, 47.25]))),
  mixed: [
    geometry("Point", [7.5, 46.5]),
    geometry("LineString", [[7, 46], [8, 47]]),
    geometry("Polygon", [ring(7, 46, 0.5)]),
    geometry("LineString", [[7.5, 46.5], [7.25, 46.25], [7, 46.125]]),
    geometry("MultiLineString", [[[7, 46], [8, 47]], [[7, 47], [8, 46]]]),
  ],
}; // biome-ignore format: a table

/** Writes a GeoJSON file of a source, for the drivers to convert. */
async function sourceOf(kind: string): Promise<string> {
  const path = join(dir, `${kind}.json`);
  const features = ATTRIBUTES.map((properties, i) => feature(GEOMETRIES[kind]![i]!, properties));
  // 64-bit integers without quotes
  const text = JSON.stringify({ type: "FeatureCollection", features }).replace(
    /"big":"(-?\d+)"/g,
    '"big":$1',
  );
  await writeFile(path, text);
  return path;
}

interface Format {
  readonly driver: string;
  readonly extension: string;
  readonly options?: readonly string[];
  /** Sources that the driver cannot write. */
  readonly not?: readonly string[];
}

const ALL_BUT_POINTS = ["lines", "polygons", "multi", "mixed"];
const FORMATS: readonly Format[] = [
  { driver: "ESRI Shapefile", extension: "shp", options: ["-lco", "ENCODING=UTF-8"], not: ["mixed"] },
  { driver: "GPKG", extension: "gpkg" },
  { driver: "FlatGeobuf", extension: "fgb" },
  { driver: "OpenFileGDB", extension: "gdb", not: ["mixed"] },
  { driver: "GML", extension: "gml" },
  { driver: "KML", extension: "kml" },
  { driver: "LIBKML", extension: "kml" },
  {
    driver: "GPX",
    extension: "gpx",
    options: ["-dsco", "GPX_USE_EXTENSIONS=YES"],
    not: [...ALL_BUT_POINTS, "some_missing"],
  },
  { driver: "MapInfo File", extension: "tab", options: ["-lco", "ENCODING=UTF-8"] },
  { driver: "MapInfo File", extension: "mif", options: ["-lco", "ENCODING=UTF-8"] },
  { driver: "SQLite", extension: "sqlite" },
  { driver: "SQLite", extension: "db", options: ["-dsco", "SPATIALITE=YES"] },
  { driver: "GeoJSON", extension: "geojson", options: ["-lco", "COORDINATE_PRECISION=15"] },
  { driver: "GeoJSONSeq", extension: "geojsonl", options: ["-lco", "COORDINATE_PRECISION=15"] },
  { driver: "CSV", extension: "csv", options: ["-lco", "GEOMETRY=AS_WKT"] },
  { driver: "XLSX", extension: "xlsx", not: ALL_BUT_POINTS },
  { driver: "ODS", extension: "ods", not: ALL_BUT_POINTS },
  { driver: "OGR_GMT", extension: "gmt", not: ["mixed", "some_missing"] },
  { driver: "JML", extension: "jml" },
  { driver: "MBTiles", extension: "mbtiles", options: ["-dsco", "MAXZOOM=8"] },
  { driver: "MapML", extension: "mapml", not: ["mixed"] },
  { driver: "GeoRSS", extension: "georss", options: ["-dsco", "USE_EXTENSIONS=YES"], not: ["multi"] },
  { driver: "VDV", extension: "x10", not: ALL_BUT_POINTS },
];

const SYSTEMS = ["EPSG:3857", "EPSG:2056", "EPSG:25832", "EPSG:4258"];
const WITH_SYSTEM = ["ESRI Shapefile", "GPKG", "FlatGeobuf", "GML", "OpenFileGDB", "SQLite", "GeoJSON"];

interface Wanted {
  readonly name: string;
  readonly kind: string;
  readonly options?: readonly string[];
}

let count = 0;
/** Writes files into a new folder. Returns the paths that GDAL reads, and the files. */
async function written({ driver, extension, options = [] }: Format, wanted: readonly Wanted[]) {
  const folder = `made${count++}`;
  await mkdir(join(dir, folder));
  const paths = new Map<string, string>();
  for (const { name, kind, options: more = [] } of wanted) {
    const path = join(folder, `${name}.${extension}`);
    await ogr2ogr("-f", driver, ...options, ...more, path, await sourceOf(kind), "-nln", name);
    paths.set(name, path);
  }
  const files: Record<string, Buffer> = {};
  for (const entry of await readdir(join(dir, folder), { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[at.slice(join(dir, folder).length + 1)] = await readFile(at);
  }
  return { paths, files };
}

/** What GDAL reads from a file, in longitude and latitude. */
async function readByGdal(path: string): Promise<Feature[]> {
  const out = `${path}.judged`;
  const system = /\.(?:csv|georss)$/.test(path) ? ["-s_srs", "EPSG:4326"] : [];
  await ogr2ogr(
    "-f",
    "GeoJSONSeq",
    ...system,
    "-t_srs",
    "EPSG:4326",
    "-lco",
    "COORDINATE_PRECISION=15",
    out,
    path,
  );
  const lines = (await readFile(join(dir, out), "utf8")).split("\n").filter(Boolean);
  return lines.map((line) => parseExactJson(line) as Feature);
}

/** Imports an archive. Returns the tables by the names of their files. */
async function importedTables(files: Record<string, Buffer>): Promise<Map<string, string>> {
  const answer = await file("trees.zip", await zipOf(files));
  expect(answer.get_error_text).toBeNull();
  const tables = answer.tables as { name: string; wanted: string }[];
  return new Map(tables.map(({ name, wanted }) => [wanted, name]));
}

async function readByUs(table: string): Promise<Feature[]> {
  const names = Object.keys(await columns(table));
  const list = names.map((name) => `"${name}"::text`);
  const { rows } = await server.sql(
    `SELECT ${["ST_AsGeoJSON(the_geom, 15) AS geometry", ...list].join(", ")} FROM "${table}" ORDER BY cartodb_id`,
  );
  await server.sql(`DROP TABLE "${table}"`);
  return rows.map(({ geometry, ...properties }) => ({
    geometry: geometry === null ? null : (JSON.parse(String(geometry)) as Geometry),
    properties,
  }));
}

/** Values of GDAL and of PostgreSQL in one spelling. */
function spelled(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  const text = String(value);
  const time =
    /^(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.0+)?(?:Z|\+00(?::?00)?)?)?$/.exec(text);
  if (!time) return text;
  const [, year, month, day, clock = "00:00:00"] = time;
  return `${year}-${month}-${day} ${clock}`;
}

function isSame(ours: string | null, other: string | null): boolean {
  const isExact = [ours, other].every((text) => text === null || /^-?\d+$/.test(text));
  return ours === other || (!isExact && ours !== null && other !== null && Number(ours) === Number(other));
}

const area = (ring: readonly Position[]) =>
  ring.slice(1).reduce((sum, [x = 0, y = 0], i) => sum + ring[i]![0]! * y - x * ring[i]![1]!, 0);

/** Points and lines of a geometry in order. Some formats, and CARTO, change the direction of rings and add parts. */
function linesOf({ type, coordinates, geometries = [] }: Geometry): Position[] {
  const isArea = type.endsWith("Polygon");
  const flat = (value: unknown): Position[] => {
    if (!Array.isArray(value)) return [];
    if (typeof value[0] === "number") return [value];
    const isRing = isArea && typeof value[0]?.[0] === "number";
    return isRing && area(value) < 0 ? value.toReversed() : value.flatMap(flat);
  };
  return [...flat(coordinates), ...geometries.flatMap(linesOf)];
}

const family = (geometry: Geometry | null) => geometry?.type.replace("Multi", "");

/** Columns that GDAL adds to every placemark with their defaults. */
const DEFAULTS_OF_KML = ["extrude", "tessellate", "visibility", "drawOrder", "icon"];

/** Returns the differences from what GDAL reads. Where GDAL rounds, the value that was written is right, too. */
function differences(ours: readonly Feature[], judged: readonly Feature[]): unknown[] {
  const [types, expected] = [ours, judged].map((rows) => rows.map(({ geometry }) => family(geometry)));
  if (String(types) !== String(expected)) return [{ types, expected }];
  return judged.flatMap(({ geometry, properties }, row) => {
    const mine = ours[row]!;
    const names = Object.keys(properties).filter((name) => !DEFAULTS_OF_KML.includes(name));
    const columns = normalizeColumnNames(names);
    const others = columns.flatMap((column, at) => {
      const [value, gdal] = [spelled(mine.properties[column]), spelled(properties[names[at]!])];
      const key = column.replace("ogr_", "") as "name";
      const written = spelled(ATTRIBUTES[row]?.[key]);
      const isExact = () =>
        Number(value) === Number(gdal) && ATTRIBUTES.some((one) => spelled(one[key]) === value);
      return isSame(value, gdal) || isSame(value, written) || isExact()
        ? []
        : [{ row, column, ours: value, gdal }];
    });
    return isNear(mine.geometry, geometry)
      ? others
      : [...others, { row, ours: mine.geometry, gdal: geometry }];
  });
}

/** True if all positions are within a billionth of a degree. */
function isNear(ours: Geometry | null, judged: Geometry | null): boolean {
  const [a, b] = [ours, judged].map((one) => (one ? linesOf(one) : []));
  const isClose = (position: Position, other: Position = []) =>
    [0, 1].every((axis) => Math.abs(position[axis]! - other[axis]!) <= 1e-9);
  return a!.length === b!.length && a!.every((position, at) => isClose(position, b![at]));
}

async function compareAll(...made: Parameters<typeof written>): Promise<void> {
  const { paths, files } = await written(...made);
  const tables = await importedTables(files);
  const found: Record<string, unknown[]> = {};
  for (const [kind, path] of paths)
    found[kind] = differences(await readByUs(tables.get(kind)!), await readByGdal(path));
  expect(found).toEqual(Object.fromEntries([...paths.keys()].map((kind) => [kind, []])));
}

describe("files read as GDAL reads them", () => {
  test.each(FORMATS.map((format) => [format.driver, format.extension, format] as const))(
    "%s (.%s)",
    async (_driver, _extension, format) => {
      const kinds = Object.keys(GEOMETRIES).filter((kind) => !format.not?.includes(kind));
      await compareAll(
        format,
        kinds.map((kind) => ({ name: kind, kind })),
      );
    },
  );

  const projected = FORMATS.filter(({ driver }) => WITH_SYSTEM.includes(driver));
  test.each(projected.map((format) => [format.driver, format.extension, format] as const))(
    "%s (.%s) in other coordinate systems",
    async (_driver, _extension, format) => {
      const wanted = SYSTEMS.map((system) => ({
        name: system.toLowerCase().replace(":", "_"),
        kind: "polygons",
        options: ["-t_srs", system],
      }));
      await compareAll(format, wanted);
    },
  );
});
