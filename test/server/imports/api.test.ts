import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer, type RequestListener, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localHome } from "../../../src/local/home";
import { type RunningServer, runServer } from "../../../src/server/daemon";
import { importer, zipOf } from "../../support/imports";
import { json, runningServer, serverForTests, temporaryHome } from "../../support/server";

const server = serverForTests();
const { post, upload, get, finished, file, columns, leftovers, workDirs } = importer(server);

const rowsOf = async (table: string, list = "*") =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const refusal = async (response: Response) => [response.status, await response.json()];
const tables = async () =>
  (await server.sql("SELECT * FROM CDB_UserTables() AS name")).rows.map(({ name }) => name);

describe("requests", () => {
  test("states in order, and the list of running imports", async () => {
    const states: string[] = [];
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i},name ${i}`);
    const response = await upload("states.csv", `a,b\n${lines.join("\n")}`);
    const answer = (await response.clone().json()) as { item_queue_id: string };
    expect([response.status, answer]).toEqual([
      200,
      { item_queue_id: expect.stringMatching(/^[0-9a-f-]{36}$/), success: true },
    ]);
    const { imports } = (await (await server.ask("/api/v1/imports")).json()) as { imports: string[] };
    expect(imports).toEqual([answer.item_queue_id]);
    expect(await get(answer.item_queue_id)).not.toHaveProperty("success");
    await finished(response, states);
    const order = ["pending", "unpacking", "importing", "complete"];
    expect(states.map((state) => order.indexOf(state))).toEqual(
      states.map((state) => order.indexOf(state)).sort((a, b) => a - b),
    );
    expect(states.at(-1)).toBe("complete");
    expect(await (await server.ask("/api/v1/imports/")).json()).toEqual({ imports: [], success: true });
  });

  test("an upload whose sender is gone before the answer is not imported", async () => {
    const { hostname, port } = new URL(server.baseUrl);
    const { pid } = (await runningServer(server.home))!.status;
    const body = "a\n1\n"; // fits into a socket's buffer
    const head = `POST /api/v1/imports?filename=gone.csv&api_key=${server.key} HTTP/1.1\r\nHost: ${hostname}:${port}`;
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    process.kill(pid, "SIGSTOP"); // when it goes on, the whole upload and the sender's end are there
    socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    socket.destroySoon();
    await once(socket, "close");
    process.kill(pid, "SIGCONT");
    await file("after.csv", "a\n1\n"); // slots are given in order
    await expect.poll(workDirs).toEqual([]);
    expect(await tables()).not.toContain("gone");
  });

  test.each([
    ["/api/v1/imports/", undefined],
    ["/user/local/api/v1/imports", undefined],
    ["/u/local/api/v1/imports/", undefined],
  ])("an upload to %s", async (path) => {
    const form = new FormData();
    form.append("filename", new Blob(["a\n1\n"]), "my trees.csv");
    const answer = await finished(await server.ask(path, { method: "POST", body: form }));
    expect([answer.success, answer.display_name]).toEqual([true, "my_trees.csv"]);
  });

  test("a body that is the file, whatever its content type", async () => {
    for (const type of [
      "application/octet-stream",
      "text/csv",
      "application/json",
      "application/x-www-form-urlencoded",
    ]) {
      const answer = await finished(
        await post({ filename: "raw file.csv" }, { body: "a\n1\n", headers: { "Content-Type": type } }),
      );
      expect([type, answer.success, answer.display_name]).toEqual([type, true, "raw_file.csv"]);
    }
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of Buffer.from("a\n7\n")) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const chunked = await finished(
      await post({ filename: "chunked.csv" }, { body: stream, duplex: "half" } as RequestInit),
    );
    expect(await rowsOf(chunked.table_name!, "a")).toEqual([{ a: 7 }]);
  });

  test("parameters and key in the URL, form and JSON body", async () => {
    const form = new FormData();
    form.append("type_guessing", "false");
    form.append("file", new Blob(["a\n1\n"]), "fields.csv");
    expect(await finished(await post({}, { body: form }))).toMatchObject({ type_guessing: false });
    const body = { sql: "SELECT 1 AS a", table_name: "json_body", type_guessing: false, api_key: server.key };
    const response = await server.ask("/api/v1/imports", { ...json(body), key: null });
    expect(await finished(response)).toMatchObject({ table_name: "json_body", type_guessing: false });
  });

  test("the key in a form, before or after the file", async () => {
    for (const [before, status] of [
      [true, 200],
      [false, 200],
      [undefined, 401],
    ] as const) {
      const form = new FormData();
      if (before === true) form.append("api_key", server.key);
      form.append("file", new Blob(["a\n1\n"]), "key_in_form.csv");
      if (before === false) form.append("api_key", server.key);
      if (before === undefined) form.append("api_key", "wrong");
      const response = await server.ask("/api/v1/imports", { method: "POST", key: null, body: form });
      expect(response.status).toBe(status);
      if (status === 200) expect((await finished(response)).state).toBe("complete");
    }
  });

  test("table_id is the id of the dataset", async () => {
    const { table_name, table_id } = await file("with_id.csv", "a\n1\n");
    const dataset = await (await server.ask(`/api/v1/viz/${table_name}`)).json();
    expect(dataset).toMatchObject({ id: table_id, table: { id: table_id } });
    expect((await server.ask(`/api/v1/tables/${table_id}`)).status).toBe(200);
  });

  test("JSONP", async () => {
    const { id } = await file("jsonp.csv", "a\n1\n");
    const response = await server.ask(`/api/v1/imports/${id}?callback=app.done`);
    expect(response.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(await response.text()).toMatch(/^app\.done\(\{"id":".*\}\)$/);
    expect(await (await server.ask("/api/v1/imports?callback=f")).text()).toMatch(/^f\(\{"imports":\[/);
  });

  test("rejects any request without the master key", async () => {
    const answers = await Promise.all([
      server.ask("/api/v1/imports", { key: null }),
      server.ask("/api/v1/imports", { key: "default_public" }),
      server.ask(`/api/v1/imports/${crypto.randomUUID()}`, { key: null }),
      server.ask("/api/v1/imports", {
        key: null,
        method: "POST",
        body: new URLSearchParams({ sql: "SELECT 1" }),
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  });

  test.each<[string, () => Promise<Response>, number, RegExp]>([
    [
      "an unknown id",
      () => server.ask(`/api/v1/imports/${crypto.randomUUID()}`),
      404,
      /No import has this id/,
    ],
    ["a malformed id", () => server.ask("/api/v1/imports/..%2f..%2fserver"), 404, /No import has this id/],
    ["nothing", () => post(), 400, /nothing to import/],
    [
      "an unknown strategy",
      () => upload("a.csv", "a", { collision_strategy: "replace" }),
      400,
      /skip or overwrite/,
    ],
    [
      "an unknown privacy",
      () => upload("a.csv", "a", { privacy: "PUBLIC" }),
      400,
      /public or private or link/,
    ],
    ["a file address", () => post({ url: "file:///etc/passwd" }), 400, /http/],
    ["no address", () => post({ url: "trees.csv" }), 400, /http/],
    ["a connector", () => post({ connector: "{}" }), 400, /no connectors/],
    [
      "malformed multipart",
      () =>
        post({}, { body: "--x\r\nnonsense", headers: { "Content-Type": "multipart/form-data; boundary=x" } }),
      400,
      /multipart|nothing to import/,
    ],
    [
      "multipart without a boundary",
      () => post({}, { body: "x", headers: { "Content-Type": "multipart/form-data" } }),
      400,
      /multipart/i,
    ],
  ])("rejects %s", async (_, ask, status, message) => {
    expect(await refusal(await ask())).toEqual([
      status,
      { errors: { imports: expect.stringMatching(message) } },
    ]);
    expect(await workDirs()).toEqual([]);
  });

  test("an interrupted upload leaves nothing and frees its slot", async () => {
    const before = await tables();
    for (let i = 0; i < 4; i++) {
      const cut = request(`${server.baseUrl}/api/v1/imports`, {
        method: "POST",
        headers: {
          "Content-Type": "multipart/form-data; boundary=x",
          Authorization: `Basic ${Buffer.from(`local:${server.key}`).toString("base64")}`,
        },
      });
      cut.on("error", () => {});
      cut.write('--x\r\nContent-Disposition: form-data; name="file"; filename="cut.csv"\r\n\r\na\n1\n');
      await expect.poll(async () => (await workDirs()).length).toBe(1);
      cut.destroy();
      await expect.poll(workDirs).toEqual([]);
    }
    expect(await tables()).toEqual(before);
  });

  test("rejects a fourth concurrent import", async () => {
    const held = [1, 2, 3].map(() => {
      const open = request(`${server.baseUrl}/api/v1/imports?filename=held.csv&api_key=${server.key}`, {
        method: "POST",
      });
      open.on("error", () => {});
      open.write("a\n1\n");
      return open;
    });
    await expect.poll(async () => (await workDirs()).length).toBe(3);
    expect(await refusal(await upload("fourth.csv", "a\n1\n"))).toEqual([
      429,
      { errors: { imports: "We're sorry but you're already using your allowed 3 import slots" } },
    ]);
    for (const open of held) open.destroy();
    await expect.poll(workDirs).toEqual([]);
    expect(await file("fourth.csv", "a\n1\n")).toMatchObject({ success: true });
  });
});

describe("imports from the database", () => {
  beforeAll(async () => {
    await server.sql(
      `CREATE TABLE source AS SELECT i AS "Odd Name", CDB_LatLng(i, i) AS place FROM generate_series(1, 3) i`,
    );
  });

  const query = async (sql: string, parameters: Record<string, string> = {}) =>
    finished(await post(parameters, json({ sql })));

  test("a query as sent by cartoframes for Python", async () => {
    const answer = await query('SELECT "Odd Name", place, 1 AS a FROM source; -- all', {
      table_name: "made",
    });
    expect(answer).toMatchObject({
      data_type: "query",
      state: "complete",
      table_name: "made",
      tables_created_count: 1,
    });
    expect(await columns("made")).toEqual({ odd_name: "integer", a: "integer" });
    expect((await rowsOf("made", "cartodb_id, odd_name, ST_AsText(the_geom) AS g"))[1]).toEqual({
      cartodb_id: 2,
      odd_name: 2,
      g: "POINT(2 2)",
    });
    expect((await query("SELECT 1 AS a", { table_name: "made" })).table_name).toBe("made_1");
  });

  test.each([
    ["that fails", "SELECT * FROM nothing", 8003, /relation &quot;nothing&quot; does not exist/],
    ["that fails late", "SELECT 1/(3-i) AS a FROM generate_series(1,9) i", 8003, /division by zero/],
    ["that is two", "SELECT 1; DROP TABLE source", 8003, /one query/],
    ["that writes", "INSERT INTO source VALUES (9)", 8003, /one query/],
    ["of types that do not fit", "SELECT 1 AS a UNION SELECT 'x'::text", 8004, /cannot be matched/],
    ["with a column twice", "SELECT 1 AS a, 2 AS a", 8003, /more than once/],
    ["with a broken key", "SELECT 1 AS cartodb_id FROM source", 2011, /cartodb_id/],
  ])("a query %s leaves nothing", async (_, sql, code, message) => {
    const before = await tables();
    const answer = await query(sql, { table_name: "failed" });
    expect(answer).toMatchObject({ state: "failure", success: false, error_code: code });
    expect(answer.get_error_text!.what_about).toMatch(message);
    expect([await tables(), await leftovers()]).toEqual([before, []]);
  });

  test("a copy with and without a name", async () => {
    await server.sql("SELECT CDB_CartodbfyTable('made')");
    const named = await finished(await post({ table_copy: "made", table_name: "Made Again" }));
    expect(named.get_error_text).toBeNull();
    expect(named).toMatchObject({ data_type: "table", table_name: "made_again", success: true });
    expect((await finished(await post({ table_copy: "made" }))).table_name).toBe("made_copy");
    expect((await finished(await post({ table_name: "made" }))).table_name).toBe("made_copy_1");
    expect(await rowsOf("made_copy_1", "odd_name, the_geom")).toEqual(
      await rowsOf("made", "odd_name, the_geom"),
    );
    expect(await finished(await post({ table_copy: 'x"; DROP TABLE made' }))).toMatchObject({
      error_code: 8003,
    });
  });
});

describe("collisions", () => {
  beforeAll(async () => {
    await file("pets.csv", "name,age,lat,lng\nRex,3,41,2\n");
    await server.sql("CREATE VIEW old_pets AS SELECT name FROM pets WHERE age > 2");
    await server.sql("CREATE VIEW older_pets AS SELECT name AS n FROM old_pets");
    await server.sql("GRANT SELECT ON pets, old_pets TO publicuser");
  });

  test("skip", async () => {
    expect(await file("pets.csv", "name\nTom\n", { collision_strategy: "skip" })).toMatchObject({
      state: "complete",
      success: true,
      error_code: 1022,
      table_name: null,
      tables_created_count: 0,
      get_error_text: { title: "All tables were skipped" },
    });
    const zip = await zipOf({ "pets.csv": "name\nTom\n", "plants.csv": "name\nFern\n" });
    expect(await file("some.zip", zip, { collision_strategy: "skip" })).toMatchObject({
      error_code: null,
      table_name: "plants",
      tables_created_count: 1,
    });
    expect(await rowsOf("pets", "name")).toEqual([{ name: "Rex" }]);
  });

  test("overwrite keeps privileges and views", async () => {
    const csv = "name,age,legs,lat,lng\nTom,4.5,4,40,1\nKit,1,4,,\n";
    expect(await file("pets.csv", csv, { collision_strategy: "overwrite" })).toMatchObject({
      table_name: "pets",
      error_code: null,
    });
    expect(await columns("pets")).toMatchObject({ age: "double precision", legs: "integer" });
    expect((await server.sql("SELECT n FROM older_pets")).rows).toEqual([{ n: "Tom" }]);
    const rights = await server.sql(
      "SELECT has_table_privilege('publicuser', 'pets', 'SELECT') AS t, has_table_privilege('publicuser', 'old_pets', 'SELECT') AS v, has_table_privilege('publicuser', 'older_pets', 'SELECT') AS w",
    );
    expect(rights.rows).toEqual([{ t: true, v: true, w: false }]);
    const names = await server.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'pets' ORDER BY 1");
    expect(names.rows.map(({ indexname }) => indexname)).toEqual([
      "pets_pkey",
      "pets_the_geom_idx",
      "pets_the_geom_webmercator_idx",
    ]);
  });

  test.each([
    [
      "a column is missing",
      "name,lat,lng\nTom,1,1\n",
      2012,
      /its column &quot;.*&quot; is missing in the new data/,
    ],
    [
      "a column is of another class",
      "name,age,legs,lat,lng\nTom,old,4,1,1\n",
      2012,
      /&quot;age&quot; is a number, but a string in the new data/,
    ],
  ])("overwrite fails if %s, and the table is unchanged", async (_, csv, code, message) => {
    const answer = await file("pets.csv", csv, { collision_strategy: "overwrite" });
    expect([answer.error_code, answer.get_error_text!.what_about]).toEqual([
      code,
      expect.stringMatching(message),
    ]);
    expect(await rowsOf("pets", "name")).toEqual([{ name: "Tom" }, { name: "Kit" }]);
    expect(await leftovers()).toEqual([]);
  });

  test("overwrite of an object that is not a table, or that others depend on", async () => {
    expect(await file("old_pets.csv", "name\nTom\n", { collision_strategy: "overwrite" })).toMatchObject({
      error_code: 2013,
    });
    await server.sql("CREATE TABLE owner (pet integer REFERENCES pets (cartodb_id))");
    const csv = "name,age,legs,lat,lng\nNew,1,4,1,1\n";
    expect(await file("pets.csv", csv, { collision_strategy: "overwrite" })).toMatchObject({
      error_code: 2013,
    });
    expect((await server.sql("SELECT n FROM older_pets")).rows).toEqual([{ n: "Tom" }]);
  });

  test("overwrite of what must stay is refused before the rows are read", async () => {
    await server.sql("CREATE VIEW kept AS SELECT 1 AS a");
    const broken = "a,b\n1,2,3,4\n"; // which is noticed when its rows are read
    expect(await file("kept.csv", broken)).toMatchObject({ error_code: 2003 });
    const overwrite = { collision_strategy: "overwrite" };
    expect(await file("kept.csv", broken, overwrite)).toMatchObject({
      error_code: 2013,
      get_error_text: { what_about: expect.stringMatching(/kept.* is not a table/) },
    });
    const query = { sql: "SELECT 1 / 0", table_name: "kept", ...overwrite };
    expect(await finished(await post(query))).toMatchObject({ error_code: 2013 });
  });

  test("overwrite with a query, and of a missing table", async () => {
    await server.sql("CREATE TABLE q AS SELECT 1 AS a; SELECT CDB_CartodbfyTable('q')");
    const answer = await finished(
      await post({ sql: "SELECT 2 AS a, 3 AS b", table_name: "q", collision_strategy: "overwrite" }),
    );
    expect([answer.table_name, await rowsOf("q", "a, b")]).toEqual(["q", [{ a: 2, b: 3 }]]);
    expect((await file("fresh.csv", "a\n1\n", { collision_strategy: "overwrite" })).table_name).toBe("fresh");
  });
});

test.each([
  ["public", true],
  ["link", true],
  ["private", false],
])("privacy %s", async (privacy, readable) => {
  const { table_name } = await file("seen.csv", "a\n1\n", { privacy });
  const { rows } = await server.sql(
    `SELECT has_table_privilege('publicuser', '${table_name}', 'SELECT') AS readable`,
  );
  expect(rows).toEqual([{ readable }]);
  const dataset = await server.ask(`/api/v1/viz/${table_name}`);
  expect(await dataset.json()).toMatchObject({ name: table_name, privacy: privacy.toUpperCase() });
});

describe("downloads", () => {
  let web: Server;
  let address: string;
  const pages: Record<string, RequestListener> = {
    "/trees.csv": (_, response) => response.end("a\n1\n"),
    "/export?x=1": (_, response) =>
      response.setHeader("Content-Type", "text/csv; charset=utf-8").end("a\n2\n"),
    "/polish.csv": (_, response) =>
      response
        .setHeader("Content-Type", "text/csv; charset=windows-1250")
        .end(Buffer.from("a\nGda\xf1sk\n", "latin1")),
    "/named": (_, response) =>
      response.setHeader("Content-Disposition", 'attachment; filename="My Plants.csv"').end("a\n3\n"),
    "/packed.csv.gz": (_, response) => response.end(gzipSync("a\n4\n")),
    "/moved": (_, response) => response.writeHead(302, { Location: "/trees.csv" }).end(),
    "/round": (_, response) => response.writeHead(302, { Location: "/round" }).end(),
    "/away": (_, response) => response.writeHead(302, { Location: "file:///etc/passwd" }).end(),
    "/secret": (request, response) =>
      request.headers.authorization === `Basic ${Buffer.from("ana:pass word").toString("base64")}`
        ? response.setHeader("Content-Type", "text/csv").end("a\n5\n")
        : response.writeHead(401).end(),
    "/forbidden": (_, response) => response.writeHead(403).end(),
    "/broken": (_, response) => response.writeHead(500).end("no"),
    "/partial.csv": (_, response) => {
      response.writeHead(200, { "Content-Length": "1000" }).write("a\n1\n");
      setTimeout(() => response.destroy(), 50);
    },
  };
  beforeAll(async () => {
    web = createServer((request, response) => {
      const page = pages[request.url!];
      if (page) page(request, response);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  });
  afterAll(() => web?.close());
  const fetched = async (url: string, parameters = {}) => finished(await post({ url, ...parameters }));

  test.each([
    ["/trees.csv", "trees", 1],
    ["/export?x=1", "export", 2],
    ["/named", "my_plants", 3],
    ["/packed.csv.gz", "packed", 4],
    ["/moved", "trees_1", 1],
  ])("%s", async (path, table, value) => {
    const answer = await fetched(address + path);
    expect(answer).toMatchObject({
      data_type: "url",
      table_name: table,
      original_url: address + path,
      success: true,
    });
    expect(await rowsOf(table, "a")).toEqual([{ a: value }]);
  });

  test("follows the charset of the Content-Type", async () => {
    expect(await rowsOf((await fetched(`${address}/polish.csv`)).table_name!, "a")).toEqual([
      { a: "Gdańsk" },
    ]);
    const init = {
      headers: { "Content-Type": "text/csv; charset=windows-1250" },
      body: Buffer.from("a\nGda\xf1sk\n", "latin1"),
    };
    const { table_name } = await finished(await post({ filename: "polish_body.csv" }, init));
    expect(await rowsOf(table_name!, "a")).toEqual([{ a: "Gdańsk" }]);
  });

  test("sends a password without showing it", async () => {
    const url = address.replace("//", "//ana:pass%20word@");
    const answer = await fetched(`${url}/secret`);
    expect([answer.success, answer.original_url]).toEqual([true, `${address}/secret`]);
    expect(JSON.stringify(answer)).not.toMatch(/pass/);
  });

  test.each([
    ["not there", "/nowhere.csv", 1100, 404],
    ["forbidden", "/forbidden", 1101, 403],
    ["without its password", "/secret", 1101, 401],
    ["broken", "/broken", 1001, 500],
    ["going round", "/round", 1001, undefined],
    ["leading to a file", "/away", 1001, undefined],
    ["cut off", "/partial.csv", 1103, undefined],
  ])("%s", async (_, path, code, status) => {
    const answer = await fetched(address + path);
    expect([answer.error_code, answer.http_response_code], answer.get_error_text!.what_about).toEqual([
      code,
      status,
    ]);
    expect(await leftovers()).toEqual([]);
  });

  test("an unknown host", async () => {
    expect(await fetched("http://nowhere.invalid/trees.csv")).toMatchObject({ error_code: 1102 });
    web.closeAllConnections();
    expect(await fetched("http://127.0.0.1:1/trees.csv")).toMatchObject({ error_code: 1001 });
  });
});

describe("an upload that does not go on", () => {
  let stalling: RunningServer;
  let home: string;
  beforeAll(async () => {
    home = await temporaryHome();
    stalling = await runServer(localHome(home), { uploadIdleMs: 300 });
  });
  afterAll(async () => {
    await stalling.stop();
    await rm(home, { recursive: true });
  });

  const head = '--x\r\nContent-Disposition: form-data; name="file"; filename="cut.csv"\r\n\r\na\n1\n';
  test.each<[name: string, query: string, headers: Record<string, string | number>, body: string]>([
    [
      "a multipart body without its last boundary",
      "",
      { "Content-Type": "multipart/form-data; boundary=x" },
      head,
    ],
    ["a body shorter than its Content-Length", "?filename=a.csv", { "Content-Length": 100 }, "a\n1\n"],
  ])("%s", async (_, query, headers, body) => {
    const [status, answer] = await new Promise<[number?, string?]>((resolve, reject) => {
      const sent = request(`http://127.0.0.1:${stalling.port}/api/v1/imports${query}`, {
        method: "POST",
        headers: {
          ...headers,
          Authorization: `Basic ${Buffer.from(`local:${stalling.key}`).toString("base64")}`,
        },
      });
      sent.on("response", (response) => {
        text(response).then((read) => resolve([response.statusCode, read]), reject);
      });
      sent.on("error", reject);
      sent.write(body);
    });
    expect([status, answer]).toEqual([408, expect.stringMatching(/given up because nothing arrived/)]);
    expect((await readdir(join(home, "imports"))).filter((name) => name.startsWith("work-"))).toEqual([]);
  });
});

test("after kill -9 and a restart, the import has failed and nothing is left", async () => {
  const before = await tables();
  const lines = Array.from({ length: 300_000 }, (_, i) => `${i},name ${i},${i / 7}`);
  const { item_queue_id: id } = (await (await upload("killed.csv", `a,b,c\n${lines.join("\n")}`)).json()) as {
    item_queue_id: string;
  };
  await expect.poll(async () => (await get(id)).state, { interval: 20 }).toBe("importing");
  await sleep(300);
  await server.killAndRestart();
  expect(await get(id)).toMatchObject({
    state: "failure",
    success: false,
    error_code: 6671,
    table_name: null,
    get_error_text: { title: "Stuck import", source: "cartodb" },
  });
  expect([await tables(), await leftovers(), await workDirs()]).toEqual([before, [], []]);
  expect(await file("after.csv", "a\n1\n")).toMatchObject({ success: true });
});
