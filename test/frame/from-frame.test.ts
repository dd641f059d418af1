import type { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { Geometry } from "wkx";
import {
  columnsFromFrame,
  createTableColumns,
  type FromFrameOptions,
  frameFromColumns,
  loadDanfo,
  type ValuesColumn,
} from "../../src/frame";

const POINT = "0101000020E6100000000000000000F03F0000000000000040";

/** A frame of these columns, every one with dtype "string" unless said otherwise. */
async function frameOf(
  data: Record<string, unknown[]>,
  dtypes: Record<string, string> = {},
): Promise<DataFrame> {
  const { DataFrame } = await loadDanfo();
  const names = Object.keys(data);
  const rows = (data[names[0]!] ?? []).map((_, row) => names.map((name) => data[name]![row]));
  return new DataFrame(rows, { columns: names, dtypes: names.map((name) => dtypes[name] ?? "string") });
}

async function written(
  data: Record<string, unknown[]>,
  options?: FromFrameOptions,
  dtypes?: Record<string, string>,
) {
  const result = await columnsFromFrame(await frameOf(data, dtypes), options);
  const columns = result.columns.map((column) => ({
    ...column,
    values: Array.from((column as Partial<ValuesColumn>).values ?? []),
  }));
  return { ...result, columns };
}

const message = async (...args: Parameters<typeof written>) =>
  written(...args).then(
    () => "no error",
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe("types come from the values", () => {
  test.each<[string, unknown[], string, unknown[]?]>([
    ["integers", [1, -5, null], "int4"],
    ["integers beyond 32 bits", [1, 1e12], "int8"],
    ["integers beyond 2⁵³", [1, 1e20], "float8"],
    ["fractions", [1, 0.5, Number.NaN], "float8"],
    ["infinity", [Number.POSITIVE_INFINITY, 1], "float8"],
    ["booleans", [true, null, false], "bool"],
    ["texts", ["a", "", null, undefined, Number.NaN], "text"],
    ["bigints", [1n, 2n ** 62n, 5], "int8"],
    [
      "bigints beyond 64 bits",
      [2n ** 70n, 1.5e-7, 1e21, Number.NaN],
      "numeric",
      ["1180591620717411303424", "0.00000015", "1000000000000000000000", null],
    ],
    ["dates", [new Date(5), null], "timestamptz", [5, Number.NaN]],
    ["objects", [{ a: 1 }, null], "jsonb", ['{"a":1}', null]],
    ["arrays among scalars", [[1], "x", 2, true], "jsonb", ["[1]", '"x"', "2", "true"]],
    ["bytes", [Uint8Array.of(1)], "bytea"],
    ["numbers and text", [1, "a", true], "text", ["1", "a", "true"]],
    ["dates and texts", [new Date(0), "x"], "text", ["1970-01-01T00:00:00.000Z", "x"]],
    ["hexadecimal EWKB", [POINT, null], "geometry"],
    ["hexadecimal text that is not EWKB", ["0101", "deadbeef"], "text"],
    ["codes that all begin with 0", ["007", "02134", null], "text"],
    ["text with leading zeros", ["0 to 5 km", "0"], "text"],
    ["half a byte too much for EWKB", [`${POINT}0`], "text"],
  ])("%s", async (_, values, pgtype, expected = values) => {
    const { columns } = await written({ v: values });
    expect(columns[0]).toMatchObject({ pgtype, values: expected });
  });

  test("dtype decides only without values, and for ISO text in a datetime column", async () => {
    const dtypes = { i: "int32", f: "float32", b: "boolean", t: "datetime", s: "string" };
    const none = Object.fromEntries(Object.keys(dtypes).map((name) => [name, [null, undefined]]));
    const { columns } = await written(none, {}, dtypes);
    expect(columns.map(({ pgtype }) => pgtype)).toEqual(["int4", "float8", "bool", "timestamptz", "text"]);
    const iso = [
      "2017-03-04T10:11:12.5Z",
      "2017-03-04 10:11:12",
      "2017-03-04",
      "2017-03-04 10:11:12+02",
      null,
      new Date(7),
    ];
    const times = await written({ t: iso }, {}, { t: "datetime" });
    expect(times.columns[0]).toMatchObject({
      pgtype: "timestamptz",
      values: [1488622272500, 1488622272000, 1488585600000, 1488615072000, Number.NaN, 7],
    });
    expect((await written({ t: iso.slice(0, 3) })).columns[0]!.pgtype).toBe("text");
  });

  test("reports every change", async () => {
    const { warnings } = await written({
      m: [1, "a", null],
      d: [new Date(Number.NaN), new Date(0), new Date(1)],
    });
    expect(warnings).toMatchInlineSnapshot(`
      [
        "Column "m" mixes numbers (1) and texts (1) and was written as text.",
        "1 invalid dates in column "d" were written as NULL.",
      ]
    `);
  });

  test("rejects values that cannot be stored, with column and row", async () => {
    expect([
      await message({ s: ["ok", "a\0b"] }),
      await message({ s: ["ok", "\ud800"] }),
      await message({ o: [{}, { a: "\0" }] }),
      await message({ o: [{ a: "\\u0000 in letters" }] }),
      await message({ o: [{ a: 1n }] }),
      await message({ f: ["ok", () => 1] }),
      await message({ t: [new Date(-3e14)] }),
      await message({ t: ["tomorrow"] }, {}, { t: "datetime" }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidArgumentError: Column "s", row 1 (counted from 0) holds U+0000. PostgreSQL's texts cannot contain it; remove it.",
        "InvalidArgumentError: Column "s", row 1 (counted from 0) holds a lone surrogate. PostgreSQL's texts cannot contain it; remove it.",
        "InvalidArgumentError: Column "o", row 1 (counted from 0) holds U+0000 or a lone surrogate. PostgreSQL's JSON cannot contain it; remove it.",
        "no error",
        "InvalidArgumentError: Column "o", row 0 (counted from 0) holds an object that is not JSON. Do not know how to serialize a BigInt",
        "InvalidArgumentError: Column "f", row 1 (counted from 0) holds a function. Leave the column out, or make it text or numbers.",
        "InvalidArgumentError: Column "t", row 0 (counted from 0) holds -007537-05-18T18:40:00.000Z. PostgreSQL's dates begin in 4713 BC; set it to null or write the column as text.",
        "InvalidArgumentError: Column "t", row 0 (counted from 0) holds "tomorrow". The column has dtype "datetime" and so needs Date objects or ISO 8601 texts.",
      ]
    `);
  });
});

describe("names", () => {
  test("get CARTO's form, and every change is reported", async () => {
    const { columns, renamed, warnings } = await written({
      "Año (2017)": [1],
      ano_2017: [2],
      the_geom_webmercator: [POINT],
      ok: [3],
    });
    expect(columns.map(({ name }) => name)).toEqual(["ano_2017", "ano_2017_1", "ok"]);
    expect(renamed).toEqual([
      { from: "Año (2017)", to: "ano_2017" },
      { from: "ano_2017", to: "ano_2017_1" },
    ]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "Column "the_geom_webmercator" is left out: the database makes the_geom_webmercator from the_geom.",
      ]
    `);
  });

  test("writes an index other than 0…n−1 as a column", async () => {
    const frame = await frameOf({ v: [1, 2, 3], index: [7, 8, 9] });
    const filtered = frame.query(frame.column("v").gt(1));
    const { columns, rowCount } = await columnsFromFrame(filtered);
    expect(rowCount).toBe(2);
    expect(columns.map(({ name }) => name)).toEqual(["index_1", "v", "index"]);
    expect((columns[0] as ValuesColumn).values).toEqual([1, 2]);
    const labelled = (await frameOf({ v: [1, 2] })).setIndex({ index: ["a", "b"] }) as DataFrame;
    expect((await columnsFromFrame(labelled)).columns[0]).toMatchObject({
      name: "index",
      pgtype: "text",
      values: ["a", "b"],
    });
  });

  test("keeps cartodb_id if it can be a key", async () => {
    const { columns } = await written({ cartodb_id: [3, 1], v: [1, 2] });
    expect(columns[0]).toMatchObject({ name: "cartodb_id", pgtype: "int8" });
    expect((await written({ cartodb_id: [] }, {}, { cartodb_id: "int32" })).columns[0]!.pgtype).toBe("int8");
    expect([
      await message({ cartodb_id: [1, 2, 1] }),
      await message({ cartodb_id: [1, null] }),
      await message({ cartodb_id: [1.5] }),
      await message({ cartodb_id: ["1"] }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidArgumentError: Column "cartodb_id", row 2 (counted from 0) holds 1, as row 0 does. cartodb_id is the primary key and must hold unique integers. Drop or rename the column.",
        "InvalidArgumentError: Column "cartodb_id", row 1 (counted from 0) holds null. cartodb_id is the primary key and must hold unique integers. Drop or rename the column.",
        "InvalidArgumentError: Column "cartodb_id", row 0 (counted from 0) holds 1.5. cartodb_id is the primary key and must hold unique integers. Drop or rename the column.",
        "InvalidArgumentError: Column "cartodb_id", row 0 (counted from 0) holds "1". cartodb_id is the primary key and must hold unique integers. Drop or rename the column.",
      ]
    `);
  });
});

test("writes a column assigned from a Series", async () => {
  const { Series } = await loadDanfo();
  const frame = await frameOf({ v: [1, 2] }, { v: "int32" });
  (frame as unknown as { v: unknown }).v = new Series(["x", "y"]);
  expect((await columnsFromFrame(frame)).columns[0]).toMatchObject({ pgtype: "text", values: ["x", "y"] });
});

describe("lnglat", () => {
  test("makes points, longitude first, and keeps the columns", async () => {
    const frame = await frameOf({ lng: [-3.7, null, "2.5"], lat: [40.4, 1, 41] });
    const { columns, warnings } = await columnsFromFrame(frame, { lnglat: ["lng", "lat"] });
    expect(columns.map(({ name }) => name)).toEqual(["lng", "lat", "the_geom"]);
    expect(columns[2]).toEqual({
      name: "the_geom",
      pgtype: "geometry",
      srid: 4326,
      flat: true,
      lng: Float64Array.of(-3.7, Number.NaN, 2.5),
      lat: Float64Array.of(40.4, 1, 41),
    });
    expect(warnings).toEqual(['Column "lng" mixes numbers (1) and texts (1) and was written as text.']);
  });

  test("warns once about swapped columns, and replaces the_geom", async () => {
    const { columns, warnings } = await written(
      { x: [40, 41], y: [-103, 120], the_geom: [POINT, POINT] },
      { lnglat: ["x", "y"] },
    );
    expect(columns.map(({ name }) => name)).toEqual(["x", "y", "the_geom"]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "Column "the_geom" is left out, because the_geom is made from lnglat.",
        "2 of 2 points lie outside longitude ±180 or latitude ±90. lnglat is [longitude, latitude]: are "x" and "y" swapped?",
      ]
    `);
  });

  test("its errors", async () => {
    expect([
      await message({ lng: [1], lat: [2] }, { lnglat: ["lon", "lat"] }),
      await message({ lng: [1, "east"], lat: [2, 2] }, { lnglat: ["lng", "lat"] }),
      await message({ lng: [1], lat: [Number.POSITIVE_INFINITY] }, { lnglat: ["lng", "lat"] }),
      await message({ lng: [1], lat: [2] }, { lnglat: ["lng", "lat"], encodeGeom: true }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidArgumentError: lnglat names "lon", but the frame has "lng", "lat".",
        "InvalidArgumentError: Column "lng", row 1 (counted from 0) holds "east". lnglat needs degrees as numbers, or null for a row without a position.",
        "InvalidArgumentError: Column "lat", row 0 (counted from 0) holds Infinity. lnglat needs degrees as numbers, or null for a row without a position.",
        "InvalidArgumentError: Pass lnglat or encodeGeom, not both: each makes the_geom.",
      ]
    `);
  });
});

describe("geometry", () => {
  const wkx = Geometry.parse("SRID=4326;POINT(1 2)");

  test("writes the_geom as it was read", async () => {
    const { columns } = await written({ the_geom: [POINT, null], name: ["a", "b"] });
    expect(columns).toMatchObject([
      { name: "name", pgtype: "text" },
      { name: "the_geom", pgtype: "geometry", srid: 4326, flat: true, values: [POINT, null] },
    ]);
  });

  test("writes geometry read with decodeGeom once, from the decoded column with encodeGeom", async () => {
    const read = await frameFromColumns(
      {
        rowCount: 1,
        warnings: [],
        columns: [{ name: "the_geom", pgtype: "geometry", kind: "geometry", values: [POINT] }],
      },
      { decodeGeom: true },
    );
    const plain = await columnsFromFrame(read);
    expect(plain.columns).toMatchObject([{ name: "the_geom", values: [POINT] }]);
    const { columns } = await columnsFromFrame(read, { encodeGeom: true });
    expect(columns).toHaveLength(1);
    expect(Buffer.from((columns[0] as ValuesColumn).values[0] as Uint8Array).toString("hex")).toBe(
      POINT.toLowerCase(),
    );
  });

  test("writes a column of wkx geometries as the_geom if there is no other", async () => {
    const { columns, renamed } = await written({ shape: [wkx, null], n: [1, 2] });
    expect(columns.map(({ name, pgtype }) => [name, pgtype])).toEqual([
      ["n", "int4"],
      ["the_geom", "geometry"],
    ]);
    expect(renamed).toEqual([]);
  });

  test("other geometry columns keep their names, with any SRIDs", async () => {
    const other = "SRID=3857;POINT(1 2)";
    const { columns } = await written({ the_geom: [POINT, POINT], area: [wkx, Geometry.parse(other)] });
    expect(columns[0]).toMatchObject({ name: "area", pgtype: "geometry", flat: true });
    expect(columns[0]).not.toHaveProperty("srid");
    expect(createTableColumns(columns)).toBe('"area" geometry, "the_geom" geometry(Geometry,4326)');
  });

  test("writes the column named by geomCol once", async () => {
    const { columns } = await written(
      { wkt: ["POINT(1 2)", ""], n: [1, 2] },
      { encodeGeom: true, geomCol: "wkt" },
    );
    expect(columns.map(({ name }) => name)).toEqual(["n", "the_geom"]);
    expect((columns[1] as ValuesColumn).values[1]).toBeNull();
  });

  test("its errors", async () => {
    expect([
      await message({ a: [1], b: [2] }, { encodeGeom: true }),
      await message({ a: [1] }, { encodeGeom: true, geomCol: "b" }),
      await message({ geometry: ["POINT(1 2)", "here"] }, { encodeGeom: true }),
      await message({ geometry: [{ type: "Point", coordinates: ["1", 2] }] }, { encodeGeom: true }),
      await message({ geometry: [42] }, { encodeGeom: true }),
      await message({ geometry: ["SRID=25830;POINT(1 2)", "POINT(1 2)"] }, { encodeGeom: true }),
      await message({ the_geom: ["not one"] }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidArgumentError: encodeGeom needs a column "geometry" or "the_geom"; the frame has "a", "b". Pass the name of the geometry column as geomCol.",
        "InvalidArgumentError: encodeGeom needs a column "b"; the frame has "a". Pass the name of the geometry column as geomCol.",
        "InvalidArgumentError: Column "geometry", row 1 (counted from 0): "here" is not a geometry (expected a geometry type in the WKT, found "here"). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.",
        "InvalidArgumentError: Column "geometry", row 0 (counted from 0): {"type":"Point","coordinates":["1",2]} is not a geometry (the coordinates of the Point hold "1"). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.",
        "InvalidArgumentError: Column "geometry", row 0 (counted from 0): 42 is not a geometry (found a number). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.",
        "InvalidArgumentError: Column "geometry", row 1 (counted from 0) has SRID 4326, but earlier rows have 25830. A geometry column needs one SRID. Write the rows of each SRID to a separate table.",
        "InvalidArgumentError: Column "the_geom", row 0 (counted from 0): "not one" is not a geometry (expected a geometry type in the WKT, found "not"). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.",
      ]
    `);
  });
});

test("column definitions", async () => {
  const { columns } = await written({
    'a"b': [1],
    big: [1e12],
    f: [0.5],
    ok: [true],
    s: ["x"],
    t: [new Date(0)],
    o: [{}],
    n: [2n ** 70n],
    the_geom: ["POINT Z (1 2 3)"],
  });
  expect(createTableColumns(columns)).toMatchInlineSnapshot(
    `""a_b" integer, "big" bigint, "f" double precision, "ok" boolean, "s" text, "t" timestamptz, "o" jsonb, "n" numeric, "the_geom" geometry"`,
  );
});

test("stops on abort", async () => {
  const frame = await frameOf({ v: [1] });
  await expect(
    columnsFromFrame(frame, { signal: AbortSignal.abort(new Error("interrupted")) }),
  ).rejects.toThrow("interrupted");
});
