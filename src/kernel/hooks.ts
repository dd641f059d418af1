import Module from "node:module";
import type { inspect as Inspect, InspectOptions } from "node:util";
import { repairDanfo } from "../frame/danfo-repairs";
import { frameBundle, frameSummary, frameText, isFrameLike } from "./frame-view";
import { cellDisplay, insideKernel, loadedModules, type MimeBundle } from "./tslab";

/**
 * A method of this name returns how its object is shown, as a MIME bundle or a promise of one. Other
 * kernels look for it too: https://docs.deno.com/runtime/reference/cli/jupyter/
 */
export const JUPYTER_DISPLAY = Symbol.for("Jupyter.display");

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const INSTALLED = Symbol.for("cartoframes.notebook-support");

/** tslab puts a cell's last value into `exports.tsLastExpr`, numbered where a variable has that name. */
const LAST_VALUE = /^tsLastExpr\d*$/;

interface TslabGlobal {
  readonly exports: Record<string, unknown>;
  [INSTALLED]?: true;
}

/**
 * Makes a tslab kernel show DataFrames and Series, and whatever has a `Symbol.for("Jupyter.display")`
 * method, as rich outputs. Does nothing elsewhere: outside a notebook no prototype and no loader is touched.
 */
export function installNotebookSupport(): void {
  if (!insideKernel()) return;
  const tslab = (globalThis as { __tslab__?: TslabGlobal }).__tslab__;
  if (!tslab || tslab[INSTALLED]) return;
  tslab[INSTALLED] = true;
  watchLastValue(tslab.exports);
  patchEveryDanfo();
}

/** Shows a frame or a displayable object as an output of the running cell; false if there is no way to. */
export function show(value: unknown): boolean {
  const output = cellDisplay();
  const bundle = output && bundleOf(value);
  if (!output || !bundle) return false;
  if (bundle instanceof Promise) bundle.then((ready) => output(ready)).catch((error) => console.error(error));
  else output(bundle);
  return true;
}

function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  const displayable = value as { [JUPYTER_DISPLAY]?: unknown };
  if (typeof displayable[JUPYTER_DISPLAY] === "function") return displayable[JUPYTER_DISPLAY]();
  if (!isFrameLike(value)) return undefined;
  try {
    return frameBundle(value);
  } catch {
    return undefined; // looks like a frame and is none: printed as any object
  }
}

/**
 * A cell ends with `exports.tsLastExpr = value`, which tslab reads back and prints unless it is undefined.
 * Behind `exports` we answer both: a value that can be shown is shown when it is read, and reads as
 * undefined. So nothing has to be taken out of the printed text again.
 */
function watchLastValue(exports: Record<string, unknown>): void {
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
      if (!show(value)) return value;
      lastValues.delete(name as string);
      return undefined;
    },
  });
  Object.setPrototypeOf(exports, behind);
}

type ModuleLoad = (this: unknown, request: unknown, ...rest: unknown[]) => unknown;

/** With any copy of danfo, loaded early or late, so that a frame behaves alike in all cells. */
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

/** For `console.log(df)` and frames inside other objects. */
function giveFramesATextForm(...danfoClasses: ({ prototype?: object } | undefined)[]): void {
  for (const danfoClass of danfoClasses) {
    // The root of the classes: `df.head()` and `df["x"]` are of another class than `new DataFrame()`.
    const root = danfoClass?.prototype && rootOf(danfoClass.prototype);
    if (!root || INSPECT in root || !("$setIndex" in root)) continue;
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
      const nested = depth !== options.depth; // inside another object, behind the name of a property
      return nested ? `\n${frameText(this)}` : frameText(this);
    }
  } catch {
    // looks like a frame and is none: printed as any object
  }
  return inspect(this, { ...options, customInspect: false });
}
