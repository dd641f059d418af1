import { createRequire } from "node:module";

/** One value in several MIME types; bytes (an `image/png`) are sent as base64. */
export type MimeBundle = Readonly<Record<string, string | Uint8Array | object>>;

export interface DisplayOptions {
  /** Names the output, so that a later message can replace it. */
  readonly displayId?: string;
  /** Replace the output of that `displayId` instead of adding one. */
  readonly update?: boolean;
  readonly metadata?: object;
}

export type Display = (bundle: MimeBundle, options?: DisplayOptions) => void;

/** What we use of tslab's module `dist/jupyter`. It is null until the first cell runs. */
interface TslabJupyter {
  lastWriteDisplayData?: ((message: object, update: boolean) => void) | null;
}

const TSLAB_JUPYTER = /[\\/]dist[\\/]jupyter\.js$/;

/** Modules loaded by `require` in this process, by file name. Any absolute path will do to get at them. */
export const loadedModules = (): NodeJS.Dict<NodeJS.Module> => createRequire(process.execPath).cache;

/** Is this code running in a cell of a tslab kernel? */
export function insideKernel(): boolean {
  return cellDisplay() !== undefined;
}

/**
 * Shows one output in the running cell, all its MIME types in one message.
 * Returns false, and does nothing, outside a kernel.
 */
export function display(bundle: MimeBundle, options?: DisplayOptions): boolean {
  const show = cellDisplay();
  show?.(bundle, options);
  return show !== undefined;
}

/**
 * The `display` of the cell that runs now. It stays with that cell when the next one runs, so long work
 * keeps writing where it started. Undefined outside a kernel.
 */
export function cellDisplay(): Display | undefined {
  const write = runningTslab()?.lastWriteDisplayData;
  if (!write) return undefined;
  return (bundle, { displayId, update = false, metadata = {} } = {}) => {
    const data = Object.fromEntries(Object.entries(bundle).map(([mime, value]) => [mime, encoded(value)]));
    write({ data, metadata, transient: displayId === undefined ? {} : { display_id: displayId } }, update);
  };
}

// tslab's own `display` takes one MIME type, and a second copy of tslab would not be connected to this
// kernel (a global tslab hands over to a project's own and stays loaded beside it): so we look for the
// copy that is talking to Jupyter. `__tslab__` is set by every tslab kernel and saves the search elsewhere.
let running: TslabJupyter | undefined;

function runningTslab(): TslabJupyter | undefined {
  if (running || !("__tslab__" in globalThis)) return running;
  for (const [file, module] of Object.entries(loadedModules())) {
    if (!TSLAB_JUPYTER.test(file)) continue;
    const jupyter = module?.exports as TslabJupyter | undefined;
    if (jupyter?.lastWriteDisplayData) running = jupyter;
  }
  return running;
}

function encoded(value: string | Uint8Array | object): string | object {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
