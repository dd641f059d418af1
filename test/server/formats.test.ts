import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import { beforeAll, describe, expect, test } from "vitest";
import { collection } from "../../src/server/formats/geojson";
import { copyTextRows } from "../../src/server/row-stream";
import { chunksOf, defaultEngine } from "../support/engine";
import { serverForTests } from "../support/server";

const server = serverForTests();
beforeAll(async () => {
  await server.sql(`
    CREATE TABLE trees (name text, height float8, seen_at timestamptz, old boolean, the_geom geometry(Geometry,4326));
    INSERT INTO trees VALUES
      ('Olmo, "el viejo"', 12.5, '2017-03-04 10:11:12.5', true, ST_SetSRID(ST_MakePoint(1.123456789, 2), 4326)),
      (E'two\\nlines\\tand a \\\\', 'NaN', NULL, false, NULL),
      ('', NULL, NULL, NULL, ST_GeomFromText('LINESTRING(0 0,2 1)', 4326));
    SELECT CDB_CartodbfyTable('trees')`);
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function ask(q: string, parameters: Record<string, string>): Promise<Answer> {
  const body = new URLSearchParams({ q, ...parameters });
  const response = await server.ask("/api/v2/sql", { method: "POST", body });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const TREES = "SELECT * FROM trees ORDER BY cartodb_id";

describe("every format", () => {
  test.each([
    ["json", "application/json; charset=utf-8", "json"],
    ["geojson", "application/json; charset=utf-8", "geojson"],
    ["topojson", "application/json; charset=utf-8", "topojson"],
    ["csv", "text/csv; charset=utf-8; header=present", "csv"],
    ["kml", "application/kml; charset=utf-8", "kml"],
    ["svg", "image/svg+xml; charset=utf-8", "svg"],
    ["shp", "application/zip; charset=utf-8", "zip"],
    ["gpkg", "application/x-sqlite3; charset=utf-8", "gpkg"],
    ["spatialite", "application/x-sqlite3; charset=utf-8", "sqlite"],
    ["parquet", "application/vnd.apache.parquet", "parquet"],
  ])("%s sets content type and file name, in any letter case", async (format, type, extension) => {
    const query = "SELECT * FROM trees WHERE cartodb_id = 1"; // a shapefile holds geometries of one type
    const { status, headers } = await ask(query, { format: format.toUpperCase(), filename: "my (trees).x" });
    expect([status, headers.get("content-type")]).toEqual([200, type]);
    expect(headers.get("content-disposition")).toMatch(
      new RegExp(`^attachment; filename=my__trees_\\.${extension}; modification-date=".+ GMT";$`),
    );
  });

  test.each(["constructor", "__proto__", "xls"])("%s is not a format", async (format) => {
    expect((await ask(TREES, { format })).text).toBe(
      JSON.stringify({ error: [`Invalid format: ${format}`] }),
    );
  });

  test.each(["geojson", "topojson", "svg", "kml"])("%s needs the_geom", async (format) => {
    const { status, text } = await ask("SELECT 1 AS a", { format });
    expect([status, JSON.parse(text).error]).toEqual([400, ['column "the_geom" does not exist']]);
  });

  test.each(["geojson", "topojson", "csv", "svg", "kml", "arraybuffer"])(
    "%s accepts one query",
    async (format) => {
      const two = await ask("SELECT 1 AS a; SELECT 2 AS a", { format });
      expect([two.status, two.text]).toEqual([
        400,
        JSON.stringify({ error: [`Format ${format} takes a single query; got 2`] }),
      ]);
      for (const q of [
        "INSERT INTO trees (name) VALUES ('x') RETURNING *",
        "SELECT 1) AS a, (SELECT 2",
        "",
      ]) {
        expect((await ask(q, { format })).status, q).toBe(400);
      }
      expect((await server.sql("SELECT count(*) AS n FROM trees")).rows).toEqual([{ n: 3 }]);
    },
  );

  test.each(["geojson", "csv", "kml", "svg", "topojson"])(
    "an error of %s is JSON, before anything is sent",
    async (format) => {
      const q =
        "SELECT cartodb_id, ST_MakePoint(1 / (cartodb_id - 3), 0) AS the_geom FROM trees ORDER BY cartodb_id";
      const { status, headers, text } = await ask(q, { format });
      expect([status, JSON.parse(text)]).toEqual([400, { error: ["division by zero"] }]);
      expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    },
  );
});

describe("geojson", () => {
  test("members in CARTO's order, without the geometry column; dates and NaN as in JSON", async () => {
    const { text } = await ask(TREES, { format: "geojson" });
    expect(text).toBe(
      '{"type": "FeatureCollection", "features": [' +
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[1.123457,2]},"properties":{"cartodb_id":1,"name":"Olmo, \\"el viejo\\"","height":12.5,"seen_at":"2017-03-04T10:11:12Z","old":true}},' +
        '{"type":"Feature","geometry":null,"properties":{"cartodb_id":2,"name":"two\\nlines\\tand a \\\\","height":"NaN","seen_at":null,"old":false}},' +
        '{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[2,1]]},"properties":{"cartodb_id":3,"name":"","height":null,"seen_at":null,"old":null}}' +
        "]}",
    );
  });

  test.each([
    ["2", [1.12, 2]],
    ["0", [1, 2]],
    ["-4", [1, 2]],
    ["many", [1.123457, 2]],
    ["99999999999", [1.123456789, 2]],
  ])("dp=%s", async (dp, coordinates) => {
    const { text } = await ask(`${TREES} LIMIT 1`, { format: "geojson", dp });
    expect(JSON.parse(text).features[0].geometry.coordinates).toEqual(coordinates);
  });

  test("keeps another SRID, without a crs", async () => {
    const { text } = await ask("SELECT the_geom_webmercator AS the_geom FROM trees WHERE cartodb_id = 3", {
      format: "geojson",
    });
    expect(JSON.parse(text).features[0]).toEqual({
      type: "Feature",
      geometry: {
        type: "LineString",
        coordinates: [
          [0, 0],
          [222638.981587, 111325.142866],
        ],
      },
      properties: {},
    });
  });

  test("skipped fields, pages, order, no rows, JSONP", async () => {
    const namesOf = async (parameters: Record<string, string>, q = "SELECT * FROM trees") =>
      JSON.parse((await ask(q, { format: "geojson", ...parameters })).text).features.map(
        ({ properties }: { properties: object }) => properties,
      );
    expect(
      await namesOf({ skipfields: "name,height,seen_at", order_by: "cartodb_id", sort_order: "desc" }),
    ).toEqual([
      { cartodb_id: 3, old: null },
      { cartodb_id: 2, old: false },
      { cartodb_id: 1, old: true },
    ]);
    const paged = {
      skipfields: "name,height,seen_at,old",
      order_by: "cartodb_id",
      rows_per_page: "1",
      page: "1",
    };
    expect(await namesOf(paged)).toEqual([{ cartodb_id: 2 }]);
    expect((await ask("SELECT * FROM trees WHERE false", { format: "geojson" })).text).toBe(
      '{"type": "FeatureCollection", "features": []}',
    );
    const { headers, text } = await ask("SELECT * FROM trees WHERE false", {
      format: "geojson",
      callback: "cb",
    });
    expect([headers.get("content-type"), text]).toEqual([
      "text/javascript; charset=utf-8",
      'cb({"type": "FeatureCollection", "features": []})',
    ]);
  });

  test("of duplicate columns, the last one counts", async () => {
    const { text } = await ask("SELECT 1 AS a, 2 AS b, 3 AS a, NULL::geometry AS the_geom", {
      format: "geojson",
    });
    expect(JSON.parse(text).features[0].properties).toEqual({ b: 2, a: 3 });
  });

  test("a row that fails ends the collection with the error", async () => {
    async function* broken() {
      yield { geometry: "null", properties: '{"a":1}' };
      throw new Error("the disk is gone");
    }
    let text = "";
    for await (const piece of collection(broken())) text += piece;
    expect(JSON.parse(text)).toEqual({
      type: "FeatureCollection",
      features: [{ type: "Feature", geometry: null, properties: { a: 1 } }],
      error: ["the disk is gone"],
    });
  });

  test("100,000 features arrive in order", async () => {
    const { text } = await ask("SELECT i, ST_MakePoint(i, 0) AS the_geom FROM generate_series(1, 100000) i", {
      format: "geojson",
    });
    const { features } = JSON.parse(text);
    expect(
      features.every(({ properties }: { properties: { i: number } }, at: number) => properties.i === at + 1),
    ).toBe(true);
    expect(features).toHaveLength(100_000);
  });
});

describe("csv", () => {
  test("text as PostgreSQL casts it, the_geom first, CRLF, quotes if needed", async () => {
    const hex = (await server.sql(TREES)).rows.map(({ the_geom }) => the_geom);
    expect(hex[0]).toMatch(/^0101000020E6100000/);
    const { text } = await ask(TREES, { format: "csv", skipfields: "the_geom_webmercator" });
    expect(text).toBe(
      "the_geom,cartodb_id,name,height,seen_at,old\r\n" +
        `${hex[0]},1,"Olmo, ""el viejo""",12.5,2017-03-04 10:11:12.5+00,true\r\n` +
        ',2,"two\nlines\tand a \\",NaN,,false\r\n' +
        `${hex[2]},3,,,,\r\n`,
    );
  });

  test("the_geom_webmercator stays unless it is skipped", async () => {
    const { text } = await ask("SELECT * FROM trees WHERE false", { format: "csv" });
    expect(text).toBe("the_geom,cartodb_id,the_geom_webmercator,name,height,seen_at,old\r\n");
  });

  test.each([
    ["one column", "SELECT 1 AS a", "a,\r\n1,\r\n"],
    ["nothing but a header", "SELECT 1 AS a, 2 AS b WHERE false", "a,b\r\n"],
    ["two columns with one name", "SELECT 1 AS a, 2 AS a", "a,a\r\n1,2\r\n"],
    ["padding goes with the cast", "SELECT 'x'::char(3) AS a, 1 AS b", "a,b\r\nx,1\r\n"],
    ["a name with quotes", `SELECT 1 AS "a""b", 2 AS "é,"`, '"a""b","é,"\r\n1,2\r\n'],
    ["a return alone", "SELECT E'a\\rb' AS a, 1 AS b", 'a,b\r\n"a\rb",1\r\n'],
    ["what COPY escapes", "SELECT E'\\\\N' AS a, E'\\b\\f\\x0b' AS b", "a,b\r\n\\N,\b\f\v\r\n"],
    ["a comment at the end", "SELECT 1 AS a, 2 AS b -- end", "a,b\r\n1,2\r\n"],
    ["semicolons at the end", "SELECT 1 AS a, 2 AS b ;; ", "a,b\r\n1,2\r\n"],
    [
      "arrays and json",
      `SELECT '{1,2}'::int[] AS a, '{"x": 1}'::json AS b`,
      'a,b\r\n"{1,2}","{""x"": 1}"\r\n',
    ],
  ])("%s", async (_name, q, expected) => {
    expect((await ask(q, { format: "csv" })).text).toBe(expected);
  });

  test("order and pages", async () => {
    const { text } = await ask("SELECT i, -i AS j FROM generate_series(1, 9) i", {
      format: "csv",
      order_by: "j",
      rows_per_page: "2",
      page: "1",
    });
    expect(text).toBe("i,j\r\n7,-7\r\n6,-6\r\n");
  });

  test("ignores callback", async () => {
    expect((await ask("SELECT 1 AS a, 2 AS b", { format: "csv", callback: "cb" })).text).toBe(
      "a,b\r\n1,2\r\n",
    );
  });

  test("parses COPY's text format, split anywhere", async () => {
    const text = "a\\tb\t\\N\té😀\n\\\\N\t\t\n";
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const rows: unknown[] = [];
      const chunks = (async function* () {
        yield bytes.subarray(0, cut);
        yield bytes.subarray(cut);
      })();
      for await (const row of copyTextRows(chunks)) rows.push(row);
      expect(rows, `cut at ${cut}`).toEqual([
        ["a\tb", null, "é😀"],
        ["\\N", "", ""],
      ]);
    }
    for await (const row of copyTextRows(chunksOf())) expect.fail(String(row));
  });
});

