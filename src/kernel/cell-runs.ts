/**
 * Changes how tslab runs a cell, in memory: a cell that fails keeps the variables it has assigned, and its error says more
 * where we know more. Shorthand properties can be variables of earlier cells.
 */
import vm from "node:vm";
import { explainHabit, explainMissedColumn, forgetMissedColumns, missedColumnHint } from "./missed-columns";
import { withEarlierVariables } from "./shorthand";

/** The parts of tslab's class `JupyterHandlerImpl` that this file uses. */
interface TslabHandler {
  handleExecuteImpl(...args: unknown[]): Promise<unknown>;
}

/** End of the program that tslab makes of a cell, see its `dist/executor.js`. */
const CELL_END = "\n})(__tslab__.exports, __tslab__.require)";
/** The cell's last value, in that program. */
const LAST_EXPRESSION = /^exports\.tsLastExpr\d* = (.*)$/gm;

/** The cell whose code is running. A new object for each. */
let running: object | undefined;
let hasFailed = false;
let lastExpression: string | undefined;

interface Watching {
  /** The variables of the cells that have run. */
  readonly earlier: Readonly<Record<string, unknown>>;
  /** The compiler of cells. */
  readonly typescript: Parameters<typeof withEarlierVariables>[2];
  /** Called before the code of a cell runs. */
  readonly onStart: () => void;
}

export function watchCells(handler: TslabHandler, { earlier, typescript, onStart }: Watching): void {
  const run = vm.runInThisContext;
  vm.runInThisContext = function (code: string, options) {
    if (!code.endsWith?.(CELL_END)) return run.call(this, code, options);
    onStart();
    forgetMissedColumns();
    const cell = {};
    running = cell;
    hasFailed = false;
    lastExpression = [...code.matchAll(LAST_EXPRESSION)].at(-1)?.[1];
    try {
      const result: unknown = run.call(this, withEarlierVariables(code, earlier, typescript), options);
      return result instanceof Promise ? result.catch((error) => fail(error, cell)) : result;
    } catch (error) {
      return fail(error, cell);
    }
  };

  // tslab forgets the declarations of a cell that throws. So we report the error and let the cell end as if it had
  // succeeded, until tslab has kept them; then its reply to Jupyter becomes a failure, which tslab throws as the cell's count.
  const execute = handler.handleExecuteImpl;
  handler.handleExecuteImpl = async function (...args) {
    try {
      const count = await execute.apply(this, args);
      if (hasFailed) throw count;
      return count;
    } finally {
      running = undefined;
    }
  };
}

function fail(error: unknown, cell: object): void {
  if (cell !== running) return; // interrupted: tslab no longer waits for it
  hasFailed = true;
  console.error(explainMissedColumn(error) ?? error);
  const habit = explainHabit(error);
  if (habit !== undefined) console.error(habit);
  lastExpression = undefined; // the cell has no value
}

/** Returns the line to print instead of the cell's last value, if the value is probably a mistake. */
export function lastValueHint(value: unknown): string | undefined {
  if (value === undefined) return missedColumnHint(lastExpression);
  if (!(value instanceof Promise)) return undefined;
  const call = /^(?:exports\.|\w+_\d+\.)?([\w$.]+)\(/.exec(lastExpression ?? "")?.[1];
  const name = /^(?:exports\.)?([\w$]+);?$/.exec(lastExpression ?? "")?.[1];
  const what = call ? `\`${call}(…)\`` : name ? `\`${name}\`` : "it";
  return `This is a promise: put \`await\` before ${what}.`;
}
