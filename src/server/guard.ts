import type { FastifyReply, FastifyRequest } from "fastify";
import { JsonpCallback } from "../api/schemas/sql";
import { LOCAL_USER } from "../local/home";
import { mayUseMaps, mayUseSql } from "./key-grants";
import type { ApiKey, ApiKeys } from "./keys";

export const LOCAL_USER_ID = "00000000-0000-4000-8000-000000000001";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Maximum size of a body that holds the key, because it is read before the key is checked. */
const MAX_BODY_WITH_KEY_BYTES = 1024 ** 2;

/** Who may use a route. By default, the master key is required, in the header or the URL. */
type Access =
  /** The master key, which may be in the body. */
  | "key may be in the body"
  /** Any key with access to the SQL API, which may be in the body. Requests without a key use `default_public`. */
  | "any key"
  /** The same, but the body is data and cannot hold the key. */
  | "any key before the data"
  /** The same as "any key", for the Maps API. */
  | "any key for maps"
  /** Any key; a request without one is refused. */
  | "any key given"
  | "everybody";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
    /** Web pages of other sites may read the answer. The handler checks a token or similar instead of a key. */
    crossOrigin?: boolean;
    /** The handler reads a multipart body itself, because it may hold files of any size. */
    streamsMultipart?: boolean;
  }
  interface FastifyRequest {
    /** Key of the request, set once it is admitted; null on routes for everybody. */
    apiKey: ApiKey | null;
  }
}

/** Refuses a request, by default with a body in CARTO's format for errors. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: object = { error: [message] },
  ) {
    super(message);
  }
}

/**
 * Refuses requests that a web page of another site could have caused: those with a Host other than this machine's
 * loopback names (DNS rebinding), with another Origin, or with a Sec-Fetch-Site of another site. The last check covers
 * scripts and images, which come without an Origin: public tables need no key, but must stay on this machine.
 */
export function checkOrigin(request: FastifyRequest): void {
  const why = originRefusal(request);
  if (why !== undefined) throw new Refusal(403, why);
}

function originRefusal(request: FastifyRequest): string | undefined {
  const host = request.headers.host ?? "";
  if (!LOOPBACK_NAMES.has(hostName(host)))
    return `This server answers only requests to 127.0.0.1 or localhost, not to "${host.slice(0, 100)}".`;
  if (isForeignPage(request) && !request.routeOptions?.config?.crossOrigin)
    return "This server does not answer web pages of other sites.";
  return undefined;
}

/**
 * Returns the function that a JSONP answer calls: the parameter `callback`. Undefined without it, and for a page that
 * `checkOrigin` refuses, which could otherwise load the refusal as a script.
 */
export function callbackOf(
  request: FastifyRequest,
  { callback }: { callback?: unknown },
): string | undefined {
  return originRefusal(request) === undefined ? JsonpCallback.safeParse(callback).data : undefined;
}

/** True for a request of a web page of another site, or of one in a sandboxed frame, such as a map in a notebook. */
export function isForeignPage({ headers }: FastifyRequest): boolean {
  const { origin } = headers;
  const site = headers["sec-fetch-site"] ?? "none";
  if (origin !== undefined && origin !== `http://${headers.host}`) return true;
  return !(site === "same-origin" || site === "none");
}

/** Headers that let every web page read the answer. */
export const CROSS_ORIGIN_HEADERS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Headers": "*",
  // For web pages from the Internet, such as exported notebooks: https://wicg.github.io/private-network-access/
  "Access-Control-Allow-Private-Network": "true",
} as const;

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/**
 * Checks account and key before the body is read. The key is in the header (Basic) or the URL (`api_key`, `map_key`). A
 * request without a key there passes only if its body is small and may hold the key, which `checkBodyKey` then checks.
 * @throws Refusal for another account, an unknown key, or a key without access to the route
 */
