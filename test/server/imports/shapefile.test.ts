import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { importer, zipOf } from "../../support/imports";
import { serverForTests } from "../../support/server";
import { type ShapefileField, shapefile } from "../../support/shapefile";

const server = serverForTests();
const { file, columns, leftovers } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

const caseFile = (name: string) => readFile(new URL(`cases/shapefile/${name}`, import.meta.url));
const rowsOf = async (table: string, list: string) =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const imported = async (name: string, content: Buffer): Promise<string> => {
  const answer = await file(name, content);
  expect(answer).toMatchObject({ success: true, error_code: null });
  return answer.table_name!;
};
const values = async (table: string, column: string) =>
  (await rowsOf(table, `${column}::text AS v`)).map(({ v }) => v);

const WGS84 =
  'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]';

interface Options {
  cpg?: string | Buffer;
  encoding?: BufferEncoding;
  /** Changes the .dbf file. */
  change?: (dbf: Buffer) => void;
}

/** Packs a shapefile of points with the given attributes. */
function pointsWith(
  fields: readonly ShapefileField[],
  rows: readonly (readonly string[])[],
  { cpg, encoding, change }: Options = {},
): Promise<Buffer> {
  const geometries = rows.map((_, i) => ({ point: [i % 80, i % 80] as const }));
  const { shp, dbf } = shapefile(geometries, fields, rows, encoding);
  change?.(dbf);
  return zipOf({
    "t.shp": shp,
    "t.dbf": dbf,
    "t.prj": WGS84,
    ...(cpg === undefined ? {} : { "t.cpg": cpg }),
  });
}
const NAME = { name: "NAME", type: "C", width: 20 } as const;
/** A table with one text, given as the bytes that the file contains. */
const textOf = async (bytes: readonly number[], options: { cpg?: string; language?: number }) => {
  const text = Buffer.from(bytes).toString("latin1");
  const change = (dbf: Buffer) => {
    dbf[29] = options.language ?? 0;
  };
  const zip = await pointsWith([NAME], [[text]], { ...options, encoding: "latin1", change });
  return (await values(await imported("t.zip", zip), "name"))[0];
};

describe("padding with NUL", () => {
  test("texts and numbers", async () => {
    expect(await values(await imported("text.zip", await caseFile("text.zip")), "name")).toEqual([
      "Lake",
      "River",
      "Sea",
    ]);
    const table = await imported("number.zip", await caseFile("number.zip"));
    expect(await values(table, "pop")).toEqual(["3444165", "300382", "7"]);
    expect(await columns(table)).toEqual({ pop: "integer" });
  });

  test("ends the value, in fields of every type", async () => {
    const fields = [
      NAME,
      { name: "DAY", type: "D", width: 8 },
      { name: "OK", type: "L", width: 1 },
      { name: "N", type: "N", width: 4 },
    ] as const;
    const zip = await pointsWith(fields, [
      ["a\0junk", "\0\0\0\0\0\0\0\0", "\0", "\0\0\0\0"],
      ["", "20200229", "T", "5\0\0\0"],
    ]);
    expect(await rowsOf(await imported("nul.zip", zip), "name, day::text, ok, n")).toEqual([
      { name: "a", day: null, ok: null, n: null },
      { name: null, day: "2020-02-29", ok: true, n: 5 },
    ]);
  });
});

