import { CartoError, RateLimitError, ServerError } from "../errors";
import { ConnectionFailure, isUnreached } from "./errors";

/** What went wrong with one attempt. */
export type Failure =
  | { readonly kind: "connection"; readonly code?: string }
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterS?: number };

/** What a repetition depends on, of an error; undefined for one that a repetition would meet again. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof RateLimitError) {
    return { kind: "answer", status: 429, retryAfterS: error.retryAfterS };
  }
  if (error instanceof CartoError && error.cause instanceof ConnectionFailure) {
    return { kind: "connection", code: error.cause.code };
  }
  if (error instanceof ServerError && error.status !== undefined) {
    return { kind: "answer", status: error.status };
  }
  return undefined;
}

/** What is known of the request that failed. */
export interface Attempted {
  /** Set where nothing changes if the server gets it twice. */
  readonly repeatable: boolean;
  /** Whether a 429 is waited for; otherwise it is an error at once. */
  readonly waitsForLimit: boolean;
  /** Failed attempts so far, this one included; those that a rate limit refused do not count. */
  readonly failures: number;
  /** Milliseconds that rate limits have taken so far. */
  readonly limitedMs: number;
  /** Set for the local server, which stops and starts: it has not acted on what it refuses while stopping. */
  readonly isLocal: boolean;
}

const MAX_FAILURES = 3;
/** Waiting for a rate limit takes at most so long, all waits of one request together. */
export const MAX_LIMITED_MS = 90_000;
const BACKOFF_MS = 400;
/** Not 501: the server will not learn it. */
const PASSING = new Set([500, 502, 503, 504]);

/**
 * How long to wait before the request is sent again; undefined if it must not or need not be. A request that the
 * server cannot have acted on is always repeatable: one that never reached it, and one that a rate limit refused.
 */
export function retryDelayMs(
  failure: Failure,
  { repeatable, waitsForLimit, failures, limitedMs, isLocal }: Attempted,
  random: () => number = Math.random,
): number | undefined {
  if (failure.kind === "answer" && failure.status === 429) {
    if (!waitsForLimit || failure.retryAfterS === undefined) return undefined;
    const waitMs = Math.max(1, failure.retryAfterS) * 1000 + 250 * random(); // not all at the same moment
    return limitedMs + waitMs <= MAX_LIMITED_MS + 250 ? waitMs : undefined;
  }
  if (failures >= MAX_FAILURES) return undefined;
  const backoffMs = isLocal ? 0 : BACKOFF_MS * 3 ** (failures - 1) * (0.75 + random() / 2);
  if (failure.kind === "connection") {
    if (failure.code === "ENOTFOUND") return undefined; // a name that does not exist will not a second later
    return isUnreached(failure.code) || repeatable ? backoffMs : undefined;
  }
  if (isLocal && failure.status === 503) return 0;
  if (!repeatable || !PASSING.has(failure.status)) return undefined;
  return backoffMs;
}
