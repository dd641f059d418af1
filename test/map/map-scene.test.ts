import { DataFrame } from "danfojs-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixedSource } from "../../src/api/endpoint";
import { Transport } from "../../src/api/transport";
import { mapScene } from "../../src/context/map/map-scene";
import { InvalidArgumentError } from "../../src/errors";
import { BaseMap, Layer, type MapOptions, QueryLayer } from "../../src/map";
import type { PointGeometry } from "../../src/render/scene";
import { nowhere, progress } from "../support/nowhere";
import { serverForTests } from "../support/server";

const server = serverForTests();
let transport: Transport;
beforeAll(async () => {
  const { baseUrl, user, key } = server;
  transport = new Transport(
    fixedSource({ kind: "local", baseUrl, user, apiKey: key, label: "the local server" }),
  );
  await server.sql(`CREATE TABLE "Odd ""Table""" ("the_geom" geometry, "a ""b"" <c>" text, n int8, big bytea, at timestamptz);
    INSERT INTO "Odd ""Table""" SELECT ST_SetSRID(ST_MakePoint(i, i), 4326), 'v' || i % 3, i, repeat('x', 10000)::bytea, now()
      FROM generate_series(1, 50) i;
    CREATE TABLE places (lng float8, lat float8)`);
});
afterAll(() => server.close());

const scene = (options: MapOptions) => mapScene(transport, { ...options, progress });

test("a table with a hostile name and column", async () => {
  const layers = [
    new BaseMap({ source: "dark" }),
    new Layer('Odd "Table"', { color: 'a "b" <c>', size: "n" }),
  ];
  const { scene: built, warnings } = await scene({ layers });
  expect(warnings).toEqual([]);
  expect(built.basemap.theme).toBe("dark");
  expect(built.layers[0]).toMatchObject({ rowCount: 50, geometry: { kind: "point" } });
  expect(built.legends.map(({ title }) => title)).toEqual(['a "b" <c>', "n"]);
});

test("queries with a comment and a semicolon; a single layer; metres", async () => {
  const sql =
    'SELECT ST_Transform(the_geom, 3857) AS geom, n FROM "Odd ""Table""" WHERE n <= 2 ORDER BY n -- two\n;';
  const { scene: built } = await scene({ layers: new QueryLayer(sql, { color: "n" }) });
  const { x } = built.layers[0]!.geometry as PointGeometry;
  expect([...x].map((world) => Math.round((world * 360 - 180) * 1e6) / 1e6)).toEqual([1, 2]);
});

test("missing tables and unsuitable columns", async () => {
  await expect(scene({ layers: new Layer("nowhere") })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[TableNotFoundError: No table is named "nowhere". List the tables with \`await cc.tables()\`.]`,
  );
  await expect(scene({ layers: new Layer("places") })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: Layer "places" must have a geometry column. Its columns are "lng", "lat". Pass \`lnglat: ["lng", "lat"]\`.]`,
  );
  await expect(
    scene({ layers: new Layer('Odd "Table"', { size: "at" }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`size\` must be a column of numbers; column "at" of layer "Odd \\"Table\\"" is of type timestamptz.]`,
  );
  await expect(
    scene({ layers: new QueryLayer("SELECT ST_SetSRID(ST_MakePoint(4e5, 4e6), 25830) AS g") }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: Column "g", row 0 (counted from 0) has SRID 25830, expected 4326. Use ST_Transform("g", 4326) in the query.]`,
  );
  const { scene: built, warnings } = await scene({ layers: new Layer("places", { lnglat: ["lng", "lat"] }) });
  expect(warnings).toHaveLength(1);
  expect(built.view).toMatchObject({ kind: "center", zoom: 1 });
});

test("mapping changes nothing in the database", async () => {
  await server.sql("CREATE TABLE kept AS SELECT ST_SetSRID(ST_MakePoint(1, 2), 4326) AS the_geom");
  const refused = async (sql: string) => {
    await expect(scene({ layers: new QueryLayer(sql) }), sql).rejects.toThrow(InvalidArgumentError);
    const { rows } = await server.sql("SELECT count(*)::int AS n FROM kept");
    expect(rows, sql).toEqual([{ n: 1 }]);
  };
  for (const sql of [
    "DELETE FROM kept RETURNING *",
    "WITH gone AS (DELETE FROM kept RETURNING *) SELECT * FROM gone",
    "SELECT 1; DELETE FROM kept; SELECT * FROM kept",
    "TRUNCATE kept",
    "EXPLAIN ANALYZE DELETE FROM kept",
  ])
    await refused(sql);
  await expect(
    scene({ layers: new QueryLayer("DROP TABLE kept", { name: "all" }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: Layer "all" needs a single query that changes nothing, such as a SELECT. Run other statements first with cc.query.]`,
  );
  for (const sql of ["TABLE kept", "WITH k AS (SELECT * FROM kept) SELECT * FROM k", "(SELECT * FROM kept)"])
    expect((await scene({ layers: new QueryLayer(sql) })).scene.layers[0]).toMatchObject({ rowCount: 1 });
});

test("a map of DataFrames needs no server", async () => {
  const frame = new DataFrame({ lng: [1, 2], lat: [3, 4] });
  const layers = [new Layer(frame, { lnglat: ["lng", "lat"] })];
  const { scene: built } = await mapScene(nowhere, { layers, progress });
  expect(built.layers[0]).toMatchObject({ rowCount: 2 });
  expect((await mapScene(nowhere, { progress })).scene.layers).toEqual([]);
});

test("the corner of the legend is decided once, or by the option", async () => {
  const frame = new DataFrame({ lng: [1, 2], lat: [3, 4], n: [1, 2] });
  const layers = new Layer(frame, { lnglat: ["lng", "lat"], color: "n" });
  const cornerOf = async (legend?: object) =>
    (await mapScene(nowhere, { layers, legend, progress } as never)).scene.legendCorner;
  expect(await cornerOf()).toBe("top-right");
  expect(await cornerOf({})).toBe("top-right");
  expect(await cornerOf({ position: "bottom-left" })).toBe("bottom-left");
  await expect(cornerOf({ position: "left" })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`legend.position\` must be one of "top-right", "bottom-right", "bottom-left", "top-left"; got "left".]`,
  );
  await expect(cornerOf({ place: "top-left" })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: legend has no option "place". Available options: "position".]`,
  );
  await expect(cornerOf([])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`legend\` must be an object such as { position: "bottom-left" }; got [].]`,
  );
});

test("an aborted map fetches nothing", async () => {
  const signal = AbortSignal.abort(new Error("stopped"));
  await expect(mapScene(transport, { layers: new Layer("places"), signal, progress })).rejects.toThrow(
    "stopped",
  );
});
