/** Frames of animated layers whose times are units of the calendar. */
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { Layer, type TimeOptions } from "../../src/map";
import { frameOf, momentText, withFewerFrames } from "../../src/render/clock";
import type { Scene } from "../../src/render/scene";
import { nowhere, progress } from "../support/nowhere";
import { mulberry32 } from "../support/seeded";

async function sceneOf(times: readonly number[], options: Partial<TimeOptions> = {}): Promise<Scene> {
  const t = times.map((ms) => new Date(ms).toISOString());
  const df = new DataFrame({ lng: times.map(() => 0), lat: times.map(() => 0), t });
  const layers = new Layer(df, { lnglat: ["lng", "lat"], time: { column: "t", ...options } });
  return (await mapScene(nowhere, { layers, progress })).scene;
}

/** Returns what the map shows as the time of each row. */
function labels(times: readonly number[], { clock }: Scene): string[] {
  return times.map((ms) => momentText(clock!, frameOf(clock!, ms)));
}

const days = (count: number, from = Date.UTC(2019, 0, 1)) =>
  Array.from({ length: count }, (_, i) => from + i * 86_400_000);
const monthsFrom = (year: number, month: number, count: number, by = 1) =>
  Array.from({ length: count }, (_, i) => Date.UTC(year, month + i * by));
const NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const monthName = (ms: number) => `${NAMES[new Date(ms).getUTCMonth()]} ${new Date(ms).getUTCFullYear()}`;
const yearOf = (ms: number) => String(new Date(ms).getUTCFullYear());

describe("calendar units", () => {
  test.each([
    ["years", [1990, 1991, 1992, 1995, 2000].map((y) => Date.UTC(y, 0, 1)), yearOf, 11],
    ["years before 1970", [1885, 1890, 1969].map((y) => Date.UTC(y, 0, 1)), yearOf, 85],
    ["every second year in July", [1990, 1992, 1996].map((y) => Date.UTC(y, 6, 1)), yearOf, 4],
    ["months", monthsFrom(2019, 10, 30), monthName, 30],
    ["quarters", monthsFrom(2019, 0, 12, 3), monthName, 12],
    ["last days of months", monthsFrom(2019, 1, 24).map((ms) => ms - 86_400_000), monthName, 24],
    ["months, on the 15th at noon", monthsFrom(2019, 0, 9).map((ms) => ms + 14.5 * 86_400_000), monthName, 9],
    ["weeks", days(80).filter((_, i) => i % 7 === 0), (ms: number) => dayName(ms), 12],
  ])("%s", async (_name, times, label, frames) => {
    const scene = await sceneOf(times);
    expect(scene.clock!.frames).toBe(frames);
    expect(labels(times, scene)).toEqual(times.map(label));
  });

  test("times that are in no common unit keep equal frames", async () => {
    const random = mulberry32(3);
    const times = Array.from({ length: 400 }, () => Date.UTC(2019, 0, 1) + random() * 1e10);
    expect((await sceneOf(times)).clock!.frames).toBe(256);
  });
});

const dayName = (ms: number) => `${new Date(ms).getUTCDate()} ${monthName(ms)}`;

describe("more units than frames", () => {
  test("two years of days become weeks from Monday", async () => {
    const times = days(730);
    const { clock } = await sceneOf(times);
    expect(clock).toMatchObject({ start: Date.UTC(2018, 11, 31), step: 7 * 86_400_000, frames: 105 });
  });

  test("twenty years of days become months", async () => {
    const times = days(365 * 20);
    const scene = await sceneOf(times);
    expect(scene.clock).toMatchObject({ months: 1, frames: 240 });
    expect(labels(times, scene)).toEqual(times.map(monthName));
  });

  test("sixty years of months become quarters, which begin in January", async () => {
    const scene = await sceneOf(monthsFrom(1960, 1, 720));
    expect(scene.clock).toMatchObject({ start: Date.UTC(1960, 0, 1), months: 3, frames: 241 });
  });

  test("hours of a month become multiples of hours", async () => {
    const times = Array.from({ length: 24 * 31 }, (_, i) => Date.UTC(2024, 2, 1) + i * 3_600_000);
    const scene = await sceneOf(times);
    expect(scene.clock).toMatchObject({ step: 3 * 3_600_000, frames: 248 });
    expect(labels([times[3]!], scene)).toEqual(["1 Mar 2024, 03:00 UTC"]);
  });

  test.each([1, 2, 3, 7, 50])("no more than %d frames, with every row in its frame", async (frames) => {
    for (const times of [days(900), monthsFrom(1600, 0, 5000), days(3)]) {
      const { clock, layers } = await sceneOf(times, { frames });
      expect(clock!.frames).toBeLessThanOrEqual(Math.max(frames, 1));
      expect(layers[0]!.time!.starts.at(-1)).toBe(times.length);
    }
  });
});

test("merged frames of months stay months", async () => {
  const times = monthsFrom(2019, 0, 24);
  const scene = await sceneOf(times);
  const yearly = withFewerFrames(scene, 12);
  expect(labels(times, yearly)).toEqual(times.map(yearOf));
});
