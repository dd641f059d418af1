/** Malicious and broken files end in an error with the right code, and leave nothing: no table, no file, no thread. */
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { utils, write } from "@e965/xlsx";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { localHome } from "../../../src/local/home";
import { findServer } from "../../../src/local/launcher";
import { ImportWorker } from "../../../src/server/imports/import-worker";
import { unpack } from "../../../src/server/imports/unpack";
import { madeByGdal } from "../../support/gdal";
import { answersDuring, importer, zipOf } from "../../support/imports";
import { needs } from "../../support/needs";
import { serverForTests } from "../../support/server";
import { renamedSevenZip, sevenZipOf } from "../../support/seven-zip";

const server = serverForTests();
const { file, upload, get, finished, columns, leftovers, workDirs } = importer(server);

const tables = async () =>
  (await server.sql("SELECT CDB_UserTables() AS t ORDER BY 1")).rows.map(({ t }) => t as string);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

/** Imports a file that must fail, and returns code and explanation. */
async function failure(
  name: string,
  content: string | Uint8Array,
): Promise<[code: number | null, why: string]> {
  const before = await tables();
  const { state, error_code, get_error_text } = await file(name, content);
  expect(state).toBe("failure");
  expect(await tables()).toEqual(before);
  return [error_code, get_error_text!.what_about];
}

const point = (x: number, y: number) => ({ type: "Point", coordinates: [x, y] });
const feature = (geometry: unknown, properties: object = {}) => ({ type: "Feature", geometry, properties });
const collection = (...features: unknown[]) => JSON.stringify({ type: "FeatureCollection", features });
const TREES = { type: "FeatureCollection", features: [feature(point(1, 2), { name: "oak", n: 1 })] };
const SECRET = "root:x:0:0";

