/** Remembers the missing columns that a cell read from frames, to explain errors about `undefined`. */
import { near } from "../options";
import { isFrameLike } from "./frame-view";
import { habitHint, memberHabit } from "./pandas-habits";

interface MissedColumn {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Members that JavaScript, Node and test frameworks look for in any object. */
const PROBED = new Set([
  "then",
  "toJSON",
  "inspect",
  "nodeType",
  "asymmetricMatch",
  "length",
  "type",
  "default",
]);

const watched = new WeakSet<object>();
let missed: MissedColumn | undefined;
/** The last member that a frame or a column did not have. */
let missedMember: string | undefined;

export function forgetMissedColumns(): void {
  missed = undefined;
  missedMember = undefined;
}

/**
 * Notes each read of a member that a frame does not have.
 * @param root prototype at the end of danfo's chain of classes
 */
export function watchMissedColumns(root: object): void {
  if (watched.has(root)) return;
  watched.add(root);
  const end = Object.getPrototypeOf(root) as object;
  const trap = new Proxy(end, {
    get(target, name, receiver) {
      if (name in target) return Reflect.get(target, name, receiver);
      if (typeof name === "string" && !PROBED.has(name) && !/^[$_@]/.test(name)) noteMiss(receiver, name);
      return undefined;
    },
  });
  Object.setPrototypeOf(root, trap);
}

function noteMiss(frame: unknown, name: string): void {
  if (!isFrameLike(frame)) return;
  missedMember = name;
  if (frame.$isSeries || typeof frame.$columns === "string") return;
  missed = { name, columns: frame.$columns.map(String) };
}

/** Explains an error about a member of `undefined` that a missing column caused; undefined for any other error. */
export function explainMissedColumn(error: unknown): string | undefined {
  if (!missed || !(error instanceof TypeError) || !/\bof undefined\b/.test(error.message)) return undefined;
  return `${error.name}: ${missedColumnText(missed)} (${error.message})`;
}

/** Returns a line that says what to write instead of a habit of pandas that caused the error. */
export function explainHabit(error: unknown): string | undefined {
  return habitHint(error, missedMember);
}

/** Returns a message about the last missing column that was read, if the expression names it. */
export function missedColumnHint(expression = ""): string | undefined {
  if (!missed) return undefined;
  const isNamed = expression.includes(missed.name) || /,|^(?:true|false)$/.test(missed.name); // a list or a condition in brackets
  return isNamed ? missedColumnText(missed) : undefined;
}

function missedColumnText({ name, columns }: MissedColumn): string {
  const [meant] = near(name, columns);
  const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
  const habit = memberHabit(name);
  const listed = columns.map((column) => JSON.stringify(column)).join(", ");
  return `No column is named ${JSON.stringify(name)}.${hint} The columns are ${listed || "none"}.${habit === undefined ? "" : ` ${habit}`}`;
}
