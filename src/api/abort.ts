import { TimeoutError } from "../errors";
import { unlessAborted } from "../unless-aborted";

/** What one exchange may take, in milliseconds. */
export interface Limits {
  /** Between two pieces of an answer's body. */
  readonly idleMs: number;
  /** From the request to the last byte of its answer. */
  readonly totalMs: number;
}

/** setTimeout takes no more: it would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Ends one exchange when its caller gives up or when it takes too long; `signal.reason` says which. */
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
      `${label} did not answer completely within ${totalMs / 1000} s (timeouts.totalMs).`,
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for the next piece of an answer, not for ever. */
  async nextPiece<T>(piece: Promise<T>): Promise<T> {
    const { idleMs } = this.#limits;
    const timer = this.#abortAfter(
      idleMs,
      `Nothing more came from ${this.#label} for ${idleMs / 1000} s, in the middle of an answer. Run it again.`,
    );
    try {
      return await unlessAborted(piece, this.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The exchange is over; what is left of it is dropped. */
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
