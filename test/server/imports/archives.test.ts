import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { importer, tarOf, zipOf } from "../../support/imports";
import { serverForTests } from "../../support/server";
import { renamedSevenZip, sevenZipOf } from "../../support/seven-zip";
import { shapefile } from "../../support/shapefile";

const server = serverForTests();
const { file, leftovers, workDirs } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const rowsOf = async (table: string, list = "*") =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const failureOf = async (name: string, content: string | Uint8Array) => {
  const { state, error_code, get_error_text } = await file(name, content);
  return [state, error_code, get_error_text?.what_about];
};

describe("archives", () => {
  test("gzip, also under another extension", async () => {
    expect((await file("packed.csv.gz", gzipSync("a\n1\n"))).table_name).toBe("packed");
    expect(await rowsOf((await file("secret.csv", gzipSync("a\n2\n"))).table_name!, "a")).toEqual([{ a: 2 }]);
  });

  test("each file of a zip becomes a table, except system files", async () => {
    const zip = await zipOf({
      "one.csv": "a\n1\n",
      "folder/two.csv": "a\n2\n",
      "__MACOSX/._one.csv": "junk",
      ".DS_Store": "junk",
      "readme.md": "no table",
    });
    const answer = await file("both.zip", zip);
    expect(answer).toMatchObject({ table_name: "one", tables_created_count: 2, warnings: null });
    expect(await rowsOf("two", "a")).toEqual([{ a: 2 }]);
  });

  test.each([
    ["both.tar", (tar: Buffer) => tar],
    ["both.tar.gz", gzipSync],
    ["both.tgz", gzipSync],
  ])("each file of %s becomes a table, except links", async (name, packed) => {
    const { shp, dbf } = shapefile([{ point: [1, 2] }], [{ name: "n", type: "C", width: 3 }], [["oak"]]);
    const tar = tarOf(
      { "data/trees.shp": shp, "data/trees.dbf": dbf, "../../out.csv": "a\n2\n", "._one.csv": "junk" },
      { "link.csv": "/etc/passwd" },
    );
    const answer = await file(name, packed(tar));
    expect(answer).toMatchObject({ error_code: null, tables_created_count: 2 });
    const [trees, out] = answer.tables as { name: string; wanted: string }[];
    expect([trees?.wanted, out?.wanted]).toEqual(["trees", "out"]);
    expect(await rowsOf(trees!.name, "n")).toEqual([{ n: "oak" }]);
    expect(await rowsOf(out!.name, "a")).toEqual([{ a: 2 }]);
  });

  test("hard links of a tar are files, of one name the last counts, and sparse files are refused", async () => {
    const { shp, dbf } = shapefile([{ point: [1, 2] }], [{ name: "n", type: "C", width: 3 }], [["oak"]]);
    const linked = tarOf(
      { "zero.dbf": dbf, "p.shp": shp },
      { "p.dbf": "zero.dbf", "out.csv": "/etc/passwd" },
      "Link",
    );
    const answer = await file("linked.tar", linked);
    expect(answer).toMatchObject({ error_code: null, tables_created_count: 1 });
    expect(await rowsOf(answer.table_name!, "n")).toEqual([{ n: "oak" }]);
    const twice = Buffer.concat([
      tarOf({ "up.csv": "a\n1\n" }).subarray(0, 1024),
      tarOf({ "up.csv": "a\n2\n" }),
    ]);
    const updated = await file("updated.tar", twice);
    expect(updated).toMatchObject({ error_code: null, tables_created_count: 1 });
    expect(await rowsOf(updated.table_name!, "a")).toEqual([{ a: 2 }]);
    expect(await failureOf("s.tar", tarOf({ "a.csv": "a\n1" }, { "s.gpkg": "" }, "SparseFile"))).toEqual([
      "failure",
      1003,
      expect.stringMatching(/s\.gpkg is a sparse file.*--sparse/),
    ]);
  });

  test("a tar of Unix version 7", async () => {
    const tar = tarOf({ "v7.csv": "a\n7\n" });
    const head = tar.subarray(0, 512).fill(0, 257, 265).fill(" ", 148, 156);
    head.write(
      head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0"),
      148,
    );
    head.fill(0, 154, 155);
    expect(await rowsOf((await file("v7.tar", tar)).table_name!, "a")).toEqual([{ a: 7 }]);
  });

  test("each file of a 7z becomes a table, except links and system files, under any extension", async () => {
    const { shp, dbf } = shapefile([{ point: [1, 2] }], [{ name: "n", type: "C", width: 3 }], [["oak"]]);
    const files = {
      "data/2017/trees.shp": shp,
      "data/2017/trees.dbf": dbf,
      "data/2018/trees.csv": "a\n1\n",
      "д'\"* x.csv": "a\n2\n",
      "-x.csv": "a\n3\n",
      "._one.csv": "junk",
      "__MACOSX/one.csv": "junk",
    };
    const archive = await sevenZipOf(files, { links: { "link.csv": "/etc/passwd", loop: "." } });
    for (const name of ["all.7z", "all.zip"]) {
      const answer = await file(name, archive);
      expect(answer).toMatchObject({ error_code: null, warnings: null });
      const made = answer.tables as { name: string; wanted: string }[];
      expect(made.map(({ wanted }) => wanted).sort()).toEqual(["d_x", "table_x", "trees", "trees"]);
    }
    const { rows } = await server.sql("SELECT n FROM trees");
    expect(rows).toEqual([{ n: "oak" }]);
  });

  test("a 7z whose paths begin with ./, as libarchive writes them", async () => {
    const answer = await file("dots.7z", await renamedSevenZip("a\n1\n", ["xxdots.csv", "./dots.csv"]));
    expect(answer).toMatchObject({ error_code: null, table_name: "dots" });
  });

  test.each<["bzip2" | "xz", string[]]>([
    ["bzip2", [".bz2", ".tbz2", ".tbz"]],
    ["xz", [".xz", ".txz"]],
  ])("%s, of a file and of a tar archive", async (type, [single = "", ...tars]) => {
    const plain = await sevenZipOf({ "x.csv": "a\n1\n" }, { type });
    const table = `${type}_plain`;
    expect((await file(`${table}.csv${single}`, plain)).table_name).toBe(table);
    expect(await rowsOf(table, "a")).toEqual([{ a: 1 }]);
    const tar = await sevenZipOf({ "x.tar": tarOf({ "one.csv": "a\n1\n", "two.csv": "a\n2\n" }) }, { type });
    for (const extension of [`.tar${single}`, ...tars])
      expect(await file(`packed${extension}`, tar)).toMatchObject({
        error_code: null,
        tables_created_count: 2,
      });
  });

  test("text that begins like bzip2 is text", async () => {
    expect((await file("bzh.csv", "BZh9,b\n1,2\n")).error_code).toBeNull();
  });

  test("at most 26 tables", async () => {
    const files = Array.from({ length: 28 }, (_, i) => [`many${i + 100}.csv`, "a\n1\n"]);
    expect(await file("many.zip", await zipOf(Object.fromEntries(files)))).toMatchObject({
      tables_created_count: 26,
      warnings: { max_tables_per_import: 26 },
    });
  });

  test("if one file fails, none becomes a table", async () => {
    const zip = await zipOf({ "good.csv": "a\n1\n", "bad.csv": 'a\n"1\n' });
    expect((await failureOf("mixed.zip", zip)).slice(0, 2)).toEqual(["failure", 2003]);
    expect((await server.sql("SELECT to_regclass('good') AS t")).rows).toEqual([{ t: null }]);
  });

  const escaping = async () => {
    const zip = await zipOf({ "xx/evil.csv": "a\n1\n" });
    return Buffer.from(zip.toString("latin1").replaceAll("xx/evil.csv", "../evil.csv"), "latin1");
  };
  const encrypted = async () => {
    const zip = await zipOf({ "a.csv": "a\n1\n" });
    const central = zip.indexOf("PK\x01\x02");
    zip[central + 8]! |= 1;
    zip[6]! |= 1;
    return zip;
  };
  const damaged = async () => {
    const archive = await sevenZipOf({ "a.csv": Array.from({ length: 999 }, (_, i) => i * 7919).join("\n") });
    return archive.fill(0xa5, 60, 90);
  };
  const damagedHeader = async () => {
    const archive = await sevenZipOf({ "a.csv": "a\n1\n" });
    return archive.fill(0xa5, archive.length - 20);
  };
  const cutOf = async (type: "bzip2" | "xz") =>
    (await sevenZipOf({ "a.csv": "a\n1\n" }, { type })).subarray(0, -6);
  const cut = async () => (await zipOf({ "a.csv": "a\n1\n" })).subarray(0, -10);
  const bomb = () => gzipSync(Buffer.alloc(300 * 1024 ** 2, "a,b\n"));
  test.each<[string, string, () => Promise<Buffer> | Buffer, number, RegExp]>([
    ["names that lead out", "evil.zip", escaping, 1003, /relative path/],
    ["a password", "locked.zip", encrypted, 1018, /password/],
    ["the end missing", "cut.zip", cut, 1003, /./],
    ["a truncated gzip", "cut.csv.gz", () => gzipSync("a\n1\n").subarray(0, -6), 1003, /./],
    ["a bomb", "bomb.csv.gz", bomb, 1003, /zip bomb/],
    [
      "a bomb in a zip",
      "bomb.zip",
      async () => zipOf({ "b.csv": Buffer.alloc(300 * 1024 ** 2, "a") }),
      1003,
      /zip bomb/,
    ],
    ["a cut tar", "cut.tar", () => tarOf({ "a.csv": "a\n".repeat(999) }).subarray(0, 1300), 1003, /./],
    [
      "a damaged tar",
      "bad.tar.gz",
      () => gzipSync(tarOf({ "a.csv": "a\n1" }).fill(1, 0, 50)),
      1003,
      /checksum/i,
    ],
    ["a tar without files", "none.tar", () => tarOf({}, { "a.csv": "b" }), 1005, /no files/],
    [
      "too many files",
      "many.tar",
      () => tarOf(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`${i}.csv`, "a"]))),
      1003,
      /1000/,
    ],
    ["nothing in it", "empty.zip", () => zipOf({}), 1005, /no file/],
    [
      "a password of a 7z",
      "locked.7z",
      () => sevenZipOf({ "a.csv": "a\n1\n" }, { switches: ["-psecret"] }),
      1018,
      /password/,
    ],
    [
      "a password of the names in a 7z",
      "locked.7z",
      () => sevenZipOf({ "a.csv": "a\n1\n" }, { switches: ["-psecret", "-mhe=on"] }),
      1018,
      /password/,
    ],
    [
      "a cut 7z",
      "cut.7z",
      async () => (await sevenZipOf({ "a.csv": "a\n1\n" })).subarray(0, -9),
      1003,
      /Unexpected end/,
    ],
    ["the beginning of a 7z", "cut.7z", () => Buffer.from("377abcaf271c", "hex"), 1003, /damaged/],
    ["a damaged 7z", "bad.7z", damaged, 1003, /Data Error|CRC/i],
    ["a damaged header of a 7z", "bad.7z", damagedHeader, 1003, /damaged/],
    ["an empty 7z", "empty.7z", () => sevenZipOf({}, { switches: ["-ir!nothing"] }), 1005, /no files/],
    ["a 7z without files", "none.7z", () => sevenZipOf({}, { links: { "a.csv": "b" } }), 1005, /no files/],
    ["a 7z of system files", "none.7z", () => sevenZipOf({ "._a.csv": "b" }), 1005, /no files/],
    ["a 7z by its name", "text.7z", () => Buffer.from("a\n1\n"), 1003, /not an archive/],
    [
      "too many files in a 7z",
      "many.7z",
      () => sevenZipOf(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`${i}.csv`, "a"]))),
      1003,
      /1000/,
    ],
    ["a cut bzip2", "cut.csv.bz2", () => cutOf("bzip2"), 1003, /Unexpected end/],
    ["a cut xz", "cut.csv.xz", () => cutOf("xz"), 1003, /Unexpected end/],
    ["an empty xz", "empty.csv.xz", () => sevenZipOf({ "a.csv": "" }, { type: "xz" }), 1005, /empty/],
    ["an empty bzip2", "empty.csv.bz2", () => sevenZipOf({ "a.csv": "" }, { type: "bzip2" }), 1005, /empty/],
    ["nothing of use in it", "texts.zip", () => zipOf({ "a.md": "x" }), 1002, /a\.md/],
  ])("%s", async (_, name, content, code, message) => {
    expect(await failureOf(name, await content())).toEqual(["failure", code, expect.stringMatching(message)]);
  });
});
