/** Waits for a promise until the signal aborts, then rejects with `reason`. The work behind the promise continues. */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal?: AbortSignal,
  reason: (signal: AbortSignal) => unknown = ({ reason }) => reason,
): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(reason(signal));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
