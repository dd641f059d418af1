import { describe, expect, test } from "vitest";
import { SqlError } from "../../src/errors";
import {
  type Columns,
  CopyFormatError,
  decodeCopy,
  encodeCopy,
  type Field,
  type WriteColumn,
} from "../../src/frame";
import { mulberry32 } from "../support/seeded";

const FIELDS: Field[] = [
  { name: "id", pgtype: "int4" },
  { name: "big", pgtype: "int8" },
  { name: "name", pgtype: "text" },
  { name: "doc", pgtype: "jsonb" },
  { name: "n", pgtype: "numeric" },
  { name: "ok", pgtype: "bool" },
  { name: "at", pgtype: "timestamptz" },
  { name: "the_geom", pgtype: "geometry" },
];

const COLUMNS: WriteColumn[] = [
  { name: "id", pgtype: "int4", values: [1, 2, null, 4] },
  { name: "big", pgtype: "int8", values: [1, -5, null, 2 ** 40] },
  { name: "name", pgtype: "text", values: ["oak", "ünï 🌳", "", null] },
  { name: "doc", pgtype: "jsonb", values: ['{"a":[1,2]}', "null", null, '"x"'] },
  { name: "n", pgtype: "numeric", values: ["1.50", "-20000", "NaN", null] },
  { name: "ok", pgtype: "bool", values: [true, false, null, true] },
  { name: "at", pgtype: "timestamptz", values: [0, -1.5e12, null, 1.6e12] },
  {
    name: "the_geom",
    pgtype: "geometry",
    srid: 4326,
    flat: true,
    lng: Float64Array.of(1, 2, Number.NaN, 4),
    lat: Float64Array.of(5, 6, 7, 8),
  },
];

async function bytesOf(columns: readonly WriteColumn[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeCopy(columns)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function outcome(bytes: Uint8Array): Promise<Columns | Error> {
  try {
    return await decodeCopy([bytes], FIELDS);
  } catch (error) {
    return error as Error;
  }
}

function expectRightRowsOrError(result: Columns | Error, rowCount: number, what: string): void {
  if (result instanceof Error) expect(result, what).toBeInstanceOf(CopyFormatError);
  else expect(result.rowCount, what).toBe(rowCount);
}

describe("damaged bytes give an error or all rows", () => {
  test("truncated at every byte", async () => {
    const bytes = await bytesOf(COLUMNS);
    for (let length = 0; length < bytes.length; length++) {
      expect(await outcome(bytes.subarray(0, length)), `cut after ${length} bytes`).toBeInstanceOf(
        CopyFormatError,
      );
    }
  });

  test("every bit flipped, and every byte set to extremes", async () => {
    const bytes = await bytesOf(COLUMNS);
    for (let at = 0; at < bytes.length; at++) {
      const changes = [1, 2, 4, 8, 16, 32, 64, 128, 255, bytes[at]!, bytes[at]! ^ 0x7b, bytes[at]! ^ 0x7f];
      for (const change of changes) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= change;
        expectRightRowsOrError(await outcome(damaged), 4, `byte ${at} ^ ${change}`);
      }
    }
  });

  test("bytes removed, duplicated and shuffled", async () => {
    const bytes = await bytesOf(COLUMNS);
    const seed = 7;
    const random = mulberry32(seed);
    for (let round = 0; round < 3000; round++) {
      const at = Math.floor(random() * bytes.length);
      const size = 1 + Math.floor(random() * 12);
      const rest = bytes.subarray(at + (round % 2 === 0 ? size : 0));
      const inserted = round % 3 === 0 ? Buffer.from(Array.from({ length: size }, () => random() * 256)) : [];
      const damaged = Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted), rest]);
      expectRightRowsOrError(await outcome(damaged), 4, `seed ${seed}, round ${round}`);
    }
  });

  test("a false length allocates no memory", async () => {
    const bytes = await bytesOf([COLUMNS[2]!]);
    const at = bytes.indexOf("oak") - 4;
    bytes.writeInt32BE(0x3ffffff0, at);
    const before = process.memoryUsage().arrayBuffers;
    await expect(decodeCopy([bytes], [FIELDS[2]!])).rejects.toThrow(CopyFormatError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });
});

