/**
 * Mapbox Vector Tiles 2.1: https://github.com/mapbox/vector-tile-spec/tree/master/2.1
 *
 * vt-pbf 3.1.3 and @maplibre/vt-pbf 4.3.3 cannot replace this file: both throw on whole numbers of 2^64 or more, which
 * numeric columns hold, lose the name of a column called "constructor", and need an object per position, which makes them
 * slower (`bench/mvt.ts`: a tile of 65,536 points takes this encoder 0.84 of vt-pbf's time).
 *
 * `pbf!`: the writer always passes itself to these functions, which its types do not say. `[i]!`: all indexes stay below the
 * length of the coordinates.
 */
import { PbfWriter } from "pbf";
import type { Coordinates } from "./twkb";

export type Value = string | number | boolean;

/** A geometry whose parts all have the dimension of `kind`. */
export type MvtGeometry =
  | { readonly kind: "points"; readonly points: Coordinates }
  | { readonly kind: "lines"; readonly lines: readonly Coordinates[] }
  /** Rings are closed and may have any orientation; the first ring of a polygon is the outer one. */
  | { readonly kind: "polygons"; readonly polygons: readonly (readonly Coordinates[])[] };

export interface MvtLayer {
  readonly name: string;
  readonly extent: number;
  readonly features: readonly {
    readonly geometry: MvtGeometry;
    readonly values: Iterable<[string, Value]>;
  }[];
}

const KINDS = { points: 1, lines: 2, polygons: 3 } as const;
const MOVE_TO = 1;
const LINE_TO = 2;
const CLOSE_PATH = 7;

/** Encodes a tile. Layers without features are left out. */
export function encodeMvt(layers: readonly MvtLayer[]): Uint8Array {
  const tile = new PbfWriter();
  for (const layer of layers) if (layer.features.length > 0) tile.writeMessage(3, writeLayer, layer);
  return tile.finish();
}

function writeLayer({ name, extent, features }: MvtLayer, pbf?: PbfWriter): void {
  const keys = new Map<string, number>();
  const values = new Map<Value, number>();
  pbf!.writeVarintField(15, 2);
  pbf!.writeStringField(1, name);
  for (const { geometry, values: own } of features) {
    const tags: number[] = [];
    for (const [key, value] of own) tags.push(indexOf(keys, key), indexOf(values, value));
    pbf!.writeMessage(2, writeFeature, { tags, geometry });
  }
  for (const key of keys.keys()) pbf!.writeStringField(3, key);
  for (const value of values.keys()) pbf!.writeMessage(4, writeValue, value);
  pbf!.writeVarintField(5, extent);
}

function indexOf<T>(known: Map<T, number>, entry: T): number {
  const index = known.get(entry) ?? known.size;
  if (index === known.size) known.set(entry, index);
  return index;
}

function writeFeature(
  { tags, geometry }: { readonly tags: number[]; readonly geometry: MvtGeometry },
  pbf?: PbfWriter,
): void {
  pbf!.writePackedVarint(2, tags);
  pbf!.writeVarintField(3, KINDS[geometry.kind]);
  pbf!.writePackedVarint(4, commands(geometry));
}

function writeValue(value: Value, pbf?: PbfWriter): void {
  if (typeof value === "string") pbf!.writeStringField(1, value);
  else if (typeof value === "boolean") pbf!.writeBooleanField(7, value);
  else if (!Number.isSafeInteger(value)) pbf!.writeDoubleField(3, value);
  else if (value >= 0) pbf!.writeVarintField(5, value);
  else pbf!.writeSVarintField(6, value);
}

function commands(geometry: MvtGeometry): number[] {
  const out: number[] = [];
  let x = 0;
  let y = 0;
  const command = (id: number, count: number) => out.push(count * 8 + id);
  const step = (coordinates: Coordinates, i: number) => {
    out.push(zigzag(coordinates[i]! - x), zigzag(coordinates[i + 1]! - y));
    x = coordinates[i]!;
    y = coordinates[i + 1]!;
  };
  const path = (coordinates: Coordinates, end: number) => {
    command(MOVE_TO, 1);
    step(coordinates, 0);
    command(LINE_TO, end / 2 - 1);
    for (let i = 2; i < end; i += 2) step(coordinates, i);
  };
  if (geometry.kind === "points") {
    command(MOVE_TO, geometry.points.length / 2);
    for (let i = 0; i < geometry.points.length; i += 2) step(geometry.points, i);
  } else if (geometry.kind === "lines") {
    for (const line of geometry.lines) path(line, line.length);
  } else {
    for (const polygon of geometry.polygons) {
      polygon.forEach((ring, index) => {
        const turned = doubleArea(ring) > 0 === (index === 0) ? ring : reversed(ring);
        path(turned, turned.length - 2);
        command(CLOSE_PATH, 1);
      });
    }
  }
  return out;
}

function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n;
}

/** Returns twice the area of a ring: positive if it is clockwise on the screen, where y grows downwards. */
export function doubleArea(ring: Coordinates): number {
  let sum = 0;
  for (let i = 0; i + 3 < ring.length; i += 2) sum += ring[i]! * ring[i + 3]! - ring[i + 2]! * ring[i + 1]!;
  return sum;
}

function reversed(ring: Coordinates): Coordinates {
  const turned: Coordinates = [];
  for (let i = ring.length - 2; i >= 0; i -= 2) turned.push(ring[i]!, ring[i + 1]!);
  return turned;
}
