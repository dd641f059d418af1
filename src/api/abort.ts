import { TimeoutError } from "../errors";
import { unlessAborted } from "../unless-aborted";

/** Time limits of one exchange, in milliseconds. */
export interface Limits {
  /** Maximum time between two pieces of an answer's body. */
  readonly idleMs: number;
  /** Maximum time from the request to the last byte of its answer. */
  readonly totalMs: number;
}

/** Longest delay of setTimeout; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Aborts one exchange when its caller gives up or a time limit is reached; `signal.reason` is the cause. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #limits: Limits;
  readonly #label: string;
  readonly #total: NodeJS.Timeout | undefined;
  readonly #forward = () => this.#controller.abort(this.#caller?.reason);

  constructor(limits: Limits, label: string, caller?: AbortSignal) {
    this.#limits = limits;
    this.#label = label;
    this.#caller = caller;
    if (caller?.aborted) this.#forward();
    caller?.addEventListener("abort", this.#forward, { once: true });
    const { totalMs } = limits;
    this.#total = this.#abortAfter(
      totalMs,
      `${label} did not complete its answer within ${totalMs / 1000} s (timeouts.totalMs).`,
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for the next piece of an answer, at most `idleMs`. */
  async nextPiece<T>(piece: Promise<T>): Promise<T> {
    const { idleMs } = this.#limits;
    const timer = this.#abortAfter(
      idleMs,
      `${this.#label} sent nothing for ${idleMs / 1000} s in the middle of an answer (timeouts.idleMs). Run the call again.`,
    );
    try {
      return await unlessAborted(piece, this.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the exchange and drops the rest of it. */
  end(): void {
    clearTimeout(this.#total);
    this.#caller?.removeEventListener("abort", this.#forward);
    this.#controller.abort();
  }

  #abortAfter(ms: number, message: string): NodeJS.Timeout | undefined {
    if (ms > MAX_TIMER_MS) return undefined;
    return setTimeout(() => this.#controller.abort(new TimeoutError(message)), ms).unref();
  }
}
