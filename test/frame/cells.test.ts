import type { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import {
  type Columns,
  cellOf,
  columnsFromFrame,
  columnValues,
  frameFromColumns,
  rowCountOf,
} from "../../src/frame";

const COLUMNS: Columns = {
  rowCount: 3,
  warnings: [],
  columns: [
    { name: "id", pgtype: "int4", kind: "number", values: Float64Array.of(3, 1, 2) },
    { name: "s", pgtype: "text", kind: "string", values: ["a", null, "c"] },
  ],
};
const ROWS = [
  [3, "a"],
  [1, null],
  [2, "c"],
];

/** Rows that are not made yet are behind an accessor. */
const hasRows = (frame: DataFrame) => Object.getOwnPropertyDescriptor(frame, "$data")!.get === undefined;

test("a frame creates its rows on first access", async () => {
  const frame = await frameFromColumns(COLUMNS);
  expect(frame.shape).toEqual([3, 2]);
  expect(frame.columns).toEqual(["id", "s"]);
  expect(frame.column("id").sum()).toBe(6);
  expect([rowCountOf(frame), cellOf(frame as never, 1, 0), columnValues(frame, 1)]).toEqual([
    3,
    1,
    ["a", null, "c"],
  ]);
  expect((await columnsFromFrame(frame)).rowCount).toBe(3);
  expect(hasRows(frame)).toBe(false);

  expect(frame.values).toEqual(ROWS);
  expect(hasRows(frame)).toBe(true);
  expect(frame.shape).toEqual([3, 2]);
  expect([rowCountOf(frame), cellOf(frame as never, 1, 0), columnValues(frame, 1)]).toEqual([
    3,
    1,
    ["a", null, "c"],
  ]);
});

const CHANGES: [string, (frame: DataFrame) => DataFrame | undefined, unknown[][]][] = [
  ["head", (df) => df.head(2), ROWS.slice(0, 2)],
  ["query", (df) => df.query(df.column("id").gt(1)), [ROWS[0]!, ROWS[2]!]],
  ["sortValues", (df) => df.sortValues("id") as DataFrame, [ROWS[1]!, ROWS[2]!, ROWS[0]!]],
  [
    "sortValues in place",
    (df) => void df.sortValues("id", { inplace: true }),
    [ROWS[1]!, ROWS[2]!, ROWS[0]!],
  ],
  ["loc", (df) => df.loc({ columns: ["s"] }), [["a"], [null], ["c"]]],
  ["addColumn", (df) => df.addColumn("n", [7, 8, 9]) as DataFrame, ROWS.map((row, i) => [...row, 7 + i])],
  [
    "addColumn in place",
    (df) => void df.addColumn("n", [7, 8, 9], { inplace: true }),
    ROWS.map((row, i) => [...row, 7 + i]),
  ],
  [
    "an assigned array",
    (df) => void Object.assign(df, { id: [7, 8, 9] }),
    ROWS.map((row, i) => [7 + i, row[1]]),
  ],
  [
    "an assigned Series",
    (df) => void Object.assign(df, { id: df.column("id").add(1) }),
    ROWS.map(([id, s]) => [(id as number) + 1, s]),
  ],
  ["drop", (df) => df.drop({ columns: ["id"] }) as DataFrame, [["a"], [null], ["c"]]],
  ["rename", (df) => df.rename({ id: "n" }) as DataFrame, ROWS],
  ["copy", (df) => df.copy(), ROWS],
  ["fillNa", (df) => df.fillNa("x") as DataFrame, [ROWS[0]!, [1, "x"], ROWS[2]!]],
  [
    "transposed",
    (df) => df.T,
    [
      [3, 1, 2],
      ["a", null, "c"],
    ],
  ],
];

test.each(CHANGES)("%s on a frame without rows", async (_, change, rows) => {
  const frame = await frameFromColumns(COLUMNS);
  const changed = change(frame) ?? frame;
  const all = Array.from({ length: rowCountOf(changed) }, (_, row) =>
    rows[0]!.map((_, column) => cellOf(changed as never, row, column)),
  );
  expect(all).toEqual(rows);
  expect(changed.values).toEqual(rows);
  expect(changed.shape).toEqual([rows.length, rows[0]!.length]);
  expect(columnValues(changed, 0)).toEqual(rows.map(([first]) => first));
});

test("a frame without rows or without columns", async () => {
  const empty = await frameFromColumns({
    ...COLUMNS,
    rowCount: 0,
    columns: COLUMNS.columns.map((column) => ({ ...column, values: column.values.slice(0, 0) }) as never),
  });
  expect([empty.shape, empty.values, rowCountOf(empty)]).toEqual([[0, 2], [], 0]);
  const bare = await frameFromColumns({ rowCount: 0, columns: [], warnings: [] });
  expect([bare.shape, bare.values, rowCountOf(bare)]).toEqual([[0, 0], [], 0]);
});
