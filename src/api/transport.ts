import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ZodType } from "zod";
import { version } from "../../package.json";
import { CartoError, ServerError } from "../errors";
import { unlessAborted } from "../unless-aborted";
import { parseJson } from "../values";
import { Deadline, type Limits } from "./abort";
import { piecesOf } from "./body";
import { basicCredentials, type Endpoint, type EndpointKind, type EndpointSource } from "./endpoint";
import { answerError, connectionError, redirectError, type WrittenSql } from "./errors";
import {
  type FetchAnswer,
  type FetchFunction,
  type FetchInit,
  fetchDirectly,
  fetchOf,
  type Session,
} from "./http";
import { redactor } from "./redact";
import { failureOf, retryDelayMs } from "./retry";

export interface ApiRequest {
  readonly path: string;
  /** @default "POST" with a form, JSON or a body, "GET" without */
  readonly method?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly body?: () => AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Set if nothing changes when the server gets the request twice. It is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /**
   * Sentence of the error message about a possible effect when the connection breaks, if the caller knows more than
   * that there may be one.
   */
  readonly effect?: string;
  /** Waits when the account's rate limit is reached, or throws at once. @default "wait" */
  readonly whenLimited?: "wait" | "throw";
  /** The statement, kept in a SqlError. */
  readonly sql?: string;
  /** The statement a SqlError keeps instead, if `sql` is not what the user wrote. */
  readonly written?: WrittenSql;
}

/** Time limits of requests, in milliseconds. */
export interface Timeouts {
  /** Maximum time to connect. Ignored with a `session`. @default 15000 */
  readonly connectMs?: number;
  /** Maximum time between two pieces of an answer. @default 300000 */
  readonly idleMs?: number;
  /** Maximum time for one request with its complete answer. @default no limit, as a statement may run for hours */
  readonly totalMs?: number;
}

export interface TransportOptions {
  readonly session?: Session;
  readonly timeouts?: Timeouts;
  /** Called with one line for each exchange, without secrets. */
  readonly onExchange?: (line: string) => void;
  /** Called with what a request waits for, and with undefined when the wait is over. */
  readonly onWait?: (note: string | undefined) => void;
}

const CLIENT = `cartoframes-ts-${version}`;
const SHOWN_SQL_CHARS = 120;
const MAX_QUOTED_CHARS = 200;

/**
 * HTTP client of one endpoint: adds the key, retries what is safe to repeat, and converts failures to the package's
 * errors.
 */
export class Transport {
  readonly #source: EndpointSource;
  readonly #options: TransportOptions;
  readonly #limits: Limits;
  readonly #fetch: FetchFunction;
  readonly #unanswered = new Set<ApiRequest>();
  #endpoint: Promise<Endpoint> | undefined;
  #redact = redactor([]);

  constructor(source: EndpointSource, options: TransportOptions = {}, fetch?: FetchFunction) {
    const {
      connectMs = 15_000,
      idleMs = 300_000,
      totalMs = Number.POSITIVE_INFINITY,
    } = options.timeouts ?? {};
    this.#source = source;
    this.#options = options;
    this.#limits = { idleMs, totalMs };
    this.#fetch = fetch ?? fetchOf(options.session, connectMs);
  }

