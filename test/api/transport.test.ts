import { once } from "node:events";
import { Agent, createServer, type RequestListener, type Server } from "node:http";
import { createServer as createNetServer } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { type Endpoint, fixedSource } from "../../src/api/endpoint";
import type { Session } from "../../src/api/http";
import { copyFrom, copyTo, runSql } from "../../src/api/sql";
import { Transport, type TransportOptions } from "../../src/api/transport";
import {
  AuthenticationError,
  RateLimitError,
  ServerError,
  SqlError,
  TableNotFoundError,
  TimeoutError,
} from "../../src/errors";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(listener: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { asked, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` };
}

/** A transport to a server that answers as told; `asked` collects the requests. */
async function serving(
  listener: RequestListener,
  more: Partial<Endpoint> = {},
  options: TransportOptions = {},
) {
  const { asked, url } = await listening(listener);
  const account = { kind: "account", user: "ana", apiKey: "s3cret-key", label: "the test server" } as const;
  return { asked, transport: new Transport(fixedSource({ ...account, baseUrl: url, ...more }), options) };
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
    'No table is named "t"',
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
  ["ServerError", ServerError, 502, "<html>", "The server answered with status 502"],
] as const)("%s", async (_, type, status, body, message) => {
  const { transport } = await serving(json(status, body));
  const error = await runSql(transport, "SELECT 1").catch((thrown) => thrown);
  expect(error).toBeInstanceOf(type);
  expect(error.message).toContain(message);
  expect(JSON.stringify(error) + error.stack).not.toContain("s3cret-key");
});

test("an error after the first rows rejects", async () => {
  const { transport } = await serving(
    json(200, { rows: [{ a: 1 }], time: 0, total_rows: 1, error: ["division by zero"] }),
  );
  await expect(runSql(transport, "SELECT 1")).rejects.toThrow("division by zero");
});

test("reports an invalid response", async () => {
  const { transport } = await serving((_request, response) => response.end("<html>Welcome</html>"));
  await expect(runSql(transport, "SELECT 1")).rejects.toThrow(
    "Expected the answer of a SQL API, but the server sent: <html>Welcome",
  );
  await expect(copyFrom(transport, "COPY t FROM STDIN", async function* () {})).rejects.toThrow(ServerError);
});

test("retries a broken connection only if repeating is harmless", async () => {
  let answers = 0;
  const { transport, asked } = await serving((request, response) => {
    if (++answers === 3) return json(200, { rows: [], time: 0, total_rows: 0 })(request, response);
    response.writeHead(200, { "Content-Length": 100 }).write('{"rows":[');
    setTimeout(() => request.socket.destroy(), 20);
  });
  await expect(runSql(transport, "INSERT …")).rejects.toThrow(
    /connection to the test server broke .* may or may not have taken effect/,
  );
  expect(asked.length).toBe(1);
  expect((await runSql(transport, "SELECT …", { repeatable: true })).rows).toEqual([]);
  expect(asked.length).toBe(3);
});

test("a stalled download fails after the bytes that arrived", async () => {
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

test("an abort during the response rejects with the caller's reason", async () => {
  const { transport } = await serving((_request, response) => response.writeHead(200).write("some"));
  const controller = new AbortController();
  const bytes = await copyTo(transport, "COPY t TO STDOUT", { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  const reading = (async () => {
    for await (const _ of bytes);
  })();
  await expect(reading).rejects.toThrow("enough");
});

test("a rejection during an upload ends the upload", async () => {
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

test("retries once a stopped local server has restarted", async () => {
  let answers = 0;
  const { transport, asked } = await serving(
    (request, response) =>
      ++answers === 1
        ? json(503, { error: "Service Unavailable" })(request, response)
        : json(200, { rows: [], time: 0, total_rows: 0 })(request, response),
    { kind: "local" },
  );
  await runSql(transport, "INSERT …");
  expect(asked.length).toBe(2);
});

const rows = { rows: [], time: 0, total_rows: 0 };
const RATE_LIMITED = { error: ["You are over platform's limits."], context: "limit", detail: "rate-limit" };

describe("too many requests", () => {
  const limited =
    (times: number, retryAfter?: string): RequestListener =>
    (request, response) => {
      if (times-- <= 0) return json(200, rows)(request, response);
      if (retryAfter !== undefined) response.setHeader("Retry-After", retryAfter);
      json(429, RATE_LIMITED)(request, response);
    };

  test("are waited for, with a note, for any statement", async () => {
    const notes: (string | undefined)[] = [];
    const { transport, asked } = await serving(limited(2, "1"), {}, { onWait: (note) => notes.push(note) });
    await runSql(transport, "INSERT …");
    expect(asked.length).toBe(3);
    expect(notes).toEqual(
      Array(2).fill(["the test server has reached its rate limit, waiting 1 s", undefined]).flat(),
    );
  });

  test("restart an upload", async () => {
    const received: number[] = [];
    const { transport } = await serving((request, response) => {
      let bytes = 0;
      request.on("data", (chunk) => {
        bytes += chunk.length;
      });
      request.on("end", () => {
        received.push(bytes);
        if (received.length === 1) response.setHeader("Retry-After", "1");
        const [status, body] =
          received.length === 1 ? [429, RATE_LIMITED] : [200, { time: 0, total_rows: 1 }];
        json(status as number, body)(request, response);
      });
    });
    const count = await copyFrom(transport, "COPY t FROM STDIN", async function* () {
      yield Buffer.alloc(100_000);
    });
    expect([count, received]).toEqual([1, [100_000, 100_000]]);
  });

  test.each([
    ["no Retry-After", undefined],
    ["a Retry-After of an hour", "3600"],
  ])("%s: fails immediately", async (_, retryAfter) => {
    const { transport, asked } = await serving(limited(9, retryAfter));
    const error = await runSql(transport, "SELECT 1", { repeatable: true }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error.retryAfterS).toBe(retryAfter && Number(retryAfter));
    expect(asked.length).toBe(1);
  });

  test("do not include a statement timeout", async () => {
    const body = { error: ["SQL query timeout error"], context: "limit", detail: "datasource" };
    const { transport, asked } = await serving(json(429, body));
    await expect(runSql(transport, "SELECT 1", { repeatable: true })).rejects.toThrow(TimeoutError);
    expect(asked.length).toBe(1);
  });

  test("stop waiting when the caller aborts", async () => {
    const { transport } = await serving(limited(9, "60"));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(runSql(transport, "SELECT 1", { signal: controller.signal })).rejects.toThrow("enough");
  });
});

describe("server errors", () => {
  const failing =
    (times: number): RequestListener =>
    (request, response) =>
      (times-- > 0 ? json(503, { error: "busy" }) : json(200, rows))(request, response);

  test("are retried if repeating is harmless", async () => {
    const { transport, asked } = await serving(failing(2));
    await runSql(transport, "SELECT 1", { repeatable: true });
    expect(asked.length).toBe(3);
  });

  test("are retried at most three times, otherwise not at all", async () => {
    const { transport, asked } = await serving(failing(9));
    await expect(runSql(transport, "SELECT 1", { repeatable: true })).rejects.toThrow("status 503: busy");
    expect(asked.length).toBe(3);
    await expect(runSql(transport, "INSERT …")).rejects.toThrow(ServerError);
    expect(asked.length).toBe(4);
  });

  test("does not follow redirects or send the key elsewhere", async () => {
    const elsewhere = await listening((_request, response) => response.end("{}"));
    for (const status of [301, 302, 307, 308]) {
      const { transport } = await serving((_request, response) =>
        response.writeHead(status, { Location: `${elsewhere.url}/x` }).end(),
      );
      const error = await runSql(transport, "SELECT 1", { repeatable: true }).catch((thrown) => thrown);
      expect(error.message).toContain(`redirects to ${elsewhere.url} (status ${status})`);
    }
    expect(elsewhere.asked).toEqual([]);
  });
});

describe("timeouts", () => {
  test("a connection that is not established", async () => {
    const account = { kind: "account", user: "ana", apiKey: "s3cret-key", label: "it" } as const;
    // takes connections, and says not a word of TLS
    const raw = createNetServer(() => {}).listen(0, "127.0.0.1");
    await once(raw, "listening");
    const { port } = raw.address() as { port: number };
    const transport = new Transport(fixedSource({ ...account, baseUrl: `https://127.0.0.1:${port}` }), {
      timeouts: { connectMs: 100 },
    });
    const error = await runSql(transport, "SELECT 1").catch((thrown) => thrown);
    raw.close();
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe(
      "Cannot reach it: no connection within 0.1 s. Check the address, the network and the proxy.",
    );
  });

  test("a response that exceeds the limit", async () => {
    const { transport } = await serving(() => {}, {}, { timeouts: { totalMs: 100 } });
    await expect(runSql(transport, "SELECT 1")).rejects.toThrow(
      "the test server did not complete its answer within 0.1 s",
    );
  });

  test("a statement may run longer than the limit between two chunks", async () => {
    const late: RequestListener = (request, response) =>
      void setTimeout(() => json(200, rows)(request, response), 300);
    const { transport } = await serving(late, {}, { timeouts: { idleMs: 100 } });
    await runSql(transport, "SELECT 1");
  });

  test("a response that stalls", async () => {
    const { transport } = await serving(
      (_request, response) => response.writeHead(200).write('{"rows":['),
      {},
      { timeouts: { idleMs: 100 } },
    );
    await expect(runSql(transport, "SELECT 1")).rejects.toThrow("the test server sent nothing for 0.1 s");
  });
});

