import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { textDecoder } from "../../../src/server/imports/formats/decoder";
import { encodingOf } from "../../../src/server/imports/formats/encoding";

const FOLDER = join(__dirname, "cases/encodings");

/** Returns the text of a file with these bytes as an import reads it. */
async function textOf(bytes: Uint8Array, declared?: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "encoding-"));
  try {
    await writeFile(join(dir, "file"), bytes);
    const { name } = await encodingOf(join(dir, "file"), {}, declared);
    return textDecoder(name).decode(bytes);
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe("guesses", () => {
  const expected: Record<string, string> = {
    "da.csv": "København",
    "es.csv": "Logroño",
    "euc.csv": "東京都",
    "few_cadiz.csv": "Cádiz",
    "few_koln.csv": "Köln",
    "few_malaga.csv": "Málaga",
    "few_nunez.csv": "Núñez",
    "few_pena.csv": "Peña",
    "he.csv": "ירושלים",
    "sjis.csv": "東京都",
    "tr.csv": "İstanbul",
  };
  test.each(readdirSync(FOLDER).filter((name) => name.endsWith(".csv")))("%s", async (name) => {
    expect(await textOf(readFileSync(join(FOLDER, name)))).toContain(expected[name]);
  });

  const samples: { encoding: string; text: string; base64: string }[] = JSON.parse(
    readFileSync(join(FOLDER, "samples.json"), "utf8"),
  );
  test.each(samples.map(({ encoding, text, base64 }) => [encoding, text, base64]))(
    "%s: %s",
    async (_, text, base64) => {
      const bytes = Buffer.from(base64!, "base64");
      expect(await textOf(bytes)).toBe(text);
      const lines = Buffer.from("id;plain\n1;only ASCII letters\n".repeat(1000));
      expect(await textOf(Buffer.concat([lines, bytes, Buffer.from("\n"), lines]))).toContain(text);
    },
  );
});

describe("declarations", () => {
  const polish = Buffer.from([0x47, 0x64, 0x61, 0xf1, 0x73, 0x6b]); // Gdańsk, or Gdañsk in Windows-1252
  test.each<[string, Buffer, string | undefined, string]>([
    ["none", polish, undefined, "Gdañsk"],
    ["a declared encoding wins", polish, "windows-1250", "Gdańsk"],
    ["other names of it", polish, "CP1250", "Gdańsk"],
    ["an unknown encoding", polish, "klingon", "Gdañsk"],
    ["UTF-8 that is not", polish, "utf-8", "Gdañsk"],
    ["Latin 1 that is UTF-8", Buffer.from("Gdańsk"), "iso-8859-1", "Gdańsk"],
    ["another that is UTF-8, too", Buffer.from([0xc1, 0xaa, 0xcd, 0xa8]), "gb18030", "联通"],
    ["a byte order mark wins", Buffer.from("\ufeffGdańsk"), "utf-16le", "Gdańsk"],
    ["UTF-16 without a mark", Buffer.from("Gdańsk", "utf16le"), "utf-16", "Gdańsk"],
  ])("%s", async (_, bytes, declared, text) => {
    expect(await textOf(bytes, declared)).toBe(text);
  });
});

test("decodes all of Windows-1252, in pieces", () => {
  const decoder = textDecoder("windows-1252");
  expect(
    decoder.decode(Uint8Array.of(0x80, 0x92), { stream: true }) + decoder.decode(Uint8Array.of(0x9f, 0xe9)),
  ).toBe("€’Ÿé");
});
