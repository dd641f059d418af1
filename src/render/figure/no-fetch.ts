/** Stands for the package `node-fetch` in `dist/vega.js`: a figure loads nothing. */
export default function fetch(): Promise<never> {
  return Promise.reject(new Error("A figure loads nothing."));
}
