import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CartoContext } from "../../src/context/carto-context";
import { ImportError, InvalidArgumentError, TableExistsError } from "../../src/errors";
import { printed, rowsOf, values, warned, withContext } from "../support/context";
import { temporaryDir } from "../support/engine";
import { runningServer } from "../support/server";
import { sevenZipOf } from "../support/seven-zip";
import { shapefile } from "../support/shapefile";

let cc: CartoContext;
let baseUrl: string;
let home: string;
withContext((context) => {
  ({ cc, baseUrl, home } = context);
});

const dir = temporaryDir();
const CSV = "name,lat,lng\nBern,46.95,7.45\nRome,41.9,12.5\n";
async function file(name: string, content: string | Uint8Array = CSV): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}
const namesOf = ({ tables }: Awaited<ReturnType<CartoContext["import"]>>) => tables.map(({ name }) => name);

test("imports a file as a table named after it, and reports what it made", async () => {
  const { tables } = await cc.import(
    await file("Big Cities.csv", "name,lat,lng,Größe\nBern,46.95,7.45,1\nX,,,2\n"),
  );
  expect(tables).toEqual([
    {
      name: "big_cities",
      rows: 2,
      geometry: "POINT",
      withoutGeometry: 1,
      renamed: [{ from: "Größe", to: "grosse" }],
      crs: { srid: 4326, name: "EPSG:4326", isAssumed: false },
      encoding: { name: "utf-8", found: "valid" },
      unread: [],
      unfilled: null,
    },
  ]);
  expect(printed()).toBe(
    'Imported 2 rows (POINT) into "big_cities". Map it with `await cc.map({ layers: new Layer("big_cities") })`.\n' +
      "  1 row without a geometry.\n  Columns renamed:\n    Größe → grosse",
  );
  expect(await values("SELECT name, ST_AsText(the_geom) FROM big_cities ORDER BY 1")).toEqual([
    ["Bern", "POINT(7.45 46.95)"],
    ["X", null],
  ]);
});

test("says that latitude and longitude are swapped, or are not degrees", async () => {
  const reasonOf = async (rows: string) => {
    const { tables } = await cc.import(await file("points.csv", `lat,lng\n${rows}`), undefined, {
      overwrite: true,
    });
    return tables[0]?.unread;
  };
  expect(await reasonOf(",\n-120.5,37.7\n-122.4,37.8\n")).toEqual([
    {
      column: "the_geom",
      count: 2,
      row: 2,
      reason: '"lat" is beyond 90 degrees. Are "lat" and "lng" swapped?',
    },
  ]);
  expect((await reasonOf("180500,533600\n181000,529090\n"))?.[0]?.reason).toMatch(
    /^"lng" and "lat" are not degrees: x is .*British National Grid \(EPSG:27700\).* Pass the coordinate system as `srid`\.$/,
  );
});

test("an error names the file and the tables of the files before it", async () => {
  const files = [await file("one.csv"), await file("two.geojson", "{"), await file("three.csv")];
  await expect(cc.import(files)).rejects.toThrow(
    /^two\.geojson: .*\nThe files before it were imported: "one"\.$/s,
  );
  expect(await values("SELECT to_regclass('one')::text AS one, to_regclass('three')::text AS three")).toEqual(
    [["one", null]],
  );
});

describe("existing tables", () => {
  test("are kept, and replaced with `overwrite`", async () => {
    const path = await file("kept.csv");
    await cc.import(path);
    await writeFile(path, "other\n1\n");
    await expect(cc.import(path)).rejects.toThrow(TableExistsError);
    await expect(cc.import(path, "kept")).rejects.toThrow(TableExistsError);
    expect(await values("SELECT count(*)::int FROM kept WHERE name IS NOT NULL")).toEqual([[2]]);
    expect(namesOf(await cc.import(path, undefined, { overwrite: true }))).toEqual(["kept"]);
    expect(await values("SELECT other FROM kept")).toEqual([[1]]);
  });

  test("are kept if a file of an archive has their name", async () => {
    const folder = join(dir, "folder");
    await file("folder/first.csv");
    await file("folder/deeper/second.csv");
    expect(namesOf(await cc.import(folder)).sort()).toEqual(["first", "second"]);
    await expect(cc.import(folder)).rejects.toThrow(TableExistsError);
    expect(
      await values("SELECT count(*)::int FROM CDB_UserTables() AS t WHERE t ~ '^(first|second)'"),
    ).toEqual([[2]]);
    expect(namesOf(await cc.import(folder, undefined, { overwrite: true })).sort()).toEqual([
      "first",
      "second",
    ]);
  });

  test("of one archive do not replace each other", async () => {
    await file("years/2010/tracts.csv");
    await file("years/2020/tracts.csv");
    const years = join(dir, "years");
    for (const overwrite of [false, true, true])
      expect(namesOf(await cc.import(years, undefined, { overwrite })).sort()).toEqual([
        "tracts",
        "tracts_1",
      ]);
  });
});