describe("encoding", () => {
  test.each([
    ["gbk", "北京"],
    ["cp1251", "Москва"],
    ["cp866", "Москва"],
    ["cp1250", "Łódź"],
    ["cp850", "Málaga"],
  ])("language byte for %s", async (name, text) => {
    expect(await values(await imported(`${name}.zip`, await caseFile(`${name}.zip`)), "name")).toEqual([
      text,
    ]);
  });

  const LODZ_IN_LATIN_2 = [0xa3, 0xf3, 0x64, 0xbc];
  const LODZ_IN_CP852 = [0x9d, 0xa2, 0x64, 0xab];
  const MOSCOW_IN_KOI8 = [0xed, 0xcf, 0xd3, 0xcb, 0xd7, 0xc1];
  const TOKYO_IN_SHIFT_JIS = [0x93, 0x8c, 0x8b, 0x9e];
  test.each<[string, readonly number[], string]>([
    ["ISO 8859-2", LODZ_IN_LATIN_2, "Łódź"],
    ["8859_2", LODZ_IN_LATIN_2, "Łódź"],
    ["88592", LODZ_IN_LATIN_2, "Łódź"],
    ["ISO-8859-2\r\n", LODZ_IN_LATIN_2, "Łódź"],
    ["latin2", LODZ_IN_LATIN_2, "Łódź"],
    ["28592", LODZ_IN_LATIN_2, "Łódź"],
    ["OEM 852", LODZ_IN_CP852, "Łódź"],
    ["CP852", LODZ_IN_CP852, "Łódź"],
    ["ibm-852", LODZ_IN_CP852, "Łódź"],
    ["852", LODZ_IN_CP852, "Łódź"],
    ["LDID/100", LODZ_IN_CP852, "Łódź"],
    ["KOI8-R", MOSCOW_IN_KOI8, "Москва"],
    ["SJIS", TOKYO_IN_SHIFT_JIS, "東京"],
    ["ANSI 932", TOKYO_IN_SHIFT_JIS, "東京"],
    ["\ufeffutf-8\0", [...Buffer.from("東京")], "東京"],
    ["65001", [...Buffer.from("東京")], "東京"],
    ["utf_8", [...Buffer.from("東京")], "東京"],
  ])("a .cpg file with %j", async (cpg, bytes, text) => {
    expect(await textOf(bytes, { cpg })).toBe(text);
  });

  test("the .cpg file wins over the language byte, and an unknown one does not count", async () => {
    expect(await textOf(LODZ_IN_CP852, { cpg: "852", language: 0xc9 })).toBe("Łódź");
    expect(await textOf(LODZ_IN_CP852, { cpg: "somewhat", language: 0x64 })).toBe("Łódź");
  });

  test("0x57, which names no code page, leaves it to the texts", async () => {
    expect(await textOf([...Buffer.from("東京")], { language: 0x57 })).toBe("東京");
    expect(await textOf([0x43, 0xe1, 0x64, 0x69, 0x7a], { language: 0x57 })).toBe("Cádiz");
  });

  test("without a declaration, the encoding is that in which the text makes sense", async () => {
    const moscow = [0xcc, 0xee, 0xf1, 0xea, 0xe2, 0xe0]; // Windows-1251
    expect(await textOf(moscow, {})).toBe("Москва");
    expect(await textOf([0x93, 0x8c, 0x8b, 0x9e, 0x93, 0x73], {})).toBe("東京都"); // Shift JIS
    expect(await textOf([0x43, 0xe1, 0x64, 0x69, 0x7a], {})).toBe("Cádiz");
  });

  test("UTF-8 is recognized though a value is cut inside a character", async () => {
    const cut = [...Buffer.from("aéééééééééé")].slice(0, 20);
    expect(await textOf(cut, {})).toMatch(/^aééééééééé/);
  });

  test("names of fields", async () => {
    const zip = await pointsWith([{ ...NAME, name: "PA\u00cdS" }], [["x"]], {
      cpg: "1252",
      encoding: "latin1",
    });
    expect(await columns(await imported("pais.zip", zip))).toEqual({ pais: "text" });
  });
});

describe("numbers", () => {
  const number = (width: number) => ({ name: "N", type: "N", width }) as const;
  const typed = async (texts: readonly string[]) => {
    const zip = await pointsWith(
      [number(22)],
      texts.map((text) => [text]),
    );
    const table = await imported("n.zip", zip);
    return [(await columns(table)).n, ...(await values(table, "n"))];
  };

  test("integers beyond 2^53", async () => {
    const table = await imported("ids.zip", await caseFile("ids.zip"));
    expect(await columns(table)).toEqual({ id: "bigint" });
    expect(await values(table, "id")).toEqual(["1610521604143693812", "1610521604143693813"]);
  });

  test("keep all digits, as the narrowest type", async () => {
    expect(await typed(["9223372036854775807", "-9007199254740993", "1"])).toEqual([
      "bigint",
      "9223372036854775807",
      "-9007199254740993",
      "1",
    ]);
    expect(await typed(["12345678901234567890", "", "00501"])).toEqual([
      "numeric",
      "12345678901234567890",
      null,
      "501",
    ]);
    expect(await typed(["1.5", "1,25", "1e3"])).toEqual(["double precision", "1.5", "1.25", "1000"]);
    expect(await typed(["**********", "-", "+7"])).toEqual(["integer", null, null, "7"]);
  });

  test("cartodb_id as an integer beyond 2^53", async () => {
    const field = { ...number(20), name: "CARTODB_ID" };
    const zip = await pointsWith([field], [["9007199254740993"], ["9007199254740992"]]);
    expect(await values(await imported("keys.zip", zip), "cartodb_id")).toEqual([
      "9007199254740992",
      "9007199254740993",
    ]);
  });
});

