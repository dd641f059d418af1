import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Decimal,
  Field,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampNanosecond,
  tableFromArrays,
  tableToIPC,
} from "apache-arrow";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { importer } from "../../support/imports";
import { startTestServer, type TestServer } from "../../support/server";

let server: TestServer;
let imports: ReturnType<typeof importer>;
beforeAll(async () => {
  server = await startTestServer();
  imports = importer(server);
});
afterAll(() => server.close());
afterEach(async () => {
  expect(await imports.leftovers()).toEqual([]);
  expect(await imports.workDirs()).toEqual([]);
});

type Columns = Omit<ColumnSource, "name">;
type Options = Omit<Parameters<typeof parquetWriteBuffer>[0], "columnData">;
const parquet = (columns: Record<string, Columns>, options: Options = {}) =>
  Buffer.from(
    parquetWriteBuffer({
      ...options,
      columnData: Object.entries(columns).map(([name, column]) => ({ ...column, name })),
    }),
  );
const geo = (column: object) => [
  { key: "geo", value: JSON.stringify({ version: "1.1.0", primary_column: "g", columns: { g: column } }) },
];

/** Imports a file and returns the texts of the values of its first rows. */
async function rowsOf(name: string, bytes: Uint8Array, columns: string): Promise<Record<string, unknown>[]> {
  const { table_name, get_error_text } = await imports.file(name, bytes, { collision_strategy: "overwrite" });
  expect(get_error_text).toBeNull();
  return (await server.sql(`SELECT ${columns} FROM ${table_name} ORDER BY cartodb_id`)).rows;
}

const failureOf = async (name: string, bytes: Uint8Array) => {
  const { success, error_code, get_error_text } = await imports.file(name, bytes);
  expect(success).toBe(false);
  return { code: error_code, text: get_error_text?.what_about };
};

