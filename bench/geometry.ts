/** Compares the shared walk through EWKB with a reader written for one purpose, and with wkx. */
import { Geometry } from "wkx";
import { readEwkbHead, viewOf, WKB, walkEwkb } from "../src/geometry/ewkb";
import { compare, printHeader } from "./support";

type Position = number[];

async function main(): Promise<void> {
  printHeader();
  for (const [name, rows] of Object.entries(samples())) {
    const title = `bounds of ${rows.length.toLocaleString("en-US")} ${name}`;
    await compare(title, async () => check(rows, walked(rows)), {
      name: "reader without a visitor",
      run: async () => check(rows, direct(rows)),
    });
    await compare(title, async () => check(rows, walked(rows)), {
      name: "`wkx.Geometry.parse` alone",
      run: async () => rows.map((bytes) => Geometry.parse(bytes)),
    });
  }
}

/** Computes the smallest x, and counts positions as a check. */
class Bounds {
  minX = Infinity;
  count = 0;

  begin(): boolean {
    return true;
  }

  run(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void {
    for (; at < end; at += stepBytes) {
      const x = view.getFloat64(at, littleEndian);
      if (x < this.minX) this.minX = x;
      this.count++;
    }
  }

  end(): void {}
}

function walked(rows: readonly Buffer[]): Bounds {
  const bounds = new Bounds();
  for (const bytes of rows) walkEwkb(viewOf(bytes), 0, bytes.length, bounds);
  return bounds;
}

function direct(rows: readonly Buffer[]): Bounds {
  const bounds = new Bounds();
  for (const bytes of rows) directGeometry(viewOf(bytes), 0, bounds);
  return bounds;
}

/** Reads a geometry without a visitor and without checks of lengths. */
function directGeometry(view: DataView, at: number, bounds: Bounds): number {
  const { littleEndian, code, dims, body } = readEwkbHead(view, at, view.byteLength)!;
  const stepBytes = dims * 8;
  const positions = (first: number, count: number) => {
    const end = first + count * stepBytes;
    for (let i = first; i < end; i += stepBytes) {
      const x = view.getFloat64(i, littleEndian);
      if (x < bounds.minX) bounds.minX = x;
      bounds.count++;
    }
    return end;
  };
  if (code === WKB.point) return positions(body, 1);
  const count = view.getUint32(body, littleEndian);
  let next = body + 4;
  if (code === WKB.lineString) return positions(next, count);
  for (let part = 0; part < count; part++) {
    next =
      code === WKB.polygon
        ? positions(next + 4, view.getUint32(next, littleEndian))
        : directGeometry(view, next, bounds);
  }
  return next;
}

function check(rows: readonly Buffer[], { count, minX }: Bounds): void {
  if (count < rows.length || minX < -180) throw new Error(`Got ${count} positions from ${minX} eastwards.`);
}

function samples(): Record<string, Buffer[]> {
  let seed = 1;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const place = (): Position => [random() * 340 - 170, random() * 160 - 80];
  const ring = (count: number, radius = 1): Position[] => {
    const [lng, lat] = place() as [number, number];
    return Array.from({ length: count + 1 }, (_, i) => {
      const angle = (2 * Math.PI * (i % count)) / count;
      return [lng + radius * Math.cos(angle), lat + radius * Math.sin(angle)];
    });
  };
  const many = (length: number, geometry: () => object) =>
    Array.from({ length }, () => Geometry.parseGeoJSON(geometry()).toEwkb());
  const withZ = (positions: Position[]) => positions.map((position) => [...position, 7]);
  return {
    points: many(200_000, () => ({ type: "Point", coordinates: place() })),
    squares: many(50_000, () => ({ type: "Polygon", coordinates: [ring(4)] })),
    "polygons with holes": many(10_000, () => ({
      type: "Polygon",
      coordinates: [ring(60), ring(10, 0.1), ring(10, 0.1)],
    })),
    "multipolygons with Z": many(3_000, () => ({
      type: "MultiPolygon",
      coordinates: Array.from({ length: 8 }, () => [withZ(ring(40))]),
    })),
    "multipoints of 100": many(3_000, () => ({ type: "MultiPoint", coordinates: ring(99) })),
    collections: many(20_000, () => ({
      type: "GeometryCollection",
      geometries: [
        { type: "Point", coordinates: place() },
        { type: "Polygon", coordinates: [ring(10)] },
      ],
    })),
  };
}

main();