test("topojson contains the same features, quantized, by row number", async () => {
  await server.sql(`CREATE TABLE squares AS SELECT * FROM (VALUES
    ('west', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 1,0 0))', 4326)),
    ('east', ST_GeomFromText('POLYGON((1 0,2 0,2 1,1 1,1 0))', 4326)),
    ('none', NULL)) AS t(name, the_geom)`);
  const { text } = await ask("SELECT * FROM squares", { format: "topojson" });
  const topology = JSON.parse(text) as Topology;
  expect(Object.keys(topology.objects)).toEqual(["0", "1", "2"]);
  expect(topology.transform?.scale).toEqual([2 / 9999, 1 / 9999]);
  const geojson = JSON.parse((await ask("SELECT * FROM squares", { format: "geojson" })).text);
  const west = feature(topology, topology.objects["0"]!) as unknown as GeoJSON.Feature<GeoJSON.Polygon>;
  expect(west.properties).toEqual({ name: "west" });
  const area = (ring: GeoJSON.Position[]) =>
    Math.abs(ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i]![0]! * y! - x! * ring[i]![1]!, 0)) / 2;
  expect(area(west.geometry.coordinates[0]!)).toBeCloseTo(
    area(geojson.features[0].geometry.coordinates[0]),
    3,
  );
  expect(topology.objects["2"]).toMatchObject({ type: null, properties: { name: "none" } });
  expect(
    JSON.parse((await ask("SELECT * FROM squares WHERE false", { format: "topojson" })).text),
  ).toMatchObject({
    type: "Topology",
    objects: {},
  });
});

