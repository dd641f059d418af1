/** Layers with times: their clock, their frames, what becomes of values at one place, and what is no time. */
import { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, dataFromColumns, Layer, type MapOptions, QueryLayer } from "../../src/map";
import { buildScene } from "../../src/map/build-scene";
import {
  busiestFrame,
  eventsPerFrame,
  frameOf,
  generationsAt,
  momentText,
  withFewerFrames,
} from "../../src/render/clock";
import { renderPng } from "../../src/render/image/png";
import type { Clock } from "../../src/render/scene";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

const NONE = new BaseMap({ source: "none" });
const map = (options: MapOptions) => mapScene(nowhere, { ...options, progress });

const frame = (columns: Record<string, readonly unknown[]>) => {
  const [first] = Object.values(columns);
  const n = first!.length;
  return new DataFrame({
    lng: Array.from({ length: n }, (_, i) => i),
    lat: Array.from({ length: n }, () => 0),
    ...columns,
  } as object);
};
const lnglat = ["lng", "lat"] as const;
const DAY_MS = 86_400_000;
const day = (n: number) => new Date(Date.UTC(2018, 0, 1) + n * DAY_MS).toISOString();

test("the first animated layer is blue, the others differ", async () => {
  const df = frame({ t: [day(0), day(1)] });
  const timed = () => new Layer(df, { lnglat, time: "t" });
  const { scene } = await map({ layers: [new Layer(df, { lnglat }), timed(), timed()] });
  expect(scene.layers.map(({ color }) => color)).toMatchObject([
    { color: [0x5d, 0x69, 0xb1, 255] },
    { color: [0x27, 0x52, 0xff, 255] },
    { color: [0x99, 0xc9, 0x45, 255] },
  ]);
});

test("each day is a frame, in the order of time", async () => {
  const df = frame({ t: [day(4), day(0), day(2), day(0)] });
  const { scene } = await map({ layers: new Layer(df, { lnglat, time: "t" }) });
  expect(scene.clock).toEqual({
    kind: "time",
    start: Date.UTC(2018, 0, 1),
    step: 2 * DAY_MS,
    frames: 3,
    durationMs: 30_000,
    speed: 1,
    loop: true,
    still: 0, // two; the next has one, and these as a trail of half the weight: as much, but later
    paused: false,
  });
  const [layer] = scene.layers;
  expect([...layer!.time!.starts]).toEqual([0, 2, 3, 4]);
  expect([...(layer!.geometry as { x: Float64Array }).x].map((x) => Math.round((x - 0.5) * 360))).toEqual([
    1, 3, 2, 0,
  ]);
  expect(layer).toMatchObject({
    color: { kind: "constant", color: [39, 82, 255, 255] },
    size: { kind: "constant", px: 4 },
    opacity: 0.9,
    time: { cumulative: false, trails: 2 },
  });
  expect(layer!.stroke).toBeUndefined();
});

test("irregular times are divided into equal frames that include both ends", async () => {
  const times = [0, 0.13, 0.51, 0.77, 1].map((share) => 1e12 + Math.round(share * 1e9 + 0.3));
  const df = frame({ t: times });
  const { scene } = await map({ layers: new Layer(df, { lnglat, time: { column: "t", frames: 4 } }) });
  expect(scene.clock).toMatchObject({ kind: "number", start: 1e12, step: 0.25e9, frames: 4 });
  expect([...scene.layers[0]!.time!.starts]).toEqual([0, 2, 2, 3, 5]);
});

test("leaves out and counts NULL, NaN and infinite times", async () => {
  const df = frame({ t: [1, Number.NaN, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] });
  const { scene, warnings } = await map({ layers: new Layer(df, { lnglat, time: "t", tooltip: "t" }) });
  expect(warnings).toEqual([
    'The map leaves out 3 of 5 rows of layer DataFrame (5 × 3), which have no time in column "t".',
  ]);
  expect(scene.notes).toEqual(warnings);
  expect([...scene.layers[0]!.time!.starts]).toEqual([0, 1, 2]);
  expect(scene.layers[0]!.rowCount).toBe(2);
});

test("leaves out NULL and infinite timestamps, which arrive as text", () => {
  const layer = new QueryLayer("SELECT 1", { time: "t" });
  const point = "0101000020E6100000000000000000F03F0000000000000040";
  const data = dataFromColumns(layer, {
    rowCount: 4,
    columns: [
      { name: "the_geom", pgtype: "geometry", kind: "string", values: [point, point, point, point] },
      {
        name: "t",
        pgtype: "timestamptz",
        kind: "string",
        values: ["infinity", "2018-02-05 10:00:00+00", null, "2018-02-05 11:30:00.5+01:30"],
      },
    ],
  } as never);
  const { scene, warnings } = buildScene({ layers: [{ layer, data }] });
  expect(scene.clock).toMatchObject({ start: Date.UTC(2018, 1, 5, 10), step: 500, frames: 2 });
  expect(warnings[0]).toContain("2 of 4 rows");
});

