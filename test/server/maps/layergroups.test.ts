import { describe, expect, test } from "vitest";
import { defaultEngine } from "../../support/engine";
import { decodeMvt } from "../../support/mvt";
import { inside, post, server, tileOf, unitsOf, useMapServer } from "./setup";

useMapServer();

describe("an anonymous map", () => {
  test("returns the URL of its tiles, which contain the columns", async () => {
    const { status, headers, body } = await post("/user/local/api/v1/map", {
      version: "1.8.0",
      layers: [
        { type: "mapnik", id: "towns", options: { sql: "SELECT * FROM places", dates_as_numbers: true } },
      ],
    });
    expect(status).toBe(200);
    expect(body.layergroupid).toMatch(/^[0-9a-f]{32}:\d+$/);
    expect(headers.get("x-layergroup-id")).toBe(body.layergroupid);
    expect(body.metadata.layers).toMatchObject([
      { type: "mapnik", id: "towns", meta: { aggregation: { mvt: false } } },
    ]);
    const url = body.metadata.url.vector.urlTemplate;
    expect(url).toBe(
      `${server.baseUrl.replace(/\/user\/local\/?$/, "")}/user/local/api/v1/map/${body.layergroupid}/{z}/{x}/{y}.mvt`,
    );
    const response = await server.ask(`/api/v1/map/${body.layergroupid}/towns/0/0/0.mvt`);
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    const { towns } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
    expect(towns!.extent).toBe(4096);
    const shown = towns!.features.filter((feature) => inside(feature).length > 0);
    expect(shown.map(({ properties }) => properties)).toEqual([
      { cartodb_id: 1, name: "Madrid", n: 1.5, big: 9007199254740992, ok: true, day: 1577923200 },
      { cartodb_id: 2, name: 'é "quoted"', big: -5, ok: false },
    ]);
    expect(shown.map(({ parts }) => parts[0]![0])).toEqual([
      unitsOf([-3.7, 40.4], [0, 0, 0]),
      unitsOf([151.2, -33.9], [0, 0, 0]),
    ]);
  });

  test.each([
    ["the index", "0"],
    ["the type", "mapnik"],
    ["all", "all"],
    ["ids", "layer1,layer0"],
  ])("its layers by %s", async (_name, filter) => {
    const options = { sql: "SELECT * FROM places" };
    const { body } = await post("/api/v1/map", { version: "1.0.1", layers: [{ options }, { options }] });
    const response = await server.ask(`/api/v1/map/${body.layergroupid}/${filter}/0/0/0.mvt`);
    expect(Object.keys(decodeMvt(new Uint8Array(await response.arrayBuffer())))).toEqual(
      filter === "0" ? ["layer0"] : ["layer0", "layer1"],
    );
  });

  test.each<[string, string, unknown, number, string | RegExp]>([
    ["no layers", "/api/v1/map", {}, 400, /Missing layers/],
    [
      "a version",
      "/api/v1/map",
      { version: "9.9.9", layers: [{ options: {} }] },
      400,
      "Unsupported layergroup configuration version 9.9.9",
    ],
    [
      "no options",
      "/api/v1/map",
      { layers: [{ type: "mapnik" }] },
      400,
      "Missing options from layer 0 of layergroup config",
    ],
    [
      "two statements",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT 1; DROP TABLE secret" } }] },
      400,
      /not one SELECT/,
    ],
    [
      "a write",
      "/api/v1/map",
      { layers: [{ options: { sql: "DELETE FROM secret RETURNING *" } }] },
      400,
      /not one SELECT/,
    ],
    [
      "an unknown column",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT nam FROM places" } }] },
      400,
      'column "nam" does not exist',
    ],
    [
      "no geometry",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT 1 AS a" } }] },
      400,
      'column "the_geom_webmercator" does not exist',
    ],
    [
      "dataviews",
      "/api/v1/map",
      { dataviews: { a: {} }, layers: [{ options: { sql: "SELECT * FROM places" } }] },
      400,
      'Dataview "a" is missing `source.id` attribute',
    ],
    [
      "an unknown table",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT * FROM nothing" } }] },
      404,
      'relation "nothing" does not exist',
    ],
    ["torque", "/api/v1/map", { layers: [{ type: "torque", options: { sql: "SELECT 1" } }] }, 400, /torque/],
    [
      "a resolution",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT * FROM places", aggregation: { resolution: -1 } } }] },
      400,
      "Invalid resolution, should be a number greather than 0",
    ],
    [
      "extents",
      "/api/v1/map",
      {
        layers: [
          { options: { sql: "SELECT * FROM places", vector_extent: 512 } },
          { options: { sql: "SELECT * FROM places" } },
        ],
      },
      400,
      /^Multiple extent values in mapConfig/,
    ],
  ])("rejects %s", async (_name, path, config, status, message) => {
    const answer = await post(path, config);
    expect([answer.status, answer.body.errors[0]]).toEqual([status, expect.stringMatching(message)]);
    expect(answer.body.errors_with_context[0]).toMatchObject({ message: answer.body.errors[0] });
  });

  test.each([
    ["nonsense/0/0/0.mvt", 400, /^Invalid or nonexistent map configuration token/],
    ["..%2F..%2Fserver/0/0/0.mvt", 400, /^Invalid or nonexistent/],
    [`${"0".repeat(32)}:0/0/0/0.mvt`, 400, /^Invalid or nonexistent/],
    ["TOKEN/a/0/0.mvt", 400, /^Invalid zoom value \(a\)/],
    ["TOKEN/0/x/0.mvt", 400, /^Invalid coodinate 'x' value/],
    ["TOKEN/0/0/-1.mvt", 400, /^Invalid coodinate 'y' value/],
    ["TOKEN/0/0/0.png", 400, /'cartocss' option is missing for png/],
    ["TOKEN/0/0/0/0.torque.json", 400, /^Unsupported format torque.json/],
    ["TOKEN/7/0/0/0.mvt", 400, /^Invalid layer filtering/],
    ["static/center/TOKEN/0/0/0/100/100.gif", 400, /^Unsupported image format "gif"/],
  ])("rejects %s", async (path, status, message) => {
    const { body } = await post("/api/v1/map", { layers: [{ options: { sql: "SELECT * FROM places" } }] });
    const response = await server.ask(`/api/v1/map/${path.replace("TOKEN", body.layergroupid)}`);
    const { errors } = (await response.json()) as { errors: string[] };
    expect([response.status, errors[0]]).toEqual([status, expect.stringMatching(message)]);
  });

  test("a key sees only what it can read, also in another key's map", async () => {
    const config = { layers: [{ options: { sql: "SELECT * FROM secret" } }] };
    expect((await post("/api/v1/map", config, { key: null } as object)).status).toBe(403);
    const { body } = await post("/api/v1/map", config);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    expect((await server.ask(path)).status).toBe(200);
    expect((await server.ask(path, { key: null })).status).toBe(403);
    expect((await server.ask(path, { key: "default_public" })).status).toBe(403);
    expect((await server.ask(path, { key: "nonsense" })).status).toBe(401);
  });

  test("an empty tile is answered with 204", async () => {
    expect((await tileOf([5, 0, 16], { sql: "SELECT * FROM places" })).status).toBe(204);
  });

  test("attributes of one feature", async () => {
    const attributes = { id: "cartodb_id", columns: ["name", "day"] };
    const { body } = await post("/api/v1/map", {
      layers: [{ options: { sql: "SELECT * FROM places", attributes } }],
    });
    const base = `/api/v1/map/${body.layergroupid}/0/attributes`;
    expect(await (await server.ask(`${base}/1`)).json()).toEqual({ name: "Madrid", day: "2020-01-02" });
    const missing = await server.ask(`${base}/9`);
    expect([missing.status, ((await missing.json()) as { errors: string[] }).errors]).toEqual([
      404,
      ["Multiple features (0) identified by 'cartodb_id' = 9 in layer 0"],
    ]);
    expect((await server.ask(`${base}/${encodeURIComponent("1' OR true --")}`)).status).toBe(404);
  });
});

