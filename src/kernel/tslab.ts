import { createRequire } from "node:module";
import type ts from "typescript";
import type { watchCells } from "./cell-runs";
import type { completeNames } from "./completions";

/** One value in several MIME types. Bytes, such as those of an `image/png`, are sent as base64. */
export type MimeBundle = Readonly<Record<string, string | Uint8Array | object>>;

export interface DisplayOptions {
  /** Identifies the output, so that a later message can replace it. */
  readonly displayId?: string;
  /** Replaces the output with that `displayId` instead of adding one. @default false */
  readonly update?: boolean;
  readonly metadata?: object;
}

export type Display = (bundle: MimeBundle, options?: DisplayOptions) => void;

/** The parts of tslab's module `dist/jupyter` that this package uses. */
interface TslabJupyter {
  /** Null until the first cell runs. */
  lastWriteDisplayData?: ((message: object, update: boolean) => void) | null;
  readonly JupyterHandlerImpl: { prototype: Parameters<typeof watchCells>[0] };
  readonly ZmqServer: { prototype: Parameters<typeof completeNames>[0] };
}

const TSLAB_TYPESCRIPT = /[\\/]typescript-for-tslab[\\/]lib[\\/]typescript\.js$/;
const TSLAB_JUPYTER = /[\\/]dist[\\/]jupyter\.js$/;

/** Modules loaded by `require` in this process, by file name. The path given here does not matter. */
export const loadedModules = (): NodeJS.Dict<NodeJS.Module> => createRequire(process.execPath).cache;

/** Returns true in a tslab kernel, once its first cell runs. */
export function insideKernel(): boolean {
  return cellDisplay() !== undefined;
}

/**
 * Shows one output in the running cell, all its MIME types in one message.
 * @returns false outside a kernel, where nothing is shown
 */
export function display(bundle: MimeBundle, options?: DisplayOptions): boolean {
  const show = cellDisplay();
  show?.(bundle, options);
  return show !== undefined;
}

/**
 * Returns the `display` function of the running cell, or undefined outside a kernel. It keeps writing under that cell while
 * later ones run.
 */
export function cellDisplay(): Display | undefined {
  const write = runningTslab()?.lastWriteDisplayData;
  if (!write) return undefined;
  return (bundle, { displayId, update = false, metadata = {} } = {}) => {
    const data = Object.fromEntries(Object.entries(bundle).map(([mime, value]) => [mime, encoded(value)]));
    write({ data, metadata, transient: displayId === undefined ? {} : { display_id: displayId } }, update);
  };
}

// tslab's own `display` takes one MIME type only. Two copies of tslab can be loaded, because a global tslab hands over to
// the project's: this finds the copy that is connected to Jupyter. Every tslab kernel sets `__tslab__`.
let running: TslabJupyter | undefined;

export function runningTslab(): TslabJupyter | undefined {
  if (running || !("__tslab__" in globalThis)) return running;
  for (const [file, module] of Object.entries(loadedModules())) {
    if (!TSLAB_JUPYTER.test(file)) continue;
    const jupyter = module?.exports as TslabJupyter | undefined;
    if (jupyter?.lastWriteDisplayData) running = jupyter;
  }
  return running;
}

/** Returns the TypeScript with which tslab compiles cells. */
export function tslabTypeScript(): typeof ts | undefined {
  const [, module] = Object.entries(loadedModules()).find(([file]) => TSLAB_TYPESCRIPT.test(file)) ?? [];
  return module?.exports as typeof ts | undefined;
}

function encoded(value: string | Uint8Array | object): string | object {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
