/** How PGlite is opened, wherever that happens: in the worker thread, for the template, and in tests. */
import { setFlagsFromString } from "node:v8";
import type { Extension } from "@electric-sql/pglite";

// Work of a WebAssembly function after which V8 compiles it a second time, for speed. With Node 20's 1.8 million, a
// third of the CPU time of opening the database goes into functions that then hardly run.
const OPTIMIZE_AFTER = 18_000_000;

/**
 * Makes V8 optimize only WebAssembly functions that run for long, and check only those that run, which saves 8 % of the
 * CPU time of opening the database. Applies to the whole process.
 */
export function optimizeLate(): void {
  setFlagsFromString(`--wasm-tiering-budget=${OPTIMIZE_AFTER}`);
  setFlagsFromString("--wasm-lazy-validation");
}

/**
 * Returns the extension in a tar.gz file. The template's has no raster and no topology, which halves the start time and
 * saves 350 MB of memory.
 */
export function postgisFrom(bundlePath: URL): Extension {
  return {
    name: "postgis",
    setup: async (_database, emscriptenOpts) => {
      emscriptenOpts.PGLITE_ENV.PROJ_DATA = "/pglite/share/proj";
      return { emscriptenOpts, bundlePath };
    },
  };
}
