/**
 * Lets pages tell the kernel what their reader does. A page can only send: it posts text to a loopback port, at an address with
 * a token of its map, and gets no content back. Messages are bounded in size and number.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Maximum size of a message in bytes. */
const MOST_BYTES = 1_000_000;
/** Maximum number of messages of a map per second. */
const MOST_PER_SECOND = 20;

/** Where the pages of a map send their messages, and how to stop listening. */
export interface PageChannel {
  readonly url: string;
  close(): void;
}

interface Listener {
  readonly receive: (message: string) => void;
  /** Times of the last messages in milliseconds. */
  times: number[];
}

const listeners = new Map<string, Listener>();
let starting: Promise<Server> | undefined;

/**
 * Opens an address to which the pages of a map can post messages. The server listens on 127.0.0.1 only, is shared by all maps
 * and does not keep the process alive.
 */
export async function openPageChannel(receive: (message: string) => void): Promise<PageChannel> {
  starting ??= start();
  const server = await starting;
  const token = randomBytes(16).toString("hex");
  listeners.set(token, { receive, times: [] });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${token}`, close: () => listeners.delete(token) };
}

function start(): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request)
      .catch(() => 400)
      .then((status) => end(response, status));
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      starting = undefined;
      reject(error);
    });
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function end(response: ServerResponse, status: number): void {
  // pages in notebooks and saved files have no origin of their own
  response.writeHead(status, { "Access-Control-Allow-Origin": "*", Connection: "close" });
  response.end();
}

/** Returns the HTTP status. */
async function answer(request: IncomingMessage): Promise<number> {
  const listener = listeners.get((request.url ?? "").slice(1));
  const isOwnHost = /^(127\.0\.0\.1|localhost):\d+$/.test(request.headers.host ?? "");
  if (!listener || !isOwnHost) return 404;
  if (request.method !== "POST") return 405;
  const now = Date.now();
  listener.times = listener.times.filter((time) => now - time < 1000);
  if (listener.times.length >= MOST_PER_SECOND) return 429;
  listener.times.push(now);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) return 413;
    chunks.push(chunk);
  }
  listener.receive(Buffer.concat(chunks).toString("utf8"));
  return 204;
}
