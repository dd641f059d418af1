import { describe, expect, test } from "vitest";
import { normalizeTableName } from "../../../src/frame/names";
import { freeTableName } from "../../../src/server/imports/table-names";

describe("a free name", () => {
  test.each([
    ["trees", [], "trees"],
    ["trees", ["trees"], "trees_1"],
    ["trees", ["trees", "trees_1"], "trees_2"],
    ["a_", ["a_"], "a_1"],
    ["a__", ["a_", "a_1"], "a_2"],
    ["_", ["table_"], "table_1"],
    ["select", ["select_t"], "select_t_1"],
  ])("for %j beside %j is %j", (wanted, taken, expected) => {
    expect(freeTableName(wanted, new Set(taken))).toBe(expected);
  });

  test.each([
    "a_",
    "_",
    "",
    "1",
    "-",
    "東京_",
    "select_",
    `${"x".repeat(61)}_`,
    `${"x_".repeat(40)}`,
    "all",
    "ä",
  ])("for %j is one that no table has, and that stays as it is", (wanted) => {
    const taken = new Set<string>();
    for (let n = 0; n < 30; n++) {
      const name = freeTableName(wanted, taken);
      expect(taken).not.toContain(name);
      expect(normalizeTableName(name)).toBe(name);
      taken.add(name);
    }
  });
});
