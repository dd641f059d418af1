import Module from "node:module";
import type { inspect as Inspect, InspectOptions } from "node:util";
import { repairDanfo } from "../frame/danfo-repairs";
import { lastValueHint, watchCells } from "./cell-runs";
import { completeNames } from "./completions";
import { frameBundle, frameSummary, frameText, isFrameLike } from "./frame-view";
import { watchMissedColumns } from "./missed-columns";
import {
  cellDisplay,
  insideKernel,
  loadedModules,
  type MimeBundle,
  runningTslab,
  tslabTypeScript,
} from "./tslab";

/**
 * Name of the method that returns an object's output, as a MIME bundle or a promise of one. Other kernels use the same name:
 * https://docs.deno.com/runtime/reference/cli/jupyter/
 */
export const JUPYTER_DISPLAY = Symbol.for("Jupyter.display");

/** Name of the method that returns the metadata of that output, such as `{ "image/png": { width } }`. */
export const JUPYTER_METADATA = Symbol.for("cartoframes.display-metadata");

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const INSTALLED = Symbol.for("cartoframes.notebook-support");

/** Name under which tslab stores a cell's last value: `exports.tsLastExpr`, with a number if a variable has that name. */
const LAST_VALUE = /^tsLastExpr\d*$/;

interface TslabGlobal {
  readonly exports: Record<string, unknown>;
  [INSTALLED]?: true;
}

/**
 * Makes a tslab kernel show DataFrames, Series, and objects with a `Symbol.for("Jupyter.display")` method as rich outputs.
 * Does nothing outside a tslab kernel.
 */
export function installNotebookSupport(): void {
  if (!insideKernel()) return;
  const tslab = (globalThis as { __tslab__?: TslabGlobal }).__tslab__;
  if (!tslab || tslab[INSTALLED]) return;
  tslab[INSTALLED] = true;
  const forgetLastValues = watchLastValue(tslab.exports);
  patchEveryDanfo();
  const jupyter = runningTslab();
  if (!jupyter) return;
  watchCells(jupyter.JupyterHandlerImpl.prototype, {
    earlier: tslab.exports,
    typescript: tslabTypeScript(),
    onStart: forgetLastValues,
  });
  completeNames(jupyter.ZmqServer.prototype, tslab.exports);
}

/** Shows a frame or a displayable object under the running cell. Returns false for any other value, and outside a kernel. */
export function show(value: unknown): boolean {
  const output = cellDisplay();
  const bundle = output && bundleOf(value);
  if (!output || !bundle) return false;
  const options = { metadata: metadataOf(value) };
  if (bundle instanceof Promise)
    bundle.then((ready) => output(ready, options)).catch((error) => console.error(error));
  else output(bundle, options);
  return true;
}

function metadataOf(value: unknown): object {
  const described = value as { [JUPYTER_METADATA]?: unknown };
  return typeof described[JUPYTER_METADATA] === "function" ? described[JUPYTER_METADATA]() : {};
}

function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  const displayable = value as { [JUPYTER_DISPLAY]?: unknown };
  if (typeof displayable[JUPYTER_DISPLAY] === "function") return displayable[JUPYTER_DISPLAY]();
  if (!isFrameLike(value)) return undefined;
  try {
    return frameBundle(value);
  } catch {
    return undefined; // not a frame after all: printed like any object
  }
}

/**
 * Shows last values as rich outputs. A cell ends with `exports.tsLastExpr = value`, which tslab reads back and prints unless it
 * is undefined. A proxy behind `exports` keeps the value, shows it when tslab reads it, and then returns undefined.
 * @returns a function that forgets the values of earlier cells
 */
function watchLastValue(exports: Record<string, unknown>): () => void {
  for (const name of Object.keys(exports)) if (LAST_VALUE.test(name)) delete exports[name];
  const lastValues = new Map<string, unknown>();
  const isLastValue = (name: string | symbol) => typeof name === "string" && LAST_VALUE.test(name);
  const behind = new Proxy(Object.getPrototypeOf(exports), {
    set(target, name, value, receiver) {
      if (!isLastValue(name)) return Reflect.set(target, name, value, receiver);
      lastValues.set(name as string, value);
      return true;
    },
    get(target, name, receiver) {
      if (!isLastValue(name)) return Reflect.get(target, name, receiver);
      const value = lastValues.get(name as string);
      if (!show(value) && !hintAt(value)) return value;
      lastValues.delete(name as string);
      return undefined;
    },
  });
  Object.setPrototypeOf(exports, behind);
  return () => lastValues.clear();
}

/** Prints a hint instead of a value; returns false if there is no hint. */
function hintAt(value: unknown): boolean {
  const hint = lastValueHint(value);
  if (hint === undefined) return false;
  console.error(hint);
  if (value instanceof Promise) value.catch((error) => console.error(error));
  return true;
}

type ModuleLoad = (this: unknown, request: unknown, ...rest: unknown[]) => unknown;

/** Patches every copy of danfo, loaded before or after this package, so that frames behave the same in all cells. */
function patchEveryDanfo(): void {
  for (const [file, module] of Object.entries(loadedModules())) {
    if (file.includes("danfo")) patchDanfo(module?.exports);
  }
  const loader = Module as unknown as { _load: ModuleLoad };
  const load = loader._load;
  loader._load = function (request, ...rest) {
    const exports = load.call(this, request, ...rest);
    if (typeof request === "string" && request.includes("danfo")) patchDanfo(exports);
    return exports;
  };
}

function patchDanfo(exports: unknown): void {
  if (typeof exports !== "object" || exports === null) return;
  const { DataFrame, Series, Utils } = exports as Record<string, { prototype?: object } | undefined>;
  if (DataFrame && Series && Utils) repairDanfo(exports as Parameters<typeof repairDanfo>[0]);
  giveFramesATextForm(DataFrame, Series);
}

/** Makes `console.log` print frames as tables, also inside other objects. */
function giveFramesATextForm(...danfoClasses: ({ prototype?: object } | undefined)[]): void {
  for (const danfoClass of danfoClasses) {
    // The root of danfo's classes, because `df.head()` has another class than `new DataFrame()`.
    const root = danfoClass?.prototype && rootOf(danfoClass.prototype);
    if (!root || INSPECT in root || !("$setIndex" in root)) continue;
    watchMissedColumns(root);
    Object.defineProperty(root, INSPECT, { value: inspectFrame, configurable: true, writable: true });
  }
}

function rootOf(prototype: object): object {
  const parent = Object.getPrototypeOf(prototype);
  return parent === null || parent === Object.prototype ? prototype : rootOf(parent);
}

function inspectFrame(
  this: unknown,
  depth: number,
  options: InspectOptions,
  inspect: typeof Inspect,
): string {
  try {
    if (isFrameLike(this)) {
      if (depth < 0) return `[${frameSummary(this)}]`;
      const nested = depth !== options.depth; // after the name of a property
      return nested ? `\n${frameText(this)}` : frameText(this);
    }
  } catch {
    // not a frame after all: printed like any object
  }
  return inspect(this, { ...options, customInspect: false });
}
