import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { DataFrame } from "danfojs-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { Credentials } from "../../../src/context/connection/credentials";
import { JobError, SqlError } from "../../../src/errors";
import { proxyForTests, type Tampering } from "../../support/proxy";
import { serverForTests } from "../../support/server";

const CLI = join(__dirname, "../../../dist/cli.js");

const server = serverForTests();
const proxy = proxyForTests(server);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cartoframes-secrets-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** Runs the command line with its own home and configuration; gives all that it wrote. */
async function cli(args: string[], input: string): Promise<{ output: string; code: number | null }> {
  const env = { ...process.env, HOME: dir, XDG_CONFIG_HOME: dir, CARTO_API_KEY: "", CARTO_BASE_URL: "" };
  const child = spawn(process.execPath, [CLI, ...args], { env });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { output: output.replaceAll(dir, "…").replace(/:\d+/g, ":N"), code };
}

test("login reads the key from standard input, verifies and saves it; logout removes it", async () => {
  const login = ["login", "--url", proxy.baseUrl];
  const told = [
    await cli(login, "wrong-key\n"),
    await cli(["logout"], ""),
    await cli(login, `${server.key}\n`),
  ];
  expect(new Credentials({ credFile: join(dir, "cartoframes", "cartocreds.json") }).key).toBe(server.key);
  told.push(
    await cli(["logout"], ""),
    await cli(["logout"], ""),
    await cli(login, ""),
    await cli(["login"], server.key),
    await cli(["login", "--user", "ana", `--key=${server.key}`], ""),
    await cli(["login", "--user", "ana", "--api-key", server.key], ""),
    await cli(["login", "--user", "ana.carto.com"], server.key),
  );
  for (const { output } of told) expect(output).not.toContain(server.key);
  expect(told.map(({ output, code }) => `${code}: ${output.trim()}`)).toMatchInlineSnapshot(`
    [
      "1: Cannot authenticate user "local" at http://127.0.0.1:N: The API key was refused (Unauthorized). Check the address and the key. The key comes from the Credentials passed.",
      "0: No credentials are saved.",
      "0: The key is valid. Saved it in …/cartoframes/cartocreds.json. To remove it, run \`npx cartoframes logout\`.",
      "0: Removed …/cartoframes/cartocreds.json.",
      "0: No credentials are saved.",
      "1: The key is empty. Nothing was saved.",
      "1: Pass the account with --user or --url.",
      "1: A key on the command line can be seen by others and stays in the shell's history. Leave it out: the command asks for it, or reads it from standard input. Regenerate a key that you have typed here.",
      "1: A key on the command line can be seen by others and stays in the shell's history. Leave it out: the command asks for it, or reads it from standard input. Regenerate a key that you have typed here.",
      "1: "ana.carto.com" is not a valid account name. Expected letters, digits and hyphens. Pass an address as baseUrl, or as --url on the command line.",
    ]
  `);
});

/** A server that repeats what it got, in every way in which it can fail. */
const FAILURES: Record<string, Tampering> = {
  nothing: {},
  "an error that repeats the request": {
    before: (asked, response) =>
      void response.writeHead(400, { "Content-Type": "application/json" }).end(
        JSON.stringify({
          error: [said(asked.headers)],
          hint: said(asked.headers),
          detail: said(asked.headers),
        }),
      ),
  },
  "a page that repeats the request": {
    before: (asked, response) => void response.writeHead(502).end(`<html>${said(asked.headers)}`),
  },
  "a text that repeats the request": {
    before: (asked, response) => void response.writeHead(200).end(said(asked.headers)),
  },
  "a key that is refused": {
    before: (asked, response) =>
      void response.writeHead(401).end(JSON.stringify({ error: [said(asked.headers)] })),
  },
  "a redirect": {
    before: (asked, response) =>
      void response.writeHead(302, { Location: `https://x.example/?${said(asked.headers)}` }).end(),
  },
  "a connection that breaks": { before: ({ socket }) => void socket.destroy() },
  "a COPY that breaks": { cutAfter: ({ path }) => (/copy/.test(path) ? 30 : undefined) },
};

function said({ authorization = "" }: { authorization?: string }): string {
  return `Authorization: ${authorization} key ${atob(authorization.slice(6))} api_key=${server.key}`;
}

