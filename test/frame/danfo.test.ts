import type { DataFrame } from "danfojs-node";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Geometry } from "wkx";
import { type Columns, frameFromColumns, isFrame, isSeries, loadDanfo } from "../../src/frame";

/** POINT(1 2), SRID 4326. */
const POINT = "0101000020E6100000000000000000F03F0000000000000040";
const NULLS = Uint8Array.of(0, 1, 0);

/** One column of every kind, its second value NULL. */
const COLUMNS: Columns = {
  rowCount: 3,
  warnings: [],
  columns: [
    { name: "id", pgtype: "int4", kind: "number", values: Float64Array.of(1, 2, 3) },
    {
      name: "f",
      pgtype: "float8",
      kind: "number",
      values: Float64Array.of(1.5, Number.NaN, 2.5),
      nulls: NULLS,
    },
    { name: "s", pgtype: "text", kind: "string", values: ["a", null, ""] },
    { name: "b", pgtype: "bool", kind: "boolean", values: [true, null, false] },
    {
      name: "t",
      pgtype: "timestamptz",
      kind: "datetime",
      values: Float64Array.of(1e12 + 1, Number.NaN, -1),
      nulls: NULLS,
    },
    { name: "o", pgtype: "jsonb", kind: "object", values: [{ a: 1 }, null, [1]] },
    { name: "the_geom", pgtype: "geometry", kind: "geometry", values: [POINT, null, POINT] },
  ],
};

const EMPTY: Columns = {
  rowCount: 0,
  warnings: [],
  columns: [
    { name: "a", pgtype: "int4", kind: "number", values: new Float64Array(0) },
    { name: "s", pgtype: "text", kind: "string", values: [] },
  ],
};

const numbers = (name: string, values: number[]) =>
  ({ name, pgtype: "int4", kind: "number", values: Float64Array.from(values) }) as const;

/** Values of a column, a frame's missing values as null. */
const column = (frame: DataFrame, name: string) =>
  frame.column(name).values.map((v) => (Number.isNaN(v) ? null : v));

