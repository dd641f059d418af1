import { type EndpointSource, fixedSource } from "../../api/endpoint";
import type { Session } from "../../api/http";
import type { Timeouts } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { databaseAddress, isDatabaseUrl } from "../../local/database";
import { databaseHome, localHome } from "../../local/home";
import { connectLocal, type LocalServer } from "../../local/launcher";
import { OPTION_NAMES } from "../../option-names";
import { checkOptions } from "../../options";
import { COMMON_SCHEMA } from "./account";
import { Credentials, cloudAddress, environmentCredentials, savedCredentials, shownUrl } from "./credentials";

/** Address of a CartoContext, and how its requests are sent. */
export interface ContextOptions {
  /**
   * `https://user.carto.com`, or `https://host/user/name` on premises; `local:` for the embedded database, or
   * `local:/some/folder` to keep its data in that folder; `postgres://user:password@host/database` for your PostgreSQL
   * database. Missing parts of this URL are taken from libpq's environment variables, password and service files.
   * @default the address of `creds`, `CARTO_BASE_URL`, the saved credentials, or `local:`
   */
  readonly baseUrl?: string;
  /** Name of an account in CARTO's cloud, as a short form of `https://{username}.carto.com`. */
  readonly username?: string;
  /**
   * API key of the account. The local server needs none. The key is sent only to the account's address.
   * @default the key in the environment or in the saved credentials, if they have the same address
   */
  readonly apiKey?: string;
  /** Address and key together. `baseUrl`, `username` and `apiKey` take precedence. */
  readonly creds?: Credentials;
  /**
   * Sends the requests: a function like `fetch`, or a Node `Agent`, for example with a proxy or a private certificate
   * authority. Requests to the local server are always sent directly.
   * @default connections that are kept open, through the proxy of the environment
   */
  readonly session?: Session;
  /** Prints one line for each request, without secrets, or passes it to a function. @default false */
  readonly verbose?: boolean | ((line: string) => void);
  /** Time limits of requests, in milliseconds. */
  readonly timeouts?: Timeouts;
}

/** @throws InvalidArgumentError for an unknown option */
export function checkContextOptions(options: ContextOptions): void {
  checkOptions("CartoContext", options, OPTION_NAMES.ContextOptions);
  if (options.timeouts !== undefined) checkOptions("timeouts", options.timeouts, OPTION_NAMES.Timeouts);
}

/** An address with its key, if there is one, and where the key comes from. */
interface Place {
  readonly baseUrl: string;
  readonly apiKey?: string;
  readonly keyFrom?: string;
}

/**
 * Returns the source of the endpoint that the options name. The options are checked now; the environment and the saved credentials
 * are read on first use. Nothing is contacted or started before `find`.
 * @throws InvalidArgumentError for an address that cannot be used, and for an account without a key
 */
export function endpointSource(options: ContextOptions): EndpointSource {
  const given = givenPlace(options);
  if (given) return sourceAt(given);
  let found: EndpointSource | undefined;
  const source = () => {
    found ??= sourceAt(defaultPlace(options.apiKey));
    return found;
  };
  return {
    get kind() {
      return source().kind;
    },
    find: async () => source().find(),
  };
}

/** Returns a function that gives the address with credentials removed, safe to print. */
export function shownAddress(options: ContextOptions): () => string {
  const given = givenPlace(options);
  if (given) {
    const address = shownUrl(given.baseUrl);
    return () => address;
  }
  return () => {
    try {
      return shownUrl(defaultPlace(options.apiKey).baseUrl);
    } catch {
      return "?"; // the first call reports the error
    }
  };
}

/** Returns the place that the arguments name, otherwise `creds`; undefined if neither has an address. */
function givenPlace({ baseUrl, username, apiKey, creds }: ContextOptions): Place | undefined {
  if (creds !== undefined && !(creds instanceof Credentials)) {
    throw new InvalidArgumentError("`creds` must be an instance of Credentials.");
  }
  const address = baseUrl ?? (username === undefined ? undefined : cloudAddress(username));
  if (baseUrl !== undefined && username !== undefined) checkUsername(baseUrl, username);
  if (address === undefined) {
    if (creds === undefined || apiKey !== undefined) return creds && { baseUrl: creds.baseUrl, apiKey };
    return { ...toPlace(creds), keyFrom: "the Credentials passed" };
  }
  if (apiKey !== undefined) return { baseUrl: address, apiKey };
  const key = creds && keyFor(address, { ...toPlace(creds), keyFrom: "the Credentials passed" });
  if (creds && !key) {
    throw new InvalidArgumentError(
      `\`creds\` belong to ${shownUrl(creds.baseUrl)}, and their key is not sent to another address. Pass \`apiKey\`, or leave out the other address.`,
    );
  }
  return { baseUrl: address, ...key };
}

