import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import nodeFetch, { type RequestInit as NodeFetchInit } from "node-fetch";
import { CONNECT_TIMEOUT } from "./errors";
import { proxyAgent, proxyFor } from "./proxy";

/** A function like `fetch`: that of Node, of undici with a dispatcher, of node-fetch. */
export type FetchFunction = (url: string, init: FetchInit) => Promise<FetchAnswer>;

/** What such a function is called with. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  /** A form as text, or a Node stream, with `duplex: "half"`. */
  // biome-ignore lint/suspicious/noExplicitAny: every fetch declares its own type of bodies
  readonly body?: any;
  readonly duplex?: "half";
  readonly redirect: "manual";
  // biome-ignore lint/suspicious/noExplicitAny: node-fetch and Node declare AbortSignal differently
  readonly signal: any;
}

/** What of its answer is used. */
export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  // biome-ignore lint/suspicious/noExplicitAny: a Node stream or a web stream, both are async iterable
  readonly body: any;
}

/** How requests leave this machine: through a function like `fetch`, or a Node `Agent`. */
export type Session = FetchFunction | HttpAgent;

/**
 * An idle connection is closed after this time, before a load balancer does (60 s and more): a request on one that
 * is being closed breaks, and must not be repeated if it changes something.
 */
const KEEP_IDLE_MS = 15_000;

/** Sends requests to this machine's own server, past any session: a proxy has nothing to do with it. */
export const fetchDirectly: FetchFunction = async (url, init) =>
  (await nodeFetch(url, init as NodeFetchInit)) as FetchAnswer;

/**
 * The function that sends requests of a session; without one, over connections that are kept for the next, through
 * the environment's proxy if it has one.
 */
export function fetchOf(session: Session | undefined, connectMs: number): FetchFunction {
  if (typeof session === "function") return session;
  const options = { keepAlive: true, timeout: KEEP_IDLE_MS };
  const agents = session
    ? { "http:": session, "https:": session as HttpsAgent }
    : {
        "http:": withConnectTimeout(new HttpAgent(options), connectMs),
        "https:": withConnectTimeout(new HttpsAgent(options), connectMs),
      };
  const proxied = new Map<string, HttpAgent>();
  const agentFor = (url: URL): HttpAgent => {
    const isEncrypted = url.protocol === "https:";
    const direct = agents[isEncrypted ? "https:" : "http:"];
    const proxy = session ? undefined : proxyFor(url);
    if (proxy === undefined) return direct;
    const key = `${isEncrypted} ${proxy}`;
    const agent = proxied.get(key) ?? proxyAgent(proxy, { isEncrypted, connectMs, idleMs: KEEP_IDLE_MS });
    proxied.set(key, agent);
    return agent;
  };
  return async (url, init) => {
    const agent = agentFor(new URL(url));
    const answer = await nodeFetch(url, { ...init, agent } as NodeFetchInit);
    return answer as FetchAnswer;
  };
}

/** Node's agents wait for a connection as long as the operating system does: minutes. */
function withConnectTimeout<A extends HttpAgent>(agent: A, connectMs: number): A {
  type Connect = (options: { host?: string; secureEndpoint?: boolean }, callback?: unknown) => Duplex;
  const connecting = agent as unknown as { createConnection: Connect };
  const connect = connecting.createConnection;
  connecting.createConnection = function (options, callback) {
    const socket = connect.call(this, options, callback);
    const late = Object.assign(new Error(`no connection within ${connectMs / 1000} s`), {
      code: CONNECT_TIMEOUT,
    });
    const timer = setTimeout(() => socket.destroy(late), connectMs).unref();
    const done = () => clearTimeout(timer);
    for (const event of [agent instanceof HttpsAgent ? "secureConnect" : "connect", "close"])
      socket.once(event, done);
    return socket;
  };
  return agent;
}