  /** Returns a transport to the endpoint of another source, with the same options and over the same connections. */
  to(source: EndpointSource): Transport {
    return new Transport(source, this.#options, this.#fetch);
  }

  /**
   * Kind of the endpoint, known before anything is sent.
   * @throws InvalidArgumentError if the environment or a saved file names an address that cannot be used
   */
  get kind(): EndpointKind {
    return this.#source.kind;
  }

  /** Sends a request and returns its complete answer. */
  sendForText(request: ApiRequest): Promise<string> {
    return this.#send(request, (exchange) => exchange.text());
  }

  /**
   * Sends a request whose answer is JSON of a known shape. Also returns the text, of which JSON.parse loses a part.
   * @param of name of the API, for the error if the answer has another shape
   */
  sendForJson<T>(
    request: ApiRequest,
    schema: ZodType<T>,
    of: string,
  ): Promise<{ readonly value: T; readonly text: string }> {
    return this.#send(request, (exchange) => exchange.json(schema, of));
  }

  /** Sends a request and returns the bytes of its answer as they arrive. They throw if the connection breaks later. */
  sendForBytes(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    return this.#send(request, async (exchange) => exchange.bytes());
  }

  /** Returns the endpoint without its key, and finds it first if nothing has been sent yet. */
  async endpoint(signal?: AbortSignal): Promise<Omit<Endpoint, "apiKey">> {
    const { apiKey: _, ...rest } = await this.#current(signal);
    return rest;
  }

  /** Removes the key, and texts that look like a secret, from a text of the server. */
  redact(text: string): string {
    return this.#redact(text);
  }

  /**
   * Returns what keeps a local server's database busy while requests of this transport wait, unless it is one of
   * them.
   */
  async waitsFor(): Promise<string | undefined> {
    const endpoint = await this.#endpoint?.catch(() => undefined);
    const holder = await endpoint?.waitsFor?.();
    if (holder === undefined) return undefined;
    const isOurs = ({ sql = "" }: ApiRequest) =>
      sql.trim().replace(/\s+/g, " ").startsWith(holder.replace(/…$/, ""));
    return [...this.#unanswered].some(isOurs) ? undefined : holder;
  }

  #send<T>(request: ApiRequest, read: (exchange: Exchange) => Promise<T>): Promise<T> {
    this.#unanswered.add(request);
    return this.#sendUntilAnswered(request, read).finally(() => this.#unanswered.delete(request));
  }

  async #sendUntilAnswered<T>(request: ApiRequest, read: (exchange: Exchange) => Promise<T>): Promise<T> {
    const { signal, repeatable = false, whenLimited } = request;
    const isLocal = this.kind === "local";
    let failures = 0;
    let limitedMs = 0;
    for (;;) {
      const endpoint = await this.#current(signal);
      try {
        const fetch = isLocal ? fetchDirectly : this.#fetch;
        this.#redact = redactor([endpoint.apiKey, basicCredentials(endpoint)]);
        const options = { ...this.#options, fetch, limits: this.#limits, redact: this.#redact };
        const exchange = new Exchange(endpoint, request, options);
        await exchange.send();
        return await read(exchange);
      } catch (error) {
        const failure = failureOf(error);
        if (failure === undefined) throw error;
        const isLimited = failure.kind === "answer" && failure.status === 429;
        if (!isLimited) failures++;
        const known = { repeatable, waitsForLimit: whenLimited !== "throw", failures, limitedMs, isLocal };
        const delayMs = retryDelayMs(failure, known);
        if (delayMs === undefined) throw error;
        if (isLimited) limitedMs += delayMs;
        else this.#endpoint = undefined; // a local server is searched for again
        await this.#wait(delayMs, isLimited ? endpoint : undefined, signal);
      }
    }
  }

  async #wait(delayMs: number, limiting: Endpoint | undefined, signal?: AbortSignal): Promise<void> {
    if (delayMs === 0) return;
    const { onWait } = this.#options;
    const seconds = Math.round(delayMs / 1000);
    if (limiting) onWait?.(`${limiting.label} has reached its rate limit, waiting ${seconds} s`);
    else onWait?.("connection lost, trying again");
    try {
      await sleep(delayMs, undefined, { signal });
    } catch (error) {
      signal?.throwIfAborted(); // the caller's reason, not an AbortError
      throw error;
    } finally {
      onWait?.(undefined);
    }
  }

  /** Returns the endpoint. All callers share one search, and a caller who gives up does not stop it for the others. */
  async #current(signal?: AbortSignal): Promise<Endpoint> {
    signal?.throwIfAborted();
    const known = await this.#endpoint?.catch(() => undefined);
    if (known?.isCurrent && !(await known.isCurrent())) this.#endpoint = undefined;
    this.#endpoint ??= this.#source.find();
    const search = this.#endpoint;
    search.catch(() => {
      if (this.#endpoint === search) this.#endpoint = undefined; // the next call searches again
    });
    return unlessAborted(search, signal);
  }
}

/** One request with its answer. */
class Exchange {
  readonly #endpoint: Endpoint;
  readonly #request: ApiRequest;
  readonly #fetch: FetchFunction;
  readonly #onExchange: ((line: string) => void) | undefined;
  readonly #deadline: Deadline;
  readonly #redact: (text: string) => string;
  readonly #startedMs = performance.now();
  #answer: FetchAnswer | undefined;
  #byteCount = 0;
  #isOver = false;

  constructor(
    endpoint: Endpoint,
    request: ApiRequest,
    {
      fetch,
      limits,
      redact,
      onExchange,
    }: {
      fetch: FetchFunction;
      limits: Limits;
      redact: (text: string) => string;
    } & Pick<TransportOptions, "onExchange">,
  ) {
    this.#endpoint = endpoint;
    this.#request = request;
    this.#fetch = fetch;
    this.#onExchange = onExchange;
    this.#deadline = new Deadline(limits, endpoint.label, request.signal);
    this.#redact = redact;
  }

