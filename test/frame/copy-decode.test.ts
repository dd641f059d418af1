import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SqlError } from "../../src/errors";
import {
  type Column,
  type Columns,
  CopyFormatError,
  columnsFromRows,
  copySelect,
  decodeCopy,
  type Field,
  jsonSelect,
} from "../../src/frame";
import { copyOut, openPostgis } from "../support/pglite";

let pg: PGlite;
beforeAll(async () => {
  pg = await openPostgis();
});
afterAll(() => pg.close());

/** Plain values of a column, NULL as null. */
function plain(column: Column): unknown[] {
  return Array.from(column.values as ArrayLike<unknown>, (value, row) => {
    if (column.nulls?.[row] === 1) return null;
    return column.kind === "datetime" ? new Date(value as number).toISOString() : value;
  });
}

/** Reads `values`, a list of SQL expressions, as one column of the type. */
async function read(
  pgtype: string,
  values: string[],
  sqlType = pgtype,
): Promise<{ columns: Columns; values: unknown[] }> {
  const fields: Field[] = [{ name: "v", pgtype }];
  const rows = values.map((value, i) => `SELECT ${i} AS i, (${value})::${sqlType} AS v`).join(" UNION ALL ");
  const select = `SELECT ${copySelect(fields)} FROM (SELECT v FROM (${rows}) AS r ORDER BY i) AS _q`;
  const columns = await decodeCopy([await copyOut(pg, select)], fields);
  return { columns, values: plain(columns.columns[0]!) };
}

/** The same expressions as PostgreSQL writes them. */
async function texts(values: string[], sqlType: string): Promise<(string | null)[]> {
  const items = values.map((value) => `(${value})::${sqlType}::text`).join(", ");
  const { rows } = await pg.query<{ list: (string | null)[] }>(`SELECT ARRAY[${items}] AS list`);
  return rows[0]!.list;
}

