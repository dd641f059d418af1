import { canceledError } from "./engine";

/** Lets one caller at a time through, in the order of arrival. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves to the function that ends the turn. A signal takes the caller out of the queue. */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw canceledError(signal);
    if (this.#taken) await this.#queue(signal);
    this.#taken = true;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      // Stays taken: otherwise a newcomer could slip in before `next` runs.
      if (next) next();
      else this.#taken = false;
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
