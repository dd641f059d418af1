import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/** The one account of a local server; the `user` in `/user/{user}/api/…`. */
export const LOCAL_USER = "local";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

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

/** Refuses a request for another account, or one without the server's key (Basic, `api_key`, `map_key`). */
export function checkKey(request: FastifyRequest, key: string): void {
  const { user } = request.params as { user?: string };
  if (user !== undefined && user !== LOCAL_USER) {
    throw new Refusal(
      404,
      `Sorry, we can't find CARTO user '${user}'. Please check that you have entered the correct domain.`,
    );
  }
  const basic = basicCredentials(request.headers.authorization);
  if (basic && basic.user !== LOCAL_USER) throw new Refusal(403, "permission denied");
  if (!sameText(basic?.password ?? parameterKey(request.query) ?? parameterKey(request.body) ?? "", key)) {
    throw new Refusal(401, "Unauthorized");
  }
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

/** A signal that aborts when the client goes away before its answer is complete. */
export function abortOnDisconnect(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
