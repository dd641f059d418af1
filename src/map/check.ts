import { InvalidArgumentError } from "../errors";
import { listed } from "../options";

export { checkKeys, listed, near } from "../options";

/** A value as a message shows it, short. */
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

export function expected(option: string, value: unknown, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${option} is ${shown(value)}; expected ${what}.`);
}

export function checkOneOf<T extends string>(option: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw expected(option, value, `one of ${listed(choices)}`);
}

export function checkText(option: string, value: unknown, what: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw expected(option, value, what);
}

export function checkPositive(option: string, value: unknown, what: string): number {
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return value;
  throw expected(option, value, what);
}