describe("values of every type", () => {
  test.each([
    ["int2", ["-32768", "32767", "0", "NULL"]],
    ["int4", ["-2147483648", "2147483647", "0", "NULL"]],
    ["int8", ["-9007199254740991", "9007199254740991", "4294967296", "-4294967297", "-1", "NULL"]],
    ["float4", ["'1.5'", "'-3.25'", "'Infinity'", "'NaN'", "NULL"]],
    ["float8", ["'1.7976931348623157e308'", "'5e-324'", "'-Infinity'", "'NaN'", "0.1", "NULL"]],
    [
      "numeric",
      [
        "0",
        "1.10",
        "-0.001",
        "123456789012345",
        "1e22",
        "0.1",
        "99999.9999",
        "1e-10",
        "'NaN'",
        "'-Infinity'",
        "NULL",
      ],
    ],
  ])("%s", async (type, values) => {
    const { columns, values: got } = await read(type, values);
    const expected = await texts(values, type);
    expect(columns.columns[0]?.kind).toBe("number");
    expect(columns.warnings).toEqual([]);
    expect(got).toEqual(expected.map((text) => (text === null ? null : Number(text))));
  });

  test("bool and text distinguish NULL from false and empty", async () => {
    expect((await read("bool", ["true", "false", "NULL"])).values).toEqual([true, false, null]);
    const strings = ["''", "NULL", "'ünï 漢 🌳'", "E'a\\nb\"c'", "U&'\\FEFFbom'", `repeat('long ', 50)`];
    expect((await read("text", strings)).values).toEqual(await texts(strings, "text"));
    expect((await read("bpchar", ["'ab'"], "char(4)")).values).toEqual(["ab  "]);
    expect((await read("varchar", ["'ab'"], "varchar(4)")).values).toEqual(["ab"]);
    expect((await read("name", ["'pg_class'"])).values).toEqual(["pg_class"]);
    expect((await read("char", ["'x'", "'\\351'"], `"char"`)).values).toEqual(["x", "\\351"]);
  });

  test("times are truncated to milliseconds like date_trunc", async () => {
    const stamps = [
      "'2017-03-04 10:11:12.123999'",
      "'1969-12-31 23:59:59.999999'",
      "'1999-12-31 23:59:59.0005'",
      "'0001-01-01'",
      "'0044-03-15 12:00 BC'",
      "'275760-09-13'",
      "'1700-01-01 00:00:00.000001'",
      "'2299-01-01 00:00:00.999999'",
      "NULL",
    ];
    const cut = stamps.map((stamp) => `date_trunc('milliseconds', ${stamp}::timestamp)`);
    const expected = await texts(
      cut.map((value) => `extract(epoch FROM ${value}) * 1000`),
      "numeric",
    );
    for (const type of ["timestamp", "timestamptz"]) {
      const { columns } = await read(type, stamps);
      expect(columns.columns[0]?.kind).toBe("datetime");
      expect([...(columns.columns[0]!.values as Float64Array)]).toEqual(
        expected.map((ms) => (ms === null ? Number.NaN : Number(ms))),
      );
    }
    const { values } = await read("date", ["'2017-03-04'", "'0044-03-15 BC'", "'1999-12-31'", "NULL"]);
    expect(values).toEqual([
      "2017-03-04T00:00:00.000Z",
      "-000043-03-15T00:00:00.000Z",
      "1999-12-31T00:00:00.000Z",
      null,
    ]);
  });

  test("json and jsonb are parsed", async () => {
    const documents = [`'{"a":[1,null,"ü"]}'`, "'null'", `'"text"'`, "'1.5'", "NULL"];
    const expected = [{ a: [1, null, "ü"] }, null, "text", 1.5, null];
    expect((await read("jsonb", documents)).values).toEqual(expected);
    expect((await read("JSON", documents)).values).toEqual(expected);
  });

  test("arrays nest by dimension", async () => {
    expect(
      (await read("_int4", ["'{1,2,NULL}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'", "NULL"])).values,
    ).toEqual([
      [1, 2, null],
      [],
      [
        [1, 2],
        [3, 4],
      ],
      [7, 8],
      null,
    ]);
    expect((await read("_text", [`'{{{"a b",NULL}}}'`])).values).toEqual([[[["a b", null]]]]);
    expect((await read("_bool", ["'{t,f}'"])).values).toEqual([[true, false]]);
    expect((await read("_jsonb", [`ARRAY['{"a":1}'::jsonb]`])).values).toEqual([[{ a: 1 }]]);
    expect((await read("_timestamptz", ["'{2017-03-04 10:11:12.5+00}'"])).values).toEqual([
      [new Date("2017-03-04T10:11:12.5Z")],
    ]);
    expect((await read("_numeric", ["'{1.10,2}'"])).values).toEqual([[1.1, 2]]);
    expect((await read("_uuid", ["'{6fa459ea-ee8a-3ca4-894e-db77e160355e,NULL}'"], "uuid[]")).values).toEqual(
      [["6fa459ea-ee8a-3ca4-894e-db77e160355e", null]],
    );
  });

  test("geometry and geography are hexadecimal as in CARTO", async () => {
    const geometries = [
      "'SRID=4326;POINT(-3.7 40.4)'",
      "'POINT EMPTY'",
      "'SRID=4326;LINESTRING Z (0 0 1,1 1 2)'",
      "'SRID=3857;GEOMETRYCOLLECTION(POINT(1 2),MULTIPOLYGON(((0 0,1 0,1 1,0 0))))'",
      "'CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))'",
      "'TIN(((0 0,0 1,1 1,0 0)))'",
      "NULL",
    ];
    const { columns, values } = await read("geometry", geometries);
    expect(values).toEqual(await texts(geometries, "geometry"));
    expect(columns.columns[0]?.kind).toBe("geometry");
    expect((await read("geography", ["'POINT(1 2)'"])).values).toEqual(
      await texts(["'POINT(1 2)'"], "geography"),
    );
  });

  test("other types are text", async () => {
    await pg.exec("CREATE TYPE mood AS ENUM ('sad', 'ok')");
    expect((await read("unknown", ["'ok'", "NULL"], "mood")).values).toEqual(["ok", null]);
    expect((await read("uuid", ["'6fa459ea-ee8a-3ca4-894e-db77e160355e'"])).values).toEqual([
      "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    ]);
    for (const [type, value] of [
      ["interval", "'1 day 02:00'"],
      ["inet", "'10.0.0.1/8'"],
      ["money", "'12.5'"],
      ["int4range", "'[1,5)'"],
      ["time", "'10:11:12.5'"],
      ["timetz", "'10:11:12+02'"],
      ["xml", "'<a/>'"],
      ["oid", "42"],
      ["bit", "B'1'"],
    ] as const) {
      expect((await read(type, [value])).values, type).toEqual(await texts([value], type));
    }
    expect((await read("bytea", ["'\\x01ff'", "NULL"])).values).toEqual(["\\x01ff", null]);
  });
});

describe("values that JavaScript cannot represent become text, with one warning", () => {
  test("int8", async () => {
    const { columns, values } = await read("int8", [
      "1",
      "9223372036854775807",
      "NULL",
      "-9223372036854775808",
    ]);
    expect(values).toEqual(["1", "9223372036854775807", null, "-9223372036854775808"]);
    expect(columns.warnings).toMatchInlineSnapshot(`
      [
        "Column "v" (int8) holds integers beyond ±9007199254740991 and was read as text.",
      ]
    `);
  });

  test("numeric keeps its digits", async () => {
    const numbers = [
      "1.10",
      "NULL",
      "0.000",
      "-1e20",
      "123456789012345678901234567890.123",
      "'NaN'",
      "1e-30",
      "3e3",
    ];
    const { columns, values } = await read("numeric", numbers);
    expect(values).toEqual(await texts(numbers, "numeric"));
    expect(columns.warnings).toMatchInlineSnapshot(`
      [
        "Column "v" (numeric) holds values that are not exact as JavaScript numbers and was read as text.",
      ]
    `);
  });

  test.each([
    [
      "timestamp",
      [
        "'infinity'",
        "'-infinity'",
        "'2017-03-04 10:11:12.123456'",
        "'0044-03-15 12:00:00.1 BC'",
        "'294276-12-31 23:59:59.999999'",
        "NULL",
      ],
    ],
    ["timestamptz", ["'infinity'", "'2017-03-04 10:11:12+02'", "'0001-02-28 BC'", "NULL"]],
    [
      "date",
      [
        "'infinity'",
        "'-infinity'",
        "'5874897-12-31'",
        "'4713-01-01 BC'",
        "'2000-02-29'",
        "'1900-03-01'",
        "NULL",
      ],
    ],
  ])("%s", async (type, values) => {
    const { columns, values: got } = await read(type, values);
    expect(got).toEqual(await texts(values, type));
    expect(columns.warnings).toEqual([
      `Column "v" (${type}) holds infinity or dates beyond JavaScript's range and was read as text.`,
    ]);
  });

  test("arrays", async () => {
    const { columns, values } = await read("_int8", ["'{1,NULL}'", "'{{9223372036854775807}}'"]);
    expect(values).toEqual([["1", null], [["9223372036854775807"]]]);
    expect(columns.warnings).toMatchInlineSnapshot(`
      [
        "Column "v" (_int8) holds elements beyond JavaScript's numbers or dates and was read as text.",
      ]
    `);
    expect((await read("_numeric", ["'{1.10}'", "'{12345678901234567890}'"])).values).toEqual([
      ["1.10"],
      ["12345678901234567890"],
    ]);
  });
});

test("writes every day of a thousand years and distant centuries like PostgreSQL", async () => {
  const select = `SELECT d, d::text AS t FROM (
    SELECT generate_series('1600-01-01'::date, '2400-01-01'::date, '1 day')::date AS d
    UNION ALL SELECT (make_date(1, 1, 1) + n * 36524) FROM generate_series(-47, 58000) AS n
    UNION ALL SELECT 'infinity') AS s`;
  const fields = [
    { name: "d", pgtype: "date" },
    { name: "t", pgtype: "text" },
  ];
  const { columns } = await decodeCopy([await copyOut(pg, select)], fields);
  expect(columns[0]!.values).toEqual(columns[1]!.values);
});

test("a result without rows, without columns, and with 200 columns", async () => {
  const fields = [{ name: "a", pgtype: "int4" }];
  expect(await decodeCopy([await copyOut(pg, "SELECT 1 AS a WHERE false")], fields)).toMatchObject({
    rowCount: 0,
  });
  expect(await decodeCopy([await copyOut(pg, "SELECT FROM generate_series(1, 3)")], [])).toEqual({
    rowCount: 3,
    columns: [],
    warnings: [],
  });
  const many = Array.from({ length: 200 }, (_, i) => ({ name: `c${i}`, pgtype: "int4" }));
  const list = many.map(({ name }, i) => `n + ${i} AS ${name}`).join(", ");
  const wide = await decodeCopy(
    [await copyOut(pg, `SELECT ${list} FROM generate_series(1, 500) AS n`)],
    many,
  );
  expect(wide.rowCount).toBe(500);
  expect(wide.columns[199]!.values[499]).toBe(699);
});

test("quotes column names in the select list", () => {
  expect(
    copySelect([
      { name: 'a"b', pgtype: "int4" },
      { name: "u", pgtype: "uuid" },
      { name: "b", pgtype: "bytea" },
      { name: "ru", pgtype: "_uuid" },
    ]),
  ).toMatchInlineSnapshot(
    `""a""b", "u"::text AS "u", '\\x' || encode("b", 'hex') AS "b", to_json("ru") AS "ru""`,
  );
});

test("returns the same result from JSON", async () => {
  const query = `SELECT 9007199254740993 AS big, 1.10::numeric AS num, 0.1::float4 AS f4, 'NaN'::float8 AS nan,
    '2017-03-04 10:11:12.123999+02'::timestamptz AS at, '2017-03-04'::date AS day, 'infinity'::timestamp AS ever,
    '{9007199254740993}'::int8[] AS bigs, '{{1,NULL},{3,4}}'::int8[] AS whole, '{1.50,2}'::numeric[] AS nums,
    '{2017-03-04,NULL}'::date[] AS days, '{infinity}'::timestamptz[] AS evers, '{0.1,NaN}'::float4[] AS f4s,
    9007199254740992 AS edge, '{"a":1}'::jsonb AS doc, '\\x01ff'::bytea AS raw, '1 day'::interval AS span,
    'POINT(1 2)'::geometry AS g, NULL::int4 AS nothing, true AS yes`;
  const types = {
    big: "int8",
    num: "numeric",
    f4: "float4",
    nan: "float8",
    at: "timestamptz",
    day: "date",
    ever: "timestamp",
    bigs: "_int8",
    whole: "_int8",
    nums: "_numeric",
    days: "_date",
    evers: "_timestamptz",
    f4s: "_float4",
    edge: "int8",
    doc: "jsonb",
    raw: "bytea",
    span: "interval",
    g: "geometry",
    nothing: "int4",
    yes: "bool",
  };
  const fields = Object.entries(types).map(([name, pgtype]) => ({ name, pgtype }));
  const binary = await decodeCopy(
    [await copyOut(pg, `SELECT ${copySelect(fields)} FROM (${query}) AS _q`)],
    fields,
  );
  const { rows } = await pg.query<Record<string, unknown>>(
    `SELECT ${jsonSelect(fields)} FROM (${query}) AS _q`,
  );
  const json = columnsFromRows({ rows: rows.map((row) => ({ ...row, nan: "NaN" })), fields });
  expect(json.columns).toEqual(binary.columns);
  expect(json.warnings).toEqual(binary.warnings);
});

describe("an error message at the end of the bytes", () => {
  const fields = [
    { name: "n", pgtype: "int4" },
    { name: "t", pgtype: "text" },
    { name: "j", pgtype: "json" },
  ];
  const message = Buffer.from('{"error":["division by zero"],"hint":"Do not."}');
  let whole: Buffer;
  beforeAll(async () => {
    const rows = `SELECT n, '{"error":["a text"]}' AS t, '{"error":["a value"]}'::json AS j FROM generate_series(1, 3) AS n`;
    whole = Buffer.from(await copyOut(pg, rows));
  });
  const inPieces = (bytes: Buffer, size: number) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );

  test.each([1, 7, 1 << 20])("is found at any position, in chunks of %i bytes", async (size) => {
    const unnoticed: number[] = [];
    for (let at = 0; at <= whole.length; at++) {
      const bytes = Buffer.concat([whole.subarray(0, at), message]);
      const error = await decodeCopy(inPieces(bytes, size), fields).catch((thrown) => thrown);
      if (!(error instanceof SqlError)) unnoticed.push(at);
      else expect([error.message, error.hint]).toEqual(["division by zero\n  Hint: Do not.", "Do not."]);
    }
    expect(unnoticed).toEqual([]);
  });

  test("is not confused with text that looks like one in a truncated stream", async () => {
    const complete = await decodeCopy([whole], fields);
    expect(complete.columns[1]!.values).toEqual(Array(3).fill('{"error":["a text"]}'));
    const rowBytes = (whole.length - 19 - 2) / 3;
    for (const rows of [1, 2, 3]) {
      const cut = decodeCopy([whole.subarray(0, 19 + rows * rowBytes)], fields);
      await expect(cut).rejects.toThrow(CopyFormatError);
    }
  });
});
