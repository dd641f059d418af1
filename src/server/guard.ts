import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/** The one account of a local server; the `user` in `/user/{user}/api/…`. */
export const LOCAL_USER = "local";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** A request whose key is in its body has at most such a body: it is read before the key is known. */
const MAX_BODY_WITH_KEY_BYTES = 1024 ** 2;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who gets an answer. Without it: who brings the key in the header or the address. */
    access?: "key may be in the body" | "everybody";
    /** Its handler reads a multipart body itself, which may hold files of any size. */
    streamsMultipart?: boolean;
  }
}

/** A request that must not be answered, in CARTO's error shape. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Refuses requests that a web page could have caused: a Host that is not this machine's loopback name (DNS
 * rebinding), or the Origin of another site.
 */
export function checkOrigin({ headers }: FastifyRequest): void {
  const host = headers.host ?? "";
  if (!LOOPBACK_NAMES.has(hostName(host))) {
    throw new Refusal(403, `This server answers to 127.0.0.1 or localhost, not to "${host.slice(0, 100)}".`);
  }
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new Refusal(403, "This server does not answer to pages of other sites.");
  }
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/**
 * Refuses, before anything of the body is read, a request for another account and one with a wrong key in its
 * header (Basic) or address (`api_key`, `map_key`). Without a key in either only a small body passes, and only
 * where a body has parameters: `checkBodyKey` looks there.
 */
export function checkKey(request: FastifyRequest, key: string): void {
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
  if (given === undefined && access === "key may be in the body" && hasBody(request)) {
    if (Number(request.headers["content-length"]) <= MAX_BODY_WITH_KEY_BYTES) return;
    throw new Refusal(
      413,
      "A body that brings the key has at most 1 MB and a Content-Length. Put the key into the header or the address.",
    );
  }
  if (!sameText(given ?? "", key)) throw new Refusal(401, "Unauthorized");
}

/** Refuses a request that brought no key in its header or address, and none or a wrong one in its parsed body. */
export function checkBodyKey(request: FastifyRequest, key: string): void {
  if (request.routeOptions.config.access === "everybody" || keyBeforeBody(request) !== undefined) return;
  if (!sameText(parameterKey(request.body) ?? "", key)) throw new Refusal(401, "Unauthorized");
}

function keyBeforeBody(request: FastifyRequest): string | undefined {
  const basic = basicCredentials(request.headers.authorization);
  if (basic && basic.user !== LOCAL_USER) throw new Refusal(403, "permission denied");
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

function parameterKey(parameters: unknown): string | undefined {
  if (typeof parameters !== "object" || parameters === null) return undefined;
  const { api_key, map_key } = parameters as Record<string, unknown>;
  const key = api_key ?? map_key;
  return typeof key === "string" ? key : undefined;
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A signal that aborts when the client goes away before its answer is complete, or has gone already. */
export function abortOnDisconnect(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const { raw } = reply;
  const abort = () => {
    if (!raw.writableFinished) controller.abort();
  };
  if (raw.closed) abort();
  else raw.once("close", abort);
  return controller.signal;
}
