import { basename, join } from "node:path";

/** The folder of the built files: where the running bundle lies, or `dist` when run from the sources. */
export const DIST = basename(__dirname) === "dist" ? __dirname : join(__dirname, "..", "..", "dist");
