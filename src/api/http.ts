import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import nodeFetch, { type RequestInit as NodeFetchInit } from "node-fetch";
import { CONNECT_TIMEOUT } from "./errors";
import { proxyAgent, proxyFor } from "./proxy";

/** A function like `fetch`: Node's own, undici's with a dispatcher, or node-fetch. */
export type FetchFunction = (url: string, init: FetchInit) => Promise<FetchAnswer>;

/** Second argument of a `FetchFunction`. */
export interface FetchInit {
  /** HTTP method, such as `"POST"`. */
  readonly method: string;
  /** Headers of the request, which include the API key. */
  readonly headers: Record<string, string>;
  /** Body of the request: text, or a Node stream together with `duplex: "half"`. @default no body */
  // biome-ignore lint/suspicious/noExplicitAny: every fetch declares its own type of bodies
  readonly body?: any;
  /** Set for a stream as `body`, which `fetch` accepts only with this option. @default not set */
  readonly duplex?: "half";
  /** Redirects must be returned, not followed, because the API key is sent only to the account's address. */
  readonly redirect: "manual";
  /** AbortSignal that cancels the request. */
  // biome-ignore lint/suspicious/noExplicitAny: node-fetch and Node declare AbortSignal differently
  readonly signal: any;
}

/** Members that the answer of a `FetchFunction` must have; a `Response` has them. */
export interface FetchAnswer {
  /** HTTP status. */
  readonly status: number;
  /** Headers of the answer. `get` ignores the case of the name. */
  readonly headers: { get(name: string): string | null };
  /** Body as a web or Node stream; null if the answer has no body. */
  // biome-ignore lint/suspicious/noExplicitAny: a Node stream or a web stream, both are async iterable
  readonly body: any;
}

/** Sends requests: a function like `fetch`, or a Node `Agent`. */
export type Session = FetchFunction | HttpAgent;

/**
 * Time after which an idle connection is closed, before a load balancer closes it (after 60 s or more): a request on a
 * connection that is being closed fails, and cannot be repeated if it changes something.
 */
const KEEP_IDLE_MS = 15_000;

/** Sends requests to the local server, without a proxy or a session. */
export const fetchDirectly: FetchFunction = async (url, init) =>
  (await nodeFetch(url, init as NodeFetchInit)) as FetchAnswer;

/**
 * Returns the function that sends requests through a session. Without a session, connections are kept for later
 * requests, and the proxy of the environment is used.
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

/** Limits the time for connecting. Node's agents wait as long as the operating system does, which is minutes. */
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
