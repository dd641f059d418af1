import { CartoError, RateLimitError, ServerError } from "../errors";
import { ConnectionFailure, isUnreached } from "./errors";

/** Failure of one attempt. */
export type Failure =
  | { readonly kind: "connection"; readonly code?: string }
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterS?: number };

/** Extracts what a retry depends on from an error. Returns undefined if a retry would fail the same way. */
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

/** Facts about the request that failed. */
export interface Attempted {
  /** Set if nothing changes when the server gets the request twice. */
  readonly repeatable: boolean;
  /** Set if a 429 is waited for; otherwise it is an error at once. */
  readonly waitsForLimit: boolean;
  /** Number of failed attempts, including this one, without those that a rate limit refused. */
  readonly failures: number;
  /** Time spent waiting for rate limits so far, in milliseconds. */
  readonly limitedMs: number;
  /** Set for the local server, which stops and starts: it has not acted on what it refuses while stopping. */
  readonly isLocal: boolean;
}

const MAX_FAILURES = 3;
/** Maximum time one request waits for rate limits, in milliseconds. */
const MAX_LIMITED_MS = 90_000;
const BACKOFF_MS = 400;
/** Statuses that may pass. 501 (not implemented) does not. */
const PASSING = new Set([500, 502, 503, 504]);

/**
 * Returns the milliseconds to wait before the request is sent again; undefined if it must not be. A request that the
 * server cannot have acted on, because it was not reached or a rate limit refused it, can always be repeated.
 */
export function retryDelayMs(
  failure: Failure,
  { repeatable, waitsForLimit, failures, limitedMs, isLocal }: Attempted,
  random: () => number = Math.random,
): number | undefined {
  if (failure.kind === "answer" && failure.status === 429) {
    if (!waitsForLimit || failure.retryAfterS === undefined) return undefined;
    const waitMs = Math.max(1, failure.retryAfterS) * 1000 + 250 * random(); // clients must not all retry at the same moment
    return limitedMs + waitMs <= MAX_LIMITED_MS + 250 ? waitMs : undefined;
  }
  if (failures >= MAX_FAILURES) return undefined;
  const backoffMs = isLocal ? 0 : BACKOFF_MS * 3 ** (failures - 1) * (0.75 + random() / 2);
  if (failure.kind === "connection") {
    if (failure.code === "ENOTFOUND") return undefined; // an unknown host stays unknown
    return isUnreached(failure.code) || repeatable ? backoffMs : undefined;
  }
  if (isLocal && failure.status === 503) return 0;
  if (!repeatable || !PASSING.has(failure.status)) return undefined;
  return backoffMs;
}