describe("session", () => {
  const answer: RequestListener = (request, response) => {
    const gzip = gzipSync(
      JSON.stringify({ rows: [{ via: request.headers["x-via"] ?? "nothing" }], time: 0, total_rows: 1 }),
    );
    request
      .resume()
      .on("end", () =>
        response.writeHead(200, { "Content-Encoding": "gzip", "Content-Type": "application/json" }).end(gzip),
      );
  };

  test("Node's fetch, for statements, bytes and uploads", async () => {
    const session: Session = (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, "X-Via": "fetch" } } as RequestInit);
    const { transport } = await serving(answer, {}, { session });
    expect((await runSql(transport, "SELECT 1")).rows).toEqual([{ via: "fetch" }]);
    const text: string[] = [];
    for await (const chunk of await copyTo(transport, "COPY t TO STDOUT"))
      text.push(Buffer.from(chunk).toString());
    expect(text.join("")).toContain('"via":"fetch"');
    await copyFrom(transport, "COPY t FROM STDIN", async function* () {
      yield Buffer.alloc(100_000);
    });
  });

  test("Node's fetch, with a broken connection and an abort", async () => {
    const { transport } = await serving(
      (request, response) => {
        response.writeHead(200).write("some");
        setTimeout(() => request.socket.destroy(), 50);
      },
      {},
      { session: fetch as Session },
    );
    await expect(runSql(transport, "INSERT …")).rejects.toThrow(
      /broke before the answer was complete \(UND_ERR_SOCKET\)/,
    );
    const hung = await serving(() => {}, {}, { session: fetch as Session });
    const signal = AbortSignal.timeout(50);
    await expect(runSql(hung.transport, "SELECT 1", { signal })).rejects.toThrow(
      "The operation was aborted due to timeout", // the caller's reason
    );
  });

  test("a function that ignores its signal", async () => {
    const { transport } = await serving(answer, {}, { session: () => new Promise(() => {}) });
    const signal = AbortSignal.timeout(50);
    await expect(runSql(transport, "SELECT 1", { signal })).rejects.toThrow("aborted due to timeout");
  });

  test("an agent", async () => {
    const agent = new Agent({ keepAlive: true });
    const { transport } = await serving(answer, {}, { session: agent });
    expect((await runSql(transport, "SELECT 1")).rows).toEqual([{ via: "nothing" }]);
    expect(Object.values(agent.freeSockets).flat().length).toBe(1);
    agent.destroy();
  });

  test("does not apply to the local server", async () => {
    const { transport } = await serving(
      answer,
      { kind: "local" },
      { session: () => Promise.reject(new Error("not me")) },
    );
    await runSql(transport, "SELECT 1");
  });

  test("drops the details of a session's error", async () => {
    const session: Session = (_url, init) =>
      Promise.reject(Object.assign(new Error(`no ${init.headers.Authorization}`), { config: init }));
    const { transport } = await serving(answer, {}, { session });
    const error = await runSql(transport, "SELECT 1").catch((thrown) => thrown);
    const shown =
      inspect(error, { showHidden: true, depth: 9 }) + inspect(error.cause, { showHidden: true, depth: 9 });
    expect(shown).not.toContain(Buffer.from("ana:s3cret-key").toString("base64"));
    expect(shown).not.toContain("s3cret-key");
  });
});

