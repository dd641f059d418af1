import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { CartoContext } from "../../src/context/carto-context";
import { InvalidArgumentError, SqlError, TableNotFoundError } from "../../src/errors";
import { frame, printed, rowsOf, values, withContext } from "../support/context";
import { temporaryDir } from "../support/engine";

let cc: CartoContext;
withContext(async (context) => {
  cc = context.cc;
  await cc.query(`CREATE TABLE cities AS SELECT n AS cartodb_id, name, day, big, ST_SetSRID(ST_MakePoint(n + 0.123456789, -n), 4326) AS the_geom
    FROM (VALUES (1, 'a "b", c', date '2020-02-29', 1610521604143693813), (2, NULL, NULL, NULL), (3, '', '1999-12-31', -1)) AS v (n, name, day, big)`);
});

const dir = temporaryDir();
const at = (name: string) => join(dir, name);
const text = (name: string) => readFile(at(name), "utf8");

test.each(["csv", "tsv", "geojson", "json", "csv.zip", "csv.gz", "geojson.zip"])(
  "a table as %s comes back",
  async (ending) => {
    await cc.export("cities", at(`all.${ending}`));
    const df = await cc.readFile(at(`all.${ending}`));
    const columns = ["cartodb_id", "name", "day", "big"];
    const of = (rows: unknown[][], names: string[]) =>
      rows.map((row) => columns.map((name) => String(row[names.indexOf(name)])));
    const original = await cc.read("cities");
    const back = of(rowsOf(df), df.columns);
    expect(back.map((row) => row.slice(0, 1))).toEqual([["1"], ["2"], ["3"]]);
    expect(back[0]![1]).toBe('a "b", c');
    expect(back[0]![3]).toBe(of(rowsOf(original), original.columns)[0]![3]);
    expect(back.map((row) => row[0])).toHaveLength(3);
  },
);

test("GeoJSON is exact, in EPSG:4326, and one feature a line", async () => {
  const sql = `SELECT 12345678901234567890.5 AS n, '{"a":\n[1, "\\n"]}'::json AS j, 'NaN'::float8 AS f, true AS b, E'q"\\t\\x01' AS t,
    ST_Transform(ST_SetSRID(ST_MakePoint(7.5, 46.9), 4326), 3857) AS geom FROM generate_series(1, 3)`;
  await cc.export(sql, at("exact.geojsonl"));
  await cc.export(sql, at("exact.geojson"));
  const lines = (await text("exact.geojsonl")).trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('"n":12345678901234567890.5');
  const feature = JSON.parse(lines[0]!);
  expect(feature.geometry).toEqual({ type: "Point", coordinates: [7.5, 46.9] });
  expect(feature.properties).toMatchObject({ j: { a: [1, "\n"] }, f: "NaN", b: true, t: 'q"\t\u0001' });
  expect(JSON.parse(await text("exact.geojson"))).toEqual({
    type: "FeatureCollection",
    features: [feature, feature, feature],
  });
  await cc.export(`${sql} LIMIT 0`, at("empty.geojson"));
  expect(JSON.parse(await text("empty.geojson"))).toEqual({ type: "FeatureCollection", features: [] });
});

test("large GeoJSON is one collection", async () => {
  await cc.export(
    "SELECT n, repeat('x', 50) AS t, ST_SetSRID(ST_MakePoint(0, 0), 4326) AS g FROM generate_series(1, 20000) n",
    at("large.geojson"),
  );
  const { features } = JSON.parse(await text("large.geojson"));
  expect(features.map(({ properties }: { properties: { n: number } }) => properties.n)).toEqual(
    Array.from({ length: 20_000 }, (_, i) => i + 1),
  );
});

test("prints the file and its size", async () => {
  await cc.export("cities", at("printed.csv"));
  expect(printed()).toMatch(/^Wrote .*printed\.csv \(\d+ bytes\)\.$/);
  expect(await text("printed.csv")).toBe(
    'cartodb_id,name,day,big,the_geom\n1,"a ""b"", c",2020-02-29,1610521604143693813,POINT(1.123456789 -1)\n' +
      '2,,,,POINT(2.123456789 -2)\n3,"",1999-12-31,-1,POINT(3.123456789 -3)\n',
  );
});

