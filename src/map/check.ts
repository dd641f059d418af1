import { InvalidArgumentError } from "../errors";

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

/** Names as a message lists them. */
export function listed(names: readonly string[], none = "none"): string {
  return names.map((name) => JSON.stringify(name)).join(", ") || none;
}

export function expected(option: string, value: unknown, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${option} is ${shown(value)}; expected ${what}.`);
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Options of an object literal; a name that is none of them would be ignored without a word. */
export function checkKeys(what: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  throw new InvalidArgumentError(
    `${what} has no option ${JSON.stringify(unknown)}. There are ${listed(names)}.`,
  );
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

/** The names that are at most a third of their letters away from this one, nearest first; letter case is no distance. */
export function near(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.ceil(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's: letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
