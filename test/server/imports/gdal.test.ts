import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { homesIn } from "../../../src/local/home";
import { Gdal } from "../../../src/server/imports/gdal/gdal";
import { type Files, madeByGdal } from "../../support/gdal";
import { answersDuring, importer, zipOf } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const { file, upload, finished, columns, leftovers, workDirs } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const feature = (geometry: unknown, properties: object = {}, id?: number) => ({
  type: "Feature",
  id,
  geometry,
  properties,
});
const collection = (...features: unknown[]) => ({ type: "FeatureCollection", features });
const point = (x: number, y: number) => ({ type: "Point", coordinates: [x, y] });

const TREES = collection(
  feature(point(-0.125, 51.5), {
    name: "Straße\t1 \\ “a”\nb",
    n: 1,
    big: 2 ** 52 + 1,
    x: 0.1 + 0.2,
    ok: true,
  }),
  feature(point(10.25, 52.5), { name: "東京", n: -2, big: -5, x: 1 / 3, ok: false }),
  feature(point(0, -33.75), { name: null, n: null, big: 0, x: null, ok: null }),
);

/** Imports the files that GDAL wrote, in a zip if there are several, and returns the table. */
async function tableOf(files: Files, name?: string): Promise<string> {
  const [first = ""] = Object.keys(files);
  const alone = Object.keys(files).length === 1 && name === undefined;
  const answer = alone
    ? await file(first, files[first]!)
    : await file(name ?? `${first}.zip`, await zipOf(files));
  expect(answer.get_error_text).toBeNull();
  return answer.table_name!;
}

