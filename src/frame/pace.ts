import { setImmediate } from "node:timers/promises";

const SLICE_MS = 15;

/**
 * Keeps long work interruptible: `if (pace.due()) await pace.pause()` in a loop yields to the event loop every 15 ms, so
 * that a Jupyter kernel can answer interrupts and a signal can abort.
 */
export interface Pace {
  due(): boolean;
  /** @throws The signal's reason once it is aborted. */
  pause(): Promise<void>;
}

export function paced(signal?: AbortSignal): Pace {
  signal?.throwIfAborted();
  let since = performance.now();
  return {
    due: () => performance.now() - since > SLICE_MS,
    async pause() {
      await setImmediate();
      signal?.throwIfAborted();
      since = performance.now();
    },
  };
}
