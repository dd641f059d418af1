/** Writes small shapefiles according to Esri's description of the format. */

type Ring = readonly (readonly [x: number, y: number])[];
type Geometry = { point: readonly [x: number, y: number] } | { rings: readonly Ring[] } | null;

export interface ShapefileField {
  readonly name: string;
  /** C text, N number, L boolean, D date. */
  readonly type: "C" | "N" | "L" | "D";
  readonly width: number;
}

export function shapefile(
  geometries: readonly Geometry[],
  fields: readonly ShapefileField[],
  rows: readonly (readonly string[])[],
  encoding: BufferEncoding = "utf8",
): { shp: Buffer; dbf: Buffer } {
  return { shp: shp(geometries), dbf: dbf(fields, rows, encoding) };
}

function shp(geometries: readonly Geometry[]): Buffer {
  const isPoint = geometries.some((geometry) => geometry && "point" in geometry);
  const records = geometries.map((geometry, i) => {
    const content = contentOf(geometry);
    const head = Buffer.alloc(8);
    head.writeInt32BE(i + 1, 0);
    head.writeInt32BE(content.length / 2, 4);
    return Buffer.concat([head, content]);
  });
  const header = Buffer.alloc(100);
  const body = Buffer.concat(records);
  header.writeInt32BE(9994, 0);
  header.writeInt32BE((header.length + body.length) / 2, 24);
  header.writeInt32LE(1000, 28);
  header.writeInt32LE(isPoint ? 1 : 5, 32);
  return Buffer.concat([header, body]);
}

function contentOf(geometry: Geometry): Buffer {
  if (geometry === null) return Buffer.alloc(4);
  if ("point" in geometry) {
    const content = Buffer.alloc(20);
    content.writeInt32LE(1, 0);
    content.writeDoubleLE(geometry.point[0], 4);
    content.writeDoubleLE(geometry.point[1], 12);
    return content;
  }
  const { rings } = geometry;
  const points = rings.flat();
  const content = Buffer.alloc(44 + rings.length * 4 + points.length * 16);
  content.writeInt32LE(5, 0);
  content.writeInt32LE(rings.length, 36);
  content.writeInt32LE(points.length, 40);
  let start = 0;
  for (const [i, ring] of rings.entries()) {
    content.writeInt32LE(start, 44 + i * 4);
    start += ring.length;
  }
  for (const [i, [x, y]] of points.entries()) {
    content.writeDoubleLE(x, 44 + rings.length * 4 + i * 16);
    content.writeDoubleLE(y, 44 + rings.length * 4 + i * 16 + 8);
  }
  return content;
}

function dbf(
  fields: readonly ShapefileField[],
  rows: readonly (readonly string[])[],
  encoding: BufferEncoding,
): Buffer {
  const header = Buffer.alloc(32 + fields.length * 32 + 1);
  header[0] = 3;
  header.writeUInt32LE(rows.length, 4);
  header.writeUInt16LE(header.length, 8);
  header.writeUInt16LE(1 + fields.reduce((sum, { width }) => sum + width, 0), 10);
  for (const [i, { name, type, width }] of fields.entries()) {
    const at = 32 + i * 32;
    header.write(name, at, 11, encoding);
    header.write(type, at + 11, "latin1");
    header[at + 16] = width;
  }
  header[header.length - 1] = 0x0d;
  const records = rows.map((row) => {
    const record = Buffer.alloc(1 + fields.reduce((sum, { width }) => sum + width, 0), " ");
    let at = 1;
    for (const [i, { width }] of fields.entries()) {
      record.write(row[i] ?? "", at, width, encoding);
      at += width;
    }
    return record;
  });
  return Buffer.concat([header, ...records, Buffer.from([0x1a])]);
}
