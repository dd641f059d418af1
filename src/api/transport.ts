import type { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import fetch, { FetchError, type RequestInit, type Response } from "node-fetch";
import { AuthenticationError, type CartoError, ServerError, SqlError, TableNotFoundError } from "../errors";
import { ErrorResponse } from "./schemas/sql";

/** Where an account answers, and as whom. `baseUrl` has no slash at its end. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly user: string;
  readonly apiKey: string;
  /** What users call it: "the local server", "https://ana.carto.com". */
  readonly label: string;
}

/** Finds the endpoint: on first use, and again after a connection was refused (a local server is restarted). */
export type EndpointSource = (signal?: AbortSignal) => Promise<Endpoint>;

export interface ApiRequest {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: () => AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Set where nothing changes if the server gets it twice: it is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /** Told to the user when the connection breaks, and kept in a SqlError. */
  readonly sql?: string;
}

const CLIENT = "cartoframes-ts";
const keepAlive = new HttpsAgent({ keepAlive: true });

/** HTTP to one account: adds the key, retries what is safe to repeat, turns every failure into an error class. */
export class Transport {
  readonly #source: EndpointSource;
  #endpoint: Promise<Endpoint> | undefined;

  constructor(source: EndpointSource) {
    this.#source = source;
  }

  /** Finds and keeps the endpoint; a failed search is repeated by the next call. */
  endpoint(signal?: AbortSignal): Promise<Endpoint> {
    this.#endpoint ??= this.#source(signal).catch((error) => {
      this.#endpoint = undefined;
      throw error;
    });
    return this.#endpoint;
  }

  /** Sends a request and returns its successful response. */
  async send(request: ApiRequest): Promise<Response> {
    const { signal } = request;
    for (let attempts = 1; ; attempts++) {
      signal?.throwIfAborted();
      const endpoint = await this.endpoint(signal);
      try {
        return await checked(await attempt(endpoint, request), request);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof FetchError)) throw error;
        this.#endpoint = undefined;
        const mayRepeat = error.code === "ECONNREFUSED" /* nothing was sent */ || request.repeatable;
        if (!mayRepeat || attempts > 1) throw connectionError(error, endpoint);
      }
    }
  }
}

async function attempt({ baseUrl, user, apiKey }: Endpoint, request: ApiRequest): Promise<Response> {
  const { path, query, form, body, signal } = request;
  const parameters = new URLSearchParams({ ...query, client: CLIENT });
  const init: RequestInit = {
    // The key travels in a header: an address ends up in logs.
    headers: { Authorization: `Basic ${Buffer.from(`${user}:${apiKey}`).toString("base64")}` },
    agent: ({ protocol }) => (protocol === "https:" ? keepAlive : (undefined as unknown as HttpAgent)),
    signal,
  };
  if (form) Object.assign(init, { method: "POST", body: new URLSearchParams(form) });
  if (body) {
    const { Readable } = await import("node:stream");
    Object.assign(init, { method: "POST", body: Readable.from(body(), { objectMode: false }) });
    Object.assign(init.headers!, { "Content-Type": "application/octet-stream" });
  }
  return fetch(`${baseUrl}${path}?${parameters}`, init);
}

function connectionError(error: FetchError, { label }: Endpoint): ServerError {
  const reason = error.code ?? error.message;
  if (error.code === "ECONNREFUSED" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return new ServerError(`Cannot reach ${label} (${reason}). Check the address and the network.`, {
      cause: error,
    });
  }
  return new ServerError(
    `The connection to ${label} broke before the answer was complete (${reason}). What it was asked for may or may not have happened; run it again.`,
    { cause: error },
  );
}

async function checked(response: Response, { sql }: ApiRequest): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  const parsed = ErrorResponse.safeParse(parseJson(text));
  const message = parsed.success ? parsed.data.error[0]! : text.slice(0, 200) || response.statusText;
  if (response.status === 401) {
    throw new AuthenticationError(`The API key was refused (${message}). Check baseUrl and apiKey.`);
  }
  if (response.status === 403 && !/for (table|schema|relation)/.test(message))
    throw new AuthenticationError(message);
  if (!parsed.success) throw new ServerError(`The server answered ${response.status}: ${message}`);
  throw sqlError(parsed.data, response, sql);
}

/** A database error as its class: an unknown relation is a TableNotFoundError, all else a SqlError. */
function sqlError(body: ErrorResponse, response: Response, sql: string | undefined): CartoError {
  const { error, hint, detail } = body;
  const sqlState = response.headers.get("Carto-Sql-State") ?? undefined;
  const position = Number(response.headers.get("Carto-Sql-Position")) || undefined;
  const missing = /^relation "(.+)" does not exist$/.exec(error[0]!)?.[1];
  if (missing) return new TableNotFoundError(`There is no table "${missing}". See await cc.tables().`);
  return new SqlError(error[0]!, { sql, hint, detail, sqlState, position });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
