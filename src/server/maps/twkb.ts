/** TWKB (https://github.com/TWKB/Specification/blob/master/twkb.md), in 2D and without ids, as the tile queries select it. */
import { PbfReader } from "pbf";

/** Alternating x and y. */
export type Coordinates = number[];

/** The parts of a geometry by dimension. The first ring of a polygon is the outer one. */
export interface Parts {
  readonly points: Coordinates;
  readonly lines: Coordinates[];
  readonly polygons: Coordinates[][];
}

const KIND = { point: 1, line: 2, polygon: 3, multiPoint: 4, multiLine: 5, multiPolygon: 6, collection: 7 };
const HAS_BOX = 1;
const HAS_SIZE = 2;
const HAS_IDS = 4;
const HAS_MORE_DIMENSIONS = 8;
const IS_EMPTY = 16;

/** Decodes a geometry with precision 0, whose coordinates are whole numbers. */
export function decodeTwkb(bytes: Uint8Array): Parts {
  const parts: Parts = { points: [], lines: [], polygons: [] };
  readGeometry(new PbfReader(bytes), parts);
  return parts;
}

function readGeometry(pbf: PbfReader, parts: Parts): void {
  // `!`: PostGIS writes complete geometries
  const kind = pbf.buf[pbf.pos++]! & 0x0f;
  const flags = pbf.buf[pbf.pos++]!;
  if (flags & (HAS_BOX | HAS_IDS | HAS_MORE_DIMENSIONS)) throw new Error(`TWKB with flags ${flags}`);
  if (flags & HAS_SIZE) pbf.readVarint();
  if (flags & IS_EMPTY) return;
  let x = 0;
  let y = 0;
  const coordinates = (count: number): Coordinates => {
    const read = new Array<number>(count * 2);
    for (let i = 0; i < read.length; ) {
      x += pbf.readSVarint();
      y += pbf.readSVarint();
      read[i++] = x;
      read[i++] = y;
    }
    return read;
  };
  const rings = () => Array.from({ length: pbf.readVarint() }, () => coordinates(pbf.readVarint()));
  if (kind === KIND.point) parts.points.push(...coordinates(1));
  else if (kind === KIND.line) parts.lines.push(coordinates(pbf.readVarint()));
  else if (kind === KIND.polygon) parts.polygons.push(rings());
  else if (kind >= KIND.multiPoint && kind <= KIND.collection) {
    for (let left = pbf.readVarint(); left > 0; left--) {
      if (kind === KIND.multiPoint) parts.points.push(...coordinates(1));
      else if (kind === KIND.multiLine) parts.lines.push(coordinates(pbf.readVarint()));
      else if (kind === KIND.multiPolygon) parts.polygons.push(rings());
      else readGeometry(pbf, parts);
    }
  } else throw new Error(`TWKB of kind ${kind}`);
}
