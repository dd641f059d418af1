import { join } from "node:path";
import { inspect } from "node:util";
import { utils, write } from "@e965/xlsx";
import { describe, expect, test } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { ImportError, InvalidArgumentError, TableNotFoundError } from "../../src/errors";
import type { ImportOptions } from "../../src/files/import";
import { printed, rowsOf, values, withContext } from "../support/context";
import { defaultEngine } from "../support/engine";
import { madeByGdal } from "../support/gdal";
import { zipOf } from "../support/imports";
import { shapefile } from "../support/shapefile";

let cc: CartoContext;
withContext((context) => {
  cc = context.cc;
});

const CITIES: readonly (readonly [name: string, people: number, lng: number, lat: number])[] = [
  ["Bern", 134_000, 7.45, 46.95],
  ["Rome", 2_750_000, 12.5, 41.9],
  ["Oslo", 709_000, 10.75, 59.9],
  ["Suva", 93_000, 178.4, -18.1],
];
const csv = `Name,People,lat,lng\n${CITIES.map(([name, people, lng, lat]) => [name, people, lat, lng].join()).join("\n")}\n`;
const cities = { name: "cities.csv", bytes: Buffer.from(csv) };
const collection = {
  type: "FeatureCollection",
  features: CITIES.map(([Name, People, ...coordinates]) => ({
    type: "Feature",
    geometry: { type: "Point", coordinates },
    properties: { Name, People },
  })),
};
const geojson = { name: "cities.geojson", bytes: Buffer.from(JSON.stringify(collection)) };
async function made(format: string, options: string[] = [], source: object = collection) {
  const [[name, bytes] = ["", Buffer.of()]] = Object.entries(
    await madeByGdal(source, ["-f", format, ...options]),
  );
  return { name: `cities${/\.\w+$/.exec(name)?.[0]}`, bytes };
}
const bytesOf = (name: string, text: string | Uint8Array) => ({ name, bytes: Buffer.from(text) });
const namesIn = async (source: Parameters<CartoContext["readFile"]>[0], options: object) =>
  rowsOf(await cc.readFile(source, options)).map((row) => row[2]);
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );
const sheet = (...rows: unknown[][]) => utils.aoa_to_sheet(rows);
function workbook(sheets: Record<string, ReturnType<typeof sheet>>) {
  const book = { SheetNames: Object.keys(sheets), Sheets: sheets };
  return bytesOf("book.xlsx", write(book, { type: "buffer", bookType: "xlsx" }));
}

const formats: [string, () => Promise<{ name: string; bytes: Buffer }>][] = [
  ["CSV", async () => cities],
  ["GeoJSON", async () => geojson],
];
if (defaultEngine() === "pglite") formats.push(["GeoPackage", () => made("GPKG")]); // the server reads it the same way

describe.each(formats)("%s", (_, file) => {
  test.each<[string, object, string[]]>([
    ["where", { where: "people > 100000 -- not Suva" }, ["Bern", "Rome", "Oslo"]],
    ["bbox", { bbox: [0, 40, 12, 50] }, ["Bern"]],
    ["bbox across 180 degrees", { bbox: [170, -30, -170, 0] }, ["Suva"]],
    ["limit", { limit: 2 }, ["Bern", "Rome"]],
    ["limit of the rows that where chooses", { where: "people < 1e6", limit: 2 }, ["Bern", "Oslo"]],
    ["nothing is left", { where: "false" }, []],
  ])("%s", async (_option, options, expected) => {
    expect(await namesIn(await file(), options)).toEqual(expected);
  });

  test("columns, named as in the file or the table", async () => {
    for (const columns of [["People"], ["people"]]) {
      const df = await cc.readFile(await file(), { columns, where: "name = 'Bern'" });
      expect(df.columns).toEqual(["cartodb_id", "the_geom", "people"]);
      expect(rowsOf(df).map((row) => row[2])).toEqual([134_000]);
    }
  });

  test.each<[string, object, string]>([
    ["a column", { columns: ["Peopel"] }, 'No column is named "Peopel". Did you mean "People"?'],
    ["a column of where", { where: "peopel > 1" }, 'column "peopel" does not exist. Did you mean "people"?'],
    ["a layer", { layer: "citis" }, 'No layer is named "citis".'],
    ["the number of a layer", { layer: 1 }, "The file has no layer number 1. Layers:"],
  ])("%s that does not exist is an error with the nearest name", async (_option, options, message) => {
    const error = await errorOf(cc.import(await file(), undefined, options));
    expect(error).toBeInstanceOf(ImportError);
    expect(error?.message).toContain(message);
    expect(await values("SELECT to_regclass('cities')::text")).toEqual([[null]]);
  });
});