describe("archives", () => {
  const MB = 1024 ** 2;
  /** Compressed files of these formats that follow each other are one file. */
  const tenTimes = (compressed: Buffer) => Buffer.concat(Array(10).fill(compressed));

  test("a zip bomb, alone and in another archive", async () => {
    const bomb = await zipOf({ "bomb.csv": Buffer.alloc(300 * MB, "a\n") });
    expect(bomb.length).toBeLessThan(MB);
    expect(await failure("bomb.zip", bomb)).toEqual([1003, expect.stringMatching(/zip bomb/)]);
    expect(await failure("nested.zip", await zipOf({ "bomb.zip": bomb }))).toEqual([
      1002,
      expect.stringMatching(/bomb\.zip.* is unknown/),
    ]);
    expect(await failure("bomb.csv.gz", tenTimes(gzipSync(Buffer.alloc(30 * MB, "a\n"))))).toEqual([
      1003,
      expect.stringMatching(/zip bomb/),
    ]);
  });

  test.each([
    ["../evil.csv", /relative path|invalid/],
    ["/tmp/evil.csv", /absolute path|invalid/],
    ["..\\evil.csv", /relative path|invalid|backslash/],
  ])("a file named %s", async (name, why) => {
    const harmless = name.replaceAll(/[^a-z]/g, "x");
    const zip = (await zipOf({ [harmless]: "a\n1\n" })).toString("latin1").replaceAll(harmless, name);
    expect(await failure("slip.zip", Buffer.from(zip, "latin1"))).toEqual([1003, expect.stringMatching(why)]);
  });

  test("a symbolic link is not followed", async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from("/etc/passwd"), "link.csv", { mode: 0o120777 });
    zip.end();
    const { table_name } = await file("link.zip", await buffer(zip.outputStream as never));
    expect(await columns(table_name!)).toEqual({ etc_passwd: "text" });
    expect((await server.sql(`SELECT count(*)::int AS n FROM ${table_name}`)).rows).toEqual([{ n: 0 }]);
  });

  test.each<["7z" | "bzip2" | "xz", string]>([
    ["7z", "bomb.7z"],
    ["bzip2", "bomb.csv.bz2"],
    ["xz", "bomb.csv.xz"],
  ])("a bomb made with %s", async (type, name) => {
    const made = (mb: number) => sevenZipOf({ "bomb.csv": mb * MB }, { type });
    const bomb = type === "7z" ? await made(300) : tenTimes(await made(30));
    expect(bomb.length).toBeLessThan(MB);
    expect(await failure(name, bomb)).toEqual([1003, expect.stringMatching(/zip bomb/)]);
  });

  test.each([["../evil.csv"], ["a/../../evil.csv"], ["/tmp/evil.csv"], ["..\\evil.csv"], ["c:\\evil.csv"]])(
    "a file named %s in a 7z",
    async (name) => {
      const archive = await renamedSevenZip(
        "a\n1\n",
        ["good.csv", "good.csv"],
        ["x".repeat(name.length), name],
      );
      expect(await failure("slip.7z", archive)).toEqual([1003, expect.stringMatching(/relative path/)]);
    },
  );

  test("names in a 7z that stand for other properties, or for two files", async () => {
    const spoofed = await renamedSevenZip("a\n1\n", ["xxxxxxxxxx.csv", "\n\nPath = .csv"]);
    expect((await failure("spoof.7z", spoofed))[0]).toBe(1003);
    const separated = await renamedSevenZip("a\n1\n", ["xxxxxxxxxxxxxxx.csv", "s\u2028Encrypted = +.csv"]);
    expect((await file("separated.7z", separated)).error_code).toBeNull();
    const twice = await renamedSevenZip("a\n1\n", ["1.csv", "1.csv"], ["2.csv", "1.csv"]);
    expect(await failure("twice.7z", twice)).toEqual([1003, expect.stringMatching(/1\.csv.* twice/)]);
    const nested = await renamedSevenZip("a\n1\n", ["a", "a"], ["xxxxxxx", "a/b.csv"]);
    expect((await failure("nested.7z", nested))[0]).toBe(1003);
  });

  test("links in a 7z are not followed, also as folders", async () => {
    const outside = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
    const links = { "link.csv": "/etc/passwd", aa: outside, up: "../../.." };
    const files = { "good.csv": "a\n1\n", "bb_evil.csv": "a\n2\n", "cc_evil.csv": "a\n3\n" };
    const archive = await sevenZipOf(files, { links, switches: ["-mhc=off"] });
    const through = await renamedSevenZip(
      archive,
      ["bb_evil.csv", "aa/evil.csv"],
      ["cc_evil.csv", "up/evil.csv"],
    );
    const answer = await file("links.7z", through);
    const made = answer.tables as { wanted: string }[];
    expect(made.map(({ wanted }) => wanted)).toEqual(["evil", "evil", "good"]);
    expect(readdirSync(outside)).toEqual([]);
    await rm(outside, { recursive: true });
  });

  test("unpacking a 7z stops when the import is cancelled", async () => {
    const dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
    const path = join(dir, "slow.7z");
    await writeFile(path, await sevenZipOf({ "slow.csv": 250 * MB }, { switches: ["-m0=BZip2"] }));
    const stop = new AbortController();
    const unpacking = unpack({ path, name: "slow.7z" }, join(dir, "unpacked"), stop.signal);
    const written = () => readdirSync(dir, { recursive: true, encoding: "utf8" });
    const stopped = expect(unpacking).rejects.toThrow("cancelled");
    await expect.poll(written).toContain(join("unpacked", "7z", "slow.csv"));
    stop.abort(new Error("cancelled"));
    await stopped;
    await rm(dir, { recursive: true });
  });

  test("a cut archive", async () => {
    const zip = await zipOf({ "a.csv": Array.from({ length: 9999 }, (_, i) => i * 7919).join("\n") });
    expect((await failure("cut.zip", zip.subarray(0, zip.length / 2)))[0]).toBe(1003);
    expect((await failure("cut.csv.gz", gzipSync("a\n1\n".repeat(999)).subarray(0, 30)))[0]).toBe(1003);
  });
});

