/** Lengths and areas on the ellipsoid, compared with PostGIS, and how they are written. */
import { describe, expect, test } from "vitest";
import type { LngLat } from "../../../src/geo";
import { alongGeodesics, areaM2, lengthM } from "../../../src/render/measure/geodesic";
import { areaText, lengthText, usesMiles } from "../../../src/render/measure/units";
import { openPostgis } from "../../support/pglite";
import { mulberry32 } from "../../support/seeded";

const SEED = 21;
const EARTH_M2 = 5.100656217240883e14;

/** Rings of 3 to 8 positions, in turn around their centre, from 100 m to 5,000 km wide. */
function ringsOf(count: number): LngLat[][] {
  const random = mulberry32(SEED);
  return Array.from({ length: count }, () => {
    const [lng, lat] = [360 * random() - 180, 150 * random() - 75];
    const radius = 10 ** (4.4 * random() - 3); // in degrees
    const corners = 3 + Math.floor(6 * random());
    return Array.from({ length: corners }, (_, i): LngLat => {
      const angle = (2 * Math.PI * (i + 0.5 * random())) / corners;
      const x = lng + (radius * Math.cos(angle)) / Math.cos((lat * Math.PI) / 180);
      return [((x + 540) % 360) - 180, Math.max(-89, Math.min(89, lat + radius * Math.sin(angle)))];
    });
  });
}

test("300 lengths and areas equal those of PostGIS, also across the antimeridian", async () => {
  const rings = ringsOf(300);
  const pg = await openPostgis();
  const { rows } = await pg.query<{ length: number; area: number }>(
    `SELECT ST_Length(ST_Boundary(g)::geography) AS length, ST_Area(g::geography) AS area
       FROM jsonb_array_elements_text($1::jsonb) WITH ORDINALITY AS ring(wkt, i), ST_GeomFromText(wkt, 4326) AS g ORDER BY i`,
    [
      JSON.stringify(
        rings.map((ring) => `POLYGON((${[...ring, ring[0]!].map((at) => at.join(" ")).join(",")}))`),
      ),
    ],
  );
  await pg.close();
  let crossing = 0;
  for (const [i, ring] of rings.entries()) {
    const { length, area } = rows[i]!;
    const what = `seed ${SEED}, ring ${i}`;
    const own = lengthM([...ring, ring[0]!]);
    expect(Math.abs(own - length), what).toBeLessThan(1e-3 + 1e-9 * length);
    expect(Math.abs(areaM2(ring) - Math.min(area, EARTH_M2 - area)), what).toBeLessThan(1 + 1e-6 * area);
    if (Math.max(...ring.map(([lng]) => lng)) - Math.min(...ring.map(([lng]) => lng)) > 180) crossing++;
  }
  expect(crossing).toBeGreaterThan(5);
});

test("a ring around a pole surrounds the cap, whichever way it is drawn", () => {
  const ring = [0, 90, 180, -90].map((lng): LngLat => [lng, 80]);
  const cap = areaM2(ring);
  expect(cap).toBeGreaterThan(2.4e12);
  expect(cap).toBeLessThan(3.94e12); // that of the parallel, outside of the geodesics
  expect(areaM2([...ring].reverse())).toBeCloseTo(cap, -3);
  expect(areaM2(ring.map(([lng, lat]): LngLat => [lng, -lat]))).toBeCloseTo(cap, -3);
});

test("fewer positions than a line or an area needs measure nothing", () => {
  expect(lengthM([])).toBe(0);
  expect(lengthM([[1, 2]])).toBe(0);
  expect(areaM2([])).toBe(0);
  expect(
    areaM2([
      [0, 0],
      [1, 1],
    ]),
  ).toBeCloseTo(0, 3);
  expect(
    lengthM([
      [7, 3],
      [7, 3],
    ]),
  ).toBe(0);
});

test("positions along geodesics are close together, lie on them, and include the given ones", () => {
  const path: LngLat[] = [
    [-0.5, 51.5],
    [151.2, -33.9],
    [151.3, -33.9],
  ];
  const along = alongGeodesics(path);
  for (const at of path) expect(along).toContainEqual(at);
  expect(lengthM(along) - lengthM(path)).toBeLessThan(0.01);
  for (const [i, at] of along.entries())
    if (i > 0) expect(lengthM([along[i - 1]!, at])).toBeLessThan(250_001);
  expect(alongGeodesics([])).toEqual([]);
});

describe("texts", () => {
  test.each([
    [0, "0 m", "0 m (0 ft)"],
    [85.44, "85.4 m", "85.4 m (280 ft)"],
    [812.3, "812 m", "812 m (0.5 mi)"],
    [12_345, "12.35 km", "12.35 km (7.67 mi)"],
    [123_456, "123.5 km", "123.5 km (76.71 mi)"],
    [12_345_678, "12,346 km", "12,346 km (7,671 mi)"],
  ])("%s metres", (metres, metric, both) => {
    expect(lengthText(metres)).toBe(metric);
    expect(lengthText(metres, true)).toBe(both);
  });

  test.each([
    [5.25, "5.3 m²", "5.3 m² (57 ft²)"],
    [4047, "4,047 m²", "4,047 m² (1 ac)"],
    [250_000, "0.25 km²", "0.25 km² (61.78 ac)"],
    [12_300_000, "12.3 km²", "12.3 km² (4.75 mi²)"],
    [9.8e12, "9,800,000 km²", "9,800,000 km² (3,783,801 mi²)"],
  ])("%s square metres", (squareMetres, metric, both) => {
    expect(areaText(squareMetres)).toBe(metric);
    expect(areaText(squareMetres, true)).toBe(both);
  });

  test("miles are for readers who use them", () => {
    expect(["en-US", "en-GB", "es-US", "en", "en-CA", "de-DE", "", "not a tag!"].filter(usesMiles)).toEqual([
      "en-US",
      "en-GB",
      "es-US",
    ]);
  });
});