test.each<[keyof ImportOptions, unknown]>([
  ["where", "true); DROP TABLE x; --"],
  ["where", "true) OR (true"],
  ["where", "true /*"],
  ["where", ""],
  ["bbox", [0, 50, 10, 40]],
  ["bbox", [0, 1, 2]],
  ["limit", -1],
  ["srid", "27700"],
  ["columns", "name"],
  ["columns", []],
  ["layer", -1],
  ["encoding", ""],
  ["append", 1],
])("%s: %j is refused before anything is sent", async (name, value) => {
  const nowhere = new CartoContext({ baseUrl: "http://127.0.0.1:9/", apiKey: "x" });
  const error = await errorOf(nowhere.import(cities, undefined, { [name]: value }));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error?.message).toContain(`\`${name}\` must be`);
});

test("accounts know none of these options", async () => {
  const account = new CartoContext({ baseUrl: "http://127.0.0.1:9/", apiKey: "x" });
  for (const options of [{ layer: "a" }, { encoding: "cp1251" }, { srid: 27700 }, { limit: 1 }]) {
    const error = await errorOf(account.import(cities, undefined, options));
    expect(error?.message).toContain(`\`${Object.keys(options)[0]}\` works on the local server only`);
  }
  await expect(account.layers(cities)).rejects.toThrow("works on the local server only");
});

test("where has no more rights than the key, and changes nothing", async () => {
  await cc.query("CREATE TABLE untouched AS SELECT 1 AS a");
  const where = "(WITH gone AS (DELETE FROM untouched RETURNING 1) SELECT count(*) FROM gone) >= 0";
  await expect(cc.import(cities, undefined, { where })).rejects.toThrow("`where` cannot be evaluated");
  await expect(cc.import(cities, undefined, { where: 'name = "Bern"' })).rejects.toThrow(
    "If it is a text, write 'Bern'.",
  );
  expect(await values("SELECT a FROM untouched")).toEqual([[1]]);
});

