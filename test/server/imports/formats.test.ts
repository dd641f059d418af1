import { type BookType, utils, write } from "@e965/xlsx";
import { afterEach, describe, expect, test } from "vitest";
import { type ImportAnswer, importer, zipOf } from "../../support/imports";
import { serverForTests } from "../../support/server";
import { shapefile } from "../../support/shapefile";

const server = serverForTests();
const { file, columns, leftovers, workDirs } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const rowsOf = async (table: string, list = "*") =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const geometries = async (table: string) =>
  (await rowsOf(table, "ST_AsText(the_geom, 4) AS g")).map(({ g }) => g);
const failureOf = async (name: string, content: string | Uint8Array) => {
  const { state, error_code, get_error_text } = await file(name, content);
  return [state, error_code, get_error_text?.what_about];
};

describe("GeoJSON and JSON", () => {
  const collection = (features: object[], more: object = {}) =>
    JSON.stringify({ type: "FeatureCollection", ...more, features });
  const point = (properties: object | null, coordinates: unknown = [2, 41]) => ({
    type: "Feature",
    properties,
    geometry: coordinates && { type: "Point", coordinates },
  });

  test("columns of all features, typed by their values", async () => {
    const features = [
      point({ name: "a", n: 1, x: 1, ok: true, code: "007", list: [1, 2], big: 3_000_000_000 }),
      point({ name: null, n: 2, x: 2.5, ok: false, code: "8", list: { a: 1 }, late: "é" }, null),
      point(null),
    ];
    const { table_name } = await file("things.geojson", collection(features));
    expect(await columns(table_name!)).toEqual({
      name: "text",
      n: "integer",
      x: "double precision",
      ok: "boolean",
      code: "text",
      list: "text",
      big: "bigint",
      late: "text",
    });
    expect(await rowsOf(table_name!, "name, n, code, list, late, the_geom IS NULL AS nowhere")).toEqual([
      { name: "a", n: 1, code: "007", list: "[1,2]", late: null, nowhere: false },
      { name: null, n: 2, code: "8", list: '{"a":1}', late: "é", nowhere: true },
      { name: null, n: null, code: null, list: null, late: null, nowhere: false },
    ]);
  });

  test("lines and polygons become MULTI, Z is dropped, the first point is kept", async () => {
    const geometry = (type: string, coordinates: unknown) => ({
      type: "Feature",
      properties: {},
      geometry: { type, coordinates },
    });
    const ring = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    const { table_name } = await file(
      "kinds.json",
      collection([
        geometry("LineString", [
          [0, 0, 9],
          [1, 1, 9],
        ]),
        geometry("Polygon", [ring]),
        geometry("MultiPolygon", [[ring]]),
        geometry("MultiPoint", [
          [5, 6],
          [7, 8],
        ]),
        geometry("Point", [1, 2, 3]),
      ]),
    );
    expect(await geometries(table_name!)).toEqual([
      "MULTILINESTRING((0 0,1 1))",
      "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
      "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
      "POINT(5 6)",
      "POINT(1 2)",
    ]);
  });

  test("a crs is transformed", async () => {
    const crs = { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::25830" } };
    const { table_name } = await file("utm.geojson", collection([point({}, [440000, 4474000])], { crs }));
    expect(await geometries(table_name!)).toEqual(["POINT(-3.7072 40.4145)"]);
    const wgs = { type: "name", properties: { name: "urn:ogc:def:crs:OGC:1.3:CRS84" } };
    expect(
      await geometries((await file("crs84.geojson", collection([point({})], { crs: wgs }))).table_name!),
    ).toEqual(["POINT(2 41)"]);
  });

  test("a single feature, a single geometry, no features", async () => {
    expect(
      await geometries((await file("alone.geojson", JSON.stringify(point({ a: 1 })))).table_name!),
    ).toEqual(["POINT(2 41)"]);
    const bare = { type: "Point", coordinates: [3, 4] };
    expect(await geometries((await file("bare.geojson", JSON.stringify(bare))).table_name!)).toEqual([
      "POINT(3 4)",
    ]);
    expect(await rowsOf((await file("none.geojson", collection([]))).table_name!)).toEqual([]);
  });

  test.each<[name: string, features: [id: unknown, properties: object][], rows: object[]]>([
    [
      "become a column",
      [
        ["a", { n: 1 }],
        ["b", { n: 2 }],
        [undefined, { n: 3 }],
      ],
      [
        { n: 1, id: "a" },
        { n: 2, id: "b" },
        { n: 3, id: null },
      ],
    ],
    ["are exact", [["@", { n: 1 }]], [{ n: 1, id: "9007199254740993" }]],
    [
      "are not repeated",
      [
        [7, { id: 7 }],
        [8, { id: "8" }],
      ],
      [{ id: "7" }, { id: "8" }],
    ],
    [
      "have a name of their own",
      [
        [7, { id: 7 }],
        [8, { id: 70 }],
      ],
      [
        { id: "7", feature_id: "7" },
        { id: "70", feature_id: "8" },
      ],
    ],
    [
      "come before a property id",
      [
        [7, {}],
        [8, { ID: 70 }],
      ],
      [
        { feature_id: "7", id: null },
        { feature_id: "8", id: "70" },
      ],
    ],
  ])("ids of features %s", async (name, features, rows) => {
    const text = collection(features.map(([id, properties]) => ({ ...point(properties), id })));
    const { table_name } = await file(`ids ${name}.geojson`, text.replace('"@"', "9007199254740993"));
    const list = Object.keys(rows[0]!).map((column) => (/id$/.test(column) ? `${column}::text` : column));
    expect(Object.keys(await columns(table_name!)).sort()).toEqual(Object.keys(rows[0]!).sort());
    expect(await rowsOf(table_name!, list.join())).toEqual(rows);
  });

  test("reads an array of flat objects like a CSV file", async () => {
    const rows = [
      { name: "a", lat: 41, lng: 2, zip: "00501", n: "5" },
      { name: "b", more: true },
    ];
    const { table_name } = await file("flat.json", JSON.stringify(rows));
    expect(await columns(table_name!)).toEqual({
      name: "text",
      lat: "integer",
      lng: "integer",
      zip: "text",
      n: "integer",
      more: "boolean",
    });
    expect(await geometries(table_name!)).toEqual(["POINT(2 41)", null]);
  });

  test("20,000 features in chunks", async () => {
    const features = Array.from({ length: 20_000 }, (_, i) => point({ i, name: `ñ${i}` }, [i / 200, 1]));
    const { table_name } = await file("large.geojson", collection(features));
    expect(
      (await server.sql(`SELECT count(*)::int AS n, max(i) AS m, max(name) AS t FROM ${table_name}`)).rows,
    ).toEqual([{ n: 20_000, m: 19_999, t: "ñ9999" }]);
  });

  test.each<[string, string, number]>([
    ["cut off", collection([point({})]).slice(0, -5), 3007],
    ["not JSON", "{ nonsense", 3007],
    ["something else", '{"a": 1}', 3007],
    ["topology", '{"type":"Topology"}', 3007],
    ["an array of numbers", "[1, 2]", 3007],
    ["a geometry of words", collection([point({}, ["a", "b"])]), 3007],
    [
      "an open ring",
      collection([
        {
          type: "Feature",
          properties: {},
          geometry: {
            type: "Polygon",
            coordinates: [
              [
                [0, 0],
                [1, 0],
                [1, 1],
                [0, 1],
              ],
            ],
          },
        },
      ]),
      2014,
    ],
    [
      "a collection of geometries",
      collection([
        { type: "Feature", properties: {}, geometry: { type: "GeometryCollection", geometries: [] } },
      ]),
      3201,
    ],
    [
      "an unknown crs",
      collection([point({})], { crs: { type: "name", properties: { name: "Mars" } } }),
      3008,
    ],
    [
      "an unknown SRID",
      collection([point({})], { crs: { type: "name", properties: { name: "EPSG:12345" } } }),
      3008,
    ],
    ["blanks", "  \n", 1005],
  ])("%s", async (_, content, code) => {
    expect((await failureOf("wrong.geojson", content)).slice(0, 2)).toEqual(["failure", code]);
  });
});

describe("shapefiles", () => {
  const WGS84 =
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]';
  const UTM30 =
    'PROJCS["ETRS_1989_UTM_Zone_30N",GEOGCS["GCS_ETRS_1989",DATUM["D_ETRS_1989",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-3.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]';
  const fields = [
    { name: "NAME", type: "C", width: 10 },
    { name: "POP", type: "N", width: 8 },
    { name: "OPEN", type: "L", width: 1 },
    { name: "SINCE", type: "D", width: 8 },
  ] as const;
  const rows = [
    ["Cádiz", "123", "T", "20170304"],
    ["", "", "?", ""],
  ];
  const ring = [
    [440000, 4474000],
    [440000, 4475000],
    [441000, 4475000],
    [440000, 4474000],
  ] as const;

  test("polygons in another projection, in Latin 1, in a folder, with capitals", async () => {
    const { shp, dbf } = shapefile([{ rings: [ring] }, null], fields, rows, "latin1");
    const zip = await zipOf({
      "x/AREAS.SHP": shp,
      "x/areas.dbf": dbf,
      "x/Areas.prj": UTM30,
      "x/areas.shx": "",
    });
    const answer = await file("areas.zip", zip);
    expect(answer).toMatchObject({ table_name: "areas", tables_created_count: 1, error_code: null });
    expect(await columns("areas")).toEqual({ name: "text", pop: "integer", open: "boolean", since: "date" });
    expect(await rowsOf("areas", "name, pop, open, since::text")).toEqual([
      { name: "Cádiz", pop: 123, open: true, since: "2017-03-04" },
      { name: null, pop: null, open: null, since: null },
    ]);
    const [first, second] = await geometries("areas");
    expect(first).toMatch(/^MULTIPOLYGON\(\(\(-3\.7072 40\.4145,/);
    expect(second).toBeNull();
    const srids = await server.sql(
      "SELECT ST_SRID(the_geom) AS s, ST_SRID(the_geom_webmercator) AS m FROM areas LIMIT 1",
    );
    expect(srids.rows).toEqual([{ s: 4326, m: 3857 }]);
  });

  test("points, in the encoding of the .cpg", async () => {
    const { shp, dbf } = shapefile([{ point: [2, 41] }, { point: [3, 42] }], fields, rows, "utf8");
    await file(
      "spots.zip",
      await zipOf({ "spots.shp": shp, "spots.dbf": dbf, "spots.prj": WGS84, "spots.cpg": "UTF-8" }),
    );
    expect(await geometries("spots")).toEqual(["POINT(2 41)", "POINT(3 42)"]);
    expect((await rowsOf("spots", "name"))[0]).toEqual({ name: "Cádiz" });
  });

  const { shp, dbf } = shapefile([{ point: [2, 41] }], fields, [rows[0]!]);
  const metres = shapefile([{ point: [430_000, 560_000] }], fields, [rows[0]!]);
  test.each<[string, Record<string, string | Buffer>, number]>([
    ["without .prj, in metres", { "a.shp": metres.shp, "a.dbf": metres.dbf }, 3101],
    ["with an invalid .prj", { "a.shp": shp, "a.dbf": dbf, "a.prj": "somewhere" }, 3008],
    ["with an unknown projection", { "a.shp": shp, "a.dbf": dbf, "a.prj": 'PROJCS["x",GEOGCS["y"]]' }, 3008],
    ["of garbage", { "a.shp": Buffer.alloc(200, 7), "a.dbf": dbf, "a.prj": WGS84 }, 1006],
    ["cut off", { "a.shp": shp.subarray(0, 110), "a.dbf": dbf, "a.prj": WGS84 }, 1006],
  ])("%s", async (_, files, code) => {
    expect((await failureOf("a.zip", await zipOf(files))).slice(0, 2)).toEqual(["failure", code]);
  });
});

describe("KML", () => {
  const document = (placemarks: string) =>
    `<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>${placemarks}</Document></kml>`;
  const placemarks = `
    <Folder><Placemark><name>Cádiz</name><description><![CDATA[<b>x</b>]]></description><styleUrl>#s</styleUrl>
      <ExtendedData><Data name="pop"><value>5</value></Data></ExtendedData>
      <Point><coordinates>-6.29,36.53,0</coordinates></Point></Placemark></Folder>
    <Placemark><name>way</name><LineString><coordinates>0,0 1,1</coordinates></LineString></Placemark>`;

  test("placemarks in folders", async () => {
    await file("places.kml", document(placemarks));
    expect(await columns("places")).toMatchObject({ name: "text", description: "text", pop: "text" });
    expect(Object.keys(await columns("places"))).not.toContain("styleurl");
    expect(await geometries("places")).toEqual(["POINT(-6.29 36.53)", "MULTILINESTRING((0 0,1 1))"]);
    expect((await rowsOf("places", "name"))[0]).toEqual({ name: "Cádiz" });
  });

  test("a KMZ is named after its archive", async () => {
    const answer = await file("Trip.kmz", await zipOf({ "doc.kml": document(placemarks) }));
    expect(answer).toMatchObject({ table_name: "trip", tables_created_count: 1 });
  });

  const laughs = `<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "${"x".repeat(100)}">${Array.from(
    { length: 9 },
    (_, i) => `<!ENTITY ${"abcdefghij"[i + 1]} "${`&${"abcdefghij"[i]};`.repeat(10)}">`,
  ).join("")}]><kml><Placemark><name>&j;</name></Placemark></kml>`;
  test.each<[string, string, number]>([
    ["without placemarks", document(""), 3202],
    ["not XML", "<kml><Placemark>", 2001],
    ["entities that grow", laughs, 2001],
  ])("%s", async (_, content, code) => {
    expect((await failureOf("wrong.kml", content)).slice(0, 2)).toEqual(["failure", code]);
  });
});

describe("workbooks", () => {
  const book = (rows: unknown[][], bookType: BookType) => {
    const made = utils.book_new();
    utils.book_append_sheet(made, utils.aoa_to_sheet([]), "Empty");
    utils.book_append_sheet(made, utils.aoa_to_sheet(rows, { UTC: true }), "Data");
    return write(made, { type: "buffer", bookType, compression: true }) as Buffer;
  };
  const rows = [
    ["name", "n", "x", "ok", "day", "at", "zip", "latitude", "longitude"],
    [
      "Cádiz",
      5,
      1.5,
      true,
      new Date(Date.UTC(2017, 2, 4)),
      new Date(Date.UTC(2017, 2, 4, 10, 11, 12)),
      "00501",
      36.5,
      -6.3,
    ],
    ["", null, 2, false, null, null, "10001", null, null],
  ];

  test.each<[string, BookType]>([
    ["xlsx", "xlsx"],
    ["xls", "biff8"],
    ["ods", "ods"],
  ])("%s: the first sheet with cells", async (extension, bookType) => {
    const { table_name, get_error_text } = await file(`book_${extension}.${extension}`, book(rows, bookType));
    expect(get_error_text).toBeNull();
    expect(await columns(table_name!)).toEqual({
      name: "text",
      n: "integer",
      x: "double precision",
      ok: "boolean",
      day: "date",
      at: "timestamp with time zone",
      zip: "text",
      latitude: "double precision",
      longitude: "double precision",
    });
    expect((await rowsOf(table_name!, "name, n, day::text, at::text, zip"))[0]).toEqual({
      name: "Cádiz",
      n: 5,
      day: "2017-03-04",
      at: "2017-03-04 10:11:12+00",
      zip: "00501",
    });
    expect(await geometries(table_name!)).toEqual(["POINT(-6.3 36.5)", null]);
  });

  test("of several sheets the first with cells; the others are named, and can be chosen", async () => {
    const made = utils.book_new();
    utils.book_append_sheet(made, utils.aoa_to_sheet([]), "Empty");
    utils.book_append_sheet(made, utils.aoa_to_sheet([["a"], [1]]), "Trees");
    utils.book_append_sheet(made, utils.aoa_to_sheet([["b"], ["x"]]), "City parks");
    const bytes = write(made, { type: "buffer", bookType: "xlsx" }) as Buffer;
    const named = ({ tables }: ImportAnswer) => (tables as { name: string }[]).map(({ name }) => name);
    const first = await file("book.xlsx", bytes);
    expect([named(first), first.left_out]).toEqual([["book"], ["book.xlsx: City parks"]]);
    expect(await rowsOf("book", "a")).toEqual([{ a: 1 }]);
    const second = await file("book.xlsx", bytes, { layer: "City parks" });
    expect([named(second), second.left_out]).toEqual([["book_city_parks"], []]);
    expect(await rowsOf("book_city_parks", "b")).toEqual([{ b: "x" }]);
  });

  test("type_guessing=false", async () => {
    const { table_name } = await file(
      "texts.xlsx",
      book(
        [
          ["a", "b"],
          [1, true],
        ],
        "xlsx",
      ),
      { type_guessing: "false" },
    );
    expect([await columns(table_name!), await rowsOf(table_name!, "a, b")]).toEqual([
      { a: "text", b: "text" },
      [{ a: "1", b: "true" }],
    ]);
  });

  test.each<[string, () => Buffer, number]>([
    ["empty", () => book([], "xlsx"), 1005],
    ["garbage", () => Buffer.from("no workbook"), 1004],
    ["cut off", () => book(rows, "xlsx").subarray(0, 3000), 1004],
  ])("%s", async (_, content, code) => {
    expect((await failureOf("wrong.xlsx", content())).slice(0, 2)).toEqual(["failure", code]);
  });
});