describe("XML", () => {
  /** Requests that files have caused. */
  const requests: string[] = [];
  let listener: Server;
  let address: string;
  beforeAll(async () => {
    listener = createServer(({ url = "" }, response) => {
      requests.push(url);
      response.end("<a/>");
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  });
  afterAll(() => listener.close());
  afterEach(() => expect(requests).toEqual([]));

  const laughs = `<!DOCTYPE x [<!ENTITY a "${"x".repeat(100)}">${Array.from(
    { length: 9 },
    (_, i) => `<!ENTITY ${"abcdefghij"[i + 1]} "${`&${"abcdefghij"[i]};`.repeat(10)}">`,
  ).join("")}]>`;
  const external = (url: string) => `<!DOCTYPE x [<!ENTITY j SYSTEM "${url}">]>`;
  const kml = (head: string) => `${head}<kml><Placemark><name>&j;</name></Placemark></kml>`;
  const gpx = (head: string) =>
    `<?xml version="1.0"?>${head}<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="2"><name>&j;</name></wpt></gpx>`;
  const gml = (head: string, value = "&j;", attributes = "") =>
    `<?xml version="1.0"?>${head}<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ${attributes}>
      <gml:featureMember><tree gml:id="t1"><name>${value}</name><gml:pointProperty><gml:Point srsName="EPSG:4326"><gml:coordinates>2,1</gml:coordinates></gml:Point></gml:pointProperty></tree></gml:featureMember></gml:FeatureCollection>`;

  test.each([
    ["laughs.kml", kml(laughs)],
    ["laughs.gpx", gpx(laughs)],
    ["laughs.gml", gml(laughs)],
    ["external.kml", kml(external("file:///etc/passwd"))],
  ])("%s", async (name, content) => {
    expect((await failure(name, content))[0]).toBe(2001);
  });

  test.each([
    ["passwd.gpx", gpx(external("file:///etc/passwd"))],
    ["passwd.gml", gml(external("file:///etc/passwd"))],
  ])("%s: an external entity is not read", async (name, content) => {
    const { table_name } = await file(name, content);
    if (table_name === null) return;
    const { rows } = await server.sql(`SELECT * FROM ${table_name}`);
    expect(JSON.stringify(rows)).not.toContain(SECRET);
  });

  test("entities, schemas and links of a GML file do not reach the network", async () => {
    await file("entity.gml", gml(external(`${address}/entity`)));
    await file("entity.gpx", gpx(external(`${address}/entity`)));
    await file(
      "schema.gml",
      gml("", "a", `xsi:schemaLocation="http://www.opengis.net/gml ${address}/schema.xsd"`),
    );
    await file("link.gml", gml("", `<gml:location xlink:href="${address}/link"/>`));
    await file("link.kml", `<kml><NetworkLink><Link><href>${address}/kml</href></Link></NetworkLink></kml>`);
  });

  test("a description of other data sources is not opened", async () => {
    const vrt = (source: string) =>
      `<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>${source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>`;
    const sources = [
      `/vsicurl/${address}/a.csv`,
      "/etc/passwd",
      "/output",
      `PG:host=127.0.0.1 port=${address.split(":")[2]}`,
    ];
    for (const [i, extension] of ["gml", "gpx", "db", "mif", "geojsonl", "topojson"].entries()) {
      const source = sources[i % sources.length]!;
      expect((await failure(`other.${extension}`, vrt(source)))[0], extension).toBe(2001);
    }
    expect((await failure("other.vrt", vrt("/etc/passwd")))[0]).toBe(1002);
    expect((await failure("connection.gpkg", `PG:${address}`))[0]).toBe(2001);
    expect(
      (
        await failure(
          "remote.tab",
          `!table\n!version 300\nDefinition Table\n  File "/vsicurl/${address}/a.dat"\n`,
        )
      )[0],
    ).toBe(2001);
  });
});

describe("databases", () => {
  const withView = (view: string) =>
    madeByGdal(
      TREES,
      ["-f", "GPKG"],
      [
        ...["-f", "GPKG", "-update", "-nln", "second", "-doo"],
        `PRELUDE_STATEMENTS=CREATE VIEW v AS ${view}; INSERT INTO gpkg_contents (table_name, identifier, data_type) VALUES ('v', 'v', 'attributes');`,
      ],
    );

  test("a view whose rows never end is stopped with the import", async () => {
    const [content] = Object.values(
      await withView("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"),
    );
    const response = await upload("endless.gpkg", content!);
    const { item_queue_id: id } = (await response.clone().json()) as { item_queue_id: string };
    await expect.poll(async () => (await get(id)).state).toBe("importing");
    const answered = await server.sql("SELECT 1 AS one");
    expect(answered.rows).toEqual([{ one: 1 }]);
    expect(await get(id)).not.toHaveProperty("success");
    await server.ask(`/api/v1/imports/${id}`, { method: "DELETE" });
    expect(await finished(response)).toMatchObject({ state: "failure", error_code: 6671 });
  });

  test("a view cannot read files or load libraries", async () => {
    for (const call of ["load_extension('/tmp/evil.so')", "readfile('/etc/passwd')"]) {
      const [content] = Object.values(await withView(`SELECT ${call} AS x`));
      const { table_name, error_code } = await file("call.gpkg", content!);
      if (table_name === null) expect(error_code).toBe(2001);
      else
        expect(JSON.stringify((await server.sql(`SELECT * FROM ${table_name}`)).rows)).not.toContain(SECRET);
    }
  });

  test("corrupt pages", async () => {
    const rows = Array.from({ length: 2000 }, (_, n) =>
      feature(point(n % 90, 0), { n, text: "x".repeat(200) }),
    );
    const [content] = Object.values(
      await madeByGdal({ type: "FeatureCollection", features: rows }, ["-f", "GPKG"]),
    );
    const corrupt = Buffer.from(content!);
    corrupt.fill(0xa5, Math.floor(corrupt.length * 0.4), Math.floor(corrupt.length * 0.7));
    expect((await failure("corrupt.gpkg", corrupt))[0]).toBe(2001);
  });
});

describe("sizes", () => {
  test("10,000 columns", async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
    expect((await failure("wide.csv", `${names.join()}\n${names.join()}\n`))[0]).toBe(2004);
    const properties = Object.fromEntries(names.map((name, i) => [name, i]));
    expect((await failure("wide.geojson", collection(feature(point(1, 2), properties))))[0]).toBe(2004);
    expect((await failure("wide.geojsonl", JSON.stringify(feature(point(1, 2), properties))))[0]).toBe(2004);
  });

  test.each([
    ["geometry", (nested: string) => `{"type":"Polygon","coordinates":${nested}}`, () => "{}"],
    ["properties", () => "null", (nested: string) => `{"a":${nested}}`],
  ])("deeply nested JSON in %s", async (_, geometry, properties) => {
    const nested = "[".repeat(200_000) + "]".repeat(200_000);
    const text = `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":${geometry(nested)},"properties":${properties(nested)}}]}`;
    const [code, why] = await failure("deep.geojson", text);
    expect([code, why]).toEqual([2001, expect.stringMatching(/nested/)]);
  });

  test("a ring of a million vertices", async () => {
    const ring = Array.from({ length: 1_000_000 }, (_, i) => {
      const angle = (i / 1_000_000) * 2 * Math.PI;
      return [Number(Math.cos(angle).toFixed(7)), Number(Math.sin(angle).toFixed(7))];
    });
    ring.push(ring[0]!);
    const { table_name } = await file(
      "ring.geojson",
      collection(feature({ type: "Polygon", coordinates: [ring] })),
    );
    const { rows } = await server.sql(`SELECT ST_NPoints(the_geom) AS n FROM ${table_name}`);
    expect(rows).toEqual([{ n: 1_000_001 }]);
  });

  test("a CSV of one endless line, or with one", async () => {
    const long = Buffer.alloc(66 * 1024 ** 2, "x");
    expect(await failure("line.csv", long)).toEqual([2003, expect.stringMatching(/first line.* 4 MB/)]);
    expect((await failure("value.csv", Buffer.concat([Buffer.from("a,b\n1,"), long])))[0]).toBe(2003);
  });
});

describe("values", () => {
  test("coordinates that are not numbers", async () => {
    const geojson = (x: string) =>
      `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[${x},1]},"properties":{}}]}`;
    expect((await failure("nan.geojson", geojson("NaN")))[0]).toBe(3007);
    expect((await failure("huge.geojson", geojson("1e999")))[0]).toBe(3007);
    const { table_name } = await file(
      "nan.csv",
      "the_geom,n\nPOINT(1 2),1\nPOINT(nan nan),2\nPOINT(inf 1),3\nPOINT(3 4),4\nPOINT(5 6),5\n",
    );
    const { rows } = await server.sql(
      `SELECT n, ST_AsText(the_geom) AS g FROM ${table_name} WHERE n < 4 ORDER BY n`,
    );
    expect(rows).toEqual([
      { n: 1, g: "POINT(1 2)" },
      { n: 2, g: null },
      { n: 3, g: null },
    ]);
  });

  test("names with quotes and statements are only names", async () => {
    const before = await tables();
    const evil = `x"; DROP TABLE victim; --'`;
    await server.sql("CREATE TABLE victim (a int)");
    const { table_name } = await file(`${evil}.csv`, `"a""b'; DROP TABLE victim; --",${"`$(id)`"}\n1,2\n`);
    expect(Object.keys(await columns(table_name!))).toEqual(["a_b_drop_table_victim", "id"]);
    const [gpkg] = Object.values(await madeByGdal(TREES, ["-f", "GPKG", "-nln", evil]));
    expect((await file("layer.gpkg", gpkg!)).get_error_text).toBeNull();
    expect(await tables()).toEqual([...before, "layer", table_name, "victim"].sort());
  });

  test("the character U+0000", async () => {
    expect((await failure("nul.csv", "a,b\n1,x\0y\n"))[0]).toBe(2007);
    expect((await failure("nul.geojson", collection(feature(point(1, 2), { a: "x\0y" }))))[0]).toBe(2007);
  });
});

describe("the slowest files", () => {
  needs("memory");
  const giant = () => {
    const positions = Array.from(
      { length: 400_000 },
      (_, i) => `${(i % 3600) / 20 - 90},${(i % 1700) / 20},0`,
    );
    return `<kml><Placemark><name>x</name><LineString><coordinates>${positions.join(" ")}</coordinates></LineString></Placemark></kml>`;
  };
  const strings = () => {
    const book = utils.book_new();
    const rows = Array.from({ length: 60_000 }, (_, i) => [`${i} ${"y".repeat(200)}`]);
    utils.book_append_sheet(book, utils.aoa_to_sheet([["a"], ...rows]), "Data");
    return write(book, { type: "buffer", bookType: "xlsx", bookSST: true, compression: true }) as Buffer;
  };

  test.each<[name: string, content: () => string | Buffer]>([
    ["giant.kml", giant],
    ["strings.xlsx", strings],
  ])("%s: the server answers while its thread reads, which then ends", async (name, content) => {
    const { pid } = (await findServer(localHome(server.home)))!.status;
    const threads = () => readdirSync(`/proc/${pid}/task`).length;
    const bytes = content();
    await file(`small_${name}`.replace(/\.\w+$/, ".csv"), "a\n1\n"); // threads that any import leaves
    const before = threads();
    const importing = finished(await upload(name, bytes));
    let most = 0;
    const counting = setInterval(() => {
      most = Math.max(most, threads());
    }, 5);
    const { count, slowest } = await answersDuring(server, importing).finally(() => clearInterval(counting));
    expect(await importing).toMatchObject({ success: true });
    expect(count).toBeGreaterThan(20);
    expect(slowest).toBeLessThan(1 / 4);
    expect(most).toBeGreaterThan(before);
    expect(threads()).toBeLessThan(most);
  });

  test("a file that takes more memory than its thread may have", async () => {
    const dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
    const path = join(dir, "strings.xlsx");
    await writeFile(path, strings());
    const { signal } = new AbortController();
    const resourceLimits = { maxOldGenerationSizeMb: 24 };
    const worker = new ImportWorker({
      program: "reader-worker.js",
      resourceLimits,
      reader: "the reader",
      signal,
    });
    const options = {
      typeGuessing: true,
      quotedFieldsGuessing: true,
      contentGuessing: false,
      reading: {},
      beside: [],
    };
    const opened = worker.ask({ kind: "open", file: { path, name: "strings.xlsx" }, options });
    await expect(opened).rejects.toMatchObject({ code: 6666, detail: expect.stringMatching(/memory/) });
    await worker.end();
    await rm(dir, { recursive: true });
  });
});
