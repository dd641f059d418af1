import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { copyFrom, copyTo } from "../../src/api/copy";
import { runSql } from "../../src/api/sql";
import { type Endpoint, Transport } from "../../src/api/transport";
import { AuthenticationError, ServerError, SqlError, TableNotFoundError } from "../../src/errors";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

/** A transport to a server that answers as told; `asked` collects the requests. */
async function serving(listener: RequestListener, more: Partial<Endpoint> = {}) {
  const asked: string[] = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const endpoint = {
    baseUrl: `http://127.0.0.1:${port}`,
    user: "ana",
    apiKey: "s3cret",
    label: "the test server",
  };
  return { asked, transport: new Transport(async () => ({ ...endpoint, ...more })) };
}

const json =
  (status: number, body: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  };

test.each([
  [
    "SqlError",
    SqlError,
    400,
    { error: ["syntax error"], hint: "look", detail: "there" },
    "syntax error\n  Detail: there\n  Hint: look",
  ],
  [
    "TableNotFoundError",
    TableNotFoundError,
    400,
    { error: ['relation "t" does not exist'] },
    'There is no table "t"',
  ],
  ["AuthenticationError", AuthenticationError, 401, { error: ["Unauthorized"] }, "The API key was refused"],
  ["AuthenticationError of a missing right", AuthenticationError, 403, { error: ["forbidden"] }, "forbidden"],
  [
    "SqlError of a missing right",
    SqlError,
    403,
    { error: ["permission denied for table t"] },
    "permission denied",
  ],
  ["ServerError", ServerError, 502, "<html>", "The server answered 502"],
] as const)("%s", async (_, type, status, body, message) => {
  const { transport } = await serving(json(status, body));
  const error = await runSql(transport, "SELECT 1").catch((thrown) => thrown);
  expect(error).toBeInstanceOf(type);
  expect(error.message).toContain(message);
  expect(JSON.stringify(error) + error.stack).not.toContain("s3cret");
});

test("an error after the first rows is an error", async () => {
  const { transport } = await serving(
    json(200, { rows: [{ a: 1 }], time: 0, total_rows: 1, error: ["division by zero"] }),
  );
  await expect(runSql(transport, "SELECT 1")).rejects.toThrow("division by zero");
});

test("an answer that is none is named", async () => {
  const { transport } = await serving((_request, response) => response.end("<html>Welcome</html>"));
  await expect(runSql(transport, "SELECT 1")).rejects.toThrow(
    "The server's answer is not one of a SQL API: <html>Welcome",
  );
  await expect(copyFrom(transport, "COPY t FROM STDIN", async function* () {})).rejects.toThrow(ServerError);
});

test("a connection that breaks is repeated only where nothing happens twice", async () => {
  let answers = 0;
  const { transport, asked } = await serving((request, response) => {
    if (++answers === 3) return json(200, { rows: [], time: 0, total_rows: 0 })(request, response);
    response.writeHead(200, { "Content-Length": 100 }).write('{"rows":[');
    setTimeout(() => request.socket.destroy(), 20);
  });
  await expect(runSql(transport, "INSERT …")).rejects.toThrow(
    /connection to the test server broke .* may have taken effect or not/,
  );
  expect(asked.length).toBe(1);
  expect((await runSql(transport, "SELECT …", { repeatable: true })).rows).toEqual([]);
  expect(asked.length).toBe(3);
});

test("bytes that stop arriving are an error of ours, after those that arrived", async () => {
  const { transport } = await serving((request, response) => {
    response.writeHead(200, { "Transfer-Encoding": "chunked" }).write("some");
    setTimeout(() => request.socket.destroy(), 50);
  });
  const received: string[] = [];
  const reading = (async () => {
    for await (const chunk of await copyTo(transport, "COPY t TO STDOUT"))
      received.push(Buffer.from(chunk).toString());
  })();
  await expect(reading).rejects.toThrow(ServerError);
  expect(received).toEqual(["some"]);
});

test("an abort while the answer arrives has the caller's reason", async () => {
  const { transport } = await serving((_request, response) => response.writeHead(200).write("some"));
  const controller = new AbortController();
  const bytes = await copyTo(transport, "COPY t TO STDOUT", { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  const reading = (async () => {
    for await (const _ of bytes);
  })();
  await expect(reading).rejects.toThrow("enough");
});

test("a refusal during an upload ends the upload", async () => {
  const { transport } = await serving(json(401, { error: ["Unauthorized"] }));
  let ended = false;
  const endless = async function* () {
    try {
      for (;;) yield Buffer.alloc(64 * 1024);
    } finally {
      ended = true;
    }
  };
  await expect(copyFrom(transport, "COPY t FROM STDIN", endless)).rejects.toThrow();
  await expect.poll(() => ended).toBe(true);
});

test("a local server that stops is asked again when it is back", async () => {
  let answers = 0;
  const { transport, asked } = await serving(
    (request, response) =>
      ++answers === 1
        ? json(503, { error: "Service Unavailable" })(request, response)
        : json(200, { rows: [], time: 0, total_rows: 0 })(request, response),
    { isCurrent: async () => true },
  );
  await runSql(transport, "INSERT …");
  expect(asked.length).toBe(2);
});