export function checkKey(request: FastifyRequest, keys: ApiKeys): void {
  const { user } = request.params as { user?: string };
  if (user !== undefined && user !== LOCAL_USER) {
    throw new Refusal(
      404,
      `Sorry, we can't find CARTO user '${user}'. Please check that you have entered the correct domain.`,
    );
  }
  const { access } = request.routeOptions.config;
  if (access === "everybody") return;
  const given = keyBeforeBody(request);
  const mayBeInBody =
    access === "key may be in the body" || access === "any key" || access === "any key for maps";
  if (given !== undefined || !mayBeInBody || !hasBody(request)) {
    admit(request, keys, given);
    return;
  }
  if (Number(request.headers["content-length"]) <= MAX_BODY_WITH_KEY_BYTES) return;
  throw new Refusal(
    413,
    "A request with the API key in its body needs a Content-Length of at most 1 MB. Send the key in the Authorization header or the URL instead.",
  );
}

/** Checks the key in the parsed body of a request that had no key before. */
export function checkBodyKey(request: FastifyRequest, keys: ApiKeys): void {
  if (request.routeOptions.config.access === "everybody" || request.apiKey) return;
  admit(request, keys, parameterKey(request.body));
}

/** Checks the key among the fields of a multipart body, which the handler has read. */
export function checkFieldsKey(request: FastifyRequest, keys: ApiKeys, fields: object): void {
  if (!request.apiKey) admit(request, keys, parameterKey(fields));
}

function admit(request: FastifyRequest, keys: ApiKeys, token: string | undefined): void {
  const key = token === undefined ? keys.default : keys.find(token);
  if (!key) throw new Refusal(401, "Unauthorized");
  const { access } = request.routeOptions.config;
  if (access === "any key" || access === "any key before the data") {
    if (!mayUseSql(key.grants)) throw new Refusal(403, "forbidden");
  } else if (access === "any key for maps") {
    if (!mayUseMaps(key.grants)) throw new Refusal(403, "forbidden");
  } else if (access === "any key given") {
    if (token === undefined) throw new Refusal(401, "Unauthorized");
  } else if (key.type !== "master") {
    // The SQL API uses `default_public` for a request without a key; the account's other APIs refuse the request.
    const isSqlApi = /\/sql(\/|$)/.test(request.routeOptions.url ?? "");
    throw isSqlApi ? new Refusal(403, "permission denied") : new Refusal(401, "Unauthorized");
  }
  request.apiKey = key;
}

function keyBeforeBody(request: FastifyRequest): string | undefined {
  const basic = basicCredentials(request.headers.authorization);
  // If the URL names no account, clients use the first part of the host name as the account.
  const host = hostName(request.headers.host ?? "").replace(/\..*/s, "");
  if (basic && basic.user !== LOCAL_USER && basic.user !== host) throw new Refusal(403, "permission denied");
  return basic?.password ?? parameterKey(request.query);
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function basicCredentials(header = ""): { user: string; password: string } | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header)?.[1];
  if (!encoded) return undefined;
  const [user = "", ...password] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return { user, password: password.join(":") };
}

/** Reads the key; the last one counts if it is repeated. A key that is not a text counts as wrong, not as absent. */
function parameterKey(parameters: unknown): string | undefined {
  if (typeof parameters !== "object" || parameters === null) return undefined;
  const { api_key, map_key } = parameters as Record<string, unknown>;
  const given = [api_key ?? map_key ?? undefined].flat().at(-1);
  if (given === undefined) return undefined;
  return typeof given === "string" ? given : "";
}

/**
 * Returns a signal that aborts after `limitMs`, or when the client disconnects before its answer is complete.
 * `AbortSignal.any` with a timeout does not work here: Node collects it as garbage, and then nothing aborts.
 */
export function abortOnDisconnect(reply: FastifyReply, limitMs?: number): AbortSignal {
  const controller = new AbortController();
  const { raw } = reply;
  const timer = limitMs === undefined ? undefined : setTimeout(() => controller.abort(), limitMs);
  const abort = () => {
    clearTimeout(timer);
    if (!raw.writableFinished) controller.abort();
  };
  if (raw.closed) abort();
  else raw.once("close", abort);
  return controller.signal;
}

/** Maximum duration of a statement of any key but the master key, as on CARTO's largest plans. */
export const STATEMENT_TIMEOUT_MS = 25_000;

/** Returns role and signal for the statements of a request. */
export function statementOptions(request: FastifyRequest, reply: FastifyReply) {
  const { role } = request.apiKey!; // its routes are not for everybody
  const signal = abortOnDisconnect(reply, role === "master" ? undefined : STATEMENT_TIMEOUT_MS);
  return { role, signal };
}
