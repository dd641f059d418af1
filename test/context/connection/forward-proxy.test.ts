import { request } from "node:http";
import { createServer, type Server } from "node:https";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { proxyFor } from "../../../src/api/proxy";
import { CartoContext } from "../../../src/context/carto-context";
import { AuthenticationError, InvalidArgumentError, ServerError } from "../../../src/errors";
import { makeCertificate } from "../../support/certificate";
import { type ForwardProxy, startForwardProxy } from "../../support/forward-proxy";
import { needs } from "../../support/needs";
import { startProxy, type TestProxy } from "../../support/proxy";
import { serverForTests } from "../../support/server";

const ACCOUNT = "ana.carto.test";
needs("certificate");
const server = serverForTests();
/** The account behind the proxy, in clear and encrypted: both hand requests on to the local server. */
let account: TestProxy;
let encrypted: Server;
let proxy: ForwardProxy;

beforeAll(async () => {
  account = await startProxy(server);
  const port = Number(new URL(account.baseUrl).port);
  encrypted = createServer(makeCertificate(ACCOUNT), (incoming, response) => {
    const { method, url, headers } = incoming;
    const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => encrypted.listen(0, "127.0.0.1", resolve));
  proxy = await startForwardProxy({ port, encryptedPort: (encrypted.address() as { port: number }).port });
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0"); // the certificate is nobody's
});
afterAll(async () => {
  await proxy?.close();
  encrypted?.close();
  encrypted?.closeAllConnections();
  await account?.close();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  vi.restoreAllMocks();
  proxy.asked.length = 0;
  proxy.credentials = undefined;
});

/** The proxy's variables as given, and none of those that the machine may have. */
function environment(variables: Record<string, string>): void {
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]) {
    vi.stubEnv(name, variables[name] ?? "");
    vi.stubEnv(name.toLowerCase(), "");
  }
}
const context = (baseUrl = `https://${ACCOUNT}`) => new CartoContext({ baseUrl, apiKey: server.key });
/** The account is the server's, whose user is `local`. */
const at = (scheme: string) => `${scheme}://${ACCOUNT}/user/local`;

describe("proxy environment variables", () => {
  test("HTTPS_PROXY uses CONNECT and reuses connections", async () => {
    environment({ HTTPS_PROXY: proxy.url });
    const cc = context(at("https"));
    expect((await cc.query("SELECT 1 AS a")).values).toEqual([[1]]);
    const first = proxy.asked.length;
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${ACCOUNT}:443`]));
    await cc.query("SELECT 2 AS a");
    expect(proxy.asked.length - first).toBeLessThanOrEqual(1);
  });

  test("HTTP_PROXY works without a scheme", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {}); // not encrypted
    environment({ HTTP_PROXY: proxy.url.replace("http://", "") });
    expect((await context(at("http")).query("SELECT 1 AS a")).values).toEqual([[1]]);
    expect(new Set(proxy.asked)).toEqual(new Set([`POST http://${ACCOUNT}`]));
  });

  test("the proxy URL can contain a user name and password", async () => {
    proxy.credentials = "ana:p@ss-word";
    environment({ HTTPS_PROXY: proxy.url.replace("://", "://ana:p%40ss-word@") });
    expect((await context(at("https")).query("SELECT 1 AS a")).values).toEqual([[1]]);
    environment({ HTTPS_PROXY: proxy.url.replace("://", "://ana:wrong-secret@") });
    const error: Error = await context(at("https"))
      .query("SELECT 1")
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).toContain("proxy");
    expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain("wrong-secret");
  });

  test("an unreachable proxy is an error, not bypassed", async () => {
    environment({ HTTPS_PROXY: "http://127.0.0.1:9" });
    await expect(context(at("https")).query("SELECT 1")).rejects.toThrow(ServerError);
  });

  test("the option session replaces the proxy", async () => {
    environment({ HTTPS_PROXY: proxy.url });
    const session = vi.fn(async () => {
      throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
    });
    await expect(
      new CartoContext({ baseUrl: at("https"), apiKey: server.key, session }).query("SELECT 1"),
    ).rejects.toThrow(ServerError);
    expect(session).toHaveBeenCalled();
    expect(proxy.asked).toEqual([]);
  });

  test("the local server and this machine are contacted directly", async () => {
    environment({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url });
    const local = new CartoContext({ baseUrl: `local:${server.home}` });
    expect((await local.query("SELECT 1 AS a")).values).toEqual([[1]]);
    expect((await context(account.baseUrl).query("SELECT 1 AS a")).values).toEqual([[1]]);
    expect(proxy.asked).toEqual([]);
  });
});

test.each([
  [{ HTTPS_PROXY: "http://p:1" }, "https://ana.carto.com", "http://p:1"],
  [{ HTTPS_PROXY: "p:1" }, "https://ana.carto.com", "http://p:1"],
  [{ HTTPS_PROXY: "https://p:1" }, "https://ana.carto.com", "https://p:1"],
  [{ HTTP_PROXY: "http://p:1" }, "https://ana.carto.com", undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "example.org, .carto.com" }, "https://ana.carto.com", undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "*" }, "https://ana.carto.com", undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "carto.org" }, "https://ana.carto.com", "http://p:1"],
  [{ ALL_PROXY: "http://p:1" }, "http://maps.acme.io/user/ana", "http://p:1"],
  [{ ALL_PROXY: "http://p:1" }, "http://localhost:8123", undefined],
  [{ ALL_PROXY: "http://p:1" }, "http://[::1]:8123", undefined],
  [{}, "https://ana.carto.com", undefined],
])("%o, %s: %s", (variables: Record<string, string>, url, expected) => {
  environment(variables);
  expect(proxyFor(new URL(url))).toBe(expected);
});

test("rejects a proxy that is not HTTP, without showing its URL", () => {
  environment({ ALL_PROXY: "socks5://ana:secret-word@p:1" });
  expect(() => proxyFor(new URL("https://ana.carto.com"))).toThrow(InvalidArgumentError);
  expect(() => proxyFor(new URL("https://ana.carto.com"))).not.toThrow(/secret-word/);
});