describe("caches", () => {
  test("a tile is cached until its table changes", async () => {
    await server.sql(`CREATE TABLE changing (name text, the_geom geometry); SELECT CDB_CartodbfyTable('changing');
      INSERT INTO changing (name, the_geom) VALUES ('a', 'SRID=4326;POINT(1 1)')`);
    const config = { layers: [{ options: { sql: "SELECT * FROM changing" } }] };
    const { body } = await post("/api/v1/map", config);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    const first = await server.ask(path);
    const etag = first.headers.get("etag")!;
    const isTracked = defaultEngine() === "pglite";
    expect(first.headers.get("cache-control")).toBe(
      isTracked ? "public,max-age=31536000" : "public,max-age=300",
    );
    if (isTracked) expect(first.headers.get("x-cache-channel")).toMatch(/:public\.changing$/);
    expect((await server.ask(path, { headers: { "If-None-Match": etag } })).status).toBe(304);
    await server.sql("INSERT INTO changing (name, the_geom) VALUES ('b', 'SRID=4326;POINT(2 2)')");
    const second = await server.ask(path, { headers: { "If-None-Match": etag } });
    expect(second.status).toBe(200);
    expect(decodeMvt(new Uint8Array(await second.arrayBuffer())).layer0!.features).toHaveLength(2);
    if (isTracked) {
      expect(second.headers.get("cache-control")).toBe("no-cache");
      expect((await post("/api/v1/map", config)).body.layergroupid).not.toBe(body.layergroupid);
    }
  });
});
