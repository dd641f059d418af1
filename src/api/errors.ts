import {
  AuthenticationError,
  type CartoError,
  QuotaError,
  RateLimitError,
  ServerError,
  SqlError,
  TableNotFoundError,
  TimeoutError,
} from "../errors";
import { parseJson } from "../json";
import { ErrorResponse } from "./schemas/sql";

/** The user's statement inside a longer one: errors are reported in its terms. */
export interface WrittenSql {
  readonly sql: string;
  /** Number of characters that precede it in the statement that is sent. */
  readonly offset: number;
}

/** A complete answer whose status is not a success. */
export interface FailedAnswer {
  readonly status: number;
  readonly text: string;
  readonly header: (name: string) => string | null;
  /** The statement that was sent; a SqlError keeps it. */
  readonly sql?: string;
  readonly written?: WrittenSql;
  /** Takes the key out of what the server says. */
  readonly redact: (text: string) => string;
}

/** PostgreSQL's words for a statement that was stopped, and CARTO's. */
const STOPPED = /statement timeout|canceling statement due to|query timeout error|render timeout error/i;
const OVER_QUOTA = /quota exceeded|over (your|carto) account.* (limit|quota)/i;
/** Of the data services: https://github.com/CartoDB/dataservices-api */
const OVER_SERVICE_QUOTA = /reached the limit of your quota|remaining quota is exhausted/i;
const TOO_MUCH_AT_ONCE = /maximum post size of .* exceeded/i;
const NOT_OUR_ACCOUNT = /^Sorry, we can't find CARTO user|^No username found in hostname/;

/** The error class of an answer, with the server's own message, hint, detail and position. */
export function answerError({ status, text, header, sql, written, redact }: FailedAnswer): CartoError {
  const parsed = ErrorResponse.safeParse(parseJson(text));
  if (!parsed.success) return unknownAnswer(status, redact(text));
  const body = parsed.data;
  const message = redact(body.error.join("\n"));
  if (status === 401) {
    return new AuthenticationError(`The API key was refused (${message}). Check the address and the key.`);
  }
  if (NOT_OUR_ACCOUNT.test(message)) {
    return new AuthenticationError(
      `${sentence(message)} The address of an account is https://user.carto.com, or https://host/user/name on premises.`,
    );
  }
  if (status === 403 && !/permission denied (for|to) /.test(message)) {
    return new AuthenticationError(`The API key may not do this (${message}).`);
  }
  if (status === 429) return limitError(body, message, retryAfterS(header("Retry-After")));
  if (status >= 500)
    return new ServerError(`The server failed with status ${status}: ${message}`, { status });
  const position = Number(header("Carto-Sql-Position")) - (written?.offset ?? 0);
  return statementError(message, {
    sql: written?.sql ?? sql,
    hint: body.hint && redact(body.hint),
    detail: body.detail && redact(body.detail),
    sqlState: header("Carto-Sql-State") ?? undefined,
    ...(position > 0 && { position }),
  });
}

/** What the database said of a statement, as its class. */
export function statementError(
  message: string,
  details: ConstructorParameters<typeof SqlError>[1] = {},
): CartoError {
  const missing = /^relation "(.+)" does not exist$/s.exec(message)?.[1];
  if (missing) {
    return new TableNotFoundError(`There is no table "${missing}". See await cc.tables().`, {
      table: missing,
    });
  }
  if (STOPPED.test(message)) return timeLimitError(message);
  if (OVER_QUOTA.test(message)) {
    return new QuotaError(`${sentence(message)} Delete tables, or write fewer rows or columns.`);
  }
  if (OVER_SERVICE_QUOTA.test(message)) {
    return new QuotaError(
      `${sentence(message)} The account's data services do no more until it is renewed: ask for fewer rows, or its administrator.`,
    );
  }
  if (TOO_MUCH_AT_ONCE.test(message)) {
    return new QuotaError(`${sentence(message)} Write the rows in several pieces.`);
  }
  return new SqlError(message, details);
}

