import { CartoError } from "../errors";
import { insideKernel } from "./tslab";

/** The user pressed the notebook's stop button while the work was under way. */
export class InterruptedError extends CartoError {
  override name = "InterruptedError";
}

const inFlight = new Set<AbortController>();

/**
 * Runs `work` with a signal that aborts when `signal` does and, in a notebook, when the cell is
 * interrupted. Outside a notebook Ctrl-C means what it means everywhere else: nothing listens to it here.
 * @throws InterruptedError once work stopped by an interrupt has ended, whatever it threw itself.
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
 * Never called in the synchronous part of a cell, hence the microtask: tslab runs that part with
 * `breakOnSigint`, after which Node resets the signal's handler without knowing of a listener added
 * meanwhile, and the next interrupt would kill the kernel (node/src/node_watchdog.cc, `SigintWatchdogHelper::Stop`).
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
 * tslab ends an interrupted cell by printing an error of its own, with the stack of its start-up code:
 * one line is enough. tslab sets `stderr.write` anew for every cell, so this lasts for one cell at most.
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
 * The interrupted cell no longer waits for its requests, so their failure would be reported as unhandled,
 * once for each. Everything else still reaches the listeners of tslab.
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
