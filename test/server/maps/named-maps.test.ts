import { stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { defaultEngine } from "../../support/engine";
import { decodeMvt } from "../../support/mvt";
import type { TestServer } from "../../support/server";
import { post, server, useMapServer } from "./setup";

useMapServer();

describe("a named map", () => {
  const template = {
    version: "0.0.1",
    name: "secret_map",
    auth: { method: "token", valid_tokens: ["t0k3n"] },
    placeholders: {
      name: { type: "sql_literal", default: "Madrid" },
      column: { type: "sql_ident", default: "cartodb_id" },
      min: { type: "number", default: 0 },
      color: { type: "css_color", default: "#f00" },
    },
    layergroup: {
      version: "1.8.0",
      layers: [
        {
          options: {
            sql: `SELECT cartodb_id, '<%= name %>'::text AS "<%= column %> label", the_geom_webmercator FROM secret WHERE cartodb_id > <%= min %>`,
            cartocss: "#l { marker-fill: <%= color %>; }",
            cartocss_version: "2.1.1",
          },
        },
      ],
    },
  };
  beforeAll(async () => {
    expect(await post("/api/v1/map/named", template)).toMatchObject({
      status: 200,
      body: { template_id: "secret_map" },
    });
  });

  const instance = (parameters: object, query = "auth_token=t0k3n", key: string | null = null) =>
    post(`/api/v1/map/named/secret_map?${query}`, parameters, { key } as object);
  const tile = (path: string, init: Parameters<TestServer["ask"]>[1] = {}) =>
    server.ask(path, { key: null, ...init });

  test("is created, listed, shown, changed and deleted with the master key", async () => {
    expect((await post("/api/v1/map/named", template)).body.errors).toEqual([
      "Template 'secret_map' of user 'local' already exists",
    ]);
    const other = { ...template, name: "other" };
    expect((await post("/api/v1/map/named", other)).status).toBe(200);
    expect(await (await server.ask("/api/v1/map/named")).json()).toEqual({
      template_ids: ["secret_map", "other"],
    });
    expect(await (await server.ask("/api/v1/map/named/local@other")).json()).toEqual({ template: other });
    const changed = { ...other, auth: { method: "open" } };
    expect((await post("/api/v1/map/named/other", changed, { method: "PUT" })).body).toEqual({
      template_id: "other",
    });
    expect((await post("/api/v1/map/named/other", template, { method: "PUT" })).body.errors).toEqual([
      "Cannot update name of a map template ('other' != 'secret_map')",
    ]);
    expect((await server.ask("/api/v1/map/named/other", { method: "DELETE" })).status).toBe(204);
    expect((await server.ask("/api/v1/map/named/other", { method: "DELETE" })).status).toBe(404);
    expect((await server.ask("/api/v1/map/named/other")).status).toBe(404);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/secret_map"],
      ["DELETE", "/secret_map"],
    ] as const) {
      for (const key of [null, "default_public"]) {
        expect((await server.ask(`/api/v1/map/named${path}`, { method, key })).status).toBe(403);
      }
    }
    if (defaultEngine() === "postgres") return; // its home has another name
    expect((await stat(join(server.home, "named-maps.json"))).mode & 0o777).toBe(0o600);
  });

  test.each<[string, object, RegExp]>([
    ["a name", { name: "../x" }, /Invalid characters in template name/],
    ["a version", { version: "2" }, /version/],
    ["no default", { placeholders: { a: { type: "number" } } }, /^Missing default for placeholder 'a'$/],
    ["no type", { placeholders: { a: { default: 1 } } }, /^Missing type for placeholder 'a'$/],
    ["no tokens", { auth: { method: "token", valid_tokens: [] } }, /valid_tokens/],
    ["no layers", { layergroup: { layers: [] } }, /layers/],
  ])("rejects %s", async (_name, change, message) => {
    const { status, body } = await post("/api/v1/map/named", { ...template, name: "wrong", ...change });
    expect([status, body.errors[0]]).toEqual([400, expect.stringMatching(message)]);
  });

  test("requires its token for the map and each tile", async () => {
    for (const query of ["", "auth_token=wrong", "auth_token=t0k3", "auth_token="]) {
      expect(await instance({}, query)).toMatchObject({
        status: 403,
        body: { errors: ["Unauthorized template instantiation"] },
      });
    }
    const { body } = await instance({});
    expect(body.layergroupid).toMatch(/^local@[0-9a-f]{8}@[0-9a-f]{32}:\d+$/);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    expect((await tile(path)).status).toBe(403);
    expect((await tile(path, { key: server.key })).status).toBe(403);
    const shown = await tile(`${path}?auth_token=t0k3n`);
    expect(shown.status).toBe(200);
    const { layer0 } = decodeMvt(new Uint8Array(await shown.arrayBuffer()));
    expect(layer0!.features.map(({ properties }) => properties)).toEqual([
      { cartodb_id: 1, "cartodb_id label": "Madrid" },
      { cartodb_id: 2, "cartodb_id label": "Madrid" },
    ]);
    const anonymous = body.layergroupid.split("@").at(-1);
    expect((await tile(`/api/v1/map/${anonymous}/0/0/0.mvt`)).status).toBe(400);
  });

  test.each<[string, object, string | undefined, Record<string, unknown> | undefined]>([
    [
      "a quote",
      { name: "O'Hara'; DROP TABLE secret; --" },
      undefined,
      { "cartodb_id label": "O'Hara'; DROP TABLE secret; --" },
    ],
    ["a backslash", { name: "\\' OR 1=1 --" }, undefined, { "cartodb_id label": "\\' OR 1=1 --" }],
    ["another placeholder", { name: "<%= min %>" }, undefined, { "cartodb_id label": "<%= min %>" }],
    ["a replacement pattern", { name: "$&$'$1" }, undefined, { "cartodb_id label": "$&$'$1" }],
    ["a quoted name", { column: 'x" FROM places --' }, undefined, { 'x" FROM places -- label': "Madrid" }],
    [
      "no number",
      { min: "0 OR true" },
      "Invalid number value for template parameter 'min': 0 OR true",
      undefined,
    ],
    [
      "a fraction as text",
      { min: "12.5" },
      "Invalid number value for template parameter 'min': 12.5",
      undefined,
    ],
    ["a list", { min: [1] }, "Invalid number value for template parameter 'min': [1]", undefined],
    [
      "a color",
      { color: "rgb(1,2,3)" },
      "Invalid css_color value for template parameter 'color': rgb(1,2,3)",
      undefined,
    ],
    ["a number", { min: "1e0" }, undefined, { cartodb_id: 2 }],
    ["an inherited name", { __proto__: null, constructor: "x" }, undefined, { cartodb_id: 1 }],
  ])("placeholders: %s", async (_name, parameters, error, properties) => {
    const { body } = await instance(parameters);
    if (error) return expect(body.errors).toEqual([error]);
    const response = await tile(`/api/v1/map/${body.layergroupid}/0/0/0.mvt?auth_token=t0k3n`);
    const { layer0 } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
    expect(layer0!.features[0]!.properties).toMatchObject(properties!);
    expect((await server.sql("SELECT count(*) AS n FROM secret")).rows).toEqual([{ n: 2 }]);
  });

  test.each([
    ["-<%= n %>", -1, 1],
    ["-<%= n %>", "-1e0", 1],
    ["3 -<%= n %>", "+1", 2],
    ["2*<%= n %>", -3, -6],
    ["@<%= n %>", -4, 4],
    ["7<%= n %>", -1, 6],
    ["<%= n %>-<%= n %>", -1, 0],
    ["-<%= n %>", 1e21, -1e21],
  ])("a number stays an operand: %s with %s", async (expression, n, value) => {
    const sql = `SELECT cartodb_id, (${expression})::float8 AS v,\n'=<%= text %>'::text AS t, the_geom_webmercator FROM places LIMIT 1`;
    const layers = [{ options: { sql, cartocss: "#l {}", cartocss_version: "2.1.1" } }];
    const placeholders = {
      n: { type: "number", default: 0 },
      text: { type: "sql_literal", default: "-1" },
    };
    const map = {
      ...template,
      name: "operand",
      auth: "open",
      placeholders,
      layergroup: { version: "1.8.0", layers },
    };
    await post("/api/v1/map/named", map);
    const { body } = await post("/api/v1/map/named/operand", { n }, { key: null } as object);
    const response = await tile(`/api/v1/map/${body.layergroupid}/0/0/0.mvt`);
    const { layer0 } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
    await server.ask("/api/v1/map/named/operand", { method: "DELETE" });
    expect(layer0!.features[0]!.properties).toMatchObject({ v: value, t: "=-1" });
  });

  test.each([Number.NaN, "NaN", "Infinity", "--1", "1 --", "- 1", ""])("%s is no number", async (min) => {
    const { status, body } = await instance({ min });
    expect([status, body.errors]).toEqual([400, [expect.stringContaining("Invalid number value")]]);
  });

  test("serves tiles by name, without instantiation", async () => {
    const config = encodeURIComponent(JSON.stringify({ min: 1 }));
    const response = await tile(
      `/api/v1/map/named/secret_map/all/0/0/0.mvt?auth_token=t0k3n&config=${config}`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(decodeMvt(new Uint8Array(await response.arrayBuffer())).layer0!.features).toHaveLength(1);
    expect((await tile("/api/v1/map/named/secret_map/all/0/0/0.mvt")).status).toBe(403);
    expect((await tile("/api/v1/map/named/secret_map/all/0/0/0.mvt?auth_token=t0k3n&config={")).status).toBe(
      400,
    );
  });

  test("returns JSONP with status 200", async () => {
    const answer = async (path: string) => (await tile(`/api/v1/map/named/secret_map/jsonp?${path}`)).text();
    expect(await answer("callback=cb&auth_token=t0k3n")).toMatch(/cb\(\{"layergroupid":"local@/);
    expect(await answer("callback=cb")).toMatch(/cb\(\{"errors":\["Unauthorized/);
    expect((await tile("/api/v1/map/named/secret_map/jsonp?auth_token=t0k3n")).status).toBe(400);
  });

  test("a page of another site can read instances and tiles with their token, and nothing else", async () => {
    const { body } = await instance({});
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    const pages: Record<string, string>[] = [
      { Origin: "null", "Sec-Fetch-Site": "cross-site" },
      { Origin: "https://evil.example" },
    ];
    for (const headers of pages) {
      const preflight = await tile(path, {
        method: "OPTIONS",
        headers: { ...headers, "Access-Control-Request-Method": "GET" },
      });
      expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      for (const url of [
        `${path}?auth_token=t0k3n`,
        "/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n",
      ]) {
        const response = await tile(url, { headers });
        expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      }
      expect((await tile(path, { headers })).status).toBe(403);
      const named = "/api/v1/map/named/secret_map";
      const asked = { ...headers, "Access-Control-Request-Method": "POST" };
      const before = await tile(named, { method: "OPTIONS", headers: asked });
      expect([before.status, before.headers.get("access-control-allow-methods")]).toEqual([
        200,
        "GET, POST, OPTIONS",
      ]);
      const init = {
        method: "POST",
        body: "{}",
        headers: { ...headers, "Content-Type": "application/json" },
      };
      expect((await tile(`${named}?auth_token=t0k3n`, init)).status).toBe(200);
      expect((await tile(named, init)).status).toBe(403);
      expect((await tile(`${named}?auth_token=t0k3n`, { ...init, headers })).status).toBe(400); // no preflight
      const refused: [string, RequestInit][] = [
        ["/api/v2/sql?q=SELECT+1", {}],
        [`/api/v2/sql?q=SELECT+1&api_key=${server.key}`, {}],
        ["/api/v2/sql", { method: "OPTIONS" }],
        ["/api/v1/map/named", {}],
        [`${named}?auth_token=t0k3n`, {}],
        [`${named}?auth_token=t0k3n`, { method: "DELETE" }],
        [`${named}?auth_token=t0k3n`, { method: "PUT", body: "{}" }],
        [`/api/v1/map/${body.layergroupid}/0/attributes/1?auth_token=t0k3n`, {}],
        [`/api/v1/map?config={}`, {}],
      ];
      for (const [url, init] of refused) {
        const response = await tile(url, { ...init, headers });
        expect([response.status, response.headers.get("access-control-allow-origin")], url).toEqual([
          403,
          null,
        ]);
      }
    }
  });

  test("does not serve open and anonymous maps to pages of other sites, whatever their key", async () => {
    const headers = { Origin: "null" };
    await post("/api/v1/map/named", { ...template, name: "open_map", auth: { method: "open" } });
    expect((await tile("/api/v1/map/named/open_map/0/0/0/0.mvt")).status).toBe(200);
    expect((await tile("/api/v1/map/named/open_map/0/0/0/0.mvt", { headers })).status).toBe(403);
    const { body } = await post("/api/v1/map", { layers: [{ options: { sql: "SELECT * FROM secret" } }] });
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt?api_key=${server.key}`;
    expect([(await tile(path)).status, (await tile(path, { headers })).status]).toEqual([200, 403]);
  });

  test("rejects a host name bound to this machine, even with the token", async () => {
    const { port } = new URL(server.baseUrl);
    const path = "/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n";
    const status = await new Promise((resolve, reject) => {
      httpRequest(
        { host: "127.0.0.1", port, path, headers: { Host: `evil.example:${port}` } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("maps survive the server; changing or deleting a template invalidates its tiles", async () => {
    const { body } = await instance({});
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt?auth_token=t0k3n`;
    await server.killAndRestart();
    expect((await tile(path)).status).toBe(200);
    await post(
      "/api/v1/map/named/secret_map",
      { ...template, auth: { method: "token", valid_tokens: ["new"] } },
      { method: "PUT" },
    );
    expect((await tile(path)).status).toBe(400);
    expect((await tile("/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n")).status).toBe(403);
    await server.ask("/api/v1/map/named/secret_map", { method: "DELETE" });
    expect((await tile(path)).status).toBe(400);
  });
});
