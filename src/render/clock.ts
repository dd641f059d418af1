/** The frames of a scene's clock: their labels, which frame shows a moment, and which points a frame shows. */
import { InvalidArgumentError } from "../errors";
import { formatNumber } from "./format";
import type { Clock, Scene, TimeStyle } from "./scene";

/**
 * A moment of an animated map: a Date, a string that `new Date` accepts, or milliseconds since 1970; a plain number if
 * the map's times are numbers.
 */
export type Moment = Date | string | number;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MONTH_MS = 28 * DAY_MS;
const YEAR_MS = 365 * DAY_MS;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** Significant digits of a fractional step, so that neighbouring frames have different labels. */
const STEP_DIGITS = 2;

/** Torque's style: each older frame of a trail is drawn larger by this factor… */
const TRAIL_GROWTH = 0.3;
/** …and with this share of the opacity of the frame after it. */
const TRAIL_FADE = 0.5;

/** Points of the same age that one frame shows. */
export interface Generation {
  /** Point indexes, `to` excluded. */
  readonly from: number;
  readonly to: number;
  /** Factors for size and opacity. */
  readonly growth: number;
  readonly fade: number;
}

/**
 * Returns the points that a frame shows, oldest first because the newest are painted on top. Cumulative layers keep all
 * earlier points and have no trails.
 */
export function generationsAt({ starts, cumulative, trails }: TimeStyle, frame: number): Generation[] {
  const end = starts[Math.min(frame, starts.length - 2) + 1] ?? 0;
  if (cumulative) return end > 0 ? [{ from: 0, to: end, growth: 1, fade: 1 }] : [];
  const generations: Generation[] = [];
  for (let age = Math.min(trails, frame); age >= 0; age--) {
    const [from, to] = [starts[frame - age] ?? 0, starts[frame - age + 1] ?? 0];
    if (to > from) generations.push({ from, to, growth: 1 + TRAIL_GROWTH * age, fade: TRAIL_FADE ** age });
  }
  return generations;
}

/** Counts the points that each frame adds, over all layers that are not hidden. `!`: `starts` has an entry more than frames. */
export function eventsPerFrame(
  { layers, clock }: Pick<Scene, "layers" | "clock">,
  hidden: ReadonlySet<number> = new Set(),
): Uint32Array {
  const events = new Uint32Array(clock?.frames ?? 0);
  for (const [i, { time }] of layers.entries()) {
    if (!time || hidden.has(i)) continue;
    for (let frame = 0; frame < events.length; frame++)
      events[frame]! += time.starts[frame + 1]! - time.starts[frame]!;
  }
  return events;
}

/** Returns the frame that shows the most points (the first of several), the default frame for still images. */
export function busiestFrame({ layers, clock }: Pick<Scene, "layers" | "clock">): number {
  let [best, most] = [0, 0];
  for (let frame = 0; frame < (clock?.frames ?? 0); frame++) {
    let shown = 0;
    for (const { time } of layers)
      for (const { from, to, fade } of time ? generationsAt(time, frame) : []) shown += (to - from) * fade;
    if (shown > most) [best, most] = [frame, shown];
  }
  return best;
}

type ClockSteps = Pick<Clock, "start" | "step" | "months" | "frames">;

/** Returns the frame that contains `moment` (in the clock's unit), clamped to the first and the last frame. */
export function frameOf({ start, step, months, frames }: ClockSteps, moment: number): number {
  const frame = months ? (monthOf(moment) - monthOf(start)) / months : (moment - start) / step + 1e-9;
  return Math.max(0, Math.min(frames - 1, Math.floor(frame)));
}

/** Returns when a frame begins. */
export const frameStart = ({ start, step, months }: ClockSteps, frame: number): number =>
  months ? monthStart(monthOf(start) + frame * months) : start + frame * step;

/** Returns the number of a time's calendar month in UTC; January 1970 is 0. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** Returns the beginning of a calendar month in UTC. */
export const monthStart = (month: number): number => Date.UTC(1970, month);

/**
 * Returns the frame that shows a moment, clamped to the first and the last frame.
 * @throws InvalidArgumentError if the map has no clock, or if `at` is not a moment of it.
 */
export function frameAt(clock: Clock | undefined, at: Moment): number {
  if (!clock)
    throw new InvalidArgumentError(
      "`at` needs a map with an animated layer; no layer of this map has `time`.",
    );
  const isNumber = typeof at === "number";
  const moment = isNumber || clock.kind === "number" ? at : new Date(at).getTime();
  if (typeof moment === "number" && Number.isFinite(moment)) return frameOf(clock, moment);
  const expected = clock.kind === "number" ? "a number" : 'a Date or a string such as "2018-02-05T12:00Z"';
  const range = `${momentText(clock, 0)} to ${momentText(clock, clock.frames - 1)}`;
  throw new InvalidArgumentError(
    `\`at\` must be ${expected}; got ${typeof at === "string" ? JSON.stringify(at) : String(at)}. The map covers ${range}.`,
  );
}

/**
 * Formats the beginning of a frame, as precisely as the length of a frame justifies: `5 Feb 2018, 14:30 UTC`, `Feb 2018`,
 * `1998`, `0.25`.
 */
export function momentText(clock: Clock, frame: number): string {
  const { kind, step } = clock;
  const moment = frameStart(clock, frame);
  return kind === "number" ? numberText(moment, step) : timeText(moment, step);
}

function numberText(value: number, step: number): string {
  if (Number.isInteger(value) && Number.isInteger(step)) return formatNumber(value);
  const digits = Math.max(0, Math.min(12, STEP_DIGITS - Math.ceil(Math.log10(step))));
  return formatNumber(Number(value.toFixed(digits)));
}

/** Formats a time in UTC, like all times of the project. */
function timeText(ms: number, stepMs: number): string {
  const date = new Date(Math.round(ms));
  const year = String(date.getUTCFullYear());
  if (stepMs >= YEAR_MS) return year;
  const month = `${MONTHS[date.getUTCMonth()]} ${year}`;
  if (stepMs >= MONTH_MS) return month;
  const day = `${date.getUTCDate()} ${month}`;
  if (stepMs >= DAY_MS) return day;
  const clock = date.toISOString().split("T").at(1) ?? "";
  const letters = stepMs >= MINUTE_MS ? 5 : stepMs >= 1000 ? 8 : 12; // HH:MM:SS.sss
  return `${day}, ${clock.slice(0, letters)} UTC`;
}

/** Merges every `stride` frames into one, which shows all events of the frames it replaces. */
export function withFewerFrames(scene: Scene, stride: number): Scene {
  const { clock } = scene;
  if (!clock || stride <= 1) return scene;
  const frames = Math.ceil(clock.frames / stride);
  return {
    ...scene,
    clock: {
      ...clock,
      frames,
      step: clock.step * stride,
      ...(clock.months && { months: clock.months * stride }),
      still: Math.floor(clock.still / stride),
    },
    layers: scene.layers.map((layer) => {
      if (!layer.time) return layer;
      const { starts } = layer.time;
      // `!`: the index is at most that of the last entry
      const fewer = Uint32Array.from(
        { length: frames + 1 },
        (_, i) => starts[Math.min(i * stride, starts.length - 1)]!,
      );
      return { ...layer, time: { ...layer.time, starts: fewer } };
    }),
  };
}
