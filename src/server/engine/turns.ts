import { canceledError } from "./engine";

/** A queue that lets `atOnce` callers through at a time, in the order of arrival. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce = 1) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves to the function that ends the turn. The signal removes the caller from the queue. */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw canceledError(signal);
    if (this.#free > 0) this.#free--;
    else await this.#queue(signal);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      // Handed over directly: a newcomer could take a freed turn before `next` runs.
      if (next) next();
      else this.#free++;
    };
  }

  #queue(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        if (signal) reject(canceledError(signal));
      };
      const start = () => {
        signal?.removeEventListener("abort", cancel);
        resolve();
      };
      this.#waiting.push(start);
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }
}