describe("svg", () => {
  const shapes = async (q: string, parameters: Record<string, string> = {}) => {
    const { text } = await ask(q, { format: "svg", ...parameters });
    return [
      /viewBox="([^"]*)"/.exec(text)![1],
      ...text.split("\n").filter((line) => /^<(circle|path)/.test(line)),
    ];
  };

  test("fills 1024 × 768, y down, with room for a circle at the edge", async () => {
    expect(await shapes("SELECT ST_GeomFromText('LINESTRING(10 20,12 21)') AS the_geom")).toEqual([
      "-6 -6 1036 524",
      '<path d="M 0 512 L 1024 0" />',
    ]);
    expect(await shapes("SELECT ST_GeomFromText('LINESTRING(0 0,1 100)') AS the_geom", { dp: "1" })).toEqual([
      "-6 -6 19.68 780",
      '<path d="M 0 768 L 7.7 0" />',
    ]);
  });

  test("sorts by dimension; points are circles, collections are split, nothing is left out", async () => {
    const [, ...lines] = await shapes(`
      SELECT ST_GeomFromText(w) AS the_geom FROM (VALUES
        ('POLYGON((0 0,4 0,4 3,0 0))'), ('GEOMETRYCOLLECTION(POINT(0 0),LINESTRING(0 0,4 3))'),
        ('MULTIPOINT(4 3,0 3)'), (NULL), ('POINT EMPTY'), ('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((2 2,3 2,3 3,2 2)))')) t(w)`);
    expect(lines.map((line) => line!.slice(0, 7))).toEqual([
      "<circle",
      "<circle",
      "<circle",
      "<path d",
      "<path d",
      "<path d",
    ]);
    expect(lines[0]).toMatch(/^<circle r="5" cx="[\d.]+" cy="[\d.]+" \/>$/);
  });

  test.each([
    ["one point", "SELECT ST_MakePoint(5, 5) AS the_geom", ["-6 -6 12 12", '<circle r="5" cx="0" cy="0" />']],
    ["no rows", "SELECT ST_MakePoint(5, 5) AS the_geom WHERE false", ["-6 -6 12 12"]],
  ])("%s", async (_name, q, expected) => {
    expect((await shapes(q)).map((line) => line!.replaceAll('"-0"', '"0"'))).toEqual(expected);
  });

  test("is styled at its root", async () => {
    const { text } = await ask("SELECT ST_MakePoint(5, 5) AS the_geom", { format: "svg" });
    expect(text).toContain('style="fill-opacity:0.5; stroke:black; stroke-width:1; fill:none"');
  });
});

