/** The option `time` of layers. */
import { OPTION_NAMES } from "../option-names";
import { isObject } from "../values";
import { checkKeys, checkOneOf, checkPositive, checkText, expected } from "./check";

/** How several rows at one place in one frame become one point. */
export type TimeMethod = (typeof METHODS)[number];

/** How a layer plays over time. Several such layers of a map share one clock over the range of all their times. */
export interface TimeOptions {
  /** When the rows happened: timestamps, dates, or numbers. Rows without a time are left out. */
  readonly column: string;
  /**
   * Which value a place has in a frame in which several of its rows fall, where `color` or `size` is by a column.
   * Default: `avg` of numbers, `mode`, the most frequent one, of texts and booleans; without such a column `count`, which
   * shows all of them alike.
   */
  readonly method?: TimeMethod;
  /** Points stay once they have come. @default false */
  readonly cumulative?: boolean;
  /** Into how many frames the range is cut, at most 4096; fewer where the times are whole steps apart, like days. @default 256 */
  readonly frames?: number;
  /** Seconds that all frames take. @default 30 */
  readonly duration?: number;
  /** In how many frames after its own a point is still seen, growing and fading, at most 20. @default 2 */
  readonly trails?: number;
  /** How fast the live map begins to play. @default 1 */
  readonly speed?: number;
  /** The live map begins anew at the end. @default true */
  readonly loop?: boolean;
}

/** Checked. */
export interface TimeStyleOptions {
  readonly column: string;
  readonly method?: TimeMethod;
  readonly cumulative: boolean;
  readonly frames: number;
  readonly durationMs: number;
  readonly trails: number;
  readonly speed: number;
  readonly loop: boolean;
}

const METHODS = ["count", "avg", "sum", "min", "max", "mode"] as const;
const DEFAULTS = { frames: 256, durationS: 30, trails: 2, speed: 1 } as const;
const MAX_FRAMES = 4096;
const MAX_TRAILS = 20;
const MAX_DURATION_S = 3600;
const MAX_SPEED = 100;

/** @throws InvalidArgumentError with the value found and what is expected. */
export function checkTime(
  time: unknown,
  checkColumn: (option: string, column: unknown) => string,
): TimeStyleOptions {
  if (typeof time === "string")
    return checkTime({ column: checkText("time", time, "a column's name") }, checkColumn);
  if (!isObject(time)) throw expected("time", time, "a column's name, or an object with column and options");
  checkKeys("time", time, OPTION_NAMES.TimeOptions);
  const { method, frames, duration, trails, speed, cumulative, loop } = time;
  return {
    column: checkColumn("time", time.column),
    ...(method !== undefined && { method: checkOneOf("method of time", method, METHODS) }),
    cumulative: checkBoolean("cumulative", cumulative ?? false),
    frames: checkWhole("frames", frames ?? DEFAULTS.frames, 1, MAX_FRAMES),
    durationMs: 1000 * checkUpTo("duration", duration ?? DEFAULTS.durationS, MAX_DURATION_S, "of seconds"),
    trails: checkWhole("trails", trails ?? DEFAULTS.trails, 0, MAX_TRAILS),
    speed: checkUpTo("speed", speed ?? DEFAULTS.speed, MAX_SPEED, "like 0.5 or 2"),
    loop: checkBoolean("loop", loop ?? true),
  };
}

function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw expected(`${option} of time`, value, "true or false");
}

function checkWhole(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw expected(`${option} of time`, value, `a whole number from ${min} to ${max}`);
}

function checkUpTo(option: string, value: unknown, max: number, unit: string): number {
  const what = `a number ${unit}, more than 0 and at most ${max}`;
  if (checkPositive(`${option} of time`, value, what) <= max) return value as number;
  throw expected(`${option} of time`, value, what);
}
