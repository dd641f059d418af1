/**
 * The outlines of the world as bytes: magic, version, then land, borders and state borders. Each begins with its
 * number of features, a feature with its number of paths, a path with its number of vertices; a vertex is the
 * difference to the one before it, on a grid of `GRID` steps per world unit. Numbers are LEB128, signed ones
 * zigzagged. The file is deflated (zlib); both functions are about what is inside.
 */
import type { BasemapShapes } from "./painter";
import type { PathGeometry } from "./scene";

const MAGIC = [0x43, 0x46, 0x42, 0x4d]; // CFBM
const VERSION = 1;
/** A step is 600 m at the equator, a pixel at zoom 8. */
const GRID = 2 ** 16;

/** The inverse of `decodeBasemap`, but for the grid. */
export function encodeBasemap({ land, borders, stateBorders }: BasemapShapes): Uint8Array {
  const bytes: number[] = [...MAGIC, VERSION];
  for (const geometry of [land, borders, stateBorders]) encodeGeometry(geometry, bytes);
  return Uint8Array.from(bytes);
}

/**
 * Outlines from the inflated contents of `basemap.bin`.
 * @throws Error if they are of another version, or cut.
 */
export function decodeBasemap(bytes: Uint8Array): BasemapShapes {
  const [version] = bytes.subarray(MAGIC.length);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error("These bytes are no basemap.");
  if (version !== VERSION) throw new Error(`The basemap is v${version}, this release reads v${VERSION}.`);
  const reader = { bytes, at: MAGIC.length + 1 };
  return {
    land: decodeGeometry(reader, "polygon"),
    borders: decodeGeometry(reader, "line"),
    stateBorders: decodeGeometry(reader, "line"),
  };
}

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

/** Vertices in steps of the grid, none of them twice in a row. */
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
  return {
    kind,
    xy: Float64Array.from(xy),
    paths: Uint32Array.from(paths),
    features: Uint32Array.from(features),
  };
}

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
      throw new Error(`The basemap ends after ${reader.bytes.length} bytes, in a number.`);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
}

function readSigned(reader: Reader): number {
  const value = readUnsigned(reader);
  return (value >>> 1) ^ -(value & 1);
}
