import { distance } from "fastest-levenshtein";
import { InvalidArgumentError } from "./errors";

/** Options of every call that contacts a server. */
export interface CallOptions {
  /** Cancels the call, and its statement on the server; the call then throws the reason of the signal. */
  readonly signal?: AbortSignal;
}

/**
 * Rejects options that a call does not have; otherwise a misspelled one would be ignored silently.
 * @param what The call, as users write it.
 * @param names `OPTION_NAMES` of the option interface.
 * @throws InvalidArgumentError
 */
export function checkOptions(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`The options of ${what} must be an object, such as { ${names[0]}: … }.`);
  }
  checkKeys(what, options, names);
}

/** @throws InvalidArgumentError for a member that is not in `names` */
export function checkKeys(what: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const [meant] = near(unknown, names);
  const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
  throw new InvalidArgumentError(
    `${what} has no option ${JSON.stringify(unknown)}.${hint} Available options: ${listed(names)}.`,
  );
}

/** Formats a list of names for a message. */
export function listed(names: readonly string[], none = "none"): string {
  return names.map((name) => JSON.stringify(name)).join(", ") || none;
}

/**
 * Returns up to three names that differ from `name` in at most a third of their letters, the closest first. Case is
 * ignored.
 */
export function near(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, edits: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.ceil(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
