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
import { parseJson } from "../values";
import { ErrorResponse } from "./schemas/sql";

/** The user's statement inside a longer one. Errors refer to the user's statement. */
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
  /** The statement that was sent, kept in a SqlError. */
  readonly sql?: string;
  readonly written?: WrittenSql;
  /** Removes the key from the server's messages. */
  readonly redact: (text: string) => string;
}

/** PostgreSQL's and CARTO's messages for a statement that was stopped. */
const STOPPED = /statement timeout|canceling statement due to|query timeout error|render timeout error/i;
const OVER_QUOTA = /quota exceeded|over (your|carto) account.* (limit|quota)/i;
/** Messages of the data services: https://github.com/CartoDB/dataservices-api */
const OVER_SERVICE_QUOTA = /reached the limit of your quota|remaining quota is exhausted/i;
const TOO_MUCH_AT_ONCE = /maximum post size of .* exceeded/i;
const NOT_OUR_ACCOUNT = /^Sorry, we can't find CARTO user|^No username found in hostname/;

/** Converts an answer to an error with the server's message, hint, detail and position. */
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
    return new AuthenticationError(`The API key has no permission for this (${message}).`);
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

/** Converts the database's message about a statement to an error of the class that fits it. */
export function statementError(
  message: string,
  details: ConstructorParameters<typeof SqlError>[1] = {},
): CartoError {
  const missing = /^relation "(.+)" does not exist$/s.exec(message)?.[1];
  if (missing) {
    return new TableNotFoundError(
      `No table is named "${missing}". List the tables with \`await cc.tables()\`.`,
      {
        table: missing,
      },
    );
  }
  if (STOPPED.test(message)) return timeLimitError(message);
  if (OVER_QUOTA.test(message)) {
    return new QuotaError(`${sentence(message)} Delete tables, or write fewer rows or columns.`);
  }
  if (OVER_SERVICE_QUOTA.test(message)) {
    return new QuotaError(
      `${sentence(message)} The account's data services stay unavailable until the quota is renewed. Ask for fewer rows, or contact the account's administrator.`,
    );
  }
  if (TOO_MUCH_AT_ONCE.test(message)) {
    return new QuotaError(`${sentence(message)} Write the rows in several pieces.`);
  }
  return new SqlError(message, details);
}

/** Status 429 means "too many requests" or "the statement took too long"; only the former is worth a retry. */
function limitError({ limit }: ErrorResponse, message: string, retryAfterS?: number): CartoError {
  const stopped = limit === "datasource" || limit === "render" || STOPPED.test(message);
  if (stopped && retryAfterS === undefined) return timeLimitError(message);
  const wait = retryAfterS === undefined ? "Try again later." : `Try again in ${retryAfterS} s.`;
  return new RateLimitError(
    `The account has reached its rate limit for this kind of request. ${wait} (${phrase(message)})`,
    {
      retryAfterS,
    },
  );
}

const phrase = (text: string) => text.replace(/\.$/, "");
const sentence = (text: string) => `${phrase(text)}.`;

/** Cause of the error for a statement that the server has stopped and rolled back. */
export class StatementStopped extends Error {}

function timeLimitError(message: string): TimeoutError {
  return new TimeoutError(
    `The statement was stopped because it took too long (${phrase(message)}). Run it on fewer rows, or as a batch job.`,
    { cause: new StatementStopped(message) },
  );
}

/** Converts a `Retry-After` header, in seconds or a date, to seconds. */
export function retryAfterS(value: string | null, nowMs = Date.now()): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

/** Error for an answer from a proxy, a load balancer or another program instead of CARTO. */
function unknownAnswer(status: number, text: string): CartoError {
  if (status === 401 || status === 407) {
    return new AuthenticationError(
      `Access was refused with status ${status}, by a server or proxy other than CARTO. Check the address, the key and the proxy.`,
    );
  }
  const isPage = /^\s*(<!doctype|<html|<\?xml|<head)/i.test(text);
  const body = isPage
    ? "a web page"
    : text.trim() === ""
      ? "an empty body"
      : `"${text.trim().slice(0, 200)}"`;
  const why = status >= 500 ? "The service or a proxy in between is down." : "Check the address.";
  return new ServerError(
    `The server answered with status ${status} and ${body} instead of CARTO's JSON. ${why}`,
    {
      status,
    },
  );
}

/** Error for a redirect. Following it would send the key and the statement to an address the user did not name. */
export function redirectError(status: number, location: string | null, from: string): ServerError {
  const to = location !== null && URL.canParse(location, from) ? new URL(location, from).origin : undefined;
  const moved = to === undefined || to === new URL(from).origin ? "" : ` to ${to}`;
  return new ServerError(
    `${new URL(from).origin} redirects${moved} (status ${status}). The API key is not sent to another address. If that is the right one, pass it as \`baseUrl\`.`,
    { status },
  );
}

export const CONNECT_TIMEOUT = "CARTOFRAMES_CONNECT_TIMEOUT";
/** Error codes of connections that were not established: the request was not sent. */
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

/** Returns the error code of a failed request. node-fetch puts it on the error, undici on its cause. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return typeof code === "string" ? code : cause === undefined ? undefined : codeOf(cause);
}

/** Cause of an error of the connection. The original error is not kept, because it may contain headers. */
export class ConnectionFailure extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

/** Error for a connection that was not established, or broke before the answer was complete. */
export function connectionError(
  error: unknown,
  {
    label,
    redact,
    repeatable,
    effect = repeatable
      ? "Nothing was changed. Run it again."
      : "The statement may or may not have taken effect. Check before you run it again.",
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
      `The certificate of ${label} was not accepted (${reason}). If a private certificate authority issued it, set NODE_EXTRA_CA_CERTS, or pass \`session: new https.Agent({ ca })\`.`,
      { cause },
    );
  }
  return new ServerError(
    `The connection to ${label} broke before the answer was complete (${reason}). ${effect}`,
    { cause },
  );
}