test.each(Object.keys(FAILURES))("no output or error contains the key: %s", async (name) => {
  proxy.tamper(FAILURES[name]!);
  const output: unknown[] = [];
  for (const method of ["log", "warn", "error", "info"] as const)
    vi.spyOn(console, method).mockImplementation((...args) => void output.push(...args));
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((text) => !!output.push(String(text)));
  const creds = new Credentials({ baseUrl: proxy.baseUrl, key: server.key });
  const cc = new CartoContext({ creds, verbose: true });
  const frame = new DataFrame({ a: [1, 2] } as never);
  const results = await Promise.allSettled([
    cc.tables(),
    cc.query(`SELECT '${server.key.slice(0, 3)}' AS a FROM generate_series(1, 30000)`),
    cc.read("none"),
    cc.delete("none"),
    cc.write(frame, "secrets", { overwrite: true }),
    CartoContext.connect({ creds }),
  ]);
  vi.restoreAllMocks();
  for (const result of results)
    if (result.status === "rejected") output.push(result.reason, result.reason?.cause);
  output.push(creds, cc, { creds, cc }, String(creds), String(cc), JSON.stringify([creds, cc]));
  const shown = output
    .flatMap((value) => [
      typeof value === "string" ? value : inspect(value, { showHidden: true, depth: 9 }),
      inspect(value, { showHidden: true, depth: 9, customInspect: false }),
    ])
    .join("\n");
  expect(output.length).toBeGreaterThan(10);
  for (const secret of [server.key, encodeURIComponent(server.key), btoa(`local:${server.key}`)])
    expect(shown).not.toContain(secret);
});

describe("successful responses do not show the key", () => {
  const context = () => new CartoContext({ baseUrl: proxy.baseUrl, apiKey: server.key });
  const tellsKey = (error: unknown) => {
    const { message, stack, hint, detail, failedReason, cause } = error as Record<string, unknown>;
    return [message, stack, hint, detail, failedReason, inspect(error), inspect(cause)].join("\n");
  };
  const failure = (extra: object = {}) => ({
    error: [`could not connect with ${server.key}`],
    hint: `api_key=${server.key}`,
    detail: `postgres://ana:pass-word@host ${server.key}`,
    ...extra,
  });

  test("an error with status 200", async () => {
    proxy.tamper({
      after: ({ sql }, body) =>
        sql.includes("DROP VIEW")
          ? Buffer.from(JSON.stringify({ rows: [], fields: {}, total_rows: 0, time: 0, ...failure() }))
          : body,
    });
    const error = await context()
      .query("DROP VIEW IF EXISTS nothing")
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error.message).toContain("could not connect with ***");
    expect(tellsKey(error)).not.toContain(server.key);
    expect(tellsKey(error)).not.toContain("pass-word");
  });

  test("an error at the end of a COPY", async () => {
    proxy.tamper({
      before: ({ sql }, response) => {
        if (sql.includes("AS _q LIMIT 10001"))
          response
            .writeHead(429)
            .end('{"error":["statement timeout"],"context":"limit","detail":"datasource"}');
      },
      after: ({ path }, body) =>
        path.endsWith("/copyto")
          ? Buffer.concat([body.subarray(0, 19), Buffer.from(JSON.stringify(failure()))])
          : body,
    });
    const error = await context()
      .query("SELECT n FROM generate_series(1, 20000) AS n")
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error.message).toContain("could not connect with ***");
    expect(tellsKey(error)).not.toContain(server.key);
  });

  test("warnings of a statement, and the reason of a failed job", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const failed = (body: Buffer) => ({
      ...JSON.parse(body.toString()),
      status: "failed",
      query: [{ query: "SELECT 1", status: "failed", failed_reason: `no ${server.key}` }],
      failed_reason: `no ${server.key}`,
    });
    proxy.tamper({
      after: ({ path, sql }, body) =>
        path.includes("/sql/job")
          ? Buffer.from(JSON.stringify(failed(body)))
          : sql.includes("DROP VIEW")
            ? Buffer.from(
                JSON.stringify({ ...JSON.parse(body.toString()), warnings: [`map_key=${server.key}`] }),
              )
            : body,
    });
    const cc = context();
    await cc.query("DROP VIEW IF EXISTS nothing");
    const batch = await cc.batch("SELECT 1");
    await batch.status();
    const error = await batch.wait().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(JobError);
    expect(tellsKey(error)).not.toContain(server.key);
    expect(warn.mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(warn.mock.calls.flat().join("\n")).not.toContain(server.key);
    vi.restoreAllMocks();
  });
});
