import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CartoError } from "./errors";

/** The folder of the built files: where the running bundle lies, or `dist` when run from the sources. */
export const DIST = basename(__dirname) === "dist" ? __dirname : join(__dirname, "..", "dist");

/** Where a file lies that `npm run build` made. */
export const builtPath = (name: string): string => join(DIST, name);

/**
 * A file that `npm run build` made.
 * @throws CartoError if it is not there.
 */
export function built(name: string): Buffer {
  try {
    return readFileSync(join(DIST, name));
  } catch (cause) {
    throw new CartoError(
      `${join(DIST, name)} cannot be read: run \`npm run build\`, or install cartoframes again.`,
      { cause },
    );
  }
}
