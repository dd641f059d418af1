import { canceledError } from "./engine";

/** Lets one caller, or `atOnce`, through at a time, in the order of arrival. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce = 1) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves to the function that ends the turn. A signal takes the caller out of the queue. */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw canceledError(signal);
    if (this.#free > 0) this.#free--;
    else await this.#queue(signal);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      // Handed on: set free, a newcomer could take it before `next` runs.
      if (next) next();
      else this.#free++;
    };
  }

  #queue(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        reject(canceledError(signal!));
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
