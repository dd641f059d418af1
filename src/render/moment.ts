import { InvalidArgumentError } from "../errors";
import { frameOf, momentText } from "./clock";
import type { Clock } from "./scene";

/** A moment of a map: a Date, a text as `new Date` takes it, milliseconds since 1970; or a number where the times are numbers. */
export type Moment = Date | string | number;

/**
 * The frame of a clock that shows a moment; of one before the first or after the last, that one.
 * @throws InvalidArgumentError if it is no moment of this clock, or there is none.
 */
export function frameAt(clock: Clock | undefined, at: Moment): number {
  if (!clock) throw new InvalidArgumentError("at is for maps with a layer that has time; this one has none.");
  const isNumber = typeof at === "number";
  const moment = isNumber || clock.kind === "number" ? at : new Date(at).getTime();
  if (typeof moment === "number" && Number.isFinite(moment)) return frameOf(clock, moment);
  const what = clock.kind === "number" ? "a number" : 'a Date, or a text like "2018-02-05T12:00Z"';
  const range = `from ${momentText(clock, 0)} to ${momentText(clock, clock.frames - 1)}`;
  throw new InvalidArgumentError(
    `at is ${JSON.stringify(at) ?? String(at)}; expected ${what}. The map goes ${range}.`,
  );
}