describe("layers", () => {
  const book = workbook({
    First: sheet(["name", "n"], ["a", 1]),
    Empty: sheet(),
    "Second one": sheet(["lat", "lng"], [46.95, 7.45], [41.9, 12.5]),
  });

  test("of a workbook are its sheets, of which the first is the default", async () => {
    const layers = await cc.layers(book);
    expect(layers).toEqual([
      {
        name: "First",
        file: "book.xlsx",
        geometry: null,
        rows: 1,
        srid: null,
        columns: [
          { name: "name", type: "text" },
          { name: "n", type: "integer" },
        ],
      },
      expect.objectContaining({ name: "Second one", geometry: "POINT", rows: 2, srid: 4326 }),
    ]);
    expect(inspect(layers)).toBe(
      "0: First (1 row, no geometry)\n     name: text\n     n: integer\n" +
        "1: Second one (2 rows, POINT, EPSG:4326)\n     lat: double precision\n     lng: double precision",
    );
    const { tables, leftOut } = await cc.import(book);
    expect([tables.map(({ name }) => name), leftOut]).toEqual([["book"], ["book.xlsx: Second one"]]);
    expect(printed()).toContain("Left out: book.xlsx: Second one.");
    for (const layer of ["Second one", 1, ["Second one"]])
      expect((await cc.readFile(book, { layer })).shape[0]).toBe(2);
    const both = await cc.import(book, undefined, { layer: [0, 1], overwrite: true });
    expect(both.tables.map(({ name }) => name)).toEqual(["book", "book_second_one"]);
  });

  test("of an archive, in the order of its files", async () => {
    const { name, bytes } = await made("GPKG", [
      "-t_srs",
      "EPSG:27700",
      "-nln",
      "towns",
      "-where",
      "Name='Bern'",
    ]);
    const archive = bytesOf("all.zip", await zipOf({ [name]: bytes, "list.csv": csv, "readme.md": "no" }));
    expect(await cc.layers(archive)).toMatchObject([
      { name: "towns", file: "cities.gpkg", geometry: "POINT", rows: 1, srid: 27700 },
      { name: "list", file: "list.csv", geometry: "POINT", rows: 4, srid: 4326 },
    ]);
    expect(await namesIn(archive, { layer: "towns" })).toEqual(["Bern"]);
    const { tables, leftOut } = await cc.import(archive, "towns", { layer: "towns" });
    expect(tables).toMatchObject([
      {
        name: "towns",
        crs: { srid: 27700, isAssumed: false, name: expect.stringContaining("British National Grid") },
      },
    ]);
    expect(leftOut).toEqual(["readme.md"]);
    expect(printed()).toMatch(/Transformed from .*British National Grid \(EPSG:27700\)\./);
  });

  test("have names in the given encoding", async () => {
    const header = Buffer.concat([
      Buffer.from([0xcc, 0xee, 0xf1, 0xea, 0xe2, 0xe0]),
      Buffer.from(",b\n1,2\n"),
    ]);
    const [layer] = await cc.layers(bytesOf("russian.csv", header), { encoding: "cp1251" });
    expect(layer?.columns.map(({ name }) => name)).toEqual(["Москва", "b"]);
    const [other] = await cc.layers(bytesOf("russian.csv", header), { encoding: "latin1" });
    expect(other?.columns[0]?.name).toBe("Ìîñêâà");
  });

  test("of a file that cannot be read are an ImportError", async () => {
    await expect(cc.layers(bytesOf("bad.geojson", "{"))).rejects.toThrow(ImportError);
    await expect(cc.layers(bytesOf("what.xyz", "?"))).rejects.toThrow('The format of "what.xyz" is unknown');
  });
});

describe("encoding", () => {
  const russian = Buffer.concat([Buffer.from("name\n"), Buffer.from([0xcc, 0xee, 0xf1, 0xea, 0xe2, 0xe0])]); // Москва

  test("replaces the guess, which is reported", async () => {
    const { tables } = await cc.import(
      bytesOf("guess.csv", Buffer.concat([Buffer.from("name\n"), Buffer.from("Málaga\nCádiz\n", "latin1")])),
    );
    expect(tables[0]?.encoding).toEqual({ name: "windows-1252", found: "guessed" });
    expect(printed()).toContain("Encoding: windows-1252, guessed. If letters are wrong, pass `encoding`.");
    const given = await cc.import(bytesOf("given.csv", russian), undefined, { encoding: "CP1251" });
    expect(given.tables[0]?.encoding).toEqual({ name: "windows-1251", found: "option" });
    expect(await values("SELECT name FROM given")).toEqual([["Москва"]]);
  });

  test("of a shapefile replaces the one of its .cpg", async () => {
    const { shp, dbf } = shapefile(
      [{ point: [1, 2] }],
      [{ name: "n", type: "C", width: 6 }],
      [["M\xe1laga"]],
      "latin1",
    );
    const zip = bytesOf("a.zip", await zipOf({ "a.shp": shp, "a.dbf": dbf, "a.cpg": "CP1251" }));
    expect(await namesIn(zip, {})).toEqual(["Mбlaga"]);
    expect(await namesIn(zip, { encoding: "latin1" })).toEqual(["Málaga"]);
  });

  test("that is unknown, or that the format defines, is an error", async () => {
    await expect(cc.import(cities, undefined, { encoding: "klingon" })).rejects.toThrow(
      'No encoding is named "klingon".',
    );
    await expect(cc.import(await made("GPKG"), undefined, { encoding: "cp1251" })).rejects.toThrow(
      "Leave `encoding` out",
    );
  });
});