describe("Parquet", () => {
  test("types and digits are exact", async () => {
    const fixed = { type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, repetition_type: "OPTIONAL" } as const;
    const int64 = { type: "INT64", repetition_type: "OPTIONAL" } as const;
    const micros = { isAdjustedToUTC: false, unit: "MICROS" } as const;
    const names = ["big", "huge", "dec", "ts", "tz", "tod", "day"];
    const schema = [
      { name: "root", num_children: names.length },
      { name: "big", ...int64 },
      { name: "huge", ...int64, converted_type: "UINT_64" as const },
      { name: "dec", ...fixed, converted_type: "DECIMAL" as const, scale: 2, precision: 38 },
      { name: "ts", ...int64, logical_type: { type: "TIMESTAMP" as const, ...micros } },
      {
        name: "tz",
        ...int64,
        logical_type: { type: "TIMESTAMP" as const, ...micros, isAdjustedToUTC: true },
      },
      { name: "tod", ...int64, logical_type: { type: "TIME" as const, ...micros } },
      {
        name: "day",
        type: "INT32" as const,
        repetition_type: "OPTIONAL" as const,
        converted_type: "DATE" as const,
      },
    ];
    const bytes = parquet(
      {
        big: { data: [9007199254740993n, null] },
        huge: { data: [2n ** 64n - 1n, null] },
        dec: { data: [-1234567890123456789012n, null] },
        ts: { data: [-1n, null] },
        tz: { data: [1583000000123456n, null] },
        tod: { data: [86_399_999_999n, null] },
        day: { data: [-719162, null] },
      },
      { schema },
    );
    const texts = names.map((name) => `${name}::text`).join(", ");
    expect(await rowsOf("exact.parquet", bytes, texts)).toEqual([
      {
        big: "9007199254740993",
        huge: "18446744073709551615",
        dec: "-12345678901234567890.12",
        ts: "1969-12-31 23:59:59.999999",
        tz: "2020-02-29 18:13:20.123456+00",
        tod: "23:59:59.999999",
        day: "0001-01-01",
      },
      Object.fromEntries(names.map((name) => [name, null])),
    ]);
    expect(await imports.columns("exact")).toEqual({
      big: "bigint",
      huge: "numeric",
      dec: "numeric",
      ts: "timestamp without time zone",
      tz: "timestamp with time zone",
      tod: "time without time zone",
      day: "date",
    });
  });

  test("texts, bytes, booleans, numbers and JSON", async () => {
    const bytes = parquet({
      s: { data: ["", "a\tb\\c\n日本", null], type: "STRING" },
      b: { data: [true, false, null], type: "BOOLEAN" },
      f: { data: [0.1, Number.NaN, null], type: "DOUBLE" },
      raw: { data: [Uint8Array.of(0, 255), new Uint8Array(), null], type: "BYTE_ARRAY" },
      j: { data: [{ a: [1, null] }, [], null], type: "JSON" },
    });
    expect(await rowsOf("plain.parquet", bytes, "s, b, f::text, raw::text, j::text")).toEqual([
      { s: "", b: true, f: "0.1", raw: "\\x00ff", j: '{"a": [1, null]}' },
      { s: "a\tb\\c\n日本", b: false, f: "NaN", raw: "\\x", j: "[]" },
      { s: null, b: null, f: null, raw: null, j: null },
    ]);
  });

  test("lists, structs and maps become JSON with exact integers", async () => {
    const optional = { repetition_type: "OPTIONAL" } as const;
    const schema = [
      { name: "root", num_children: 2 },
      { name: "l", ...optional, converted_type: "LIST" as const, num_children: 1 },
      { name: "list", repetition_type: "REPEATED" as const, num_children: 1 },
      { name: "element", ...optional, type: "INT64" as const },
      { name: "st", ...optional, num_children: 2 },
      { name: "a", ...optional, type: "INT64" as const },
      { name: "b", ...optional, type: "BYTE_ARRAY" as const, converted_type: "UTF8" as const },
    ];
    const bytes = parquet(
      {
        l: { data: [[9007199254740993n, null], [], null] },
        st: { data: [{ a: 9007199254740993n, b: 'q"' }, { a: null, b: null }, null] },
      },
      { schema },
    );
    expect(await rowsOf("nested.parquet", bytes, "l::text, st::text")).toEqual([
      { l: "[9007199254740993, null]", st: '{"a": 9007199254740993, "b": "q\\""}' },
      { l: "[]", st: '{"a": null, "b": null}' },
      { l: null, st: null },
    ]);
  });

  const wkb = (hex: string) => Buffer.from(hex, "hex");
  const POINT = "0101000000000000000000f03f0000000000000040"; // 1 2
  const OPEN_RING =
    "01030000000100000003000000000000000000000000000000000000000000000000000000000000000000f03f000000000000f03f000000000000f03f";

  test("a geometry that cannot be used costs its row only, and is counted", async () => {
    const bytes = parquet(
      { g: { data: [wkb(POINT), wkb(OPEN_RING), wkb("0101"), null], type: "BYTE_ARRAY" } },
      { kvMetadata: geo({ encoding: "WKB", geometry_types: [] }) },
    );
    const answer = await imports.file("rings.parquet", bytes);
    expect(answer).toMatchObject({
      success: true,
      warnings: { unusable_geometries: 2 },
      tables: [{ unread: [{ column: "the_geom", count: 2, row: 2 }] }],
    });
    const { rows } = await server.sql("SELECT ST_AsText(the_geom) AS t FROM rings ORDER BY cartodb_id");
    expect(rows.map(({ t }) => t)).toEqual(["POINT(1 2)", null, null, null]);
  });

  test.each([
    ["no crs member: longitude and latitude", {}, "POINT(1 2)"],
    ["an unknown system: degrees by their numbers", { crs: null }, "POINT(1 2)"],
    [
      "PROJJSON with a code",
      { crs: { type: "ProjectedCRS", id: { authority: "EPSG", code: 3857 } } },
      "POINT(0.000009 0.000018)",
    ],
  ])("%s", async (_, column, expected) => {
    const bytes = parquet(
      { g: { data: [wkb(POINT)], type: "BYTE_ARRAY" } },
      { kvMetadata: geo({ encoding: "WKB", geometry_types: [], ...column }) },
    );
    expect(await rowsOf("crs.parquet", bytes, "ST_AsText(the_geom, 6) AS t")).toEqual([{ t: expected }]);
  });

  test("metres in an unknown system are refused", async () => {
    const metres = Buffer.alloc(21);
    metres.write("0101000000", "hex");
    metres.writeDoubleLE(530_000, 5);
    metres.writeDoubleLE(180_000, 13);
    const kvMetadata = geo({ encoding: "WKB", geometry_types: [], crs: null });
    const failure = await failureOf(
      "metres.parquet",
      parquet({ g: { data: [metres], type: "BYTE_ARRAY" } }, { kvMetadata }),
    );
    expect(failure).toMatchObject({ code: 3008, text: expect.stringContaining("British National Grid") });
  });

  test("the content tells the format, and a damaged file fails", async () => {
    const bytes = parquet({ a: { data: [1, 2], type: "INT32" } });
    expect(await rowsOf("unnamed.bin", bytes, "a")).toEqual([{ a: 1 }, { a: 2 }]);
    for (const [name, damaged] of [
      ["cut.parquet", bytes.subarray(0, bytes.length - 9)],
      ["text.parquet", Buffer.from("a,b\n1,2\n")],
      ["cut.arrow", Buffer.from("ARROW1\0\0")],
    ] as const) {
      const { code, text } = await failureOf(name, damaged);
      expect(code, name).toBe(2001);
      expect(text).toContain(`${name} cannot be read`);
    }
    expect(await failureOf("old.feather", Buffer.from("FEA1...."))).toMatchObject({
      text: expect.stringContaining("Feather file of version 1"),
    });
    const empty = parquet({ a: { data: [], type: "INT32" } });
    expect(await failureOf("empty.parquet", empty)).toMatchObject({ code: 1005 });
  });
});

