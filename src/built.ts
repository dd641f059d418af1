import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CartoError } from "./errors";

/** Folder of the built files: that of the running bundle, or `dist` when run from the sources. */
export const DIST = basename(__dirname) === "dist" ? __dirname : join(__dirname, "..", "dist");

/** Returns the path of a file that `npm run build` creates. */
export const builtPath = (name: string): string => join(DIST, name);

/**
 * Reads a file that `npm run build` creates.
 * @throws CartoError if it is missing
 */
export function built(name: string): Buffer {
  try {
    return readFileSync(join(DIST, name));
  } catch (cause) {
    throw new CartoError(
      `${join(DIST, name)} cannot be read. Run \`npm run build\`, or install cartoframes again.`,
      { cause },
    );
  }
}