test("kml has one placemark per row, named by the column name, in longitude and latitude", async () => {
  const { text } = await ask(
    `SELECT 'a < b & "c"' AS name, 1 AS n, E'\\x01' AS odd, NULL::int AS nothing,
       ST_Transform(ST_SetSRID(ST_MakePoint(2, 1), 4326), 3857) AS the_geom
     UNION ALL SELECT NULL, 2, '', 3, NULL`,
    { format: "kml", filename: "trees" },
  );
  expect(text).toContain("<Folder><name>trees</name>");
  const [first, second] = text.match(/<Placemark>.*<\/Placemark>/g)!;
  expect(first).toMatch(
    /^<Placemark><name>a &lt; b &amp; &quot;c&quot;<\/name><ExtendedData><Data name="n"><value>1<\/value><\/Data><Data name="odd"><value>\ufffd<\/value><\/Data><\/ExtendedData><Point><coordinates>(2|1\.9{6}\d*|2\.0{6}\d*),(1|0\.9{6}\d*|1\.0{6}\d*)<\/coordinates><\/Point><\/Placemark>$/,
  );
  expect(second).toBe(
    '<Placemark><ExtendedData><Data name="n"><value>2</value></Data><Data name="odd"><value></value></Data><Data name="nothing"><value>3</value></Data></ExtendedData></Placemark>',
  );
});