describe("coordinate systems", () => {
  /** A place in London, in the British National Grid. */
  const [x, y] = [533_600, 180_500];
  const expected = () =>
    values(
      `SELECT round(ST_X(g)::numeric, 7)::float8 AS x, round(ST_Y(g)::numeric, 7)::float8 AS y FROM ST_Transform(ST_SetSRID(ST_MakePoint(${x}, ${y}), 27700), 4326) AS g`,
    );
  const grid = (crs?: object) => ({
    type: "FeatureCollection",
    ...crs,
    features: [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [x, y] } }],
  });
  const wkb = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0]),
    Buffer.from(new Float64Array([x, y]).buffer),
  ]).toString("hex");
  const tower = shapefile([{ point: [x, y] }], [{ name: "n", type: "C", width: 2 }], [["a"]]);
  const place = async (source: Parameters<CartoContext["import"]>[0], options: ImportOptions) => {
    await cc.import(source, "place", { ...options, overwrite: true });
    return values(
      "SELECT round(ST_X(the_geom)::numeric, 7)::float8 AS x, round(ST_Y(the_geom)::numeric, 7)::float8 AS y FROM place",
    );
  };

  test.each<[string, () => Promise<{ name: string; bytes: Uint8Array }>]>([
    ["CSV with x and y", async () => bytesOf("a.csv", `X,Y\n"${x}",${y}\n`)],
    ["CSV with eastings", async () => bytesOf("a.csv", `Easting;Northing\n${x},0;${y}\n`)],
    ["CSV with WKT", async () => bytesOf("a.csv", `wkt\nPOINT(${x} ${y})\n`)],
    ["CSV with WKB", async () => bytesOf("a.csv", `wkb_geometry\n${wkb}\n`)],
    ["GeoJSON", async () => bytesOf("a.geojson", JSON.stringify(grid()))],
    [
      "GeoJSON with another crs",
      async () => bytesOf("a.geojson", JSON.stringify(grid({ crs: "EPSG:3857" }))),
    ],
    [
      "a shapefile without .prj",
      async () => bytesOf("a.zip", await zipOf({ "a.shp": tower.shp, "a.dbf": tower.dbf })),
    ],
    ["GeoPackage", () => made("GPKG", ["-a_srs", "EPSG:3857"], grid())],
  ])("srid of %s", async (_, file) => {
    expect(await place(await file(), { srid: 27700 })).toEqual(await expected());
    expect(printed()).toContain("Transformed from EPSG:27700.");
  });

  test("srid that does not exist is an error", async () => {
    await expect(cc.import(cities, undefined, { srid: 12 })).rejects.toThrow(
      "`srid` is 12, which is no known",
    );
  });

  test("a shapefile without .prj is in degrees, if it can be", async () => {
    const degrees = shapefile([{ point: [7.45, 46.95] }], [{ name: "n", type: "C", width: 2 }], [["a"]]);
    expect(
      await place(bytesOf("b.zip", await zipOf({ "b.shp": degrees.shp, "b.dbf": degrees.dbf })), {}),
    ).toEqual([[7.45, 46.95]]);
    expect(printed()).toContain("The file names no coordinate system: longitude and latitude assumed.");
    const metres = bytesOf("c.zip", await zipOf({ "c.shp": tower.shp, "c.dbf": tower.dbf }));
    const error = await errorOf(cc.import(metres));
    expect(error).toMatchObject({ code: 3101 });
    expect(error?.message).toContain("British National Grid (EPSG:27700)");
    expect(error?.message).toContain("Pass the coordinate system of the file as `srid`.");
  });

  test("an impossible position costs one row of a layer without coordinate system", async () => {
    const features = [
      [1, 2],
      [3, 4],
      [500_000, 4_000_000],
      [5, 6],
    ].map((coordinates) => ({
      type: "Feature",
      properties: {},
      geometry: { type: "Point", coordinates },
    }));
    const drawing = { type: "FeatureCollection", features };
    const file = await made("DXF", ["-select", ""], drawing);
    const { tables } = await cc.import(file, "outlier");
    expect(tables).toMatchObject([
      {
        rows: 4,
        withoutGeometry: 1,
        crs: { isAssumed: true },
        unread: [{ column: "the_geom", count: 1, row: 3 }],
      },
    ]);
    expect(await values("SELECT ST_AsText(the_geom) FROM outlier ORDER BY cartodb_id")).toEqual([
      ["POINT(1 2)"],
      ["POINT(3 4)"],
      [null],
      ["POINT(5 6)"],
    ]);
  });
});