  /** Sends the request and waits for the head of a successful answer. */
  async send(): Promise<void> {
    try {
      this.#answer = await this.#sendBody();
      const { status, headers } = this.#answer;
      if (status >= 200 && status < 300) return;
      if (status >= 300 && status < 400) {
        throw redirectError(status, headers.get("Location"), this.#endpoint.baseUrl);
      }
      const { sql, written } = this.#request;
      const header = (name: string) => headers.get(name);
      throw answerError({ status, text: await this.text(), header, sql, written, redact: this.#redact });
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async text(): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.bytes()) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  }

  async json<T>(schema: ZodType<T>, of: string): Promise<{ value: T; text: string }> {
    const text = await this.text();
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return { value: parsed.data, text };
    const start = this.#redact(text.slice(0, MAX_QUOTED_CHARS * 4)).slice(0, MAX_QUOTED_CHARS);
    throw new ServerError(`Expected the answer of ${of}, but the server sent: ${start}`);
  }

  /** Yields the body as it arrives. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    try {
      const body = this.#answer?.body as AsyncIterable<Uint8Array> | null | undefined;
      const pieces = body && piecesOf(body);
      while (pieces) {
        const next = await this.#deadline.nextPiece(pieces.next());
        if (next.done) break;
        this.#byteCount += next.value.length;
        yield next.value;
      }
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#end(); // also when the reader has seen enough
    }
  }

  /** Finds the cause of a failure: the caller who gave up, a time limit, the data to upload, or the connection. */
  #failed(error: unknown): unknown {
    const { signal } = this.#deadline;
    const explained =
      error instanceof CartoError || error instanceof UploadFailure || this.#isOver
        ? error
        : signal.aborted
          ? signal.reason
          : connectionError(error, { ...this.#endpoint, redact: this.#redact, ...this.#request });
    this.#end(explained);
    return explained instanceof UploadFailure ? explained.cause : explained;
  }

  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.end();
    this.#onExchange?.(this.#redact(this.#line(error)));
  }

  #line(error: unknown): string {
    const { path, sql } = this.#request;
    const result = this.#answer?.status ?? (error instanceof Error ? error.name : "failed");
    const ms = Math.round(performance.now() - this.#startedMs);
    const size = `${this.#byteCount.toLocaleString("en-US")} bytes`;
    const statement = this.#redact(sql ?? "") // before it is cut, because half a key is a secret, too
      .replace(/\s+/g, " ")
      .trim();
    const shown = statement.length > SHOWN_SQL_CHARS ? `${statement.slice(0, SHOWN_SQL_CHARS)}…` : statement;
    return [`${methodOf(this.#request)} ${path} → ${result}`, `${ms} ms`, size, shown]
      .filter(Boolean)
      .join(" · ");
  }

  async #sendBody(): Promise<FetchAnswer> {
    const { path, query, form, json, body } = this.#request;
    const { baseUrl } = this.#endpoint;
    const parameters = new URLSearchParams({ ...query, client: CLIENT });
    // The key travels in a header: an address ends up in logs.
    const headers: Record<string, string> = { Authorization: `Basic ${basicCredentials(this.#endpoint)}` };
    const init = {
      method: methodOf(this.#request),
      headers,
      redirect: "manual",
      signal: this.#deadline.signal,
    } as const;
    const send = (init: FetchInit) =>
      unlessAborted(this.#fetch(`${baseUrl}${path}?${parameters}`, init), init.signal);
    if (form) {
      headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8";
      return send({ ...init, body: new URLSearchParams(form).toString() });
    }
    if (json) {
      headers["Content-Type"] = "application/json";
      return send({ ...init, body: JSON.stringify(json) });
    }
    if (!body) return send(init);
    headers["Content-Type"] = "application/octet-stream";
    const upload = Readable.from(failingAsUpload(body()), { objectMode: false });
    try {
      return await send({ ...init, body: upload, duplex: "half" });
    } catch (error) {
      throw upload.errored instanceof UploadFailure ? upload.errored : error;
    } finally {
      upload.destroy(); // an early answer, such as a refusal, leaves the rest unread
    }
  }
}

/** Failure to produce the data to upload, which is not a fault of the connection. */
class UploadFailure extends Error {}

async function* failingAsUpload(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    throw new UploadFailure("the upload failed", { cause });
  }
}

function methodOf({ method, form, json, body }: ApiRequest): string {
  return method ?? (form || json || body ? "POST" : "GET");
}