describe("arraybuffer", () => {
  const bytesOf = async (q: string) => {
    const body = new URLSearchParams({ q, format: "arraybuffer" });
    const response = await server.ask("/api/v2/sql", { method: "POST", body });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "application/octet-stream",
    ]);
    return new DataView(await response.arrayBuffer());
  };
  /** Reads one block: its type and the bytes of its content. */
  const block = (view: DataView, at: number) => ({
    type: view.getUint32(at),
    start: at + 8,
    end: at + 8 + view.getUint32(at + 4),
  });
  const aligned = (at: number) => Math.ceil(at / 4) * 4;

  test("contains names, then a typed array per column", async () => {
    const view = await bytesOf(
      "SELECT i + 0.5 AS f, i AS n__uint16, NULL::int AS gap FROM generate_series(1, 3) i",
    );
    const all = block(view, 0);
    expect([all.type, all.end]).toEqual([11, view.byteLength]);
    const names = block(view, all.start);
    expect(names.type).toBe(10);
    const read: string[] = [];
    for (let at = names.start; at < names.end; ) {
      const name = block(view, aligned(at));
      expect(name.type).toBe(5);
      read.push(
        String.fromCharCode(
          ...Array.from({ length: (name.end - name.start) / 2 }, (_, i) =>
            view.getUint16(name.start + 2 * i, true),
          ),
        ),
      );
      at = name.end;
    }
    expect(read).toEqual(["f", "n__uint16", "gap"]);
    const f = block(view, aligned(names.end));
    expect([f.type, ...[0, 4, 8].map((i) => view.getFloat32(f.start + i, true))]).toEqual([8, 1.5, 2.5, 3.5]);
    const n = block(view, aligned(f.end));
    expect([n.type, ...[0, 2, 4].map((i) => view.getUint16(n.start + i, true))]).toEqual([5, 1, 2, 3]);
    const gap = block(view, aligned(n.end));
    expect([gap.type, gap.end, view.getFloat32(gap.start, true)]).toEqual([8, view.byteLength, Number.NaN]);
  });

  test("is empty without rows", async () => {
    expect((await bytesOf("SELECT 1 AS a WHERE false")).byteLength).toBe(0);
  });

  test.each([
    ["SELECT the_geom FROM trees", "geometry types are not supported"],
    ["SELECT name FROM trees", 'The format arraybuffer takes only numeric columns; column "name" is string'],
  ])("rejects %s", async (q, error) => {
    const { status, text } = await ask(q, { format: "arraybuffer" });
    expect([status, JSON.parse(text)]).toEqual([400, { error: [error] }]);
  });
});