describe("fields and records", () => {
  test("fields of one name are all columns", async () => {
    const table = await imported("dup.zip", await caseFile("dup.zip"));
    expect(await rowsOf(table, "population, population_1")).toEqual([
      { population: 1, population_1: 101 },
      { population: 2, population_1: 102 },
      { population: 3, population_1: 103 },
    ]);
  });

  test("three of one name, of different types", async () => {
    const fields = [NAME, { ...NAME, type: "N", width: 3 }, { ...NAME, type: "D", width: 8 }] as const;
    const table = await imported("three.zip", await pointsWith(fields, [["a", "5", "20200102"]]));
    expect(await rowsOf(table, "name, name_1, name_2::text")).toEqual([
      { name: "a", name_1: 5, name_2: "2020-01-02" },
    ]);
  });

  test("deleted records are left out, together with their shapes", async () => {
    const table = await imported("deleted.zip", await caseFile("deleted.zip"));
    expect(await values(table, "id")).toEqual(["1", "3"]);
    const change = (dbf: Buffer) => {
      dbf[65] = dbf[65 + 2 * 21] = "*".charCodeAt(0); // the first and the third record
    };
    const zip = await pointsWith([NAME], [["a"], ["b"], ["c"], ["d"]], { change });
    expect(await rowsOf(await imported("some.zip", zip), "name, ST_X(the_geom) AS x")).toEqual([
      { name: "b", x: 1 },
      { name: "d", x: 3 },
    ]);
  });

  test("a .dbf file that was cut off loses only the records that are not there", async () => {
    const { shp, dbf } = shapefile([{ point: [1, 1] }, { point: [2, 2] }], [NAME], [["a"], ["b"]]);
    const files = { "t.shp": shp, "t.dbf": dbf.subarray(0, -12), "t.prj": WGS84 };
    expect(await rowsOf(await imported("cut.zip", await zipOf(files)), "name, ST_X(the_geom) AS x")).toEqual([
      { name: "a", x: 1 },
      { name: null, x: 2 },
    ]);
  });

  test("a .dbf file that is no table", async () => {
    const { shp } = shapefile([{ point: [1, 1] }], [NAME], [["a"]]);
    const files = { "t.shp": shp, "t.dbf": Buffer.alloc(50), "t.prj": WGS84 };
    expect(await file("empty.zip", await zipOf(files))).toMatchObject({ state: "failure", error_code: 1006 });
  });

  test("records across the pieces in which the file is read", async () => {
    const names = Array.from({ length: 30_000 }, (_, i) => [`name ${i}`]);
    const table = await imported("many.zip", await pointsWith([NAME], names));
    const { rows } = await server.sql(
      `SELECT count(*)::int AS n, count(*) FILTER (WHERE name = 'name ' || (cartodb_id - 1) AND ST_X(the_geom) = (cartodb_id - 1) % 80)::int AS right FROM ${table}`,
    );
    expect(rows).toEqual([{ n: 30_000, right: 30_000 }]);
  });
});

describe("dates", () => {
  test("a day that does not exist stays as it is", async () => {
    const table = await imported("date.zip", await caseFile("date.zip"));
    expect(await columns(table)).toEqual({ d: "text" });
    expect(await values(table, "d")).toEqual(["2017-02-30", "2017-03-04", "2017-04-01"]);
  });

  test.each<[string, string, string | null]>([
    ["20190229", "text", "2019-02-29"],
    ["20200229", "date", "2020-02-29"],
    ["20201301", "text", "2020-13-01"],
    ["20200000", "text", "2020-00-00"],
    ["19000101", "date", "1900-01-01"],
    ["00500607", "date", "0050-06-07"],
    ["1/2/2020", "text", "1/2/2020"],
    ["00000000", "text", null],
    ["0", "text", null],
  ])("%s", async (text, type, expected) => {
    const table = await imported("day.zip", await pointsWith([{ name: "D", type: "D", width: 8 }], [[text]]));
    expect([(await columns(table)).d, ...(await values(table, "d"))]).toEqual([type, expected]);
  });
});
