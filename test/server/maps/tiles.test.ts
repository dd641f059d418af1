import { beforeAll, describe, expect, test } from "vitest";
import type { DecodedFeature } from "../../support/mvt";
import { areaOf, DETAIL, inside, server, tileOf, unitsOf, useMapServer } from "./setup";

useMapServer();

describe("geometry", () => {
  const at = (lng: number, lat: number) =>
    `SELECT 1 AS id, ST_SetSRID(ST_MakePoint(${lng}, ${lat}), 4326) AS g`;

  test("a point on an edge is in the buffers of both tiles", async () => {
    for (const [tile, expected] of [
      [
        [1, 0, 0],
        [4096, 2048],
      ],
      [
        [1, 1, 0],
        [0, 2048],
      ],
    ] as const) {
      const lat = (Math.atan(Math.sinh(Math.PI / 2)) * 180) / Math.PI;
      const { features } = await tileOf(tile, at(0, lat));
      expect(features.map(({ parts }) => parts[0]![0])).toEqual([expected]);
    }
  });

  test("the buffer has the requested width", async () => {
    const x = (179 / 360) * 2 ** 1; // a degree from the middle, in the west
    expect(x).toBeLessThan(1);
    const near = await tileOf([1, 1, 0], at(-1, 40), { buffersize: { mvt: 1 } });
    const far = await tileOf([1, 1, 0], at(-1, 40), { buffersize: { mvt: 2 } });
    expect([near.status, far.status]).toEqual([204, 200]); // 1° is 1.42 pixels there
    expect(far.features[0]!.parts[0]![0]).toEqual(unitsOf([-1, 40], [1, 1, 0]));
  });

  test.each<[string, number, [number, number, number], [number, number]]>([
    ["in the east seen from the west", 179.9, [4, 0, 7], [-0.1, 10]],
    ["in the west seen from the east", -179.9, [4, 15, 7], [0.1, 10]],
    ["beyond it", 190, [4, 0, 7], [10, 10]],
    ["beyond it the other way", -190, [4, 15, 7], [-10, 10]],
  ])("a point at the antimeridian, %s", async (_name, lng, tile, [east]) => {
    const { features } = await tileOf(tile, at(lng, 10));
    const from = tile[1] === 0 ? -180 : 180;
    expect(features.map(({ parts }) => parts[0]![0])).toEqual([unitsOf([from + east, 10], tile)]);
    const thinned = await tileOf(tile, { sql: at(lng, 10), geom_column: "g", ...DETAIL });
    const [x, y] = unitsOf([from + east, 10], tile);
    expect(thinned.features.map(({ parts }) => parts[0]![0])).toEqual([
      [expect.closeTo(x / 4, -0.5), expect.closeTo(y / 4, -0.5)],
    ]);
  });

  test("a line across the antimeridian is in both tiles, in either direction", async () => {
    for (const wkt of ["LINESTRING(170 10,190 10)", "LINESTRING(-190 10,-170 10)"]) {
      for (const config of [{}, DETAIL]) {
        const sql = `SELECT 'SRID=4326;${wkt}'::geometry AS g`;
        for (const [x, from, to] of [
          [15, 170, 180],
          [0, -180, -170],
        ] as const) {
          const { features } = await tileOf([4, x, 7], { sql, geom_column: "g", ...config });
          const units = config === DETAIL ? 4 : 1;
          const xs = features.flatMap(({ parts }) => parts.flat().map(([px]) => px * units));
          const [west, east] = [from, to].map((lng) => unitsOf([lng, 10], [4, x, 7])[0]);
          const beyond = x === 15 ? 1024 : 0; // the buffer
          expect(Math.abs(Math.max(...xs) - east! - beyond), wkt).toBeLessThanOrEqual(units);
          expect(Math.abs(Math.min(...xs) - west! + 1024 - beyond), wkt).toBeLessThanOrEqual(units);
        }
      }
    }
  });

  test("a polygon across the antimeridian is on both sides", async () => {
    const sql = "SELECT 'SRID=4326;POLYGON((170 0,190 0,190 20,170 20,170 0))'::geometry AS g";
    for (const tile of [
      [4, 15, 7],
      [4, 0, 7],
    ] as const) {
      const { features } = await tileOf(tile, sql, { buffersize: { mvt: 0 } });
      const [west, east] = tile[1] === 0 ? [-180, -170] : [170, 180];
      const [left] = unitsOf([west!, 10], tile);
      const [right, bottom] = unitsOf([east!, 0], tile);
      const height = bottom - Math.max(unitsOf([0, 20], tile)[1], 0);
      expect(features).toHaveLength(1);
      expect(Math.abs(areaOf(features[0]!) - (right - left) * height)).toBeLessThan(4096 * 20);
    }
  });

  test.each<[number, number]>([
    [90, 0],
    [-90, 4096],
    [95, 0],
    [88.5, 0],
  ])("a point at latitude %d is at the edge of the world", async (lat, y) => {
    for (const sql of [at(20, lat), `SELECT cdb_transformtowebmercator(g) AS g FROM (${at(20, lat)}) t`]) {
      if (sql.includes("cdb") && Math.abs(lat) > 88.9) continue; // the function cuts there
      const { features } = await tileOf([0, 0, 0], sql);
      expect(features.flatMap(inside), sql).toEqual([[unitsOf([20, 0], [0, 0, 0])[0], y]]);
    }
  });

  test("a polygon that reaches the pole ends at the edge of the world and its buffer", async () => {
    const { features } = await tileOf(
      [2, 1, 3],
      "SELECT 'SRID=4326;POLYGON((-180 -90,180 -90,180 -70,-180 -70,-180 -90))'::geometry AS g",
    );
    const ys = features[0]!.parts.flat().map(([, y]) => y);
    expect([Math.min(...ys), Math.max(...ys)]).toEqual([unitsOf([0, -70], [2, 1, 3])[1], 4096 + 1024]);
  });

  test.each<[string, string, number[]]>([
    [
      "a collection",
      "GEOMETRYCOLLECTION(POINT(10 10),LINESTRING(10 10,40 40),POLYGON((0 0,20 0,20 20,0 0)))",
      [1, 2, 3],
    ],
    ["an empty collection", "GEOMETRYCOLLECTION EMPTY", []],
    ["a nested collection", "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT EMPTY),MULTIPOINT(1 1,2 2))", [1]],
    ["many points", "MULTIPOINT(10 10,20 20)", [1]],
    ["many lines", "MULTILINESTRING((0 0,10 10),(20 20,30 10))", [2]],
    ["many polygons", "MULTIPOLYGON(((0 0,20 0,20 20,0 0)),((30 0,50 0,50 20,30 0)))", [3]],
    ["Z and M", "POLYGON ZM((0 0 1 2,20 0 3 4,20 20 5 6,0 0 1 2))", [3]],
    ["a point with Z", "POINT Z(1 2 3)", [1]],
    ["a bow tie", "POLYGON((0 0,20 20,20 0,0 20,0 0))", [3]],
    ["a line of one place", "LINESTRING(3 3,3 3)", [2]],
    ["a polygon of one place", "POLYGON((3 3,3 3,3 3,3 3))", [3]],
    ["a tiny polygon", "POLYGON((3 3,3.0001 3,3.0001 3.0001,3 3))", [3]],
    ["a hairline polygon", "POLYGON((0 0,40 30,40 30.0001,0 0.0001,0 0))", [3]],
    ["a curve", "CIRCULARSTRING(0 0,10 10,20 0)", [2]],
    ["a round polygon", "CURVEPOLYGON(CIRCULARSTRING(0 0,10 10,20 0,10 -10,0 0))", [3]],
    ["triangles", "TIN(((0 0 0,0 20 1,20 0 0,0 0 0)))", [3]],
    ["a surface", "POLYHEDRALSURFACE(((0 0 0,0 20 1,20 0 0,0 0 0)))", [3]],
  ])("%s", async (_name, wkt, types) => {
    for (const config of [{}, { vector_extent: 4096 }, DETAIL]) {
      const cell = config === DETAIL ? 2 : 16;
      const sql = `SELECT ST_GeomFromText('${wkt}', 4326) AS g`;
      const { features } = await tileOf([1, 1, 0], { sql, geom_column: "g", ...config });
      expect(features.map(({ type }) => type).sort()).toEqual(types);
      for (const feature of features) {
        if (feature.type === 3) expect(areaOf(feature)).toBeGreaterThanOrEqual(cell * cell);
        if (feature.type === 2) expect(new Set(feature.parts[0]!.map(String)).size).toBeGreaterThan(1);
      }
    }
  });

  test("a bow tie has the area of its two wings, and holes stay holes", async () => {
    const area = async (wkt: string) =>
      areaOf((await tileOf([1, 1, 0], `SELECT ST_GeomFromText('${wkt}', 3857) AS g`)).features[0]!);
    const unit = 20037508.342789244 / 4096;
    expect((await area("POLYGON((0 0,8e6 8e6,8e6 0,0 8e6,0 0))")) * unit ** 2).toBeCloseTo(32e12, -11.5);
    expect(
      (await area(
        "POLYGON((1e6 1e6,9e6 1e6,9e6 9e6,1e6 9e6,1e6 1e6),(2e6 2e6,2e6 8e6,8e6 8e6,8e6 2e6,2e6 2e6))",
      )) *
        unit ** 2,
    ).toBeCloseTo(28e12, -11.5);
  });

  test.each([
    ["stored without saying its SRID", "SELECT ST_SetSRID(the_geom, 0) AS g FROM places", { srid: 4326 }],
    ["UTM", "SELECT ST_Transform(the_geom, 32630) AS g FROM places WHERE cartodb_id = 1", {}],
    ["polar", "SELECT ST_Transform(the_geom, 3035) AS g FROM places WHERE cartodb_id = 1", {}],
    ["other degrees", "SELECT ST_Transform(the_geom, 4258) AS g FROM places WHERE cartodb_id = 1", {}],
  ])("%s", async (_name, sql, options) => {
    for (const tile of [
      [0, 0, 0],
      [8, 125, 96],
    ] as const) {
      const [x, y] = unitsOf([-3.7, 40.4], tile);
      for (const config of [{}, DETAIL]) {
        const { features } = await tileOf(tile, { sql, geom_column: "g", ...options, ...config });
        const units = config === DETAIL ? 4 : 1;
        const shown = features.flatMap(inside).map(([px, py]) => [px * units, py * units] as const);
        expect(
          shown.some(([px, py]) => Math.abs(px - x) <= units && Math.abs(py - y) <= units),
          String(shown),
        ).toBe(true);
      }
    }
  });

  test("another projection across the antimeridian stays in one piece", async () => {
    const sql =
      "SELECT ST_Transform(ST_ShiftLongitude('SRID=4326;POLYGON((178 -18,182 -18,182 -16,178 -16,178 -18))'::geometry), 3460) AS g";
    const { features } = await tileOf([4, 15, 8], sql, { buffersize: { mvt: 0 } });
    const xs = features.flatMap(({ parts }) => parts.flat().map(([x]) => x));
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([
      expect.closeTo(unitsOf([178, 0], [4, 15, 8])[0], -1),
      4096,
    ]);
  });

  test("clipped and generalized polygons cover the same area as PostGIS's intersection", async () => {
    await server.sql(`CREATE TABLE blobs AS
      SELECT i AS cartodb_id, ST_Buffer(ST_SetSRID(ST_MakePoint((i * 7919 % 1000 - 500) * 3e4, (i * 104729 % 1000 - 500) * 3e4), 3857), 2e5 + i * 5e4, 16) AS the_geom_webmercator
      FROM generate_series(1, 60) AS i`);
    for (const [z, x, y] of [
      [0, 0, 0],
      [2, 1, 1],
      [3, 5, 3],
      [5, 16, 15],
    ] as const) {
      const { features } = await tileOf(
        [z, x, y],
        { sql: "SELECT * FROM blobs" },
        { buffersize: { mvt: 0 } },
      );
      const { rows } = await server.sql(`
        SELECT cartodb_id, ST_Area(ST_Intersection(the_geom_webmercator, e)) / ST_Area(e) * 4096 * 4096 AS area, ST_Perimeter(ST_Intersection(the_geom_webmercator, e)) / ST_Perimeter(e) * 4 * 4096 AS around
        FROM blobs, ST_TileEnvelope(${z}, ${x}, ${y}) AS e WHERE ST_Area(ST_Intersection(the_geom_webmercator, e)) > 0 ORDER BY 1`);
      const areas = new Map(features.map((feature) => [feature.properties.cartodb_id, areaOf(feature)]));
      for (const { cartodb_id, area, around } of rows as {
        cartodb_id: number;
        area: number;
        around: number;
      }[]) {
        const difference = Math.abs((areas.get(cartodb_id) ?? 0) - area);
        expect(
          difference,
          `${z}/${x}/${y} ${cartodb_id}: ${areas.get(cartodb_id)} ${area}`,
        ).toBeLessThanOrEqual(around * 8 + 256); // half a pixel
      }
    }
  });

  test("neighbouring tiles have the same vertices where both show a polygon", async () => {
    const sql = `SELECT i AS cartodb_id, ST_Buffer(ST_SetSRID(ST_MakePoint(sin(i) * 4e5, i * 3.1e4), 3857), 2.5e5, 5) AS g FROM generate_series(-30, 30) AS i`;
    const bufferPx = 24;
    const config = { buffersize: { mvt: bufferPx } };
    const layer = { sql, geom_column: "g", ...DETAIL };
    // of corners on the border of the buffer nobody knows whether they are any
    const reach = bufferPx * 4 - 1;
    const cornersOf = async (x: number, at: number) => {
      const { features } = await tileOf([5, x, 15], layer, config);
      return features.map(
        ({ properties, parts }) =>
          [
            properties.cartodb_id,
            parts
              .flat()
              .filter(([px, py]) => Math.abs(px - at) < reach && py > -reach && py < 1024 + reach)
              .map(([px, py]) => `${px - at} ${py}`)
              .sort(),
          ] as const,
      );
    };
    const west = new Map(await cornersOf(15, 1024));
    const east = new Map((await cornersOf(16, 0)).filter(([, corners]) => corners.length > 0));
    expect(east.size).toBeGreaterThan(20);
    for (const [id, corners] of east) expect([id, west.get(id)]).toEqual([id, corners]);
  });

  test("borders stay shared if the grid is the only generalization", async () => {
    const sql = `SELECT i, ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[
      ST_MakePoint(i * 1e5, 0), ST_MakePoint(i * 1e5 + 7e4, 5e5), ST_MakePoint(i * 1e5 + 3e4, 1e6), ST_MakePoint((i + 1) * 1e5 + 3e4, 1e6),
      ST_MakePoint((i + 1) * 1e5 + 7e4, 5e5), ST_MakePoint((i + 1) * 1e5, 0), ST_MakePoint(i * 1e5, 0)])), 3857) AS g FROM generate_series(0, 9) AS i`;
    const { features } = await tileOf([1, 1, 0], { sql, geom_column: "g", vector_extent: 1024 });
    const all = features.reduce((sum, feature) => sum + areaOf(feature), 0);
    const unit = 20037508.342789244 / 1024;
    expect(features).toHaveLength(10);
    const [width, height] = [Math.round(1e6 / unit), Math.round(1e6 / unit)];
    expect(Math.abs(all - width * height)).toBeLessThan(height); // no slivers, no overlaps: only the outline is rounded
  });
});