/** Refuses a user name that contradicts the address, a mistake that would look like a wrong key. */
function checkUsername(baseUrl: string, username: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url?.protocol.startsWith("http") || accountName(url) === username) return;
  throw new InvalidArgumentError(
    `\`baseUrl\` belongs to the account "${accountName(url)}", but \`username\` is "${username}". On premises, the address is ${url.origin}/user/${username}.`,
  );
}

/** Returns the place in the environment, otherwise the saved one, otherwise the embedded database. */
function defaultPlace(apiKey?: string): Place {
  const environment = environmentPlace();
  if (environment) return apiKey === undefined ? environment : { baseUrl: environment.baseUrl, apiKey };
  if (apiKey !== undefined) {
    throw new InvalidArgumentError(
      "`apiKey` needs the account it belongs to. Pass `username` or `baseUrl` with it.",
    );
  }
  return savedPlace() ?? { baseUrl: "local:" };
}

function environmentPlace(): Place | undefined {
  const found = environmentCredentials();
  return found && { ...toPlace(found), keyFrom: "CARTO_API_KEY" };
}

function savedPlace(): Place | undefined {
  const found = savedCredentials();
  return found && { ...toPlace(found), keyFrom: found.file };
}

function toPlace({ baseUrl, key }: { readonly baseUrl: string; readonly key?: string }): Place {
  return { baseUrl, apiKey: key };
}

/** Returns the key of a place for an address with the same origin. A key is not sent to any other address. */
function keyFor(baseUrl: string, place: Place | undefined): Omit<Place, "baseUrl"> | undefined {
  if (!place?.apiKey || !URL.canParse(baseUrl) || !URL.canParse(place.baseUrl)) return undefined;
  const { apiKey, keyFrom } = place;
  return new URL(baseUrl).origin === new URL(place.baseUrl).origin ? { apiKey, keyFrom } : undefined;
}

function sourceAt({ baseUrl, ...given }: Place): EndpointSource {
  if (typeof baseUrl === "string" && baseUrl.startsWith("local:")) {
    const dir = baseUrl.slice("local:".length);
    return localSource(() => connectLocal(localHome(dir || undefined)));
  }
  if (isDatabaseUrl(baseUrl)) {
    const address = databaseAddress(baseUrl);
    return localSource(() => connectLocal(databaseHome(address), address));
  }
  const url = parseUrl(baseUrl);
  const { apiKey, keyFrom } = given.apiKey
    ? given
    : (keyFor(baseUrl, environmentPlace()) ?? keyFor(baseUrl, savedPlace()) ?? given);
  if (!apiKey) {
    const other = process.env.CARTO_API_KEY
      ? " CARTO_API_KEY is used only with the address in CARTO_BASE_URL."
      : "";
    throw new InvalidArgumentError(
      `${url.origin} needs an API key. Pass \`apiKey\`, set CARTO_BASE_URL and CARTO_API_KEY, or save the key with \`npx cartoframes login\`.${other} To use no account, leave out \`baseUrl\`.`,
    );
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    console.warn(
      `${url.origin} is not encrypted, so others on the network can read the API key. Use https:// if the server supports it.`,
    );
  }
  return fixedSource({
    kind: "account",
    baseUrl: url.origin + url.pathname.replace(/\/+$/, ""),
    user: accountName(url),
    apiKey,
    keyFrom,
    label: url.origin,
  });
}

function isLoopback({ hostname }: URL): boolean {
  return /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

function localSource(connect: () => Promise<LocalServer>): EndpointSource {
  return {
    kind: "local",
    find: async () => {
      const { key, ...server } = await connect();
      return { kind: "local", apiKey: key, label: "the local server", schema: COMMON_SCHEMA, ...server };
    },
  };
}

/** Parses the address of an account. Its errors quote only the scheme, because the rest may contain a password. */
function parseUrl(baseUrl: string): URL {
  const url = typeof baseUrl === "string" && URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    const scheme = /^[a-z][a-z0-9+.-]{0,19}(?=:)/i.exec(baseUrl)?.[0];
    throw new InvalidArgumentError(
      `baseUrl${scheme ? ` starts with "${scheme}:" and` : ""} is not the address of an account. Expected https://…, postgres://…, or local: for the embedded database.`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new InvalidArgumentError(
      "`baseUrl` must not contain a user name, a password, a query or a fragment. Use https://user.carto.com or https://host/user/name, and pass the key as `apiKey`.",
    );
  }
  return url;
}

/**
 * Returns the name of the account in an address: `/user/{name}` in the path, otherwise the first label of the host (carto-api
 * §1.1).
 */
function accountName({ pathname, hostname }: URL): string {
  const inPath = /^\/(?:user|u)\/([^/]+)/.exec(pathname)?.[1];
  const [label = ""] = hostname.replace(/^www\./, "").split(".", 1);
  return inPath ? decodeURIComponent(inPath) : label;
}
