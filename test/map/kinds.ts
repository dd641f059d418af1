/** Eight geometries of each kind, west to east, and what the tests of styles put on them. */
import { DataFrame } from "danfojs-node";
import type { LngLat } from "../../src/geo";

export const LNGS = [-28, -20, -12, -4, 4, 12, 20, 28];

const line = (lng: number, lat: number) =>
  `(${lng - 3} ${lat - 3}, ${lng} ${lat + 3}, ${lng + 3} ${lat - 3})`;
const ring = (lng: number, lat: number, reach: number) => {
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
    [-1, -1],
  ].map(([x, y]) => `${lng + x! * reach} ${lat + y! * reach}`);
  return `(${corners.join(", ")})`;
};

interface GeometryKind {
  readonly wkt: (lng: number) => string;
  /** Places where it is painted, one in each of its parts, away from its edges. */
  readonly spots: (lng: number) => LngLat[];
}

export const KINDS = {
  point: { wkt: (lng) => `POINT (${lng} 0)`, spots: (lng) => [[lng, 0]] },
  multipoint: {
    wkt: (lng) => `MULTIPOINT ((${lng - 2} -4), (${lng + 2} 0), (${lng - 2} 4))`,
    spots: (lng) => [
      [lng - 2, -4],
      [lng + 2, 0],
      [lng - 2, 4],
    ],
  },
  line: { wkt: (lng) => `LINESTRING ${line(lng, 0)}`, spots: (lng) => [[lng - 1.5, 0]] },
  multiline: {
    wkt: (lng) => `MULTILINESTRING (${line(lng, -4)}, ${line(lng, 4)})`,
    spots: (lng) => [
      [lng - 1.5, -4],
      [lng + 1.5, 4],
    ],
  },
  polygon: {
    wkt: (lng) => `POLYGON (${ring(lng, 0, 3.5)}, ${ring(lng + 1, 1, 1)})`,
    spots: (lng) => [[lng - 2, -2]],
  },
  multipolygon: {
    wkt: (lng) => `MULTIPOLYGON ((${ring(lng, -3.5, 3)}, ${ring(lng, -3.5, 1)}), (${ring(lng, 4.5, 2)}))`,
    spots: (lng) => [
      [lng - 2, -5],
      [lng, 4.5],
    ],
  },
  collection: {
    wkt: (lng) => `GEOMETRYCOLLECTION (POLYGON (${ring(lng, 2, 2.5)}), POLYGON (${ring(lng, -4, 1.5)}))`,
    spots: (lng) => [
      [lng, 2],
      [lng, -4],
    ],
  },
} satisfies Record<string, GeometryKind>;

export type Kind = keyof typeof KINDS;
export const ALL_KINDS = Object.keys(KINDS) as Kind[];

/** Those with a missing value have a place all the same. */
export const WITH_GAPS = {
  value: [1, null, 3, null, 8, 13, Number.POSITIVE_INFINITY, 100],
  name: ["oak", null, "oak", "", "fir", "oak", null, "ash"],
};

export const frameOf = (kind: Kind, columns: object = {}) =>
  new DataFrame({
    geometry: LNGS.map(KINDS[kind].wkt),
    row: LNGS.map((_, i) => `row ${i}`),
    value: [1, 2, 3, 5, 8, 13, 40, 100],
    name: ["oak", "elm", "oak", "fir", "fir", "oak", "ash", "ash"],
    day: LNGS.map((_, i) => `2024-03-0${i + 1}`),
    ...columns,
  } as never);

/** Maps of frames ask no server, and have nothing to tell of their progress. */
