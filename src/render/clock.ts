/** The frames of a scene's clock: what they are called, which one a moment is in, and what of a layer they show. */
import { formatNumber } from "./format";
import type { Clock, Scene, TimeStyle } from "./scene";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MONTH_MS = 28 * DAY_MS;
const YEAR_MS = 365 * DAY_MS;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** Of a step of numbers that are not whole, so that neighbouring frames do not look the same. */
const STEP_DIGITS = 2;

/** Each older frame of a trail is this much larger, and half as opaque as the one after it: Torque's style. */
const TRAIL_GROWTH = 0.3;
const TRAIL_FADE = 0.5;

/** Points of one age that a frame shows. */
export interface Generation {
  /** Point numbers. */
  readonly from: number;
  readonly to: number;
  /** Factors of size and opacity. */
  readonly growth: number;
  readonly fade: number;
}

/**
 * What a frame shows of a layer's points, which are in the order of their frames; the oldest first, as the newest lies
 * on top. Cumulative layers have no trails: what has happened stays.
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

/** How many points of any layer each frame brings. */
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

/** The frame that shows most: that a picture is taken of where nobody says which. The first of several. */
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

/** The frame that a moment is in, milliseconds since 1970 or a number as the clock has them; those outside go to the ends. */
export function frameOf({ start, step, frames }: Clock, moment: number): number {
  return Math.max(0, Math.min(frames - 1, Math.floor((moment - start) / step + 1e-9)));
}

/** The beginning of a frame, as precise as its length makes sense of: `5 Feb 2018, 14:30 UTC`, `Feb 2018`, `1998`, `0.25`. */
export function momentText({ kind, start, step }: Clock, frame: number): string {
  const moment = start + frame * step;
  return kind === "number" ? numberText(moment, step) : timeText(moment, step);
}

function numberText(value: number, step: number): string {
  if (Number.isInteger(value) && Number.isInteger(step)) return formatNumber(value);
  const digits = Math.max(0, Math.min(12, STEP_DIGITS - Math.ceil(Math.log10(step))));
  return formatNumber(Number(value.toFixed(digits)));
}

/** In UTC, as everything that shows times here. */
function timeText(ms: number, stepMs: number): string {
  const date = new Date(Math.round(ms));
  const year = String(date.getUTCFullYear());
  if (stepMs >= YEAR_MS) return year;
  const month = `${MONTHS[date.getUTCMonth()]} ${year}`;
  if (stepMs >= MONTH_MS) return month;
  const day = `${date.getUTCDate()} ${month}`;
  if (stepMs >= DAY_MS) return day;
  const clock = date.toISOString().split("T")[1]!;
  const letters = stepMs >= MINUTE_MS ? 5 : stepMs >= 1000 ? 8 : 12; // HH:MM:SS.sss
  return `${day}, ${clock.slice(0, letters)} UTC`;
}

/** The scene with every `stride` frames as one: each shows all events of those that it replaces. */
export function withFewerFrames(scene: Scene, stride: number): Scene {
  const { clock } = scene;
  if (!clock || stride <= 1) return scene;
  const frames = Math.ceil(clock.frames / stride);
  return {
    ...scene,
    clock: { ...clock, frames, step: clock.step * stride, still: Math.floor(clock.still / stride) },
    layers: scene.layers.map((layer) => {
      if (!layer.time) return layer;
      const { starts } = layer.time;
      const fewer = Uint32Array.from(
        { length: frames + 1 },
        (_, i) => starts[Math.min(i * stride, starts.length - 1)]!,
      );
      return { ...layer, time: { ...layer.time, starts: fewer } };
    }),
  };
}