test.each([1, 2, 3, 7, 64, 1000])("chunks of %i bytes give the same columns", async (size) => {
  const bytes = await bytesOf(COLUMNS);
  const whole = await decodeCopy([bytes], FIELDS);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const seen: number[] = [];
  const columns = await decodeCopy(chunks, FIELDS, { onRows: (rows) => seen.push(rows) });
  expect(columns).toEqual(whole);
  expect(seen.at(-1)).toBe(4);
});

test("a field larger than any chunk", async () => {
  const text = "ü🌳 ".repeat(500_000);
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeCopy([{ name: "t", pgtype: "text", values: ["a", text, null] }])) {
    for (let at = 0; at < chunk.length; at += 4096) chunks.push(chunk.subarray(at, at + 4096));
  }
  const { columns } = await decodeCopy(chunks, [{ name: "t", pgtype: "text" }]);
  expect(columns[0]!.values).toEqual(["a", text, null]);
});

describe("error objects appended to or sent instead of the bytes", () => {
  const failed = '{"error":["division by zero"],"hint":"Mind the zero."}';

  test.each([
    [
      "after the first rows",
      async () => Buffer.concat([(await bytesOf(COLUMNS)).subarray(0, -2), Buffer.from(failed)]),
    ],
    ["after the end marker", async () => Buffer.concat([await bytesOf(COLUMNS), Buffer.from(failed)])],
    ["at once", async () => Buffer.from(failed)],
  ])("error %s", async (_, bytes) => {
    const result = (await outcome(await bytes())) as SqlError;
    expect(result).toBeInstanceOf(SqlError);
    expect(result.message).toBe("division by zero\n  Hint: Mind the zero.");
    expect(result.hint).toBe("Mind the zero.");
  });

  test("messages of the other errors", async () => {
    const bytes = await bytesOf(COLUMNS);
    const at = (offset: number, value: number) => {
      const damaged = Buffer.from(bytes);
      damaged[offset] = value;
      return damaged;
    };
    const results = [
      bytes.subarray(0, -2),
      Buffer.alloc(0),
      Buffer.from("<!doctype html><title>Welcome to the hotel's network</title>"),
      Buffer.concat([bytes, Buffer.from("x")]),
      at(11, 0xff),
      at(20, 9),
      at(21, 0x80),
      at(bytes.indexOf("oak"), 0xff),
    ].map(async (damaged) => ((await outcome(damaged)) as Error).message);
    expect(await Promise.all(results)).toMatchInlineSnapshot(`
      [
        "The COPY was cut off after 4 rows: its end marker is missing. The connection or the server failed. Run the call again.",
        "The answer to the COPY is empty; expected at least a header. Run the call again.",
        "The answer begins with "<!doctype html><title>Welcome to the hot"; expected the signature of a binary COPY ("PGCOPY\\n…"). Another program answered instead of the database. Check the base URL.",
        "1 bytes follow the end marker of the COPY; expected none. Run the call again.",
        "The header of the COPY has flags 0xff000000 and an extension of 0 bytes; expected neither. The data were damaged in transit. Run the call again.",
        "Row 0 (counted from 0) of the COPY has 9 columns; expected 8. The table changed while it was read, or the data were damaged in transit. Run the call again.",
        "Column "id" (int4), row 0 (counted from 0): found a length of -2147483644 bytes. The data were damaged in transit, or the type of the column changed while it was read. Run the call again.",
        "Column "name" (text), row 0 (counted from 0): the 3 bytes are not UTF-8 text. The data were damaged in transit, or the type of the column changed while it was read. Run the call again.",
      ]
    `);
  });
});

test("an abort stops decoding and encoding", async () => {
  const bytes = await bytesOf(COLUMNS);
  const controller = new AbortController();
  let closed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      yield bytes.subarray(0, -2);
      for (;;) {
        controller.abort(new Error("interrupted"));
        yield bytes.subarray(19, -2);
      }
    } finally {
      closed = true;
    }
  }
  await expect(decodeCopy(endless(), FIELDS, { signal: controller.signal })).rejects.toThrow("interrupted");
  expect(closed).toBe(true);
  await expect(encodeCopy(COLUMNS, { signal: controller.signal }).next()).rejects.toThrow("interrupted");
});
