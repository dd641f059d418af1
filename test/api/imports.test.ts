import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importErrorSentence } from "../../src/api/import-errors";

const server = readFileSync(join(__dirname, "../../src/server/imports/errors.ts"), "utf8");
const CODES = Array.from(server.matchAll(/^ {2}(\d+): \[/gm), ([, code]) => Number(code));

test("every import error code has its own message with a cause or advice", () => {
  expect(CODES.length).toBeGreaterThan(60);
  const sentences = CODES.map(importErrorSentence);
  expect(new Set(sentences).size).toBe(CODES.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/s);
  expect(importErrorSentence(12)).toBe(importErrorSentence(99999));
});
