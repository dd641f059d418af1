import { Geometry, Point } from "wkx";
import { InvalidArgumentError } from "../errors";
import type { Pace } from "./pace";
import type { Column } from "./types";

const GEOMETRY = "geometry";
const THE_GEOM = "the_geom";

/** A column of a frame that is about to be made. */
export interface FramePart {
  readonly name: string;
  readonly dtype: Dtype;
  readonly values: readonly unknown[];
}

/** danfo's name for the type of a column. Objects and geometries go as "string", as danfo has no other. */
type Dtype = "int32" | "float32" | "string" | "boolean" | "datetime";

/**
 * Adds a column of decoded geometries to the parts of a frame; null stays null.
 * @throws InvalidArgumentError if no column holds geometries, or if wkx cannot decode one.
 */
export async function withGeometry(
  parts: readonly FramePart[],
  columns: readonly Column[],
  pace: Pace,
): Promise<FramePart[]> {
  const geometries = columns.filter(({ kind }) => kind === "geometry");
  const source = geometries.find(({ name }) => name === THE_GEOM) ?? geometries[0];
  if (source === undefined) {
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    throw new InvalidArgumentError(
      `The result has no geometry column for \`decodeGeom\`. Its columns: ${names || "none"}. Select a geometry, or leave out \`decodeGeom\`.`,
    );
  }
  const values: (Geometry | null)[] = [];
  for (const [row, hex] of source.values.entries()) {
    if (row % 1024 === 0 && pace.due()) await pace.pause();
    values.push(hex === null ? null : decodeEwkb(hex as string, source.name, row));
  }
  if (source.name === GEOMETRY)
    return parts.map((part) => (part.name === GEOMETRY ? { ...part, values } : part));
  const name = freeName(parts.map((part) => part.name));
  return [...parts, { name, dtype: "string", values }];
}

function freeName(taken: readonly string[]): string {
  let name = GEOMETRY;
  for (let n = 1; taken.includes(name); n++) name = `${GEOMETRY}_${n}`;
  return name;
}

function decodeEwkb(hex: string, column: string, row: number): Geometry {
  try {
    const geometry = Geometry.parse(Buffer.from(hex, "hex"));
    return isEmptyPoint(geometry) ? emptied(geometry) : geometry;
  } catch (cause) {
    throw new InvalidArgumentError(
      `Column "${column}", row ${row} (counted from 0): wkx cannot decode the geometry ` +
        `(${(cause as Error).message}). Convert curves and surfaces with ST_CurveToLine in the query, or read without decodeGeom.`,
      { cause },
    );
  }
}

/** True for POINT EMPTY, which PostGIS writes with NaN; wkx keeps these and prints `POINT(NaN NaN)`. */
const isEmptyPoint = (geometry: Geometry): geometry is Point =>
  geometry instanceof Point && Number.isNaN(geometry.x);

function emptied({ srid, hasZ, hasM }: Point): Point {
  const point = new Point(undefined, undefined, undefined, undefined, srid);
  return Object.assign(point, { hasZ, hasM });
}