/** Above the number of rows at which tiles are thinned, but small enough for the time limit of a tile on a busy machine. */
const LARGE = 250_000;

describe("large tables", () => {
  beforeAll(async () => {
    await server.sql(`
      CREATE TABLE large AS SELECT i AS cartodb_id, 'kind ' || i % 7 AS kind, i % 100 AS n,
        ST_SetSRID(ST_MakePoint((((i::int8 * 7919) % 1000003) / 1000003.0 - 0.5) * 4e7, (((i::int8 * 104729) % 999983) / 999983.0 - 0.5) * (i % 10) * 4e6), 3857)::geometry(Point, 3857) AS the_geom_webmercator
      FROM generate_series(1, ${LARGE}) AS i`);
  });

  const CELL = `floor(ST_X(the_geom_webmercator) / (40075016.685578488 / 256))`;
  const ROW = `floor(ST_Y(the_geom_webmercator) / (40075016.685578488 / 256))`;

  test("a small tile paints every pixel that the points of a large table paint", async () => {
    const { bytes, features } = await tileOf([0, 0, 0], {
      sql: "SELECT cartodb_id, the_geom_webmercator FROM large",
    });
    const { rows } = await server.sql(
      `SELECT ${CELL} AS x, ${ROW} AS y, min(cartodb_id) AS id, count(*) AS n FROM large GROUP BY 1, 2`,
    );
    const painted = new Map<string, DecodedFeature>();
    for (const feature of features) {
      const [x, y] = feature.parts[0]![0]!;
      if (x < 0 || x > 4096 || y < 0 || y > 4096) continue;
      painted.set(String(feature.properties.cartodb_id), feature);
    }
    expect(rows.length).toBeGreaterThan(20_000);
    let total = 0;
    for (const { x, y, id, n } of rows as Record<string, number>[]) {
      const feature = painted.get(String(id));
      expect(feature, `cell ${x}, ${y}`).toBeDefined();
      expect(feature!.properties._cdb_feature_count).toBe(n);
      const [ux, uy] = feature!.parts[0]![0]!;
      expect(Math.abs(ux / 16 - 128 - x! - 0.5)).toBeLessThanOrEqual(0.54);
      expect(Math.abs(128 - uy / 16 - y! - 0.5)).toBeLessThanOrEqual(0.54);
      total += n!;
    }
    expect(total).toBe(LARGE);
    expect(bytes.length).toBeLessThan(2_500_000);
  });

  test("aggregates by columns, or not at all on request", async () => {
    const aggregation = {
      placement: "centroid",
      columns: { total: { aggregate_function: "sum", aggregated_column: "n" } },
      dimensions: { kind: "kind" },
      resolution: 32,
      filters: { kind: [{ in: ["kind 1", "kind 2' OR true --"] }] },
    };
    const { features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT * FROM large", aggregation },
      { buffersize: { mvt: 0 } },
    );
    const sum = features.reduce((all, { properties }) => all + Number(properties.total), 0);
    const { rows } = await server.sql("SELECT sum(n) AS n FROM large WHERE kind = 'kind 1'");
    expect([sum, new Set(features.map(({ properties }) => properties.kind))]).toEqual([
      rows[0]!.n,
      new Set(["kind 1"]),
    ]);
    const sql = "SELECT * FROM large WHERE cartodb_id <= 300";
    const all = await tileOf([0, 0, 0], { sql, aggregation: false }, { buffersize: { mvt: 0 } });
    expect(all.features).toHaveLength(300);
  });

  test("thins rows without cartodb_id, too", async () => {
    const { features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT kind, the_geom_webmercator FROM large" },
      { buffersize: { mvt: 0 } },
    );
    const { rows } = await server.sql(
      `SELECT count(*) AS n FROM (SELECT FROM large GROUP BY ${CELL}, ${ROW}) AS cells`,
    );
    expect(features).toHaveLength(Number(rows[0]!.n));
  });

  test("rows are in the order of cartodb_id in each tile, thinned or not", async () => {
    for (const aggregation of [false, { threshold: 1 }]) {
      const { features } = await tileOf([3, 4, 3], {
        sql: "SELECT * FROM large WHERE cartodb_id % 10 = 0",
        aggregation,
      });
      const ids = features.map(({ properties }) => Number(properties.cartodb_id));
      expect(ids.length).toBeGreaterThan(100);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  });

  test("thins rows with duplicate or missing cartodb_id by position alone", async () => {
    for (const id of ["7", "NULL::int", "nullif(i % 3, 0)"]) {
      const sql = `SELECT ${id} AS cartodb_id, ST_SetSRID(ST_MakePoint((i % 40) * 1e5 + (i % 3), (i / 400) * 1e5), 3857) AS the_geom_webmercator FROM generate_series(0, 7999) AS i`;
      const { features } = await tileOf(
        [2, 2, 1],
        { sql, aggregation: { threshold: 1 } },
        { buffersize: { mvt: 0 } },
      );
      const { rows } = await server.sql(
        `SELECT count(DISTINCT floor(ST_X(g) / p)::text || ' ' || floor(ST_Y(g) / p)) AS n FROM (SELECT the_geom_webmercator AS g, 40075016.685578488 / 1024 AS p FROM (${sql}) AS t) AS t`,
      );
      const places = new Set(
        features.map(({ parts }) => String(parts[0]![0]!.map((unit) => Math.floor(unit / 16)))),
      );
      expect(rows[0]!.n).toBeGreaterThan(500);
      expect(places.size, id).toBe(rows[0]!.n);
      expect(features.length).toBeLessThanOrEqual(8000);
    }
  });

  test("a mesh of polygons smaller than a pixel covers the same area", async () => {
    await server.sql(`CREATE TABLE mesh AS SELECT x * 1000 + y AS cartodb_id, ST_MakeEnvelope(x * 1.2e5, y * 1.1e5, (x + 1) * 1.2e5, (y + 1) * 1.1e5, 3857) AS the_geom_webmercator
      FROM generate_series(0, 149) AS x, generate_series(0, 149) AS y; ANALYZE mesh`);
    const aggregation = { threshold: 1000 };
    const { bytes, features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT * FROM mesh", aggregation },
      { buffersize: { mvt: 0 } },
    );
    const unit = 40075016.685578488 / 4096;
    const covered = features.reduce((sum, feature) => sum + areaOf(feature), 0);
    const whole = ((150 * 1.2e5) / unit) * ((150 * 1.1e5) / unit);
    expect(Math.abs(covered - whole) / whole).toBeLessThan(0.02); // a pixel around it
    expect(features.length).toBeLessThan(150 * 150);
    expect(bytes.length).toBeLessThan(600_000);
  });
});