test("values that cannot be read are counted", async () => {
  await cc.import(bytesOf("unread.csv", "name,lat,lng\na,46.9,7.4\nb,95,7.4\nc,,\nd,north,7\n"));
  expect(printed()).toContain(
    '2 unreadable in "the_geom", first in row 2: The coordinates are not numbers, or out of range.',
  );
});

describe("positions outside the domain of the projection", () => {
  const POSITIONS: readonly (readonly [number, number])[] = [
    [500_000, 5_200_000],
    [99_999_999, 99_999_999],
    [600_000, 5_300_000],
    [99_999_999, 99_999_999],
  ];
  type Positions = typeof POSITIONS;
  const featuresOf = (positions: Positions) => ({
    type: "FeatureCollection",
    features: positions.map((coordinates) => ({
      type: "Feature",
      properties: { a: 1 },
      geometry: { type: "Point", coordinates },
    })),
  });
  const inCsv = async (positions: Positions) =>
    bytesOf("far.csv", `a,wkt\n${positions.map(([x, y]) => `1,POINT(${x} ${y})`).join("\n")}\n`);
  const inGeoJson = (crs: object) => async (positions: Positions) =>
    bytesOf("far.geojson", JSON.stringify({ ...crs, ...featuresOf(positions) }));
  const inGeoPackage = (positions: Positions) =>
    made("GPKG", ["-a_srs", "EPSG:32632"], featuresOf(positions));

  describe.each<[string, (positions: Positions) => Promise<{ name: string; bytes: Uint8Array }>, object]>([
    ["CSV", inCsv, { srid: 32632 }],
    ["GeoJSON", inGeoJson({}), { srid: 32632 }],
    ["GeoJSON with crs", inGeoJson({ crs: { type: "name", properties: { name: "EPSG:32632" } } }), {}],
    ["GeoPackage", inGeoPackage, {}],
  ])("%s", (_, file, options) => {
    test("cost the geometries of their rows only", async () => {
      const { tables } = await cc.import(await file(POSITIONS), "far", { ...options, overwrite: true });
      expect(tables).toMatchObject([
        { rows: 4, withoutGeometry: 2, unread: [{ column: "the_geom", count: 2, row: 2 }] },
      ]);
      expect(tables[0]?.unread[0]?.reason).toBe("The position is outside the area of the coordinate system.");
      const found = await values(
        "SELECT round(ST_X(the_geom)::numeric, 2)::text, ST_SRID(the_geom_webmercator)::text FROM far ORDER BY cartodb_id",
      );
      expect(found).toEqual([
        ["9.00", "3857"],
        [null, null],
        ["10.34", "3857"],
        [null, null],
      ]);
      await cc.query("DROP TABLE far");
    });

    test("fail the import if no position can be placed", async () => {
      const outside = await file(POSITIONS.filter(([x]) => x > 1e7));
      const error = await errorOf(cc.import(outside, "nowhere", { ...options }));
      expect(error).toBeInstanceOf(ImportError);
      expect(error).toMatchObject({ code: 2014 });
      expect(error?.message).toContain("outside the area of the coordinate system");
      expect(error?.message).not.toContain("SQL");
    });
  });
});

