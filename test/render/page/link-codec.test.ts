import { expect, test } from "vitest";
import { anyOf, bytesOfRows, hasBit, setBit } from "../../../src/render/page/figure-messages";
import { decodeLinks, encodeLinks } from "../../../src/render/page/link-codec";

test("rows of sources survive encoding", () => {
  const links = [
    { source: 0, rows: Uint32Array.of(3, 1, 70_000) },
    undefined,
    { source: 5, rows: new Uint32Array(0) },
  ];
  expect(decodeLinks(encodeLinks(links))).toEqual(links);
  expect(() => decodeLinks(encodeLinks(links).subarray(0, 9))).toThrow("cut off");
});

test("rows that fail in one view or another fail", () => {
  const bitsOf = (rows: readonly number[], count: number) => {
    const bits = new Uint8Array(bytesOfRows(count));
    for (const row of rows) setBit(bits, row);
    return bits;
  };
  const both = anyOf([bitsOf([0, 9], 10), null, undefined, bitsOf([1, 30], 31)])!;
  expect(Array.from({ length: 40 }, (_, row) => row).filter((row) => hasBit(both, row))).toEqual([
    0, 1, 9, 30,
  ]);
  expect(anyOf([null, undefined])).toBeUndefined();
});