/** 429 is both "too many requests" and "the statement took too long"; only of the former a repetition helps. */
function limitError({ limit }: ErrorResponse, message: string, retryAfterS?: number): CartoError {
  const stopped = limit === "datasource" || limit === "render" || STOPPED.test(message);
  if (stopped && retryAfterS === undefined) return timeLimitError(message);
  const wait = retryAfterS === undefined ? "Try again later." : `Try again in ${retryAfterS} s.`;
  return new RateLimitError(
    `The account takes no more requests of this kind for now. ${wait} (${phrase(message)})`,
    {
      retryAfterS,
    },
  );
}

const phrase = (text: string) => text.replace(/\.$/, "");
const sentence = (text: string) => `${phrase(text)}.`;

/** The cause of an error of a statement that the server has stopped, and taken back. */
export class StatementStopped extends Error {}

function timeLimitError(message: string): TimeoutError {
  return new TimeoutError(
    `The statement was stopped because it took too long (${phrase(message)}). Let it work on fewer rows, or run it as a batch job.`,
    { cause: new StatementStopped(message) },
  );
}

/** Seconds of a `Retry-After`, which may also be a date. */
export function retryAfterS(value: string | null, nowMs = Date.now()): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

/** An answer that is not CARTO's: of a proxy, a load balancer, or another program at that address. */
function unknownAnswer(status: number, text: string): CartoError {
  if (status === 401 || status === 407) {
    return new AuthenticationError(
      `Access was refused with status ${status}, not in CARTO's words. Check the address, the key and the proxy.`,
    );
  }
  const isPage = /^\s*(<!doctype|<html|<\?xml|<head)/i.test(text);
  const said = isPage ? "a web page" : text.trim() === "" ? "nothing else" : `"${text.trim().slice(0, 200)}"`;
  const why = status >= 500 ? "The service or a proxy in between is down." : "Check the address.";
  return new ServerError(`The server answered ${status} and ${said}, where CARTO answers JSON. ${why}`, {
    status,
  });
}

/** A redirect is not followed: the key and the statement would go to a place nobody named. */
export function redirectError(status: number, location: string | null, from: string): ServerError {
  const to = location !== null && URL.canParse(location, from) ? new URL(location, from).origin : undefined;
  const moved = to === undefined || to === new URL(from).origin ? "" : ` to ${to}`;
  return new ServerError(
    `${new URL(from).origin} redirects${moved} (status ${status}), and the API key is not sent on. If that is the right place, give its address as baseUrl.`,
    { status },
  );
}

/** Codes of connections that never came about: nothing of the request was sent. */
export const CONNECT_TIMEOUT = "CARTOFRAMES_CONNECT_TIMEOUT";
const UNREACHED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  CONNECT_TIMEOUT,
]);

export function isUnreached(code: string | undefined): boolean {
  return code !== undefined && UNREACHED.has(code);
}

/** node-fetch puts the code on its error, undici on the cause. */
export function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return typeof code === "string" ? code : cause === undefined ? undefined : codeOf(cause);
}

/** The cause of an error that a connection is to blame for. The original is not kept: it may carry headers. */
export class ConnectionFailure extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

/** A connection that did not come about, or broke before its answer was complete. */
export function connectionError(
  error: unknown,
  {
    label,
    redact,
    repeatable,
    effect = repeatable
      ? "It changed nothing: run it again."
      : "A statement that was under way may have taken effect or not: look before you run it again.",
  }: { label: string; redact: (text: string) => string; repeatable?: boolean; effect?: string },
): CartoError {
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const text = redact(said.replace(/^request to .* failed, reason: /s, "")); // the address holds the statement
  const cause = new ConnectionFailure(text, code);
  if (code === CONNECT_TIMEOUT) {
    return new TimeoutError(`Cannot reach ${label}: ${text}. Check the address, the network and the proxy.`, {
      cause,
    });
  }
  const reason = code ?? text;
  if (isUnreached(code)) {
    return new ServerError(`Cannot reach ${label} (${reason}). Check the address and the network.`, {
      cause,
    });
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code ?? "")) {
    return new ServerError(
      `The certificate of ${label} was not accepted (${reason}). If it comes from an authority of your own, name it in NODE_EXTRA_CA_CERTS, or pass session: new https.Agent({ ca }).`,
      { cause },
    );
  }
  return new ServerError(
    `The connection to ${label} broke before the answer was complete (${reason}). ${effect}`,
    { cause },
  );
}