describe("append", () => {
  const append = { append: true } as const;

  test("adds the rows, numbered anew", async () => {
    await cc.import(cities, "added");
    const more = bytesOf("more.csv", "lng,lat,people,name\n2.35,48.85,2100000,Paris\n");
    const { tables } = await cc.import(more, "added", append);
    expect(tables).toMatchObject([{ name: "added", rows: 1, geometry: "POINT", unfilled: [] }]);
    expect(printed()).toContain('Appended 1 row (POINT) to "added".');
    await cc.import(bytesOf("added.csv", "name\nNowhere\n"), undefined, append);
    expect(printed()).toContain("Columns without new values: people, lat, lng.");
    expect(
      await values(
        "SELECT cartodb_id, name, people::text, ST_AsText(the_geom) FROM added ORDER BY 1 OFFSET 4",
      ),
    ).toEqual([
      [5, "Paris", "2100000", "POINT(2.35 48.85)"],
      [6, "Nowhere", null, null],
    ]);
  });

  test("converts values that stay the same", async () => {
    await cc.import(bytesOf("kinds.csv", "code,n,x,at\n00501,1,1.5,2020-01-01T10:00:00Z\n"));
    await cc.import(bytesOf("kinds2.csv", "code,n,x,at\n28001,,3,2020-01-02\n"), "kinds", append);
    expect(
      await values("SELECT code, n::text, x, at::text FROM kinds ORDER BY cartodb_id DESC LIMIT 1"),
    ).toEqual([["28001", null, 3, "2020-01-02 00:00:00+00"]]);
  });

  test.each<[string, string, string]>([
    [
      "a column that the table lacks",
      "n,x,nn\n1,1,1\n",
      '"nn" is not a column of the table; its nearest name is "n"',
    ],
    ["another type", "n,x\n1,1\none,1\n", '"n" is text, but integer in the table, with values such as "one"'],
    [
      "digits that would be lost",
      "n,x\n1.5,1\n",
      '"n" is double precision, but integer in the table, with values such as "1.5"',
    ],
    [
      "digits that a double lacks",
      "n,x\n1,9007199254740993\n",
      '"x" is bigint, but double precision in the table',
    ],
    ["a number that is too large", "n,x\n3000000000,1\n", '"n" is bigint, but integer in the table'],
  ])("%s is an error, and nothing changes", async (_, text, message) => {
    await cc.import(bytesOf("strict.csv", "n,x\n1,0.5\n"), undefined, { overwrite: true });
    const error = await errorOf(cc.import(bytesOf("s.csv", text), "strict", append));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error?.message).toContain('The new rows do not fit table "strict", which is unchanged:');
    expect(error?.message).toContain(message);
    expect(await values("SELECT count(*)::int, to_regclass('s')::text FROM strict")).toEqual([[1, null]]);
  });

  test("a constraint of the table refuses all rows", async () => {
    await cc.import(bytesOf("limited.csv", "n\n1\n"));
    await cc.query("ALTER TABLE limited ADD CHECK (n < 10)");
    await expect(cc.import(bytesOf("l.csv", "n\n2\n20\n"), "limited", append)).rejects.toThrow(
      'Table "limited" is unchanged, because it refuses the new rows',
    );
    expect(await values("SELECT n FROM limited")).toEqual([[1]]);
  });

  test("needs a table, and excludes overwrite", async () => {
    await expect(cc.import(cities, "nowhere", append)).rejects.toThrow(TableNotFoundError);
    await expect(
      cc.import(join(__dirname, "../server/imports/cases/years.zip"), undefined, append),
    ).rejects.toThrow(TableNotFoundError);
    await expect(cc.import(cities, "added", { append: true, overwrite: true })).rejects.toThrow(
      "either `append` or `overwrite`",
    );
  });
});
