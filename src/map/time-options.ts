/** The option `time` of layers, which animates their points. */
import { OPTION_NAMES } from "../option-names";
import { isObject } from "../values";
import { checkKeys, checkOneOf, checkText, checkUpTo, expected } from "./check";

/** Aggregate that merges the rows of one place in one frame into one point. */
export type TimeMethod = (typeof METHODS)[number];

/** Animates a layer over time. All animated layers of a map share one clock, which covers the times of all of them. */
export interface TimeOptions {
  /** Name of the column of times: timestamps, dates or numbers. Rows without a time are left out. */
  readonly column: string;
  /**
   * Aggregate for several rows at one place in one frame, if `color` or `size` depends on a column.
   * @default "avg" for numbers, "mode" (the most frequent value) for text and booleans
   */
  readonly method?: TimeMethod;
  /** Keeps points on the map once they have appeared. @default false */
  readonly cumulative?: boolean;
  /**
   * Maximum number of frames, 1 to 4096. If the times are whole hours, days, weeks, months or years apart, each frame is one
   * of them, or several if there would be too many frames.
   * @default 256
   */
  readonly frames?: number;
  /** Duration of the whole animation in seconds, at most 3600. @default 30 */
  readonly duration?: number;
  /** Number of later frames in which a point still shows, growing and fading, 0 to 20. @default 2 */
  readonly trails?: number;
  /** Initial playback speed of the live map, more than 0 and at most 100; 2 is twice as fast. @default 1 */
  readonly speed?: number;
  /** Restarts the live map's animation at the end. @default true */
  readonly loop?: boolean;
}

/** Checked options of an animated layer. */
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

/** @throws InvalidArgumentError naming the option that is wrong and what it must be. */
export function checkTime(
  time: unknown,
  checkColumn: (option: string, column: unknown) => string,
): TimeStyleOptions {
  if (typeof time === "string")
    return checkTime({ column: checkText("time", time, "the name of a column") }, checkColumn);
  if (!isObject(time))
    throw expected("time", time, "the name of a column, or an object such as { column, frames }");
  checkKeys("time", time, OPTION_NAMES.TimeOptions);
  const { method, frames, duration, trails, speed, cumulative, loop } = time;
  return {
    column: checkColumn("time", time.column),
    ...(method !== undefined && { method: checkOneOf("time.method", method, METHODS) }),
    cumulative: checkBoolean("time.cumulative", cumulative ?? false),
    frames: checkWhole("time.frames", frames ?? DEFAULTS.frames, 1, MAX_FRAMES),
    durationMs:
      1000 *
      checkLimited("time.duration", duration ?? DEFAULTS.durationS, MAX_DURATION_S, "a number of seconds"),
    trails: checkWhole("time.trails", trails ?? DEFAULTS.trails, 0, MAX_TRAILS),
    speed: checkLimited("time.speed", speed ?? DEFAULTS.speed, MAX_SPEED, "a number such as 0.5 or 2"),
    loop: checkBoolean("time.loop", loop ?? true),
  };
}

function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw expected(option, value, "true or false");
}

function checkWhole(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw expected(option, value, `a whole number from ${min} to ${max}`);
}

const checkLimited = (option: string, value: unknown, max: number, what: string): number =>
  checkUpTo(option, value, max, `${what}, more than 0 and at most ${max}`);
