import type { Endpoint, EndpointSource } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import { localHome } from "../server/home";
import { connectLocal, type LocalServer } from "../server/launcher";

/** Where a CartoContext points. */
export interface ContextOptions {
  /**
   * `https://user.carto.com` or an on-premises `https://host/user/name`; `local:` for the embedded server,
   * `local:/some/folder` to keep its data there. Without it: `CARTO_BASE_URL` of the environment, else `local:`.
   */
  readonly baseUrl?: string;
  /** The account's API key; without it `CARTO_API_KEY` of the environment. The local server needs none. */
  readonly apiKey?: string;
}

/**
 * Where the options point. What they say is checked now; what only the environment says, on first use. Nothing
 * is started or contacted before the source is asked.
 */
export function endpointSource({ baseUrl, apiKey }: ContextOptions): EndpointSource {
  if (baseUrl !== undefined) return sourceAt(baseUrl, apiKey);
  let source: EndpointSource | undefined;
  return async (signal) => {
    source ??= sourceAt(process.env.CARTO_BASE_URL || "local:", apiKey);
    return source(signal);
  };
}

function sourceAt(baseUrl: string, apiKey = process.env.CARTO_API_KEY): EndpointSource {
  if (baseUrl.startsWith("local:")) return localSource(baseUrl.slice("local:".length));
  const url = parseUrl(baseUrl);
  if (!apiKey) {
    throw new InvalidArgumentError(
      `${url.origin} needs an API key: pass apiKey, or set CARTO_API_KEY. Without an account leave out baseUrl.`,
    );
  }
  const endpoint: Endpoint = {
    baseUrl: url.href.replace(/\/+$/, ""),
    user: accountName(url),
    apiKey,
    label: url.origin,
  };
  return async () => endpoint;
}

function localSource(dir: string): EndpointSource {
  return async (signal) => toEndpoint(await connectLocal(localHome(dir || undefined), signal));
}

function toEndpoint({ baseUrl, user, key }: LocalServer): Endpoint {
  return { baseUrl, user, apiKey: key, label: "the local server" };
}

function parseUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  // Only the scheme is quoted: the address of a database may contain a password.
  throw new InvalidArgumentError(
    `baseUrl starts with "${baseUrl.split(":", 1)[0]?.slice(0, 20)}"; expected https://…, or local: for the embedded server.`,
  );
}

/** The account in an address: `/user/{name}` of a path, else the first label of the host (carto-api §1.1). */
function accountName({ pathname, hostname }: URL): string {
  const inPath = /^\/(?:user|u)\/([^/]+)/.exec(pathname)?.[1];
  return inPath ? decodeURIComponent(inPath) : hostname.replace(/^www\./, "").split(".", 1)[0]!;
}
