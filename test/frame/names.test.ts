import { describe, expect, test } from "vitest";
import { normalizeColumnNames, normalizeTableName } from "../../src/frame";

describe("column names", () => {
  test.each([
    ["Field: 2", "field_2"],
    ["2 Items", "_2_items"],
    ["Unnamed: 0", "unnamed_0"],
    ["Acadia 1.2.3", "acadia_1_2_3"],
    ["_testingTesting", "_testingtesting"],
    ["> min", "min"],
    ["__5", "_5"],
    ["SELECT", "_select"],
    ["all", "_all"],
    ["à", "a"],
    ["@relations", "relations"],
    ["previous rent (£ per sq ft)", "previous_rent_per_sq_ft"],
    ["is it open?", "is_it_open"],
    ["_ injured", "_injured"],
    ["<b>Name</b>", "name"],
    ["R&amp;D", "r_d"],
    ["Ørsted æble đak ząb", "orsted_aeble_dak_zqb"],
    ["Été à Curaçao, naïve Õ ñ", "ete_a_curacao_naive_o_n"],
    ["e\u0301te\u0301", "ete"],
    ["Москва", "moskva"],
    ["щётка цена объём", "shchyotka_cena_obyom"],
    ["Πληθυσμός 2021", "plithysmos_2021"],
    ["日本", "ri_ben"],
    ["人口（千人）", "ren_kou_qian_ren"],
    ["ひらがな", "hiragana"],
    ["カタカナ", "katakana"],
    ["인구", "ingu"],
    ["المدينة", "lmdyn"],
    ["नाम", "naam"],
    ["ctid", "_ctid"],
    ["oid", "_oid"],
    ["new", "_new"],
    ["🌳", "_"],
    ["", "_"],
    ["the_geom", "the_geom"],
    ["cartodb_id", "cartodb_id"],
  ])("%j becomes %j", (name, expected) => {
    expect(normalizeColumnNames([name])).toEqual([expected]);
  });

  test("numbers duplicates after normalizing", () => {
    expect(normalizeColumnNames(["201moore", "201moore"])).toEqual(["_201moore", "_201moore_1"]);
    expect(normalizeColumnNames(["abc", "Abc", "aBc"])).toEqual(["abc", "abc_1", "abc_2"]);
    expect(normalizeColumnNames(["a", "a", "a_1"])).toEqual(["a", "a_1", "a_1_1"]);
    expect(normalizeColumnNames(["The Geom"], ["the_geom"])).toEqual(["the_geom_1"]);
  });

  test("limits names to 63 bytes and keeps them unique", () => {
    const long = "x".repeat(80);
    const names = normalizeColumnNames(Array.from({ length: 12 }, () => long));
    expect(new Set(names).size).toBe(12);
    expect(names.every((name) => Buffer.byteLength(name) <= 63)).toBe(true);
    expect(names[11]).toBe(`${"x".repeat(60)}_11`);
  });
});

test.each([
  ["13102016manolo", "table_13102016manolo"],
  ["_manolo", "table_manolo"],
  ["table", "table_t"],
  ["My Trees (2017)", "my_trees_2017_"],
  ["", "untitled_table"],
  ["  Été ", "table_t_"],
  ["Москва 2021", "moskva_2021"],
  ["人口", "ren_kou"],
  ["Ελλάδα", "ellada"],
  ["a|b", "a|b"],
  ["public", "public_t"],
  ["spatial_ref_sys", "spatial_ref_sys_t"],
  ["controller", "controller_t"],
  ["x".repeat(80), "x".repeat(63)],
])("table %j becomes %j", (name, expected) => {
  expect(normalizeTableName(name)).toBe(expected);
});