test("reuses connections to an account, and closes idle ones", async () => {
  const sockets = new Set<unknown>();
  const { transport } = await serving((request, response) => {
    sockets.add(request.socket);
    json(200, rows)(request, response);
  });
  for (let i = 0; i < 3; i++) await runSql(transport, "SELECT 1");
  expect(sockets.size).toBe(1);
});

test("verbose prints one line per exchange, without secrets", async () => {
  const lines: string[] = [];
  let answers = 0;
  const { transport } = await serving(
    (request, response) =>
      ++answers === 1
        ? json(400, { error: ["no s3cret-key"] })(request, response)
        : json(200, rows)(request, response),
    {},
    { onExchange: (line) => lines.push(line.replace(/\d+ ms/, "N ms")) },
  );
  await runSql(transport, "SELECT 's3cret-key',\n  1").catch(() => {});
  await runSql(transport, `SELECT ${"x".repeat(108)} s3cret-key`);
  await runSql(transport, `SELECT ${"x".repeat(500)} WHERE password = 'hunter2'`);
  await runSql(transport, "SELECT dblink('postgres://u:hunter2@h/d password=hunter2')");
  expect(lines).toMatchInlineSnapshot(`
    [
      "POST /api/v2/sql → 400 · N ms · 27 bytes · SELECT '***', 1",
      "POST /api/v2/sql → 200 · N ms · 35 bytes · SELECT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ***",
      "POST /api/v2/sql → 200 · N ms · 35 bytes · SELECT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
      "POST /api/v2/sql → 200 · N ms · 35 bytes · SELECT dblink('postgres://***@h/d password=***')",
    ]
  `);
});
