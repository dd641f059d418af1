/** Replaces the package `node-fetch` in `dist/vega.js`: figures load nothing. */
export default function fetch(): Promise<never> {
  return Promise.reject(new Error("A figure cannot load URLs or files."));
}