const rowsOf = async (table: string, list: string, order = "cartodb_id") =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY ${order}`)).rows;

const failureOf = async (name: string, content: string | Uint8Array) => {
  const { state, error_code, get_error_text } = await file(name, content);
  return [state, error_code, get_error_text?.what_about];
};

/** A file geodatabase is a folder. */
const inFolder = (files: Files, folder: string): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));

describe("values and points of each format", () => {
  const points = ["-0.125 51.5", "10.25 52.5", "0 -33.75"];
  const typed = { name: "text", n: "integer", big: "bigint", x: "double precision", ok: "boolean" };
  const values = [
    { name: "Straße\t1 \\ “a”\nb", n: 1, big: 2 ** 52 + 1, x: 0.1 + 0.2, ok: true },
    { name: "東京", n: -2, big: -5, x: 1 / 3, ok: false },
    { name: null, n: null, big: 0, x: null, ok: null },
  ];

  test.each<[format: string, options: string[], types: object]>([
    ["GPKG", [], {}],
    ["FlatGeobuf", ["-lco", "SPATIAL_INDEX=NO"], {}],
    ["SQLite", [], {}],
    ["SQLite", ["-dsco", "SPATIALITE=YES"], {}],
    ["OpenFileGDB", [], { big: "double precision", ok: "integer" }],
  ])("%s %j", async (format, options, types) => {
    const files = await madeByGdal(TREES, ["-f", format, ...options]);
    const table =
      format === "OpenFileGDB" ? await tableOf(inFolder(files, "trees.gdb"), "t.zip") : await tableOf(files);
    expect(await columns(table)).toEqual({ ...typed, ...types });
    const found = await rowsOf(table, "name, n, big, x, ok::int::boolean AS ok");
    expect(found).toEqual(values);
    const texts = await rowsOf(table, "ST_AsText(the_geom, 9) AS g, ST_SRID(the_geom) AS srid");
    expect(texts).toEqual(points.map((g) => ({ g: `POINT(${g})`, srid: 4326 })));
  });

  test.each<[format: string, options: string[], name: string]>([
    ["GML", [], "name"],
    ["GPX", [], "name"],
    ["MapInfo File", ["-lco", "ENCODING=UTF-8"], "name"],
    ["MapInfo File", ["-dsco", "FORMAT=MIF", "-lco", "ENCODING=UTF-8"], "name"],
    ["GeoJSONSeq", [], "name"],
    ["JML", [], "name"],
    ["OGR_GMT", [], "name"],
    ["Geoconcept", [], "name"],
    ["DXF", ["-select", ""], "NULL"],
  ])("%s %j", async (format, options, name) => {
    const simple = collection(
      feature(point(-0.125, 51.5), { name: "Straße" }),
      feature(point(10.25, 52.5), { name: "b" }),
    );
    const table = await tableOf(await madeByGdal(simple, ["-f", format, ...options]));
    expect(await rowsOf(table, `${name} AS name, ST_AsText(the_geom, 6) AS g`)).toEqual([
      { name: name === "NULL" ? null : "Straße", g: "POINT(-0.125 51.5)" },
      { name: name === "NULL" ? null : "b", g: "POINT(10.25 52.5)" },
    ]);
  });

  test("ODS", async () => {
    const rows = [
      { name: "a", n: 1, x: 1.5, ok: true },
      { name: "b", n: 200, x: -2.25, ok: false },
    ];
    const made = await madeByGdal(collection(...rows.map((row) => feature(null, row))), ["-f", "ODS"]);
    const table = await tableOf(made);
    expect(await rowsOf(table, "name, n, x, ok::int::boolean AS ok")).toEqual(rows);
  });

  test("TopoJSON, also as .json", async () => {
    const topology = JSON.stringify({
      type: "Topology",
      objects: { a: { type: "LineString", arcs: [0], properties: { n: 1 } } },
      arcs: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    });
    for (const name of ["topo.topojson", "topo2.json"]) {
      const table = (await file(name, topology)).table_name!;
      expect(await rowsOf(table, "n, ST_AsText(the_geom) AS g")).toEqual([
        { n: 1, g: "MULTILINESTRING((1 2,3 4))" },
      ]);
    }
  });

  test("OpenStreetMap, one table for each kind of geometry", async () => {
    const osm = `<?xml version="1.0"?><osm version="0.6">
      <node id="1" lat="51" lon="0"><tag k="name" v="A"/></node><node id="2" lat="52" lon="0"/><node id="3" lat="52" lon="1"/>
      <way id="6"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="yes"/></way></osm>`;
    expect(await file("town.osm", osm)).toMatchObject({ table_name: "town_points", tables_created_count: 2 });
    expect(await rowsOf("town_points", "osm_id, name, ST_AsText(the_geom) AS g")).toEqual([
      { osm_id: "1", name: "A", g: "POINT(0 51)" },
    ]);
    expect(
      await rowsOf(
        "town_multipolygons",
        "building, GeometryType(the_geom) AS type, ST_Area(the_geom) AS area",
      ),
    ).toEqual([{ building: "yes", type: "MULTIPOLYGON", area: 0.5 }]);
  });
});

describe("types", () => {
  test("dates, times, lists and JSON", async () => {
    const properties = {
      d: "2020-01-02",
      t: "10:11:12",
      zoned: "2020-01-01T10:11:12.5+02:00",
      plain: "2020-01-01T10:11:12",
      ints: [1, -2],
      texts: ["a", 'b,"c'],
      o: { a: 1 },
    };
    const line = JSON.stringify(feature(point(1, 2), properties));
    const table = (await file("typed.geojsonl", `${line}\n`)).table_name!;
    expect(await columns(table)).toEqual({
      d: "date",
      t: "time without time zone",
      zoned: "timestamp with time zone",
      plain: "timestamp with time zone",
      ints: "ARRAY",
      texts: "ARRAY",
      o: "text",
    });
    const list = `d::text, t::text, to_char(zoned AT TIME ZONE 'UTC', 'HH24:MI:SS.MS') AS zoned,
      to_char(plain AT TIME ZONE 'UTC', 'HH24:MI:SS') AS plain, ints, texts, o`;
    expect(await rowsOf(table, list)).toEqual([
      {
        d: "2020-01-02",
        t: "10:11:12",
        zoned: "08:11:12.500",
        plain: "10:11:12",
        ints: [1, -2],
        texts: ["a", 'b,"c'],
        o: '{ "a": 1 }',
      },
    ]);
  });

  test("doubles and their fields keep all digits and unusual names", async () => {
    const numbers = [4.35 * 100, 1e300 / 3, -1e-7 / 3, 123456789 + 1 / 7];
    const features = numbers.map((x, i) => feature(null, { "2020": x, z: i % 2 ? null : x }));
    const table = await tableOf(await madeByGdal(collection(...features), ["-f", "GPKG"]));
    expect(await rowsOf(table, "_2020 AS x, z")).toEqual(numbers.map((x, i) => ({ x, z: i % 2 ? null : x })));
    const spaced = collection(feature(null, { "a b": 0.1 + 0.2, c: 1.5 }));
    const other = await tableOf(await madeByGdal(spaced, ["-f", "GPKG"]));
    expect(await rowsOf(other, "a_b, c")).toEqual([{ a_b: 0.3, c: 1.5 }]);
  });

  test("binary", async () => {
    const sql = "SELECT x'00ff5c0a09' AS b, 1 AS n";
    const files = await madeByGdal(TREES, ["-f", "GPKG", "-dialect", "SQLite", "-sql", sql]);
    expect(await rowsOf(await tableOf(files), "encode(b, 'hex') AS b, n")).toEqual([
      { b: "00ff5c0a09", n: 1 },
    ]);
  });

  test("ids of the file, or a field cartodb_id, become cartodb_id", async () => {
    const numbered = collection(feature(point(1, 2), { a: 1 }, 40), feature(point(1, 2), { a: 2 }, 7));
    const ids = await tableOf(await madeByGdal(numbered, ["-f", "GPKG", "-preserve_fid"]));
    expect(await rowsOf(ids, "cartodb_id, a")).toEqual([
      { cartodb_id: 7, a: 2 },
      { cartodb_id: 40, a: 1 },
    ]);
    const own = collection(
      feature(point(1, 2), { cartodb_id: 90 }),
      feature(point(1, 2), { cartodb_id: 80 }),
    );
    const table = await tableOf(await madeByGdal(own, ["-f", "GPKG"]));
    expect(await rowsOf(table, "cartodb_id")).toEqual([{ cartodb_id: 80 }, { cartodb_id: 90 }]);
    await server.sql(`INSERT INTO ${table} DEFAULT VALUES`);
    expect(await rowsOf(table, "max(cartodb_id) AS id", "1")).toEqual([{ id: 91 }]);
  });
});

describe("geometry", () => {
  test("lines and polygons become MULTI, a MULTIPOINT its first point, Z is dropped", async () => {
    const features = [
      feature({
        type: "LineString",
        coordinates: [
          [1, 2, 9],
          [3, 4, 9],
        ],
      }),
      feature({
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      }),
      feature({
        type: "MultiPoint",
        coordinates: [
          [5, 6],
          [7, 8],
        ],
      }),
      feature(point(1, 1)),
      feature(null),
    ];
    const table = await tableOf(await madeByGdal(collection(...features), ["-f", "GPKG"]));
    expect((await rowsOf(table, "ST_AsText(the_geom) AS g")).map(({ g }) => g)).toEqual([
      "MULTILINESTRING((1 2,3 4))",
      "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
      "POINT(5 6)",
      "POINT(1 1)",
      null,
    ]);
    const { rows } = await server.sql(`SELECT count(the_geom_webmercator) AS n FROM ${table}`);
    expect(rows).toEqual([{ n: 4 }]);
  });

  test("arcs become lines", async () => {
    const dxf = ["SECTION", "ENTITIES"].map((name, i) => `${i === 0 ? 0 : 2}\n${name}`);
    const arc = "0\nCIRCLE\n8\n0\n10\n5.0\n20\n6.0\n30\n0.0\n40\n1.0";
    const table = (await file("arc.dxf", `${[...dxf, arc, "0\nENDSEC", "0\nEOF"].join("\n")}\n`)).table_name!;
    const [found] = await rowsOf(
      table,
      "GeometryType(the_geom) AS type, ST_NPoints(the_geom) > 20 AS smooth",
    );
    expect(found).toEqual({ type: "MULTILINESTRING", smooth: true });
  });

  test("a geometry collection fails", async () => {
    const mixed = collection(
      feature({
        type: "GeometryCollection",
        geometries: [
          point(1, 2),
          {
            type: "LineString",
            coordinates: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
      }),
    );
    const { "c.gpkg": content } = renamed(await madeByGdal(mixed, ["-f", "GPKG"]), "c.gpkg");
    expect(await failureOf("c.gpkg", content!)).toEqual([
      "failure",
      3201,
      expect.stringContaining("ST_Dump"),
    ]);
  });

  const london = collection(
    feature(point(-0.1275, 51.507)),
    feature(point(-3.19, 55.95)),
    feature(point(-5.7, 50.07)),
  );

  test("coordinates in another system are transformed", async () => {
    const files = await madeByGdal(london, ["-f", "GPKG", "-t_srs", "EPSG:27700"]);
    const table = await tableOf(files);
    const found = await rowsOf(table, "ST_X(the_geom) AS x, ST_Y(the_geom) AS y");
    const dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
    onTestFinishedRemove(dir);
    const [content] = Object.values(files);
    await writeFile(join(dir, "a.gpkg"), content!);
    const expected = nativeCoordinates(join(dir, "a.gpkg")) ?? found;
    for (const [i, { x, y }] of found.entries()) {
      expect(Math.abs(Number(x) - Number(expected[i]!.x))).toBeLessThan(1e-9);
      expect(Math.abs(Number(y) - Number(expected[i]!.y))).toBeLessThan(1e-9);
    }
    expect(Number(found[0]!.x)).toBeCloseTo(-0.1275, 4);
  });

  test("without a coordinate system, degrees are assumed if that is possible", async () => {
    const dxf = await madeByGdal(london, ["-f", "DXF", "-select", ""]);
    expect(await rowsOf(await tableOf(dxf), "ST_AsText(the_geom, 3) AS g")).toContainEqual({
      g: "POINT(-3.19 55.95)",
    });
    const metres = await madeByGdal(london, ["-f", "DXF", "-select", "", "-t_srs", "EPSG:27700"]);
    const [code, message] = (await failureOf("plan.dxf", Object.values(metres)[0]!)).slice(1);
    expect(code).toBe(3008);
    expect(message).toMatch(
      /but x is from 13\d,\d+ to 53\d,\d+ and y is .*British National Grid \(EPSG:27700\)/,
    );
  });
});

function renamed(files: Files, name: string): Files {
  return { [name]: Object.values(files)[0]! };
}

const temporary: string[] = [];
function onTestFinishedRemove(dir: string) {
  temporary.push(dir);
}
afterAll(() => Promise.all(temporary.map((dir) => rm(dir, { recursive: true, force: true }))));

/** Coordinates of points in EPSG:4326 by GDAL of the machine, if it is installed. */
function nativeCoordinates(path: string): { x: number; y: number }[] | undefined {
  try {
    const out = execFileSync(
      "ogr2ogr",
      ["-f", "CSV", "-t_srs", "EPSG:4326", "-lco", "GEOMETRY=AS_XY", "/vsistdout/", path],
      { encoding: "utf8" },
    );
    return out
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const [x, y] = line.split(",").map(Number);
        return { x: x!, y: y! };
      });
  } catch {
    return undefined;
  }
}

describe("layers", () => {
  test("each layer with features becomes a table", async () => {
    const files = renamed(
      await madeByGdal(
        TREES,
        ["-f", "GPKG", "-nln", "Old trees"],
        ["-f", "GPKG", "-nln", "none", "-update", "-where", "n > 100"],
        ["-f", "GPKG", "-nln", "new", "-update", "-where", "n > 0"],
      ),
      "park.gpkg",
    );
    expect(await file("park.gpkg", files["park.gpkg"]!)).toMatchObject({
      table_name: "park_old_trees",
      tables_created_count: 2,
    });
    expect(await rowsOf("park_new", "n")).toEqual([{ n: 1 }]);
  });

  test("files of several formats in one archive", async () => {
    const gpkg = await madeByGdal(TREES, ["-f", "GPKG"]);
    const zip = await zipOf({
      "a.csv": "x\n1\n",
      "inner/b.gpkg": Object.values(gpkg)[0]!,
      "tabs.tab": "p\tq\n1\t2\n",
    });
    expect(await file("several.zip", zip)).toMatchObject({ table_name: "a", tables_created_count: 3 });
    expect(await rowsOf("b", "count(*) AS n", "1")).toEqual([{ n: 3 }]);
    expect(await rowsOf("tabs", "p, q")).toEqual([{ p: 1, q: 2 }]);
  });

  test("a geodatabase whose files are at the top of the archive is named after it", async () => {
    const files = await madeByGdal(TREES, ["-f", "OpenFileGDB"]);
    expect(await tableOf(files, "Inventory.gdb.zip")).toBe("inventory");
  });

  test("a file without features fails", async () => {
    const files = renamed(await madeByGdal(TREES, ["-f", "GPKG", "-where", "n > 100"]), "none.gpkg");
    expect((await failureOf("none.gpkg", files["none.gpkg"]!)).slice(1)).toEqual([
      1005,
      "The file contains no features.",
    ]);
  });

  test("content decides if the extension is unknown", async () => {
    const gpkg = await madeByGdal(TREES, ["-f", "GPKG"]);
    const fgb = await madeByGdal(TREES, ["-f", "FlatGeobuf"]);
    expect((await file("export.data", Object.values(gpkg)[0]!)).table_name).toBe("export");
    expect((await file("download", Object.values(fgb)[0]!)).table_name).toBe("download");
  });
});

describe("damaged and hostile files", () => {
  const random = () => Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251));
  const many = collection(
    ...Array.from({ length: 3000 }, (_, i) =>
      feature(point(i % 90, i % 45), { n: i, text: "x".repeat(200) }),
    ),
  );
  const cut = async (...options: string[]) => {
    const [content] = Object.values(await madeByGdal(many, options));
    return content!.subarray(0, content!.length / 2);
  };

  test.each<[name: string, content: () => Promise<Uint8Array | string> | Uint8Array | string]>([
    ["cut.gpkg", () => cut("-f", "GPKG")],
    ["cut.fgb", () => cut("-f", "FlatGeobuf")],
    ["cutseq.fgb", () => cut("-f", "FlatGeobuf", "-lco", "SPATIAL_INDEX=NO")],
    ["cut.gml", () => cut("-f", "GML")],
    ["cut.gpx", () => cut("-f", "GPX", "-select", "")],
    ["cut.sqlite", () => cut("-f", "SQLite")],
    ["random.fgb", random],
    ["random.gpkg", random],
    ["random.sqlite", () => "SQLite format 3\0 and nothing else"],
    ["text.db", () => "no database"],
    ["random.dxf", random],
    ["random.gpx", random],
    ["random.pbf", random],
    ["random.gml", random],
    ["random.topojson", () => '{"type":"Topology"'],
    ["random.geojsonl", random],
    ["magic.fgb", () => Buffer.concat([Buffer.from("fgb\x03fgb\x00"), Buffer.alloc(100, 0xff)])],
    [
      "script.gml",
      () =>
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"><gml:featureMember><t><x>&b;</x></t></gml:featureMember>',
    ],
  ])("%s", async (name, content) => {
    const [state, code, message] = await failureOf(name, await content());
    expect([state, code]).toEqual(["failure", 2001]);
    expect(message).toMatch(`${name} cannot be read: `);
    expect((await server.sql("SELECT CDB_UserTables() AS t")).rows.map(({ t }) => t)).not.toContain(
      name.split(".")[0],
    );
  });
});

test("each object of a TopoJSON file is a layer of its own", async () => {
  const topology = {
    type: "Topology",
    arcs: [],
    objects: {
      cities: {
        type: "GeometryCollection",
        geometries: [{ type: "Point", coordinates: [7.5, 47], properties: { a: 1 } }],
      },
      towers: {
        type: "GeometryCollection",
        geometries: [{ type: "Point", coordinates: [8.5, 46], properties: { b: 2 } }],
      },
    },
  };
  const answer = await file("topology.topojson", JSON.stringify(topology));
  expect((answer.tables as { name: string }[]).map(({ name }) => name)).toEqual([
    "topology_cities",
    "topology_towers",
  ]);
  expect(await rowsOf("topology_towers", "b, ST_AsText(the_geom) AS g")).toEqual([
    { b: 2, g: "POINT(8.5 46)" },
  ]);
});

describe("while a file is read", () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      JSON.stringify(
        feature(
          {
            type: "LineString",
            coordinates: Array.from({ length: 50 }, (_, k) => [(i % 170) + k / 100, k / 50]),
          },
          { i, x: i / 7 },
        ),
      ),
    ).join("\n");

  test("the server answers", async () => {
    const importing = finished(await upload("slow.geojsonl", lines(20_000)));
    const { count, slowest } = await answersDuring(server, importing);
    expect(await importing).toMatchObject({ success: true, table_name: "slow" });
    expect(count).toBeGreaterThan(10);
    expect(slowest).toBeLessThan(1 / 4);
  });

  test("the import can be stopped, and leaves nothing", async () => {
    const response = await upload("stopped.geojsonl", lines(20_000));
    const { item_queue_id: id } = (await response.clone().json()) as { item_queue_id: string };
    const [work = ""] = await workDirs();
    const home = (await homesIn(server.home)).at(-1)!;
    const gdal = join(home.dir, "imports", work, "gdal");
    await vi.waitFor(async () => expect((await readdir(gdal)).join()).toMatch(/\.sql/), {
      timeout: 300_000,
      interval: 5,
    });
    await server.ask(`/api/v1/imports/${id}`, { method: "DELETE" });
    expect(await finished(response)).toMatchObject({ state: "failure", error_code: 6671 });
    expect((await server.sql("SELECT to_regclass('stopped') AS t")).rows).toEqual([{ t: null }]);
  });

  describe("a stopped reader", () => {
    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
      onTestFinishedRemove(dir);
      await mkdir(join(dir, "0"));
      await writeFile(join(dir, "0/data.geojsonl"), lines(20_000));
    });

    test("ends the thread at once", async () => {
      const controller = new AbortController();
      const gdal = new Gdal(dir, controller.signal);
      const [layer] = await gdal.layers("0/data.geojsonl", ["GeoJSONSeq"]);
      expect(layer).toMatchObject({
        featureCount: 20_000,
        geometries: [{ type: "LineString", crs: { srid: 4326 } }],
      });
      const writing = gdal.write("0/data.geojsonl", layer!, { output: "out" });
      const failed = expect(writing).rejects.toThrow("enough");
      while (!existsSync(join(dir, "out.sql"))) await sleep(1);
      const start = performance.now();
      controller.abort(new Error("enough"));
      await failed;
      await gdal.close();
      expect(performance.now() - start).toBeLessThan(2000);
      await expect(gdal.layers("0/data.geojsonl", ["GeoJSONSeq"])).rejects.toThrow("enough");
      expect(await readdir(dir)).toContain("out.sql"); // the import removes its folder
    });

    test("before it starts", async () => {
      const gdal = new Gdal(dir, AbortSignal.abort(new Error("early")));
      await expect(gdal.layers("0/data.geojsonl", ["GeoJSONSeq"])).rejects.toThrow("early");
      await gdal.close();
    });
  });
});
