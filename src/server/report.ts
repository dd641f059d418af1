/** Into the server's log, which is where its output goes. */
export function reportError(error: unknown): void {
  console.error(new Date().toISOString(), error);
}
