import { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import fetch, { FetchError, type RequestInit, type Response } from "node-fetch";
import { AuthenticationError, type CartoError, ServerError, SqlError, TableNotFoundError } from "../errors";
import { parseJson } from "../json";
import { ErrorResponse } from "./schemas/sql";

/** Where an account answers, and as whom. `baseUrl` has no slash at its end. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly user: string;
  readonly apiKey: string;
  /** What users call it: "the local server", "https://ana.carto.com". */
  readonly label: string;
  /** Of a server that comes and goes: whether it is still there. A false sends no key to its address. */
  readonly isCurrent?: () => Promise<boolean>;
  /** What a local server's database is busy with, in a few words. */
  readonly busyWith?: () => Promise<string | undefined>;
}

/** The user's statement inside a longer one: errors are told in its terms. */
export interface WrittenSql {
  readonly sql: string;
  /** Characters that stand before it in what is sent. */
  readonly offset: number;
}

/** Finds the endpoint: on first use, and again when it is gone (a local server is started again). */
export type EndpointSource = () => Promise<Endpoint>;

export interface ApiRequest {
  readonly method?: "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly body?: () => AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Set where nothing changes if the server gets it twice: it is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /** Kept in a SqlError. */
  readonly sql?: string;
  /** What a SqlError keeps instead, if `sql` is not what the user wrote. */
  readonly written?: WrittenSql;
}

const CLIENT = "cartoframes-ts";
const keepAlive = new HttpsAgent({ keepAlive: true });

/** How often a request is sent at most, while a local server stops and starts again. */
const MAX_ATTEMPTS = 3;
const NOT_SENT = new Set(["ECONNREFUSED"]);

/** HTTP to one account: adds the key, retries what is safe to repeat, turns every failure into an error class. */
export class Transport {
  readonly #source: EndpointSource;
  #endpoint: Promise<Endpoint> | undefined;
  readonly #unanswered = new Set<ApiRequest>();

  constructor(source: EndpointSource) {
    this.#source = source;
  }

  /** Sends a request and reads its answer whole. */
  sendForText(request: ApiRequest): Promise<string> {
    return this.#untilAnswered(
      request,
      this.#send(request, (response) => response.text()),
    );
  }

  /** Sends a request and returns its answer as it arrives; a connection that breaks later is an error there, too. */
  async sendForBytes(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    const endpoint = await this.#current(request.signal);
    const response = await this.#untilAnswered(
      request,
      this.#send(request, async (answer) => answer),
    );
    return bytesOf(response, endpoint, request.signal);
  }

  /** What holds a local server's database while requests of this transport wait for it: not one of these. */
  async waitsFor(): Promise<string | undefined> {
    const endpoint = await this.#endpoint?.catch(() => undefined);
    const busyWith = await endpoint?.busyWith?.();
    const isOurs = ({ sql = "" }: ApiRequest) =>
      sql.trim().replace(/\s+/g, " ").startsWith(busyWith!.replace(/…$/, ""));
    return busyWith === undefined || [...this.#unanswered].some(isOurs) ? undefined : busyWith;
  }

  #untilAnswered<T>(request: ApiRequest, answer: Promise<T>): Promise<T> {
    this.#unanswered.add(request);
    return answer.finally(() => this.#unanswered.delete(request));
  }

  async #send<T>(request: ApiRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal } = request;
    for (let attempts = 1; ; attempts++) {
      const endpoint = await this.#current(signal);
      try {
        const response = await attempt(endpoint, request);
        if (!(isStopping(response, endpoint) && attempts < MAX_ATTEMPTS)) {
          return await read(await checked(response, request));
        }
        this.#endpoint = undefined; // it has not run what it was asked for
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof FetchError)) throw error;
        this.#endpoint = undefined;
        const mayRepeat = NOT_SENT.has(error.code ?? "") || request.repeatable;
        if (!mayRepeat || attempts >= MAX_ATTEMPTS) throw connectionError(error, endpoint);
      }
    }
  }

  /** The endpoint, searched for once for all who wait; one who gives up does not stop the search of the others. */
  async #current(signal?: AbortSignal): Promise<Endpoint> {
    signal?.throwIfAborted();
    const known = await this.#endpoint?.catch(() => undefined);
    if (known?.isCurrent && !(await known.isCurrent())) this.#endpoint = undefined;
    this.#endpoint ??= this.#source();
    const search = this.#endpoint;
    search.catch(() => {
      if (this.#endpoint === search) this.#endpoint = undefined; // the next call searches again
    });
    return unlessAborted(search, signal);
  }
}

