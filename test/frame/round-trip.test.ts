import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  columnsFromFrame,
  copySelect,
  createTableColumns,
  decodeCopy,
  encodeCopy,
  type Field,
  frameFromColumns,
  loadDanfo,
  type WriteColumn,
} from "../../src/frame";
import { copyIn, copyOut, openPostgis } from "../support/pglite";
import { mulberry32 } from "../support/seeded";

let pg: PGlite;
beforeAll(async () => {
  pg = await openPostgis();
});
afterAll(() => pg.close());

/** Writes columns to a new table and reads it again. */
async function throughPostgres(columns: readonly WriteColumn[], chunkBytes?: number) {
  const rows = columns[0] && "values" in columns[0] ? columns[0].values.length : 0;
  const order: WriteColumn = {
    name: "row_",
    pgtype: "int4",
    values: Array.from({ length: rows }, (_, row) => row),
  };
  const all = [...columns, order];
  await pg.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t (${createTableColumns(all)})`);
  await copyIn(pg, "t", encodeCopy(all, { chunkBytes }));
  const fields: Field[] = columns.map(({ name, pgtype }) => ({ name, pgtype }));
  return decodeCopy([await copyOut(pg, `SELECT ${copySelect(fields)} FROM t ORDER BY row_`)], fields);
}

const SNIPPETS = [
  "",
  "a",
  "O'Hara",
  'say "hi"',
  "line\nbreak\r\n",
  "tab\t|;,\\",
  "漢字",
  "🌳🌲",
  "ñandú",
  "\\N",
  "NULL",
  "\ufeff",
  "{}",
];
type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const whole = (random: Random, limit: number) => Math.floor((random() * 2 - 1) * limit);

/** Makers of a column's values, and what PostgreSQL gives back for one. */
const KINDS: Record<string, { make: (random: Random) => unknown; back?: (value: unknown) => unknown }> = {
  int4: { make: (random) => pick(random, [0, -1, 2 ** 31 - 1, -(2 ** 31), whole(random, 1e6)]) },
  int8: {
    make: (random) => pick(random, [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, whole(random, 1e15)]),
  },
  big: {
    make: (random) => pick(random, [2n ** 63n - 1n, -(2n ** 63n), BigInt(whole(random, 1e15))]),
    back: String,
  },
  float: {
    make: (random) =>
      pick(random, [
        0.1,
        -1.5e-300,
        1.7976931348623157e308,
        5e-324,
        Number.POSITIVE_INFINITY,
        random() * 1e9,
      ]),
  },
  bool: { make: (random) => random() < 0.5 },
  text: { make: (random) => pick(random, SNIPPETS) + pick(random, SNIPPETS) },
  date: {
    make: (random) =>
      new Date(pick(random, [0, -1, -1e12, 946_684_799_999, 8.64e15, -6e13, whole(random, 4e12)])),
  },
  json: { make: (random) => pick<unknown>(random, [{ a: pick(random, SNIPPETS) }, [1, null, [true]], {}]) },
};

function frameValues(random: Random, kind: string, rows: number): unknown[] {
  const { make } = KINDS[kind]!;
  const values = Array.from({ length: rows }, () =>
    random() < 0.15 ? pick(random, [null, undefined, Number.NaN]) : make(random),
  );
  if (rows > 0) values[0] = kind === "big" ? 2n ** 63n - 1n : kind === "float" ? 0.5 : make(random);
  return values;
}

const missing = (value: unknown) => value === null || value === undefined || Number.isNaN(value);
const normal = (value: unknown) => (missing(value) ? null : value instanceof Date ? value.getTime() : value);

test.each([
  [1, 0],
  [2, 1],
  [3, 50],
  [4, 50],
  [5, 2000],
  [6, 100_000],
])("seed %i: a frame of %i rows is equal after writing and reading", async (seed, rows) => {
  const random = mulberry32(seed);
  const { DataFrame } = await loadDanfo();
  const kinds = Object.keys(KINDS);
  const data = kinds.map((kind) => frameValues(random, kind, rows));
  const names = kinds.map((kind) => `Col: ${kind}`);
  const cells = Array.from({ length: rows }, (_, row) => data.map((values) => values[row]));
  const dtypes = kinds.map(() => "string");
  const frame =
    rows === 0
      ? new DataFrame([], { columns: names, dtypes })
      : new DataFrame(cells, { columns: names, dtypes });
  const { columns, renamed, rowCount, warnings } = await columnsFromFrame(frame);
  expect(rowCount).toBe(rows);
  expect(warnings).toEqual([]);
  expect(renamed).toEqual(kinds.map((kind) => ({ from: `Col: ${kind}`, to: `col_${kind}` })));
  const read = await frameFromColumns(await throughPostgres(columns));
  for (const [i, kind] of kinds.entries()) {
    const { back = (value: unknown) => value } = KINDS[kind]!;
    const expected = data[i]!.map((value) => (missing(value) ? null : normal(back(value))));
    const got = read.values.map((row) => normal((row as unknown[])[i]));
    expect(got, `seed ${seed}, ${kind}`).toEqual(expected);
  }
});

test("one column, 200 columns, small chunks", async () => {
  const one: WriteColumn[] = [{ name: "only", pgtype: "text", values: ["a", null, ""] }];
  expect((await throughPostgres(one, 1)).columns[0]!.values).toEqual(["a", null, ""]);
  const many: WriteColumn[] = Array.from({ length: 200 }, (_, i) => ({
    name: `c${i}`,
    pgtype: "int4",
    values: [i, null],
  }));
  const { columns, rowCount } = await throughPostgres(many, 100);
  expect(rowCount).toBe(2);
  expect(columns.map(({ values }) => values[0])).toEqual(many.map((_, i) => i));
});

test("PostgreSQL reads numeric and bytea correctly", async () => {
  const numbers = [
    "0",
    "1.10",
    "-0.001",
    "123456789012345678901234567890.5",
    "10000",
    "-99999999",
    "1",
    "NaN",
    "Infinity",
    "0.00010002",
  ];
  const columns: WriteColumn[] = [
    { name: "n", pgtype: "numeric", values: numbers },
    { name: "b", pgtype: "bytea", values: numbers.map((_, i) => Uint8Array.of(i, 255)) },
  ];
  await throughPostgres(columns);
  const { rows } = await pg.query<{ n: string; b: string }>(
    "SELECT n::text, encode(b, 'hex') AS b FROM t ORDER BY row_",
  );
  expect(rows.map(({ n }) => n)).toEqual(numbers);
  expect(rows[3]!.b).toBe("03ff");
});

test("does not overwrite chunks that were handed out", async () => {
  const values = Array.from({ length: 5000 }, (_, i) => `value ${i}`);
  const chunks: Uint8Array[] = [];
  const copies: Buffer[] = [];
  const rows: number[] = [];
  const bytes = encodeCopy([{ name: "v", pgtype: "text", values }], {
    chunkBytes: 1000,
    onRows: (n) => rows.push(n),
  });
  for await (const chunk of bytes) {
    chunks.push(chunk);
    copies.push(Buffer.from(chunk));
  }
  expect(chunks).toEqual(copies);
  expect(chunks.length).toBeGreaterThan(50);
  expect(rows.at(-1)).toBe(5000);
});

test("writes columns with a wrong dtype by their values", async () => {
  const { DataFrame } = await loadDanfo();
  const frame = new DataFrame(
    [
      [1e12, 1, "a", true, 1.5, null],
      [2, 2n, 5, null, 1e300, undefined],
    ],
    {
      columns: ["huge", "mixed_ints", "mixed", "flag", "f", "none"],
      dtypes: ["int32", "int32", "string", "string", "int32", "float32"],
    },
  );
  const { columns, warnings } = await columnsFromFrame(frame);
  expect(columns.map(({ pgtype }) => pgtype)).toEqual(["int8", "int8", "text", "bool", "float8", "float8"]);
  expect(warnings).toMatchInlineSnapshot(`
    [
      "Column "mixed" mixes numbers (1) and texts (1) and was written as text.",
    ]
  `);
  expect((await throughPostgres(columns)).columns.map(({ values }) => values[0])).toEqual([
    1e12,
    1,
    "a",
    true,
    1.5,
    Number.NaN,
  ]);
});
