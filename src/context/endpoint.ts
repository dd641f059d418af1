import type { Endpoint, EndpointSource } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import { databaseAddress, isDatabaseUrl, shownDatabase } from "../server/database";
import { databaseHome, localHome } from "../server/home";
import { connectLocal, type LocalServer } from "../server/launcher";

/** Where a CartoContext points. */
export interface ContextOptions {
  /**
   * `https://user.carto.com` or an on-premises `https://host/user/name`; `local:` for the embedded server,
   * `local:/some/folder` to keep its data there; `postgres://user:password@host/database` for a PostgreSQL database
   * of your own (what is left out, psql's environment, password and service files say). Without it: `CARTO_BASE_URL` of the environment, else `local:`.
   */
  readonly baseUrl?: string;
  /**
   * The account's API key. Without it `CARTO_API_KEY` of the environment, which belongs to `CARTO_BASE_URL` and is
   * sent nowhere else. The local server needs none.
   */
  readonly apiKey?: string;
}

/**
 * Where the options point. What they say is checked now; what only the environment says, on first use. Nothing
 * is started or contacted before the source is asked.
 */
export function endpointSource({ baseUrl, apiKey }: ContextOptions): EndpointSource {
  if (baseUrl !== undefined) return sourceAt(baseUrl, apiKey);
  let source: EndpointSource | undefined;
  return async () => {
    source ??= sourceAt(environmentAddress(), apiKey);
    return source();
  };
}

/** The address as it may be shown: without what could be a password or a key in it. */
export function shownAddress({ baseUrl = environmentAddress() }: ContextOptions): string {
  if (isDatabaseUrl(baseUrl)) return shownDatabaseUrl(baseUrl);
  if (baseUrl.startsWith("local:")) return baseUrl;
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  return url?.host ? `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}` : "?";
}

function environmentAddress(): string {
  return process.env.CARTO_BASE_URL || "local:";
}

function sourceAt(baseUrl: string, givenKey: string | undefined): EndpointSource {
  if (typeof baseUrl === "string" && baseUrl.startsWith("local:")) {
    return localSource(baseUrl.slice("local:".length));
  }
  if (isDatabaseUrl(baseUrl)) return databaseSource(baseUrl);
  const url = parseUrl(baseUrl);
  const apiKey = givenKey ?? environmentKey(url);
  if (!apiKey) {
    const other = process.env.CARTO_API_KEY
      ? " CARTO_API_KEY is only used with the CARTO_BASE_URL beside it."
      : "";
    throw new InvalidArgumentError(
      `${url.origin} needs an API key: pass apiKey, or set CARTO_BASE_URL and CARTO_API_KEY.${other} Without an account leave out baseUrl.`,
    );
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    console.warn(
      `${url.origin} is not encrypted: the API key can be read on the way. Use https:// if it has it.`,
    );
  }
  const endpoint: Endpoint = {
    baseUrl: url.origin + url.pathname.replace(/\/+$/, ""),
    user: accountName(url),
    apiKey,
    label: url.origin,
  };
  return async () => endpoint;
}

/** A key goes to the place it was set for, not to whichever address a notebook names. */
function environmentKey({ origin }: URL): string | undefined {
  const { CARTO_BASE_URL = "", CARTO_API_KEY } = process.env;
  return URL.canParse(CARTO_BASE_URL) && new URL(CARTO_BASE_URL).origin === origin
    ? CARTO_API_KEY
    : undefined;
}

function isLoopback({ hostname }: URL): boolean {
  return /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

function localSource(dir: string): EndpointSource {
  return async () => toEndpoint(await connectLocal(localHome(dir || undefined)));
}

function databaseSource(url: string): EndpointSource {
  const address = databaseAddress(url);
  return async () => toEndpoint(await connectLocal(databaseHome(address), address));
}

function shownDatabaseUrl(url: string): string {
  try {
    return shownDatabase(databaseAddress(url));
  } catch {
    return "?"; // of the environment; its error comes with the first call
  }
}

function toEndpoint({ baseUrl, user, key, isCurrent }: LocalServer): Endpoint {
  return { baseUrl, user, apiKey: key, label: "the local server", isCurrent };
}

/** Refusals quote nothing but the scheme: the address of a database may contain a password. */
function parseUrl(baseUrl: string): URL {
  const url = typeof baseUrl === "string" && URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    const scheme = /^[a-z][a-z0-9+.-]{0,19}(?=:)/i.exec(baseUrl)?.[0];
    throw new InvalidArgumentError(
      `baseUrl${scheme ? ` starts with "${scheme}:" and` : ""} is no address of an account; expected https://…, postgres://…, or local: for the embedded server.`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new InvalidArgumentError(
      "baseUrl contains a user name, a password, a query or a fragment. Leave it at https://user.carto.com or https://host/user/name, and pass the key as apiKey.",
    );
  }
  return url;
}

/** The account in an address: `/user/{name}` of a path, else the first label of the host (carto-api §1.1). */
function accountName({ pathname, hostname }: URL): string {
  const inPath = /^\/(?:user|u)\/([^/]+)/.exec(pathname)?.[1];
  return inPath ? decodeURIComponent(inPath) : hostname.replace(/^www\./, "").split(".", 1)[0]!;
}
