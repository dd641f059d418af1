import { InvalidArgumentError } from "../errors";
import { listed } from "../options";

export { checkKeys, listed, near } from "../options";

/** Formats a value for an error message, in at most 60 characters. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cut(value));
  if (typeof value === "object" && value !== null) return cut(json(value));
  return String(value);
}

const cut = (text: string) => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

function json(value: object): string {
  try {
    return JSON.stringify(value) ?? "an object";
  } catch {
    return "an object";
  }
}

/** Writes a count with its noun: "1 feature", "2,000 features". */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

/** Creates the error for an argument of the wrong kind. Paths such as `size.bins` are set in backticks. */
export function expected(argument: string, value: unknown, what: string): InvalidArgumentError {
  const name = /^[\w.[\]]+$/.test(argument) ? `\`${argument}\`` : argument;
  return new InvalidArgumentError(`${name} must be ${what}; got ${shown(value)}.`);
}

export function checkOneOf<T extends string>(argument: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw expected(argument, value, `one of ${listed(choices)}`);
}

export function checkText(argument: string, value: unknown, what: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw expected(argument, value, what);
}

export function checkUpTo(argument: string, value: unknown, max: number, what: string): number {
  if (typeof value === "number" && value > 0 && value <= max) return value;
  throw expected(argument, value, what);
}

/** Returns true for an array of numbers in ascending order: the upper bounds of classes. */
export const isAscending = (bounds: unknown): bounds is readonly number[] =>
  Array.isArray(bounds) &&
  bounds.every((bound, i) => typeof bound === "number" && bound > (i === 0 ? -Infinity : bounds[i - 1]));
