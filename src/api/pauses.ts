import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 50;
const SLOWER = 1.5;

/** Pauses between requests for the state of work on a server: short at first, for short work, then up to `longestMs`. */
export class Pauses {
  #nextMs = FIRST_MS;

  constructor(readonly longestMs: number) {}

  /**
   * Waits for the next pause, but at most `limitMs`.
   * @param keepsRunning false lets the program end meanwhile
   * @throws the reason of `signal`
   */
  async next({
    signal,
    limitMs = Number.POSITIVE_INFINITY,
    keepsRunning = true,
  }: {
    readonly signal?: AbortSignal;
    readonly limitMs?: number;
    readonly keepsRunning?: boolean;
  }): Promise<void> {
    const ms = Math.min(this.#nextMs, limitMs);
    this.#nextMs = Math.min(this.#nextMs * SLOWER, this.longestMs);
    await sleep(ms, undefined, { signal, ref: keepsRunning }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
}