test("a GeoPackage keeps a cartodb_id that repeats, and fid, as ordinary columns", async () => {
  const row = "SELECT 5 AS cartodb_id, 1.5::float8 AS fid, the_geom FROM trees WHERE cartodb_id = 1";
  const { status, text } = await ask(`${row} UNION ALL ${row}`, { format: "gpkg" });
  expect(status).toBe(200);
  const [definition] = /CREATE TABLE "cartodb-query".*?\)/s.exec(text) ?? [];
  expect(definition).toContain('"fid_1" INTEGER PRIMARY KEY');
  expect(definition).toMatch(/"cartodb_id" MEDIUMINT.*"fid" REAL/s);
});

test("a SQLite file of rows without a geometry is a plain database, not SpatiaLite", async () => {
  const { status, text } = await ask("SELECT name FROM trees", { format: "spatialite" });
  expect(status).toBe(200);
  expect(text).toMatch(/^SQLite format 3/);
  expect(text).not.toMatch(/spatial_ref_sys|geometry_columns/);
});

// They are those of keys beside the master's, and a user's database has no role for these.
describe.runIf(defaultEngine() === "pglite")("cache headers", () => {
  const cacheOf = async (q: string, parameters: Record<string, string> = {}, key: string | null = null) => {
    const { headers } = await server.ask(`/api/v2/sql?${new URLSearchParams({ ...parameters, q })}`, { key });
    return ["cache-control", "x-cache-channel", "surrogate-key", "last-modified"].map((name) =>
      headers.get(name),
    );
  };
  const secondsOf = (control: string | null | undefined) =>
    Number(/^no-cache,max-age=(\d+),must-revalidate,public$/.exec(control!)![1]);
  beforeAll(async () => {
    await server.sql("GRANT SELECT ON trees, squares TO publicuser");
  });

  test("a result of a tracked table can be cached until it changes", async () => {
    const [control, channel, key, modified] = await cacheOf("SELECT * FROM trees");
    expect([secondsOf(control), channel, key]).toEqual([
      31_536_000,
      "postgres:public.trees",
      expect.stringMatching(/^t:[\w+/]{6}$/),
    ]);
    await server.sql("SELECT pg_sleep(1.1); UPDATE trees SET height = height");
    const [, , , later] = await cacheOf("SELECT 1 FROM trees");
    expect(Date.parse(later!)).toBeGreaterThan(Date.parse(modified!));
    expect((await cacheOf("SELECT * FROM trees", { format: "csv" }))[1]).toBe(channel);
    expect(await cacheOf("SELECT 1 AS a")).toEqual([control, null, null, null]);
  });

  test("an untracked table and a failure are cached for at most five minutes; a write is not", async () => {
    const [control, channel, keys, modified] = await cacheOf("SELECT * FROM trees, squares");
    expect([channel, keys, modified]).toEqual([
      "postgres:public.squares,public.trees",
      expect.stringMatching(/^t:.{6} t:.{6}$/),
      expect.any(String),
    ]);
    const failure = await cacheOf("SELECT * FROM nowhere");
    for (const [value] of [[control], failure]) expect(secondsOf(value)).toBeLessThanOrEqual(300);
    expect(await cacheOf("UPDATE trees SET height = height", {}, server.key)).toEqual([
      "no-cache,max-age=0,must-revalidate,public",
      null,
      null,
      null,
    ]);
  });

  test("responses to the master key do not name tables, which would need another query", async () => {
    const [control, ...rest] = await cacheOf("SELECT * FROM trees", {}, server.key);
    expect(secondsOf(control)).toBeLessThanOrEqual(300);
    expect(rest).toEqual([null, null, null]);
  });

  test("any table name fits into a header", async () => {
    await server.sql('CREATE TABLE "É, \n%" (a int); GRANT SELECT ON "É, \n%" TO publicuser');
    const [, channel, key] = await cacheOf('SELECT * FROM "É, \n%"');
    expect([channel, key]).toEqual(["postgres:public.%C3%89%2C%20%0A%25", expect.stringMatching(/^t:/)]);
  });
});
