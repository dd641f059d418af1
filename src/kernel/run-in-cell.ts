import { AsyncLocalStorage } from "node:async_hooks";
import { withInterrupt } from "./interrupt";
import { type Progress, progress } from "./progress";

/** Time without data after which a call shows what it is waiting for, and interval at which it checks again. */
const ASK_EVERY_MS = 2_000;

export interface CellCall {
  /** Start of the progress line. */
  readonly label: string;
  readonly signal?: AbortSignal;
  /** Returns the work that keeps the database busy, if it is not this call. */
  readonly waitsFor?: () => Promise<string | undefined>;
}

const lines = new AsyncLocalStorage<Progress>();

/** Returns the progress of the call that the running code belongs to. */
export function currentLine(): Progress | undefined {
  return lines.getStore();
}

/** Runs one call of a cell, with progress if it takes long. The stop button interrupts it. */
export async function runInCell<T>(
  { label, signal, waitsFor }: CellCall,
  work: (signal: AbortSignal, progress: Progress) => Promise<T>,
): Promise<T> {
  return withInterrupt(signal, async (signal) => {
    const line = progress(label, { signal });
    const watch = waitsFor && line.isShown ? watchWaiting(line, waitsFor) : undefined;
    const shown = watch?.line ?? line;
    try {
      const result = await lines.run(shown, () => work(signal, shown));
      line.finish();
      return result;
    } catch (error) {
      line.fail(error);
      throw error;
    } finally {
      watch?.end();
    }
  });
}

function watchWaiting(
  line: Progress,
  waitsFor: () => Promise<string | undefined>,
): { line: Progress; end(): void } {
  let lastUpdateMs = performance.now();
  let ended = false;
  const ask = async () => {
    const askedMs = performance.now();
    if (askedMs - lastUpdateMs < ASK_EVERY_MS) return;
    const holder = await waitsFor().catch(() => undefined);
    if (!ended && lastUpdateMs < askedMs) line.note(holder && `waiting for ${holder}`);
  };
  const timer = setInterval(() => void ask(), ASK_EVERY_MS).unref();
  return {
    line: {
      ...line,
      update(state) {
        lastUpdateMs = performance.now();
        line.update(state);
      },
    },
    end() {
      ended = true;
      clearInterval(timer);
    },
  };
}
