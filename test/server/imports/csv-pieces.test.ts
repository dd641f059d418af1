import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { openCsv } from "../../../src/server/imports/formats/csv";
import { temporaryDir } from "../../support/engine";
import { mulberry32 } from "../../support/seeded";

const dir = temporaryDir();
/** Size of the pieces in which a file is read. */
const PIECE_BYTES = 256 * 1024;

async function rowsIn(text: string, onRow: (values: readonly unknown[]) => void): Promise<void> {
  const path = join(dir, "rows.csv");
  await writeFile(path, text);
  const guessing = { typeGuessing: true, quotedFieldsGuessing: true, contentGuessing: false };
  const { rows } = await openCsv({ path, name: "rows.csv" }, { ...guessing, reading: {}, beside: [] });
  for await (const { values } of rows()) onRow(values);
}

async function rowsOf(text: string): Promise<unknown[][]> {
  const found: unknown[][] = [];
  await rowsIn(text, (values) => found.push([...values]));
  return found;
}

/** The judge parses all at once, without the paths for pieces and for lines without quotation marks. */
function judged(text: string): string[][] {
  const records = parse(text, {
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n", "\r"],
  }) as unknown as string[][];
  return records.slice(1);
}

const VALUES = [
  "",
  "a",
  "Zürich",
  "東京",
  '5" pipe',
  '"a, b"',
  '"two\nlines"',
  '"two\r\nlines"',
  '"a ""b"""',
  " ",
  "x".repeat(300),
];
const ENDS = ["\n", "\r\n", "\r", "\n\n"];

test.each([1, 2, 3, 4])(
  "rows of a file of several pieces are those of the whole text (seed %i)",
  async (seed) => {
    const next = mulberry32(seed);
    const random = (below: number) => Math.floor(next() * below);
    const lines = ["a,b,c\n"];
    // some stretches have quotation marks, others have none
    for (let size = 0; size < 4 * PIECE_BYTES; size += lines.at(-1)!.length) {
      const choice = Math.floor(size / 100_000) % 2 === 0 ? VALUES.length : 4;
      const values = [0, 1, 2].map(() => VALUES[random(choice)]);
      lines.push(`${values.join(",")}${ENDS[random(ENDS.length)]}`);
    }
    const text = lines.join("");
    expect(await rowsOf(text)).toEqual(judged(text));
  },
);

test("a line break between two pieces is one break", async () => {
  const line = `${"x".repeat(1021)},1\r\n`;
  const head = `${"a".repeat(1020)},bc\r\n`;
  for (const shift of [0, 1, 2]) {
    const text = `${head}${line.repeat(300).slice(shift)}`;
    expect(await rowsOf(text)).toEqual(judged(text));
  }
});

test("the error of a quotation mark that is left open names its line", async () => {
  const text = `a,b\n${"1,2\n".repeat(PIECE_BYTES)}"x,y\n${"1,2\n".repeat(PIECE_BYTES)}`;
  await expect(rowsOf(text)).rejects.toThrow(/Quote Not Closed: the row in line 262146 /);
});

test("rows arrive although most pieces end inside a value", async () => {
  const value = `"${`${"text ".repeat(9)}\n`.repeat(100)}"`;
  const rows = Array.from({ length: 500 }, (_, i) => `${i},${value}\n`).join("");
  const found: string[] = [];
  const all = rowsIn(`id,note\n${rows}500,"open\n${"more\n".repeat(9)}`, (values) =>
    found.push(String(values[0])),
  );
  await expect(all).rejects.toThrow(`the row in line ${2 + 500 * 101} opens`);
  expect(found).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
});