const said: unknown[][] = [];
beforeEach(() => {
  said.length = 0;
  for (const method of ["log", "warn", "info", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void said.push(words));
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a frame made of typed columns", () => {
  test("has danfo's types, the index 0…n−1, and danfo's missing values", async () => {
    const frame = await frameFromColumns(COLUMNS);
    expect(frame.shape).toEqual([3, 7]);
    expect(frame.index).toEqual([0, 1, 2]);
    expect(frame.columns).toEqual(["id", "f", "s", "b", "t", "o", "the_geom"]);
    expect(frame.dtypes).toEqual(["int32", "float32", "string", "boolean", "datetime", "string", "string"]);
    expect(frame.values[1]).toEqual([2, Number.NaN, null, null, null, null, null]);
    expect(frame.values[2]).toEqual([3, 2.5, "", false, new Date(-1), [1], POINT]);
    expect(frame.count({ axis: 0 }).values).toEqual([3, 2, 2, 2, 2, 2, 2]);
    expect(frame.isNa().values[1]).toEqual([false, true, true, true, true, true, true]);
  });

  test("statistics ignore missing values", async () => {
    const frame = await frameFromColumns(COLUMNS);
    expect(frame.column("f").mean()).toBe(2);
    expect(frame.column("f").sum()).toBe(4);
    expect(frame.column("b").mean()).toBe(0.5);
    expect(frame.column("t").min()).toEqual(new Date(-1));
    expect(frame.column("t").max()).toEqual(new Date(1e12 + 1));
    expect(frame.column("f").add(1).values).toEqual([2.5, Number.NaN, 3.5]);
    expect(frame.column("f").describe().values.slice(0, 2)).toEqual([2, 2]);
    expect(frame.loc({ columns: ["id", "s"] }).describe().values[1]).toEqual([2]);
  });

  test("datetimes work with dt and comparisons, and keep milliseconds", async () => {
    const frame = await frameFromColumns(COLUMNS);
    expect(frame.column("t").dt.year().values).toEqual([2001, Number.NaN, 1969]);
    expect(frame.query(frame.column("t").gt(Date.UTC(2000, 0, 1))).values).toHaveLength(1);
    expect((frame.values[0] as unknown[])[4]).toEqual(new Date(1e12 + 1));
    expect(column(frame.sortValues("t") as DataFrame, "id")).toEqual([3, 1, 2]);
  });

  test("can be filtered, sliced, sorted, grouped and merged by danfo", async () => {
    const { merge } = await loadDanfo();
    const frame = await frameFromColumns(COLUMNS, { decodeGeom: true });
    const big = frame.query(frame.column("id").ge(2));
    expect(column(big, "id")).toEqual([2, 3]);
    const again = big.resetIndex() as DataFrame;
    expect(column(again.query(again.column("id").ge(3)), "id")).toEqual([3]);
    expect(frame.head(2).shape).toEqual([2, 8]);
    expect(frame.tail(1).shape).toEqual([1, 8]);
    expect(frame.iloc({ rows: [0, 2], columns: [0, 7] }).shape).toEqual([2, 2]);
    expect(frame.loc({ rows: [1], columns: ["id", "geometry"] }).values).toEqual([[2, null]]);
    expect(column(frame.sortValues("id", { ascending: false }) as DataFrame, "id")).toEqual([3, 2, 1]);
    expect(frame.dropNa().shape[0]).toBe(2);
    expect(frame.drop({ columns: ["o"] }).columns).not.toContain("o");
    expect(frame.groupby(["b"]).count().shape[0]).toBe(3);
    expect(frame.groupby(["b"]).col(["id"]).sum().values).toEqual([
      [true, 1],
      [null, 2],
      [false, 3],
    ]);
    expect(frame.groupby(["b"]).agg({ id: "max", f: "count" }).columns).toEqual(["b", "id_max", "f_count"]);
    const right = await frameFromColumns({
      ...EMPTY,
      rowCount: 2,
      columns: [numbers("id", [1, 3]), numbers("n", [10, 30])],
    });
    expect(column(merge({ left: frame, right, on: ["id"], how: "inner" }), "n")).toEqual([10, 30]);
  });

  test("prints", async () => {
    const frame = await frameFromColumns(COLUMNS, { decodeGeom: true });
    expect(frame.toString()).toContain("the_geom");
    frame.print();
    expect(said).toHaveLength(1);
  });

  test("has an accessible column of geometries, also in derived frames", async () => {
    const frame = await frameFromColumns(COLUMNS, { decodeGeom: true });
    for (const derived of [frame, frame.head(2), frame.query(frame.column("id").lt(2))]) {
      const [first] = (derived.geometry as unknown as { values: Geometry[] }).values;
      expect(first).toBeInstanceOf(Geometry);
    }
  });
});

test("keeps its columns without rows, and works with one row", async () => {
  const empty = await frameFromColumns(EMPTY);
  expect(empty.shape).toEqual([0, 2]);
  expect(empty.dtypes).toEqual(["int32", "string"]);
  expect(empty.toString()).toContain("a");
  expect(empty.head().shape).toEqual([0, 2]);
  expect(empty.column("s").values).toEqual([]);
  expect(empty.query(empty.column("a").gt(1)).shape).toEqual([0, 2]);
  expect(empty.dropNa().columns).toEqual(["a", "s"]);
  const one = await frameFromColumns({ ...EMPTY, rowCount: 1, columns: [numbers("a", [5])] });
  expect(one.shape).toEqual([1, 1]);
  expect(one.column("a").mean()).toBe(5);
  expect(one.query(one.column("a").eq(5)).shape).toEqual([1, 1]);
  const none = await frameFromColumns({ rowCount: 0, columns: [], warnings: [] });
  expect(none.columns).toEqual([]);
});

describe("columns named like members of a DataFrame", () => {
  const NAMES = [
    "columns",
    "values",
    "dtypes",
    "index",
    "shape",
    "config",
    "copy",
    "iloc",
    "loc",
    "drop",
    "column",
    "head",
    "count",
    "constructor",
    "__proto__",
    "$data",
    "$columns",
    "then",
    "toString",
  ];

  test("are available with column(), and danfo works on the frame", async () => {
    const frame = await frameFromColumns({
      rowCount: 2,
      warnings: [],
      columns: NAMES.map((name, i) => numbers(name, [i, i + 1])),
    });
    expect(frame.columns).toEqual(NAMES);
    for (const [i, name] of NAMES.entries()) expect(frame.column(name).values, name).toEqual([i, i + 1]);
    expect(frame.query(frame.column("values").gt(1)).columns).toEqual(NAMES);
    expect(frame.copy().shape).toEqual([2, NAMES.length]);
    expect(frame.dropNa().shape).toEqual([2, NAMES.length]);
    expect(frame.resetIndex().shape).toEqual([2, NAMES.length]);
    expect(await Promise.resolve(frame)).toBe(frame);
  });

  test("are accepted by danfo's constructor", async () => {
    const { DataFrame } = await loadDanfo();
    expect(new DataFrame({ columns: [1], values: [2] }).values).toEqual([[1, 2]]);
  });
});

describe("repairs of danfo", () => {
  const frame = async () => {
    const { DataFrame } = await loadDanfo();
    return new DataFrame({ n: [1, 2, 3, 4], s: ["b", "a", "C", "d"] });
  };

  test("a filter selects the rows where it is true, whatever the index", async () => {
    const sorted = (await frame()).sortValues("n", { ascending: false });
    expect(sorted.query(sorted.column("n").gt(2)).values).toEqual([
      [4, "d"],
      [3, "C"],
    ]);
    expect(sorted.iloc({ rows: sorted.column("n").gt(3) }).values).toEqual([[4, "d"]]);
    expect(sorted.column("n").iloc(sorted.column("n").lt(2) as never).values).toEqual([1]);

    const filtered = sorted.query(sorted.column("n").gt(1));
    expect(filtered.query(filtered.column("s").eq("C" as never)).values).toEqual([[3, "C"]]);
    expect(filtered.query(filtered.column("n").gt(9)).shape).toEqual([0, 2]);
    filtered.query(filtered.column("n").lt(4), { inplace: true });
    expect([filtered.index, filtered.column("n").values]).toEqual([
      [2, 1],
      [3, 2],
    ]);
    expect(() => filtered.query(["x"] as never)).toThrow("Invalid row split parameter");

    const named = (await frame()).setIndex({ column: "s" });
    expect(named.query(named.column("n").gt(3)).index).toEqual(["d"]);
  });

  test("sortValues puts missing values last, and ignores letter case", async () => {
    const { Series } = await loadDanfo();
    const missing = await frameFromColumns(COLUMNS);
    for (const [name, ascending, ids] of [
      ["f", true, [1, 3, 2]],
      ["f", false, [3, 1, 2]],
      ["s", true, [3, 1, 2]],
      ["s", false, [1, 3, 2]],
      ["b", true, [3, 1, 2]],
      ["t", true, [3, 1, 2]],
    ] as const) {
      const sorted = missing.sortValues(name, { ascending }) as DataFrame;
      expect(column(sorted, "id"), `${name} ${ascending}`).toEqual(ids);
    }
    expect((await frame()).sortValues("s").column("s").values).toEqual(["a", "b", "C", "d"]);
    expect(new Series(["b", "a", "C"]).sortValues().values).toEqual(["a", "b", "C"]);
    expect(new Series([2, Number.NaN, 3, 1]).sortValues({ ascending: false }).index).toEqual([2, 0, 3, 1]);
    const inplace = await frame();
    inplace.sortValues("s", { inplace: true });
    expect([inplace.index, inplace.column("n").values]).toEqual([
      [1, 0, 2, 3],
      [2, 1, 3, 4],
    ]);
    expect(() => inplace.sortValues("x")).toThrow('specified column "x" not found');
  });

  test("selecting columns does not look up rows", async () => {
    const sorted = (await frame()).sortValues("s");
    expect(sorted.loc({ columns: ["s"] }).index).toEqual([1, 0, 2, 3]);
    expect(sorted.loc({ columns: ["n:s"] }).columns).toEqual(["n"]); // danfo's slices exclude their end
    expect(sorted.loc({ rows: [3], columns: ["s", "n"] }).values).toEqual([["d", 4]]);
    expect((await frameFromColumns(EMPTY)).loc({ columns: ["s"] }).shape).toEqual([0, 1]);
    expect(() => sorted.loc({ columns: ["n", "x"] })).toThrow("Specified column (x) not found");

    const many = await frameFromColumns({
      rowCount: 200_000,
      warnings: [],
      columns: [
        numbers(
          "n",
          Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 200_000),
        ),
      ],
    });
    const before = process.cpuUsage();
    expect(
      many
        .loc({ columns: ["n"] })
        .sortValues("n")
        .head(2).values,
    ).toEqual([[0], [1]]);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10); // danfo took half a minute
  });
});