test.each([
  ["one row", [7], { frames: 1, step: 1 }, [0, 1]],
  ["all at once", [7, 7, 7], { frames: 1, step: 1 }, [0, 3]],
])("%s is one frame", async (_what, t, clock, starts) => {
  const { scene } = await map({ layers: new Layer(frame({ t }), { lnglat, time: "t" }) });
  expect(scene.clock).toMatchObject({ start: 7, ...clock });
  expect([...scene.layers[0]!.time!.starts]).toEqual(starts);
});

test("without any time, the layer is empty and the scene has no clock", async () => {
  const df = frame({ t: [Number.NaN, Number.NaN] });
  const { scene, warnings } = await map({ layers: new Layer(df, { lnglat, time: "t" }) });
  expect(scene.clock).toBeUndefined();
  expect(scene.layers[0]!.time).toBeUndefined();
  expect(warnings[0]).toContain("2 of 2 rows");
  expect(renderPng(scene).length).toBeGreaterThan(1000);
});

test("animated layers share one clock; other layers are unchanged", async () => {
  const { scene } = await map({
    layers: [
      new Layer(frame({ t: [day(0), day(3)] }), { lnglat, time: { column: "t", duration: 5 } }),
      new Layer(frame({ name: ["a"] }), { lnglat }),
      new Layer(frame({ t: [day(2), day(9)] }), { lnglat, time: { column: "t", duration: 8, speed: 2 } }),
    ],
  });
  expect(scene.clock).toMatchObject({ frames: 10, step: DAY_MS, durationMs: 8000, speed: 2 });
  expect(scene.layers.map(({ time }) => time?.starts.length)).toEqual([11, undefined, 11]);
  expect([...eventsPerFrame(scene)]).toEqual([1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
  expect([...eventsPerFrame(scene, new Set([0]))]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
});

test("dates and numbers cannot share a clock", async () => {
  const layers = [
    new Layer(frame({ t: [day(0)] }), { lnglat, time: "t" }),
    new Layer(frame({ year: [1990] }), { lnglat, time: "year" }),
  ];
  await expect(map({ layers })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: All animated layers of a map must have dates or all must have numbers as \`time\`; column "t" of layer DataFrame (1 × 3) has dates and column "year" of layer DataFrame (1 × 3) has numbers. Convert one of them, for example with to_timestamp.]`,
  );
});

test("aggregates the values of a place in a frame", async () => {
  const df = new DataFrame({
    lng: [1, 1, 1, 2, 1],
    lat: [5, 5, 5, 5, 5],
    t: [0, 0, 0, 0, 1],
    v: [1, 2, 6, 10, 4],
    kind: ["a", "b", "b", "a", "a"],
  });
  const values = async (color: string, method?: "sum" | "count" | "max" | "min" | "mode") => {
    const { scene } = await map({
      layers: new Layer(df, {
        lnglat,
        color: { column: color, method: "category" },
        time: { column: "t", method },
        legend: { counts: true },
      }),
    });
    return {
      starts: [...scene.layers[0]!.time!.starts],
      title: scene.legends[0]!.title,
      values: scene.legends[0]!.items.map(({ label, count }) => `${label}: ${count}`).sort(),
    };
  };
  expect(await values("v")).toEqual({ starts: [0, 2, 3], title: "v", values: ["10: 1", "3: 1", "4: 1"] });
  expect(await values("v", "sum")).toMatchObject({ title: "sum(v)", values: ["10: 1", "4: 1", "9: 1"] });
  expect(await values("v", "max")).toMatchObject({ values: ["10: 1", "4: 1", "6: 1"] });
  expect(await values("v", "count")).toMatchObject({ values: ["1: 2", "3: 1"] });
  expect(await values("kind")).toMatchObject({ starts: [0, 2, 3], values: ["a: 2", "b: 1"] });
  await expect(values("kind", "sum")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`time.method\` must be "mode" or "count" for column "kind" of layer DataFrame (5 × 5), which is of type text; got "sum".]`,
  );
});

test("without a style column, every row is a point", async () => {
  const df = new DataFrame({ lng: [1, 1], lat: [5, 5], t: [0, 0] });
  const { scene } = await map({ layers: new Layer(df, { lnglat, time: "t" }) });
  expect([...scene.layers[0]!.time!.starts]).toEqual([0, 2]);
});

test("a frame contains all points of a MultiPoint", async () => {
  const df = new DataFrame({
    geometry: ["MULTIPOINT ((1 1), (2 2), (3 3))", "POINT (4 4)", "POINT EMPTY"],
    t: [2, 1, 1],
  });
  const { scene } = await map({ layers: new Layer(df, { geomCol: "geometry", time: "t" }) });
  expect([...scene.layers[0]!.time!.starts]).toEqual([0, 1, 4]);
});

test("older points of a trail are larger, fainter and below; cumulative layers have no trails", () => {
  const starts = Uint32Array.from([0, 2, 2, 5, 6]);
  const at = (n: number, cumulative = false, trails = 2) => generationsAt({ starts, cumulative, trails }, n);
  expect(at(0)).toEqual([{ from: 0, to: 2, growth: 1, fade: 1 }]);
  expect(at(1)).toEqual([{ from: 0, to: 2, growth: 1.3, fade: 0.5 }]);
  expect(at(2)).toEqual([
    { from: 0, to: 2, growth: 1.6, fade: 0.25 },
    { from: 2, to: 5, growth: 1, fade: 1 },
  ]);
  expect(at(3).map(({ from }) => from)).toEqual([2, 5]);
  expect(at(3, false, 0)).toEqual([{ from: 5, to: 6, growth: 1, fade: 1 }]);
  expect(at(2, true)).toEqual([{ from: 0, to: 5, growth: 1, fade: 1 }]);
  expect(at(9, true)).toEqual([{ from: 0, to: 6, growth: 1, fade: 1 }]);
  expect(generationsAt({ starts: Uint32Array.from([0, 0]), cumulative: true, trails: 0 }, 0)).toEqual([]);
});

test("merging frames loses no event", async () => {
  const df = frame({ t: Array.from({ length: 50 }, (_, i) => (i * i) % 97) });
  const { scene } = await map({ layers: new Layer(df, { lnglat, time: "t" }) });
  for (const stride of [1, 2, 3, 7, 500]) {
    const fewer = withFewerFrames(scene, stride);
    expect(fewer.clock!.frames).toBe(Math.ceil(scene.clock!.frames / stride));
    expect(eventsPerFrame(fewer).reduce((sum, n) => sum + n)).toBe(50);
    expect(fewer.layers[0]!.time!.starts.length).toBe(fewer.clock!.frames + 1);
  }
});

const clock = (kind: Clock["kind"], start: number, step: number): Clock => ({
  ...{ kind, start, step, frames: 10, durationMs: 1, speed: 1, loop: true, still: 0, paused: false },
});

test.each([
  [clock("time", Date.UTC(2018, 1, 5), 400 * DAY_MS), 0, "2018"],
  [clock("time", Date.UTC(2018, 1, 5), 30 * DAY_MS), 1, "Mar 2018"],
  [clock("time", Date.UTC(2018, 1, 5), DAY_MS), 2, "7 Feb 2018"],
  [clock("time", Date.UTC(2018, 1, 5), 3_600_000), 14, "5 Feb 2018, 14:00 UTC"],
  [clock("time", Date.UTC(2018, 1, 5), 1500), 3, "5 Feb 2018, 00:00:04 UTC"],
  [clock("time", Date.UTC(2018, 1, 5), 20), 3, "5 Feb 2018, 00:00:00.060 UTC"],
  [clock("time", Date.UTC(-44, 2, 15), DAY_MS), 0, "15 Mar -44"],
  [clock("number", 1990, 1), 8, "1998"],
  [clock("number", 0, 0.0625), 3, "0.188"],
  [clock("number", -2, 1.5), 1, "-0.5"],
])("a frame of %o: %i is %s", (of, n, text) => {
  expect(momentText(of, n)).toBe(text);
});

test("moments outside the range are clamped", () => {
  const of = clock("number", 100, 0.1);
  expect([-1e9, 100, 100.1, 100.3, 100.95, 1e9].map((moment) => frameOf(of, moment))).toEqual([
    0, 0, 1, 3, 9, 9,
  ]);
});

test("the still shows the busiest frame, or the requested one", async () => {
  const df = frame({ t: [day(0), day(1), day(1), day(1), day(5)] });
  const layers = new Layer(df, { lnglat, time: "t" });
  const { scene } = await map({ layers });
  expect(scene.clock!.still).toBe(1);
  expect(
    busiestFrame(
      (await map({ layers: new Layer(df, { lnglat, time: { column: "t", cumulative: true } }) })).scene,
    ),
  ).toBe(5);
  const asked = await map({ layers, at: "2018-01-06" });
  expect(asked.scene.clock).toMatchObject({ still: 5, paused: true });
  expect((await map({ layers, at: new Date(day(0)) })).scene.clock!.still).toBe(0);
  await expect(map({ layers, at: "soon" })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`at\` must be a Date or a string such as "2018-02-05T12:00Z"; got "soon". The map covers 1 Jan 2018 to 6 Jan 2018.]`,
  );
  await expect(map({ layers: new Layer(df, { lnglat }), at: 1 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`at\` needs a map with an animated layer; no layer of this map has \`time\`.]`,
  );
});

test("rejects a column that cannot be a time, with its layer", async () => {
  const df = frame({ name: ["a", "b"], t: [1, 2] });
  await expect(
    map({ layers: new Layer(df, { lnglat, time: "name" }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`time\` must be a column of dates, timestamps or numbers; column "name" of layer DataFrame (2 × 4) is of type text. If its texts are dates, convert them in a query, such as SELECT *, "name"::timestamptz AS moment FROM …, or in a frame with \`df.addColumn("moment", df.column("name").map((text) => new Date(text)))\`.]`,
  );
  await expect(
    map({ layers: new Layer(df, { lnglat, time: "when" }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`time\` must be a column of layer DataFrame (2 × 4); got "when". Its columns are "lng", "lat", "name", "t".]`,
  );
  const lines = new DataFrame({ geometry: ["LINESTRING (0 0, 1 1)"], t: [1] });
  await expect(
    map({ layers: new Layer(lines, { geomCol: "geometry", time: "t" }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: \`time\` requires a layer of points; layer DataFrame (1 × 2) consists of lines. Leave \`time\` out, or use ST_Centroid in a query.]`,
  );
});

test.each([
  [{ frames: 10 }],
  [5],
  [null],
  [{ column: "the_geom" }],
  [{ column: "t", method: "median" }],
  [{ column: "t", frames: 0 }],
  [{ column: "t", frames: 1e6 }],
  [{ column: "t", duration: -1 }],
  [{ column: "t", trails: 1.5 }],
  [{ column: "t", cumulative: "yes" }],
  [{ column: "t", speed: Number.NaN }],
  [{ column: "t", trail: 3 }],
])("rejects time: %j", (time) => {
  expect(() => new Layer("quakes", { time: time as never })).toThrowErrorMatchingSnapshot();
});

test("reads ISO 8601 text as a time, in UTC without a zone", async () => {
  const t = ["2018-01-01", "2018-01-01T12:00", "2018-01-02 00:00:00Z", "2018-01-02T14:00:00+02:00", "", null];
  const { scene } = await map({ layers: new Layer(frame({ t }), { lnglat, time: "t" }) });
  expect(scene.clock).toMatchObject({
    kind: "time",
    start: Date.UTC(2018, 0, 1),
    step: DAY_MS / 2,
    frames: 4,
  });
});

/** A spiral of events, later ones further out. */
const spiral = (count: number, columns: object = {}) =>
  new DataFrame({
    lng: Array.from({ length: count }, (_, i) => 30 * (0.1 + i / count) * Math.cos(i / 6)),
    lat: Array.from({ length: count }, (_, i) => 14 * (0.1 + i / count) * Math.sin(i / 6)),
    t: Array.from({ length: count }, (_, i) => day(i % 60)).sort(),
    v: Array.from({ length: count }, (_, i) => i),
    ...columns,
  });

const STILLS: Record<string, () => MapOptions> = {
  trails: () => ({
    layers: [NONE, new Layer(spiral(240), { lnglat, size: 9, time: { column: "t", trails: 6 } })],
  }),
  cumulative: () => ({
    layers: [
      NONE,
      new Layer(spiral(240), {
        lnglat,
        color: "v",
        size: 7,
        time: { column: "t", cumulative: true, trails: 6 },
      }),
    ],
  }),
  "with-others": () => ({
    title: "Two clocks in one",
    layers: [
      new BaseMap({ source: "dark" }),
      new Layer(new DataFrame({ geometry: ["POLYGON ((-30 -12, 30 -12, 30 12, -30 12, -30 -12))"] }), {
        geomCol: "geometry",
        color: "teal",
        opacity: 0.4,
        legend: { title: "Area" },
      }),
      new Layer(spiral(240), {
        lnglat,
        color: "gold",
        size: 8,
        time: { column: "t" },
        legend: { title: "Events" },
      }),
      new Layer(spiral(240, { lng: Array.from({ length: 240 }, (_, i) => i / 4 - 30) }), {
        lnglat,
        color: "tomato",
        size: { column: "v", min: 4, max: 16, method: "continuous" },
        time: { column: "t", cumulative: true },
        label: "v",
      }),
    ],
  }),
};

test.each(Object.entries(STILLS))("still: %s", async (name, options) => {
  const { scene } = await map({
    zoom: 3,
    lat: 0,
    lng: 0,
    size: [520, 260],
    ...options(),
    at: day(30),
  });
  await expectGolden(`time-${name}`, renderPng(scene));
});
