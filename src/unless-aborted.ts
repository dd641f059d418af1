/** A promise given up when the signal aborts, with `reason`; what it waits for goes on for others. */
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
