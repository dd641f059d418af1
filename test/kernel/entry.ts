/** What `bundle.ts` builds into a package of its own, so that these tests need no build of the whole. */
import { installNotebookSupport } from "../../src/kernel";

export { CartoError } from "../../src/errors";
export * from "../../src/kernel";

installNotebookSupport();
