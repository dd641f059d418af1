import { setImmediate } from "node:timers/promises";

const SLICE_MS = 15;

/**
 * Keeps long work interruptible: `if (pace.due()) await pace.pause()` in a loop gives the event loop a turn
 * every 15 ms, in which a Jupyter kernel answers interrupts and a signal can abort.
 */
export interface Pace {
  due(): boolean;
  /** @throws the signal's reason once it is aborted. */
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
