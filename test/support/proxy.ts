import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { afterAll, beforeAll } from "vitest";

/** A complete request that passes through the proxy. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path without the query string: `/api/v2/sql/copyto`. */
  readonly path: string;
  /** The SQL statement, from the body or the URL. */
  readonly sql: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly socket: Socket;
}

/** Faults: what the proxy does instead of forwarding a request, or with its response. */
export interface Tampering {
  /** Replaces the response of the server if it calls `response.writeHead` or destroys the socket. */
  before?(asked: ProxiedRequest, response: ServerResponse): void | Promise<void>;
  /** Changes the complete response; returns undefined to leave it unchanged. */
  after?(asked: ProxiedRequest, body: Buffer): Buffer | undefined;
  /** Number of body bytes after which the connection is cut. */
  cutAfter?(asked: ProxiedRequest): number | undefined;
}

export interface TestProxy {
  /** Base URL that looks like an account's: the client does not know that the server is local. */
  readonly baseUrl: string;
  readonly asked: ProxiedRequest[];
  tamper(tampering: Tampering): void;
  close(): Promise<void>;
}

/** A real HTTP server between a client and a local server that injects faults and can switch features off. */
export async function startProxy(target: { readonly baseUrl: string }): Promise<TestProxy> {
  const asked: ProxiedRequest[] = [];
  let tampering: Tampering = {};

  const server = createServer(async (incoming, response) => {
    try {
      const body = await read(incoming);
      const url = new URL(incoming.url!, target.baseUrl);
      const path = url.pathname.replace(/^\/user\/[^/]+/, "");
      const isForm = incoming.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
      const form = new URLSearchParams(isForm ? body.toString() : "");
      const sql = form.get("q") ?? url.searchParams.get("q") ?? "";
      const { method = "GET", headers, socket } = incoming;
      const proxied = { method, path, sql, headers, body, socket };
      asked.push(proxied);
      await tampering.before?.(proxied, response);
      if (response.headersSent || socket.destroyed) return;
      const answer = await pass(`${target.baseUrl}${path}${url.search}`, proxied);
      await sendOn(answer, response, proxied, tampering);
    } catch (error) {
      response.destroy(error as Error);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    baseUrl: `http://127.0.0.1:${port}/user/local`,
    asked,
    tamper: (next) => {
      tampering = next;
      asked.length = 0;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A proxy for the tests of a file. Its members are there while they run. */
export function proxyForTests(target: { readonly baseUrl: string }): TestProxy {
  const proxy = {} as TestProxy;
  beforeAll(async () => {
    Object.assign(proxy, await startProxy(target));
  });
  afterAll(() => proxy.close?.());
  return proxy;
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function pass(url: string, { method, headers, body }: ProxiedRequest): Promise<IncomingMessage> {
  const { host: _, connection: __, "transfer-encoding": ___, ...kept } = headers;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...kept, "content-length": body.length } }, resolve);
    sent.once("error", reject).end(body);
  });
}

async function sendOn(
  answer: IncomingMessage,
  response: ServerResponse,
  asked: ProxiedRequest,
  { after, cutAfter }: Tampering,
): Promise<void> {
  const body = await read(answer);
  const changed = after?.(asked, body) ?? body;
  const { "content-length": _, "transfer-encoding": __, ...headers } = answer.headers;
  const cut = cutAfter?.(asked);
  response.writeHead(answer.statusCode!, headers);
  if (cut === undefined) response.end(changed);
  else response.write(changed.subarray(0, cut), () => asked.socket.destroy());
}