describe("sources", () => {
  test("a list, a glob and a file URL", async () => {
    await file("many/a1.csv");
    await file("many/a2.csv");
    await file("many/readme.md", "no");
    expect(namesOf(await cc.import(join(dir, "many/a*.csv")))).toEqual(["a1", "a2"]);
    const list = [pathToFileURL(await file("b1.csv")), { name: "b2.csv", bytes: Buffer.from(CSV) }];
    expect(namesOf(await cc.import(list))).toEqual(["b1", "b2"]);
    await expect(cc.import(list, "one_name")).rejects.toThrow("There are 2 files for one table");
    const twins = [
      { name: "t.csv", bytes: Buffer.from("a\n1") },
      { name: "T.tsv", bytes: Buffer.from("a\n2") },
    ];
    await expect(cc.import(twins, undefined, { overwrite: true })).rejects.toThrow(
      'The files "t.csv" and "T.tsv" would both become the table "t"',
    );
  });

  test("a shapefile with the files next to it", async () => {
    const fields = [{ name: "name", type: "C", width: 10 }] as const;
    const { shp, dbf } = shapefile([{ point: [7.45, 46.95] }], fields, [["Bern"]]);
    await file("Places.SHP", shp);
    await file("Places.dbf", dbf);
    await file(
      "Places.prj",
      'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]',
    );
    await file("Places 2.dbf", dbf);
    const { tables } = await cc.import(join(dir, "Places.SHP"));
    expect(tables).toMatchObject([{ name: "places", rows: 1, geometry: "POINT" }]);
    expect(namesOf(await cc.import(join(dir, "Places.*"), undefined, { overwrite: true }))).toEqual([
      "places",
    ]);
  });

  test("a URL, which the server downloads", async () => {
    const server = createServer((_request, response) => void response.end(CSV));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(namesOf(await cc.import(`http://127.0.0.1:${port}/from_web.csv`))).toEqual(["from_web"]);
  });

  test.each<[unknown, string]>([
    ["", "A file to import must be a path"],
    [[], "There is no file to import"],
    [5, "A file to import must be a path"],
    [{ name: "a.csv", bytes: "text" }, "A file to import must be a path"],
    ["nowhere/*.csv", "There is no file to import"],
    ["nowhere/a.csv", 'The folder "nowhere" does not exist'],
    ["https://", "is not a valid URL"],
  ])("%j is refused", async (source, message) => {
    const error = await cc.import(source as string).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain(message);
  });

  test("a misspelt path names its neighbour", async () => {
    await file("neighbour.csv");
    await expect(cc.import(join(dir, "neighbor.csv"))).rejects.toThrow(
      'Similar names in its folder: "neighbour.csv"',
    );
  });
});

test("a file of several tables needs no name", async () => {
  await file("two/x1.csv");
  await file("two/x2.csv");
  await expect(cc.import(join(dir, "two"), "x")).rejects.toThrow('The file has 2 tables: "x1", "x2"');
  expect(await values("SELECT count(*)::int FROM CDB_UserTables() AS t WHERE t ~ '^x[12]?$'")).toEqual([[0]]);
});

test("what the server cannot read is an ImportError, and leaves nothing", async () => {
  const error = await cc.import({ name: "bad.geojson", bytes: Buffer.from("{") }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ImportError);
  expect(await values("SELECT to_regclass('bad')::text")).toEqual([[null]]);
});

test("an abort stops the import on the server, which leaves nothing", async () => {
  const lines = Array.from({ length: 400_000 }, (_, i) => `${i},${"x".repeat(40)}`);
  const path = await file("endless.csv", `a,b\n${lines.join("\n")}\n`);
  const stop = new AbortController();
  const imported = cc.import(path, undefined, { signal: stop.signal });
  const ended = expect(imported).rejects.toThrow("enough");
  await expect
    .poll(async () => (await runningServer(home))!.status.busyWith ?? "", { interval: 5 })
    .toContain("COPY");
  stop.abort(new Error("enough"));
  await ended;
  const { baseUrl: address, key } = (await runningServer(home))!;
  const answer = await fetch(`${address}/api/v1/imports?api_key=${key}`);
  expect(await answer.json()).toMatchObject({ imports: [] });
  expect(await values("SELECT to_regclass('endless')::text")).toEqual([[null]]);
});

test("readFile returns the rows, and leaves no table", async () => {
  const before = await values("SELECT * FROM CDB_UserTables() AS t ORDER BY 1");
  const df = await cc.readFile(await file("frame.csv"), { decodeGeom: true });
  expect(df.columns).toEqual(["cartodb_id", "the_geom", "name", "lat", "lng", "geometry"]);
  expect(rowsOf(df).map((row) => row.slice(2, 5))).toEqual([
    ["Bern", 46.95, 7.45],
    ["Rome", 41.9, 12.5],
  ]);
  expect(await values("SELECT * FROM CDB_UserTables() AS t ORDER BY 1")).toEqual(before);
});

test("readFile warns about values that it cannot read, and what it guesses", async () => {
  await cc.readFile(await file("fine.csv"));
  expect(warned()).toBe("");
  const latin = Buffer.from("name,lat,lng\nMálaga,36.7,-4.4\nCádiz,136.5,-6.3\n", "latin1");
  await cc.readFile(await file("latin.csv", latin));
  expect(warned()).toBe(
    '1 unreadable in "the_geom", first in row 2: The coordinates are not numbers, or out of range.\n' +
      "Encoding: windows-1252, guessed. If letters are wrong, pass `encoding`.",
  );
});

test("the command imports into the configured place", async () => {
  const cli = join(__dirname, "../../dist/cli.js");
  const env = { ...process.env, CARTO_BASE_URL: baseUrl, CARTO_API_KEY: "" };
  const args = [cli, "import", await file("from_shell.csv"), "--table", "shell", "--overwrite"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toContain('Imported 2 rows (POINT) into "shell".');
  expect(await values("SELECT count(*)::int FROM shell")).toEqual([[2]]);
});

test.each(["bzip2", "xz"] as const)(
  "a file compressed with %s is one table, which can be named",
  async (type) => {
    const bytes = await sevenZipOf({ "a.csv": CSV }, { type });
    const name = `towns_${type}.csv.${type === "xz" ? "xz" : "bz2"}`;
    expect(namesOf(await cc.import({ name, bytes }))).toEqual([`towns_${type}`]);
    expect(namesOf(await cc.import({ name, bytes }, `named_${type}`))).toEqual([`named_${type}`]);
  },
);