test("decodeGeom uses the_geom or the first geometry column, and decodes `geometry` in place", async () => {
  const geometry = (name: string) =>
    ({ name, pgtype: "geometry", kind: "geometry", values: [POINT] }) as const;
  const decoded = async (...names: string[]) => {
    const columns = names.map((name) => (name.startsWith("n") ? numbers(name, [1]) : geometry(name)));
    const frame = await frameFromColumns({ rowCount: 1, warnings: [], columns }, { decodeGeom: true });
    return frame.columns.map((name, i) => `${name} ${typeof (frame.values[0] as unknown[])[i]}`);
  };
  expect(await decoded("g", "the_geom")).toEqual(["g string", "the_geom string", "geometry object"]);
  expect(await decoded("g", "n")).toEqual(["g string", "n number", "geometry object"]);
  expect(await decoded("geometry", "n")).toEqual(["geometry object", "n number"]);
  expect(await decoded("geometry", "the_geom")).toEqual([
    "geometry string",
    "the_geom string",
    "geometry_1 object",
  ]);
  await expect(decoded("n", "n2")).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The result has no geometry column for \`decodeGeom\`. Its columns: "n", "n2". Select a geometry, or leave out \`decodeGeom\`.]`,
  );
});

test("recognizes frames and series by their shape", async () => {
  const { DataFrame, Series } = await loadDanfo();
  expect(isFrame(new DataFrame([[1]]))).toBe(true);
  expect(isSeries(new Series([1]))).toBe(true);
  expect([isFrame(new Series([1])), isSeries(new DataFrame([[1]]))]).toEqual([false, false]);
  expect(
    [null, undefined, 1, "x", [], {}, { columns: [] }].some((value) => isFrame(value) || isSeries(value)),
  ).toBe(false);
});

describe("loading danfo", () => {
  test("prints nothing, even for the first tensor", async () => {
    const { DataFrame } = await loadDanfo();
    expect(new DataFrame([[1, 2]]).add(1)?.values).toEqual([[2, 3]]);
    expect(said).toEqual([]);
  });
});
