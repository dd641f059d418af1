/**
 * Encodes and decodes the outlines of the world: magic, version, then land, borders, state borders, lakes, rivers, and
 * the outline and graticule of a projection, which are empty for Web Mercator. Each of these starts with its number of features, a feature with its number of paths, and a path with its number of vertices. A
 * vertex is stored as the difference from the previous one, on a grid of `GRID` steps per world unit. Numbers are LEB128,
 * signed numbers zigzag-encoded. Both functions handle the inflated bytes; the file itself is deflated (zlib).
 */
import type { BasemapShapes } from "./painter";
import type { PathGeometry } from "./scene";

const MAGIC = [0x43, 0x46, 0x42, 0x4d]; // CFBM
const VERSION = 3;
/** Steps per world unit; one step is 600 m at the equator, a pixel at zoom 8. */
const GRID = 2 ** 16;

/** The inverse of `decodeBasemap`; coordinates are rounded to the grid. */
export function encodeBasemap(shapes: BasemapShapes): Uint8Array {
  const bytes: number[] = [...MAGIC, VERSION];
  const { land, borders, stateBorders, lakes, rivers, outline = EMPTY, graticule = EMPTY } = shapes;
  for (const geometry of [land, borders, stateBorders, lakes, rivers, outline, graticule])
    encodeGeometry(geometry, bytes);
  return Uint8Array.from(bytes);
}

/**
 * Decodes the inflated contents of `basemap.bin`.
 * @throws Error if the bytes have another format or version, or are cut off.
 */
export function decodeBasemap(bytes: Uint8Array): BasemapShapes {
  const [version] = bytes.subarray(MAGIC.length);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error(`The basemap must start with "CFBM".`);
  if (version !== VERSION)
    throw new Error(`The basemap has version ${version}; this release reads version ${VERSION}.`);
  const reader = { bytes, at: MAGIC.length + 1 };
  return {
    land: decodeGeometry(reader, "polygon"),
    borders: decodeGeometry(reader, "line"),
    stateBorders: decodeGeometry(reader, "line"),
    lakes: decodeGeometry(reader, "polygon"),
    rivers: decodeGeometry(reader, "line"),
    outline: decodeGeometry(reader, "polygon"),
    graticule: decodeGeometry(reader, "line"),
  };
}

/** `!`: `features` and `paths` end with one more entry than there are features and paths. */
function encodeGeometry({ xy, paths, features }: PathGeometry, bytes: number[]): void {
  writeUnsigned(bytes, features.length - 1);
  let [lastX, lastY] = [0, 0];
  for (let feature = 0; feature + 1 < features.length; feature++) {
    writeUnsigned(bytes, features[feature + 1]! - features[feature]!);
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const vertices = onGrid(xy.subarray(2 * paths[path]!, 2 * paths[path + 1]!));
      writeUnsigned(bytes, vertices.length);
      for (const [x, y] of vertices) {
        writeSigned(bytes, x - lastX);
        writeSigned(bytes, y - lastY);
        [lastX, lastY] = [x, y];
      }
    }
  }
}

/** Rounds vertices to the grid, without repeated vertices. `!`: `xy` holds pairs. */
function onGrid(xy: Float64Array): [x: number, y: number][] {
  const vertices: [number, number][] = [];
  for (let at = 0; at < xy.length; at += 2) {
    const [x, y] = [Math.round(xy[at]! * GRID), Math.round(xy[at + 1]! * GRID)];
    const last = vertices.at(-1);
    if (!last || last[0] !== x || last[1] !== y) vertices.push([x, y]);
  }
  return vertices;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function decodeGeometry(reader: Reader, kind: PathGeometry["kind"]): PathGeometry {
  const xy: number[] = [];
  const paths = [0];
  const features = [0];
  let [x, y] = [0, 0];
  const featureCount = readUnsigned(reader);
  for (let feature = 0; feature < featureCount; feature++) {
    const pathCount = readUnsigned(reader);
    for (let path = 0; path < pathCount; path++) {
      const vertexCount = readUnsigned(reader);
      for (let vertex = 0; vertex < vertexCount; vertex++) {
        x += readSigned(reader);
        y += readSigned(reader);
        xy.push(x / GRID, y / GRID);
      }
      paths.push(xy.length / 2);
    }
    features.push(paths.length - 1);
  }
  return pathGeometry(kind, xy, paths, features);
}

export function pathGeometry(
  kind: PathGeometry["kind"],
  xy: readonly number[],
  paths: readonly number[],
  features: readonly number[],
): PathGeometry {
  return {
    kind,
    xy: Float64Array.from(xy),
    paths: Uint32Array.from(paths),
    features: Uint32Array.from(features),
  };
}

const EMPTY = pathGeometry("line", [], [0], [0]);

function writeUnsigned(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
}

const writeSigned = (bytes: number[], value: number) =>
  writeUnsigned(bytes, ((value << 1) ^ (value >> 31)) >>> 0);

function readUnsigned(reader: Reader): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined)
      throw new Error(`The basemap is cut off after ${reader.bytes.length} bytes, inside a number.`);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
}

function readSigned(reader: Reader): number {
  const value = readUnsigned(reader);
  return (value >>> 1) ^ -(value & 1);
}
