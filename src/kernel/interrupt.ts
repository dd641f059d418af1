import { CartoError } from "../errors";
import { insideKernel } from "./tslab";

/** The user stopped the cell while this call was running. */
export class InterruptedError extends CartoError {
  override name = "InterruptedError";
}

const inFlight = new Set<AbortController>();

/**
 * Runs `work` with a signal that aborts when `signal` does and, in a notebook, when the user stops the cell. Outside a notebook
 * it does not listen to Ctrl-C.
 * @throws InterruptedError when interrupted work has ended, whatever error the work itself threw
 */
export async function withInterrupt<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  if (!insideKernel()) return work(signal ?? controller.signal);

  const forward = () => controller.abort(signal?.reason);
  if (signal?.aborted) forward();
  signal?.addEventListener("abort", forward, { once: true });
  inFlight.add(controller);
  queueMicrotask(listenWhileInFlight);
  try {
    return await work(controller.signal);
  } catch (error) {
    const { reason } = controller.signal;
    throw reason instanceof InterruptedError ? reason : error;
  } finally {
    inFlight.delete(controller);
    listenWhileInFlight();
    signal?.removeEventListener("abort", forward);
  }
}

let listening = false;

/**
 * Adds or removes the SIGINT listener. Runs in a microtask, never in the synchronous part of a cell: tslab runs that part with
 * `breakOnSigint`, and Node then resets the signal's handler even if a listener was added meanwhile, so that the next interrupt
 * would kill the kernel (node/src/node_watchdog.cc, `SigintWatchdogHelper::Stop`).
 */
function listenWhileInFlight(): void {
  const wanted = inFlight.size > 0;
  if (wanted && !listening) process.on("SIGINT", interrupt);
  if (!wanted && listening) process.off("SIGINT", interrupt);
  listening = wanted;
}

function interrupt(): void {
  shortenTslabsMessage();
  dropAbandonedRejections();
  for (const controller of inFlight) controller.abort(new InterruptedError("The cell was interrupted."));
}

/**
 * Replaces the error that tslab prints for an interrupted cell, with the stack of its start-up code, by one line. tslab sets
 * `stderr.write` again for every cell, so this lasts for one cell at most.
 */
function shortenTslabsMessage(): void {
  const { stderr } = process;
  const write = stderr.write;
  stderr.write = ((chunk: unknown, ...rest: unknown[]) => {
    const stack = typeof chunk === "string" && chunk.startsWith("Error: Interrupted asynchronously");
    if (stack) stderr.write = write;
    return Reflect.apply(write, stderr, [stack ? "Interrupted\n" : chunk, ...rest]);
  }) as typeof write;
}

let dropping = false;

/**
 * Ignores rejections of interrupted requests. The interrupted cell no longer awaits them, so each would be reported as
 * unhandled. Other rejections still reach tslab's listeners.
 */
function dropAbandonedRejections(): void {
  if (dropping) return;
  dropping = true;
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    if (reason instanceof InterruptedError) return;
    for (const listener of listeners) listener.call(process, reason, promise);
  });
}