function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** A local server that stops answers 503 to what still arrives. */
function isStopping({ status }: Response, { isCurrent }: Endpoint): boolean {
  return status === 503 && isCurrent !== undefined;
}

async function attempt({ baseUrl, user, apiKey }: Endpoint, request: ApiRequest): Promise<Response> {
  const { method, path, query, form, json, body, signal } = request;
  const parameters = new URLSearchParams({ ...query, client: CLIENT });
  // The key travels in a header: an address ends up in logs.
  const headers: Record<string, string> = { Authorization: basicAuthorization(user, apiKey) };
  const init: RequestInit = { method, headers, signal };
  if (baseUrl.startsWith("https:")) init.agent = keepAlive;
  if (form) Object.assign(init, { method: "POST", body: new URLSearchParams(form) });
  if (json) {
    headers["Content-Type"] = "application/json";
    Object.assign(init, { method: "POST", body: JSON.stringify(json) });
  }
  if (!body) return fetch(`${baseUrl}${path}?${parameters}`, init);
  headers["Content-Type"] = "application/octet-stream";
  const stream = Readable.from(body(), { objectMode: false });
  try {
    return await fetch(`${baseUrl}${path}?${parameters}`, { ...init, method: "POST", body: stream });
  } finally {
    stream.destroy(); // an early answer, such as a refusal, leaves the rest unread
  }
}

function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

async function* bytesOf(
  { body }: Response,
  endpoint: Endpoint,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(error as NodeJS.ErrnoException, endpoint);
  }
}

function connectionError(error: Error & { code?: string }, { label }: Endpoint): ServerError {
  const reason = error.code ?? error.message;
  if (error.code === "ECONNREFUSED" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return new ServerError(`Cannot reach ${label} (${reason}). Check the address and the network.`, {
      cause: error,
    });
  }
  return new ServerError(
    `The connection to ${label} broke before the answer was complete (${reason}). A statement that was under way may have taken effect or not: look before you run it again.`,
    { cause: error },
  );
}

async function checked(response: Response, request: ApiRequest): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  const parsed = ErrorResponse.safeParse(parseJson(text));
  const message = parsed.success ? parsed.data.error[0]! : text.slice(0, 200) || response.statusText;
  if (response.status === 401) {
    throw new AuthenticationError(`The API key was refused (${message}). Check baseUrl and apiKey.`);
  }
  if (response.status === 403 && !/^permission denied for/.test(message))
    throw new AuthenticationError(message);
  if (!parsed.success) throw new ServerError(`The server answered ${response.status}: ${message}`);
  throw sqlError(parsed.data, response, request);
}

/** A database error as its class: an unknown relation is a TableNotFoundError, all else a SqlError. */
function sqlError(
  body: ErrorResponse,
  response: Response,
  { sql: sent, written: { sql, offset } = { sql: sent ?? "", offset: 0 } }: ApiRequest,
): CartoError {
  const { error, hint, detail } = body;
  const sqlState = response.headers.get("Carto-Sql-State") ?? undefined;
  const position = Number(response.headers.get("Carto-Sql-Position")) - offset;
  const missing = /^relation "(.+)" does not exist$/.exec(error[0]!)?.[1];
  if (missing) return new TableNotFoundError(`There is no table "${missing}". See await cc.tables().`);
  return new SqlError(error[0]!, { sql, hint, detail, sqlState, ...(position > 0 && { position }) });
}
