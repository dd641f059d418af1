import { afterEach, describe, expect, test } from "vitest";
import type { CartoContext } from "../../../src/context/carto-context";
import { InvalidArgumentError, TableNotFoundError } from "../../../src/errors";
import { Layer } from "../../../src/map";
import { ident, literal } from "../../../src/sql";
import { frame, rowsOf, values, withContext } from "../../support/context";

let cc: CartoContext;
withContext(async (context) => {
  ({ cc } = context);
  await cc.query('CREATE TABLE witness AS SELECT 1 AS a; CREATE SCHEMA reports; CREATE SCHEMA "My Schema"');
});
afterEach(async () => expect(await values("SELECT a FROM witness")).toEqual([[1]]));

const HOSTILE = [
  `x"; DROP TABLE witness; --`,
  `x'; DROP TABLE witness; --`,
  `x\\"; DROP TABLE witness; --`,
  `$$; DROP TABLE witness; $$`,
  `/* x */; DROP TABLE witness`,
  `x"."y`,
  `select`,
  `Straße 😀 "quoted" 'too'`,
  `%s %I %L`,
  `\${a} \`b\``,
  `a\nb`,
];

describe.each(HOSTILE)("a name such as %j", (name) => {
  test("of a table is treated as a name: read, sync, map, delete", async () => {
    await cc.query(`CREATE TABLE ${ident(name)} (id int PRIMARY KEY, the_geom geometry(Geometry,4326))`);
    expect(await cc.sync(frame(["id", "the_geom"], [1, "POINT(1 2)"]), name, { key: "id" })).toMatchObject({
      inserted: 1,
    });
    expect((await cc.read(name)).shape).toEqual([1, 2]);
    await cc.map({ layers: new Layer(name) });
    await cc.delete(name);
    await expect(cc.read(name)).rejects.toThrow(TableNotFoundError);
    await expect(cc.delete(name)).rejects.toThrow(TableNotFoundError);
    await expect(cc.sync(frame(["id"], [1]), name, { key: "id" })).rejects.toThrow(TableNotFoundError);
  });

  test("of a column, or as a value, is written, stored by a query, and synced", async () => {
    await cc.write(frame([name, "k"], [name, 1]), "columns", { overwrite: true });
    const df = await cc.read("columns");
    expect(rowsOf(df)[0]!.slice(2)).toEqual([name, 1]);
    const plain = await cc.query(`SELECT 1 AS k, ${literal(name)} AS ${ident(name)}`, {
      tableName: "kept",
      overwrite: true,
    });
    expect(rowsOf(plain)[0]!.slice(2)).toEqual([1, name]);
    await cc.query(`DROP TABLE IF EXISTS exact; CREATE TABLE exact (${ident(name)} text, k int)`);
    expect(await cc.sync(frame([name, "k"], [name, 1]), "exact", { key: name, force: true })).toMatchObject({
      inserted: 1,
    });
    expect(rowsOf(await cc.read("exact"))).toEqual([[name, 1]]);
    const again = frame([name, "k"], [name, 2]);
    expect(await cc.sync(again, "exact", { key: name })).toMatchObject({ updated: 1 });
  });

  test("of a new table gets CARTO's form", async () => {
    await cc.write(frame(["a"], [1]), name, { overwrite: true });
    await cc.query("SELECT 2 AS a", { tableName: name, overwrite: true });
    const tables = (await cc.tables()).column("name").values as string[];
    for (const table of tables) expect(table).toMatch(/^[a-z][a-z0-9_|]*$/);
  });
});

test("GeoJSON as text is not the name of a table", async () => {
  const text = '{"type": "Point", "coordinates": [1, 2]}';
  await expect(cc.read(text)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The table name is GeoJSON as text. Map it with \`new Layer(JSON.parse(text))\`, or pass the name of a table.]`,
  );
});

describe("tables of other schemas", () => {
  test.each([
    ["reports.trees", "reports", "trees"],
    ['"reports"."trees"', "reports", "trees"],
    ['"My Schema".Trees', "My Schema", "Trees"],
    ['My Schema."Tr""ees.x"', "My Schema", 'Tr"ees.x'],
  ])("%s", async (name, schema, table) => {
    await cc.query(
      `DROP TABLE IF EXISTS ${ident(schema)}.${ident(table)}; CREATE TABLE ${ident(schema)}.${ident(table)} AS SELECT 1 AS id`,
    );
    expect(rowsOf(await cc.read(name))).toEqual([[1]]);
    expect(await cc.sync(frame(["id"], [1], [2]), name, { key: "id" })).toMatchObject({ inserted: 1 });
    await cc.delete(name);
    await expect(cc.read(name)).rejects.toThrow(TableNotFoundError);
  });

  test("a table is looked up by its whole name first", async () => {
    await cc.query(
      `CREATE TABLE reports.both AS SELECT 'schema' AS a; CREATE TABLE "reports.both" AS SELECT 'name' AS a`,
    );
    expect(rowsOf(await cc.read("reports.both"))).toEqual([["name"]]);
    expect(rowsOf(await cc.read('reports."both"'))).toEqual([["schema"]]);
    await cc.delete("reports.both");
    expect(rowsOf(await cc.read("reports.both"))).toEqual([["schema"]]);
    await cc.delete("reports.both");
  });

  test("write creates the table in an existing schema, otherwise under the whole name", async () => {
    await cc.write(frame(["a"], [1]), "reports.My Trees");
    await cc.write(frame(["a"], [2]), "reports.My Trees", { overwrite: true });
    expect(await values("SELECT a FROM reports.my_trees")).toEqual([[2]]);
    expect(
      await values(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'reports' AND tablename = 'my_trees' ORDER BY 1",
      ),
    ).toEqual([["my_trees_pkey"], ["my_trees_the_geom_idx"], ["my_trees_the_geom_webmercator_idx"]]);
    await cc.write(frame(["a"], [3]), "nowhere.My Trees");
    expect(await values("SELECT a FROM nowhere_my_trees")).toEqual([[3]]);
    await cc.write(frame(["a"], [4]), '"Quoted Name"');
    expect(await values("SELECT a FROM quoted_name")).toEqual([[4]]);
  });
});

test.each(["", undefined, 7, "a\u0000b"])("rejects %j as a name", async (name) => {
  for (const call of [
    () => cc.read(name as string),
    () => cc.delete(name as string),
    () => cc.write(frame(["a"], [1]), name as string),
    () => cc.sync(frame(["a"], [1]), name as string, { key: "a" }),
  ]) {
    await expect(call()).rejects.toThrow(InvalidArgumentError);
  }
});
