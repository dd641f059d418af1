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
import { shownUrl } from "./address";
import { Credentials, cloudAddress, environmentCredentials, savedCredentials } from "./credentials";

/** Where a CartoContext points, and how it gets there. */
export interface ContextOptions {
  /**
   * `https://user.carto.com` or an on-premises `https://host/user/name`; `local:` for the embedded server,
   * `local:/some/folder` to keep its data there; `postgres://user:password@host/database` for a PostgreSQL database
   * of your own (what is left out, psql's environment, password and service files say).
   */
  readonly baseUrl?: string;
  /** Name of an account of CARTO's cloud, in place of its address `https://{username}.carto.com`. */
  readonly username?: string;
  /**
   * The account's API key. Without it the one that is set in the environment or saved for that address; it is sent
   * nowhere else. The local server needs none.
   */
  readonly apiKey?: string;
  /** Address and key in one. What is passed beside them counts first. */
  readonly creds?: Credentials;
  /**
   * How requests leave this machine: a function like `fetch`, or a Node `Agent`, for a proxy or a certificate authority
   * of one's own. The local server is asked directly.
   */
  readonly session?: Session;
  /** Shows each request in a line, without secrets: on the console, or to the function given. @default false */
  readonly verbose?: boolean | ((line: string) => void);
  /** How long to wait for the other side, in milliseconds. */
  readonly timeouts?: Timeouts;
}

/** @throws InvalidArgumentError for an option that there is none of */
export function checkContextOptions(options: ContextOptions): void {
  checkOptions("CartoContext", options, OPTION_NAMES.ContextOptions);
  if (options.timeouts !== undefined) checkOptions("timeouts", options.timeouts, OPTION_NAMES.Timeouts);
}

/** An address, with the key for it where there is one, and where that key comes from. */
interface Place {
  readonly baseUrl: string;
  readonly apiKey?: string;
  readonly keyFrom?: string;
}

/**
 * Source of the endpoint that the options name. The options are checked now; the environment and the saved credentials
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

/** Tells the address as it may be shown: without what could be a password or a key in it. */
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
      return "?"; // the first call says what is wrong
    }
  };
}

/** Of the arguments and `creds`, in this order; undefined if they name no address. */
function givenPlace({ baseUrl, username, apiKey, creds }: ContextOptions): Place | undefined {
  if (creds !== undefined && !(creds instanceof Credentials)) {
    throw new InvalidArgumentError("creds is no instance of Credentials.");
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
      `creds are those of ${shownUrl(creds.baseUrl)}, and their key is sent nowhere else. Pass apiKey, or leave out the other address.`,
    );
  }
  return { baseUrl: address, ...key };
}

/** A user name beside an address that is another account's is a mistake that would look like a wrong key. */
function checkUsername(baseUrl: string, username: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url?.protocol.startsWith("http") || accountName(url) === username) return;
  throw new InvalidArgumentError(
    `baseUrl is the address of the account "${accountName(url)}", username is "${username}". On premises the address is ${url.origin}/user/${username}.`,
  );
}

/** Of the environment, else the saved one, else the embedded server. */
function defaultPlace(apiKey?: string): Place {
  const environment = environmentPlace();
  if (environment) return apiKey === undefined ? environment : { baseUrl: environment.baseUrl, apiKey };
  if (apiKey !== undefined) {
    throw new InvalidArgumentError("apiKey belongs to an account: pass username or baseUrl with it.");
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

/** A key goes to the place it was set for, not to whichever address a notebook names. */
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
      ? " CARTO_API_KEY is only used with the CARTO_BASE_URL beside it."
      : "";
    throw new InvalidArgumentError(
      `${url.origin} needs an API key: pass apiKey, set CARTO_BASE_URL and CARTO_API_KEY, or save it with: npx cartoframes login.${other} Without an account leave out baseUrl.`,
    );
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    console.warn(
      `${url.origin} is not encrypted: the API key can be read on the way. Use https:// if it has it.`,
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
