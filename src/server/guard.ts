import type { FastifyReply, FastifyRequest } from "fastify";
import { LOCAL_USER } from "../local/home";
import { mayUseMaps, mayUseSql } from "./key-grants";
import type { ApiKey, ApiKeys } from "./keys";

export const LOCAL_USER_ID = "00000000-0000-4000-8000-000000000001";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** A request whose key is in its body has at most such a body: it is read before the key is known. */
const MAX_BODY_WITH_KEY_BYTES = 1024 ** 2;

/** Who gets an answer; without it, who brings the master key in the header or the address. */
type Access =
  /** The master key, perhaps in the body. */
  | "key may be in the body"
  /** Any key that may use the SQL API, perhaps in the body; without one it is that of everybody. */
  | "any key"
  /** The same, where the body is data. */
  | "any key before the data"
  /** Any key that may use the Maps API, as "any key". */
  | "any key for maps"
  /** Any key, which must be given. */
  | "any key given"
  | "everybody";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
    /** Pages of other sites may read its answers; its handler looks at what they show instead of a key. */
    crossOrigin?: boolean;
    /** Its handler reads a multipart body itself, which may hold files of any size. */
    streamsMultipart?: boolean;
  }
  interface FastifyRequest {
    /** Whose request it is; set when it was let in, except where everybody is. */
    apiKey: ApiKey | null;
  }
}

/** A request that must not be answered, in CARTO's error shape, or with a body of its own. */
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
 * Refuses requests that a web page of somebody else could have caused: a Host that is not this machine's loopback
 * name (DNS rebinding), the Origin of another site, or what a browser says it fetches for another site. The last one
 * covers scripts and images, which come without an Origin: tables that everybody may read need no key, but are
 * everybody's on this machine only.
 */
export function checkOrigin(request: FastifyRequest): void {
  const host = request.headers.host ?? "";
  if (!LOOPBACK_NAMES.has(hostName(host))) {
    throw new Refusal(403, `This server answers to 127.0.0.1 or localhost, not to "${host.slice(0, 100)}".`);
  }
  if (isForeignPage(request) && !request.routeOptions.config?.crossOrigin) {
    throw new Refusal(403, "This server does not answer to pages of other sites.");
  }
}

/** Whether a page of another site asks; one in a sandboxed frame, as our maps are, counts as such. */
export function isForeignPage({ headers }: FastifyRequest): boolean {
  const { origin } = headers;
  const site = headers["sec-fetch-site"] ?? "none";
  if (origin !== undefined && origin !== `http://${headers.host}`) return true;
  return !(site === "same-origin" || site === "none");
}

/** With these a browser hands an answer to any page. */
export const CROSS_ORIGIN_HEADERS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, OPTIONS",
  "Access-Control-Allow-Headers": "*",
  // For a page of the Internet, as of an exported notebook: https://wicg.github.io/private-network-access/
  "Access-Control-Allow-Private-Network": "true",
} as const;

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/**
 * Refuses, before anything of the body is read, a request for another account and one whose key, in the header
 * (Basic) or the address (`api_key`, `map_key`), is unknown or lacks the right. Without a key in either only a small
 * body passes, and only where a body has parameters: `checkBodyKey` looks there.
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
    "A body that brings the key has at most 1 MB and a Content-Length. Put the key into the header or the address.",
  );
}

/** The same with the key in the parsed body, of a request that brought none before. */
export function checkBodyKey(request: FastifyRequest, keys: ApiKeys): void {
  if (request.routeOptions.config.access === "everybody" || request.apiKey) return;
  admit(request, keys, parameterKey(request.body));
}

/** The same with the key among the fields of a multipart body that its handler has read. */
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
    // The SQL API takes a missing key for that of everybody, which is valid; the account's other APIs do not.
    const isSqlApi = /\/sql(\/|$)/.test(request.routeOptions.url ?? "");
    throw isSqlApi ? new Refusal(403, "permission denied") : new Refusal(401, "Unauthorized");
  }
  request.apiKey = key;
}

function keyBeforeBody(request: FastifyRequest): string | undefined {
  const basic = basicCredentials(request.headers.authorization);
  // Clients that find no account in the address take the first part of the host's name for it.
  const host = hostName(request.headers.host ?? "").split(".", 1)[0]!;
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

/** Of a repeated one the last counts. What is no text is no key of ours, but it is not no key either. */
function parameterKey(parameters: unknown): string | undefined {
  if (typeof parameters !== "object" || parameters === null) return undefined;
  const { api_key, map_key } = parameters as Record<string, unknown>;
  const given = [api_key ?? map_key ?? undefined].flat().at(-1);
  if (given === undefined) return undefined;
  return typeof given === "string" ? given : "";
}

/**
 * A signal that aborts when the client goes away before its answer is complete, or has gone already, and after
 * `limitMs`. Not `AbortSignal.any` with a timeout: Node collects that as garbage, and then nothing aborts.
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

/** How long a statement of a key that is not the master's may take, as on CARTO's largest plans. */
export const STATEMENT_TIMEOUT_MS = 25_000;

/** Under which rights, and for how long, a statement of this request runs. */
export function statementOptions(request: FastifyRequest, reply: FastifyReply) {
  const { role } = request.apiKey!;
  const signal = abortOnDisconnect(reply, role === "master" ? undefined : STATEMENT_TIMEOUT_MS);
  return { role, signal };
}