describe("sources", () => {
  test("SQL, a DataFrame and GeoJSON", async () => {
    await cc.export("SELECT 1 AS a, NULL AS b", at("sql.csv"));
    expect(await text("sql.csv")).toBe("a,b\n1,\n");
    await cc.export(frame(["Länge", "x"], [7.5, "y"], [-1, "z"]), at("frame.csv"));
    expect(await text("frame.csv")).toBe("Länge,x\n7.5,y\n-1,z\n"); // without columns of the table
    const geometry = { type: "Point", coordinates: [7.5, 46.9] };
    await cc.export({ type: "Feature", properties: { Größe: 1 }, geometry }, at("feature.geojson"));
    const { features } = JSON.parse(await text("feature.geojson"));
    expect(features).toEqual([{ type: "Feature", geometry, properties: { Größe: 1 } }]);
  });

  test("GeoJSON stays what it is in a GeoJSON file", async () => {
    const properties = { list: [1, 2], object: { z: 1 } };
    const geometry = { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }; // biome-ignore format: a line
    const collection = { type: "FeatureCollection", features: [{ type: "Feature", properties, geometry }] };
    await cc.export(collection, at("same.geojson"));
    expect(JSON.parse(await text("same.geojson"))).toEqual(collection);
    await cc.export(geometry, at("bare.json"));
    expect(JSON.parse(await text("bare.json")).features[0].geometry).toEqual(geometry);
  });

  test("a cartodb_id of GeoJSON is kept, and none is added", async () => {
    const geometry = { type: "Point", coordinates: [1, 2] };
    await cc.export({ type: "Feature", properties: { a: 5 }, geometry }, at("plain-feature.csv"));
    expect(await text("plain-feature.csv")).not.toContain("cartodb_id");
    await cc.export(
      { type: "Feature", properties: { cartodb_id: 77, a: 5 }, geometry },
      at("feature-id.csv"),
    );
    expect((await text("feature-id.csv")).split("\n")[1]).toContain("77");
  });

  test("names that SQL does not have are those of the table", async () => {
    const long = "n".repeat(70);
    await cc.export(frame([long, `${long}2`, ""], [1, 2, 3]), at("long.csv"));
    const [header, values] = (await text("long.csv")).split("\n");
    expect(new Set(header!.split(",")).size).toBe(3);
    expect(values).toBe("1,2,3");
  });

  test("what cannot be exported is refused", async () => {
    await expect(cc.export("no_such_table", at("a.csv"))).rejects.toThrow(TableNotFoundError);
    await expect(cc.export("SELECT nothing", at("a.csv"))).rejects.toThrow(SqlError);
    await expect(cc.export(5 as never, at("a.csv"))).rejects.toThrow("must be the name of a table, SQL");
    await expect(cc.export("SELECT 1 AS a", at("a.geojson"))).rejects.toThrow("needs a geometry column, but");
    expect((await readdir(dir)).filter((name) => /^\.?a\./.test(name))).toEqual([]);
  });
});

describe("files", () => {
  test("an existing one is replaced with `overwrite` only", async () => {
    await writeFile(at("mine.csv"), "mine");
    await expect(cc.export("cities", at("mine.csv"))).rejects.toThrow(
      "already exists. Pass { overwrite: true }",
    );
    expect(await text("mine.csv")).toBe("mine");
    await cc.export("SELECT 1 AS a", at("mine.csv"), { overwrite: true });
    expect(await text("mine.csv")).toBe("a\n1\n");
  });

  test("a failure midway leaves the old one, and no other", async () => {
    await writeFile(at("old.csv"), "old");
    const sql = "SELECT 1 / (30000 - n) AS a FROM generate_series(1, 40000) n";
    await expect(cc.export(sql, at("old.csv"), { overwrite: true })).rejects.toThrow("division by zero");
    const stop = AbortSignal.timeout(200);
    const endless = "SELECT n FROM generate_series(1, 1e10) n";
    await expect(cc.export(endless, at("old.csv"), { overwrite: true, signal: stop })).rejects.toThrow();
    expect(await text("old.csv")).toBe("old");
    expect((await readdir(dir)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test.each([
    ["a.xyz", "must end in .csv"],
    ["a", "must end in .csv"],
    ["", "path of the file is missing"],
    ["nowhere/a.csv", "There is no folder"],
  ])("%j is refused", async (path, message) => {
    const error = await cc.export("cities", path && at(path)).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain(message);
  });

  test("a folder is refused", async () => {
    await mkdir(at("folder.csv"));
    await expect(cc.export("cities", at("folder.csv"))).rejects.toThrow("is a folder");
  });
});

test("compressed files hold the same", async () => {
  await cc.export("cities", at("plain.csv"));
  await cc.export("cities", at("packed.csv.gz"));
  expect(gunzipSync(await readFile(at("packed.csv.gz"))).toString()).toBe(await text("plain.csv"));
  expect(await values("SELECT count(*)::int FROM cities")).toEqual([[3]]);
});