test("the options of imports", async () => {
  const bytes = await readFile(join(__dirname, "columnar", "bng-zstd.parquet"));
  const chosen = { srid: "4326", limit: "1", columns: '["n"]', collision_strategy: "overwrite" };
  expect(
    await imports.file("bng-zstd.parquet", bytes, { limit: "1", collision_strategy: "overwrite" }),
  ).toMatchObject({
    tables: [{ rows: 1, crs: { srid: 27700, is_assumed: false }, unread: [] }],
  });
  expect(
    await imports.file("bng-zstd.parquet", bytes, { where: "name IS NULL", collision_strategy: "overwrite" }),
  ).toMatchObject({
    tables: [{ rows: 1 }],
  });
  const numbers = parquet({
    n: { data: [1, 2, 3], type: "INT32" },
    other: { data: ["a", "b", "c"], type: "STRING" },
  });
  expect(await imports.file("numbers.parquet", numbers, chosen)).toMatchObject({
    tables: [{ rows: 1, crs: null }],
  });
  expect(await imports.columns("numbers")).toEqual({ n: "integer" });
  const failed = await imports.file("numbers.parquet", numbers, { encoding: "latin1" });
  expect(failed).toMatchObject({ error_code: 1502 });
});

test("srid replaces the coordinate system, and the layers are described without an import", async () => {
  const point = Buffer.alloc(21);
  point.write("0101000000", "hex");
  point.writeDoubleLE(530_000, 5);
  point.writeDoubleLE(180_000, 13);
  const kvMetadata = geo({ encoding: "WKB", geometry_types: ["Point"], crs: null });
  const bytes = parquet(
    { g: { data: [point], type: "BYTE_ARRAY" }, n: { data: [1], type: "INT32" } },
    { kvMetadata },
  );
  expect(await imports.file("grid.parquet", bytes, { srid: "27700" })).toMatchObject({
    tables: [{ rows: 1, crs: { srid: 27700 } }],
  });
  const { rows } = await server.sql("SELECT ST_AsText(the_geom, 4) AS t FROM grid");
  expect(rows).toEqual([{ t: "POINT(-0.1284 51.504)" }]);
  const answer = await server.ask("/api/v1/imports/layers?filename=grid.parquet", {
    method: "POST",
    body: bytes,
  });
  const layer = { name: "grid", file: "grid.parquet", geometry: "POINT", rows: 1, srid: 4326 };
  expect(await answer.json()).toMatchObject({
    layers: [{ ...layer, columns: [{ name: "n", type: "integer" }] }],
  });
});

test("files of GeoPandas: CRS, compression, encodings, boxes", async () => {
  const file = (name: string) => readFile(join(__dirname, "columnar", name));
  for (const name of ["bng-zstd.parquet", "bng-lz4.feather", "bng-zstd.feather"]) {
    const rows = await rowsOf(name, await file(name), "name, ST_AsText(the_geom, 5) AS t");
    expect(rows, name).toEqual([
      { name: "añ", t: "POINT(-0.12835 51.504)" },
      { name: null, t: null },
    ]);
  }
  expect(Object.keys(await imports.columns("bng_zstd"))).toEqual(["name"]);
  for (const name of ["native.parquet", "interleaved.feather", "separated.feather"]) {
    const rows = await rowsOf(name, await file(name), "n, ST_AsText(the_geom) AS t");
    expect(rows, name).toEqual([{ n: 1, t: "MULTIPOLYGON(((0 0,4 0,4 4,0 0),(2 1,3 1,3 2,2 1)))" }]);
  }
});

test("Arrow files and streams", async () => {
  const table = tableFromArrays({
    i: BigInt64Array.of(9007199254740993n, -1n),
    u: BigUint64Array.of(2n ** 64n - 1n, 0n),
    f: Float32Array.of(0.1, 2),
    s: ["añ", "b"],
  });
  for (const [kind, name] of [
    ["file", "a.arrow"],
    ["stream", "a.arrows"],
  ] as const) {
    const rows = await rowsOf(name, tableToIPC(table, kind), "i::text, u::text, f::text, s");
    expect(rows).toEqual([
      { i: "9007199254740993", u: "18446744073709551615", f: "0.1", s: "añ" },
      { i: "-1", u: "0", f: "2", s: "b" },
    ]);
  }
});

test("decimals and nanoseconds of Arrow", async () => {
  const fields = [
    new Field("d", new Decimal(2, 38, 128), true),
    new Field("t", new TimestampNanosecond(), true),
    new Field("i", new Int64(), true),
  ];
  const children = [
    makeData({
      type: fields[0]!.type as Decimal,
      length: 1,
      data: Uint32Array.of(0xffffff85, 0xffffffff, 0xffffffff, 0xffffffff),
    }),
    makeData({ type: fields[1]!.type as TimestampNanosecond, length: 1, data: BigInt64Array.of(-1n) }),
    makeData({ type: fields[2]!.type as Int64, length: 1, data: BigInt64Array.of(1n) }),
  ];
  const schema = new Schema(fields);
  const batch = new RecordBatch(schema, makeData({ type: new Struct(fields), length: 1, children }));
  const bytes = tableToIPC(new Table([batch]), "file");
  expect(await rowsOf("fine.feather", bytes, "d::text, t::text")).toEqual([
    { d: "-1.23", t: "1969-12-31 23:59:59.999999" },
  ]);
});
