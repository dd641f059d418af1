import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { importer } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const { file, columns, leftovers } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

const caseFile = (name: string) => readFile(new URL(`cases/kml/${name}`, import.meta.url));
const rowsOf = async (table: string, list: string) =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const imported = async (content: string | Uint8Array): Promise<string> => {
  const answer = await file("t.kml", content);
  expect(answer).toMatchObject({ success: true, error_code: null, warnings: null });
  return answer.table_name!;
};
const failureOf = async (content: string | Uint8Array) => {
  const { state, error_code, get_error_text } = await file("wrong.kml", content);
  return [state, error_code, get_error_text?.what_about];
};
const document = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>${content}</Document></kml>`;
const placemark = (content: string) => `<Placemark><name>A</name>${content}</Placemark>`;
const POINT = "<Point><coordinates>1,2</coordinates></Point>";
const coordinates = (text: string) => `<coordinates>${text}</coordinates>`;
const ring = (text: string) => `<LinearRing>${coordinates(text)}</LinearRing>`;
const polygon = (...[outer, ...inner]: string[]) =>
  `<Polygon><outerBoundaryIs>${ring(outer!)}</outerBoundaryIs>${inner
    .map((hole) => `<innerBoundaryIs>${ring(hole)}</innerBoundaryIs>`)
    .join("")}</Polygon>`;
const multi = (...members: string[]) => `<MultiGeometry>${members.join("")}</MultiGeometry>`;
const line = (text: string) => `<LineString>${coordinates(text)}</LineString>`;
const geometry = async (content: string) =>
  (await rowsOf(await imported(document(placemark(content))), "ST_AsText(the_geom, 4) AS g"))[0]?.g;

describe("geometries", () => {
  const SQUARE = "0,0 1,0 1,1 0,0";
  const OTHER = "5,5 6,5 6,6 5,5";

  test("a MultiGeometry of polygons", async () => {
    const table = await imported(await caseFile("two_islands.kml"));
    expect(await rowsOf(table, "name, ST_AsText(the_geom) AS g")).toEqual([
      { name: "isles", g: "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))" },
    ]);
  });

  test.each<[string, string, string]>([
    ["lines", multi(line("0,0 1,1"), line("2,2 3,3")), "MULTILINESTRING((0 0,1 1),(2 2,3 3))"],
    ["points: the first", multi(POINT, "<Point><coordinates>3,4</coordinates></Point>"), "POINT(1 2)"],
    [
      "nested",
      multi(multi(polygon(SQUARE)), multi(multi(polygon(OTHER)))),
      "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    ],
    ["one member", multi(POINT), "POINT(1 2)"],
    [
      "a polygon with a hole",
      polygon("0,0 9,0 9,9 0,0", "2,1 3,1 3,2 2,1"),
      "MULTIPOLYGON(((0 0,9 0,9 9,0 0),(2 1,3 1,3 2,2 1)))",
    ],
    ["an open ring, closed", polygon("0,0 1,0 1,1"), "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"],
    ["a ring alone", ring("0,0 1,0 1,1"), "MULTILINESTRING((0 0,1 0,1 1,0 0))"],
    ["blanks around commas", line("\n 0 , 0,5\n\t1, 1 ,5 \n"), "MULTILINESTRING((0 0,1 1))"],
    [
      "a track",
      "<gx:Track><gx:coord>0 1 2</gx:coord><gx:coord>3 4 5</gx:coord></gx:Track>",
      "MULTILINESTRING((0 1,3 4))",
    ],
  ])("%s", async (_, content, expected) => {
    expect(await geometry(content)).toBe(expected);
  });

  test.each([
    ["missing", ""],
    ["without coordinates", "<Point/>"],
    ["of an empty list", "<LineString><coordinates> </coordinates></LineString>"],
    ["an empty MultiGeometry", multi()],
  ])("%s: NULL", async (_, content) => {
    expect(await geometry(content)).toBeNull();
  });

  test("of several kinds", async () => {
    expect((await failureOf(document(placemark(multi(POINT, line("0,0 1,1")))))).slice(0, 2)).toEqual([
      "failure",
      3201,
    ]);
  });

  test("that cannot be read are NULL and counted", async () => {
    const wrong = [
      "<Point><coordinates>null,null</coordinates></Point>",
      "<Point><coordinates>,</coordinates></Point>",
      "<Point><coordinates>5</coordinates></Point>",
      "<Point><coordinates>NaN,Infinity</coordinates></Point>",
      line("0,0"),
      line("0,0 1,x 2,2"),
      line("0,0, 1,1, 2,2"),
      polygon("0,0 1,1"),
      multi(polygon(SQUARE), polygon("0,0 1,y 1,1 0,0")),
    ];
    const answer = await file("some.kml", document([POINT, ...wrong].map(placemark).join("")));
    expect(answer).toMatchObject({
      success: true,
      error_code: null,
      warnings: { unusable_geometries: wrong.length },
    });
    const counts = "count(*)::int AS rows, count(the_geom)::int AS geometries";
    const { rows } = await server.sql(`SELECT ${counts} FROM ${answer.table_name}`);
    expect(rows).toEqual([{ rows: wrong.length + 1, geometries: 1 }]);
  });

  test("outlines of ground overlays", async () => {
    const box = (more: string) =>
      `<GroundOverlay><name>A</name><LatLonBox><north>2</north><south>0</south><east>2</east><west>0</west>${more}</LatLonBox></GroundOverlay>`;
    const quad = `<GroundOverlay><gx:LatLonQuad>${coordinates("0,0 1,0 1,1 0,1")}</gx:LatLonQuad></GroundOverlay>`;
    const table = await imported(document(box("") + box("<rotation>90</rotation>") + quad));
    expect(
      (await rowsOf(table, "ST_AsText(ST_Normalize(ST_SnapToGrid(the_geom, 0.0001))) AS g")).map(
        ({ g }) => g,
      ),
    ).toEqual([
      "MULTIPOLYGON(((0 0,0 2,2 2,2 0,0 0)))",
      "MULTIPOLYGON(((0 0,0 2,2 2,2 0,0 0)))",
      "MULTIPOLYGON(((0 0,0 1,1 1,1 0,0 0)))",
    ]);
  });
});

describe("encodings", () => {
  test.each([
    ["cp1251.kml", "Тверь"],
    ["latin2.kml", "Łódź"],
    ["gb2312.kml", "北京市"],
    ["sjis.kml", "東京"],
  ])("declared in %s", async (name, text) => {
    expect(await rowsOf(await imported(await caseFile(name)), "name")).toEqual([{ name: text }]);
  });

  const named = (declaration: string, bytes: Buffer) =>
    Buffer.concat([
      Buffer.from(`${declaration}<kml><Placemark><name>`),
      bytes,
      Buffer.from(`</name>${POINT}</Placemark></kml>`),
    ]);
  test.each<[string, string, Buffer, string]>([
    ["IBM850", '<?xml version="1.0" encoding="IBM850"?>', Buffer.from([0x4d, 0xa0]), "Má"],
    ["single quotes", "<?xml version='1.0' encoding='koi8-r'?>", Buffer.from([0xed, 0xcf]), "Мо"],
    [
      "blanks before",
      ' \n<?xml version = "1.0" encoding = "windows-1253" ?>',
      Buffer.from([0xc1, 0xe8]),
      "Αθ",
    ],
    ["UTF-8, wrongly", '<?xml version="1.0" encoding="UTF-8"?>', Buffer.from([0xe1]), "á"],
    ["an unknown one", '<?xml version="1.0" encoding="x-none"?>', Buffer.from("東京"), "東京"],
    ["none", "", Buffer.from("東京"), "東京"],
  ])("%s", async (_, declaration, bytes, text) => {
    expect(await rowsOf(await imported(named(declaration, bytes)), "name")).toEqual([{ name: text }]);
  });

  test("UTF-16 with a mark", async () => {
    const text = `<?xml version="1.0" encoding="UTF-16"?>${document(placemark(POINT)).slice(38)}`;
    expect(await rowsOf(await imported(Buffer.from(`\ufeff${text}`, "utf16le")), "name")).toEqual([
      { name: "A" },
    ]);
  });
});

describe("namespaces", () => {
  test.each(["prefix.kml", "xsi.kml", "gx.kml"])("%s", async (name) => {
    const table = await imported(await caseFile(name));
    expect(await rowsOf(table, "name, ST_AsText(the_geom) AS g")).toEqual([{ name: "A", g: "POINT(1 2)" }]);
  });
});

describe("properties", () => {
  const extended = (content: string) => `<ExtendedData>${content}</ExtendedData>`;
  const data = (name: string, value: string) => `<Data name="${name}"><value>${value}</value></Data>`;
  const tableOf = (...contents: string[]) => imported(document(contents.map(placemark).join("")));

  test("cartodb_id of the SQL API's export", async () => {
    expect(await rowsOf(await imported(await caseFile("own.kml")), "cartodb_id, name")).toEqual([
      { cartodb_id: 7, name: "A" },
    ]);
  });

  test("an export of the SQL API can be imported", async () => {
    await server.sql("CREATE TABLE made (n int, word text)");
    await server.sql("SELECT CDB_CartodbfyTable('made')");
    await server.sql(
      "INSERT INTO made (cartodb_id, n, word, the_geom) VALUES (41, 1, 'a & <b>', ST_Point(1, 2, 4326)), (7, NULL, '', ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))', 4326))",
    );
    const kml = await (await server.ask("/api/v2/sql?format=kml&q=SELECT * FROM made")).arrayBuffer();
    const table = await imported(new Uint8Array(kml));
    expect(await rowsOf(table, "cartodb_id, n, word, ST_AsText(the_geom) AS g")).toEqual([
      { cartodb_id: 7, n: null, word: "", g: "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))" },
      { cartodb_id: 41, n: "1", word: "a & <b>", g: "POINT(1 2)" },
    ]);
  });

  test("cartodb_id that is no key", async () => {
    expect((await failureOf(document(placemark(extended(data("cartodb_id", "x")))))).slice(0, 2)).toEqual([
      "failure",
      2011,
    ]);
  });

  test("data that are called like styles", async () => {
    expect(await rowsOf(await imported(await caseFile("data.kml")), "icon, visibility")).toEqual([
      { icon: "cafe", visibility: "12 km" },
    ]);
    const names = ["stroke", "fill", "styleUrl", "label-color", "icon-scale"];
    const table = await tableOf(extended(names.map((name) => data(name, "x")).join("")));
    expect(Object.keys(await columns(table)).sort()).toEqual(
      ["name", "stroke", "fill", "styleurl", "label_color", "icon_scale"].sort(),
    );
  });

  test("styles are left out", async () => {
    const table = await tableOf(
      "<visibility>0</visibility><styleUrl>#s</styleUrl><Style><LineStyle><color>ff0000ff</color></LineStyle></Style>",
    );
    expect(await columns(table)).toEqual({ name: "text" });
  });

  test("HTML descriptions arrive as they are", async () => {
    const table = await tableOf(
      "<description><![CDATA[<b>x</b> & y]]></description>",
      "<description>&lt;i&gt;z&lt;/i&gt;</description>",
      "<description/>",
    );
    expect((await rowsOf(table, "description")).map(({ description }) => description)).toEqual([
      "<b>x</b> & y",
      "<i>z</i>",
      null,
    ]);
  });

  test("types of a schema, wherever it stands", async () => {
    const fields = [
      ["whole", "int"],
      ["large", "uint"],
      ["real", "double"],
      ["yes", "bool"],
      ["code", "string"],
      ["mixed", "int"],
    ];
    const schema = `<Schema name="s" id="s1">${fields
      .map(
        ([name, type]) =>
          `<SimpleField name="${name}" type="${type}"><displayName>x</displayName></SimpleField>`,
      )
      .join("")}</Schema>`;
    const values = (...texts: string[]) =>
      extended(
        `<SchemaData schemaUrl="#s1">${texts
          .map((text, i) => `<SimpleData name="${fields[i]![0]}">${text}</SimpleData>`)
          .join("")}</SchemaData>`,
      );
    const rows = [
      placemark(values("5", "1610521604143693813", "1.5", "1", "00501", "1")),
      placemark(values("", "12345678901234567890", "1e3", "false", "", "many")),
    ];
    for (const content of [
      [schema, ...rows],
      [...rows, schema],
    ]) {
      const table = await imported(document(content.join("")));
      expect(await columns(table)).toEqual({
        name: "text",
        whole: "integer",
        large: "numeric",
        real: "double precision",
        yes: "boolean",
        code: "text",
        mixed: "text",
      });
      expect(await rowsOf(table, "whole, large::text, real, yes, code, mixed")).toEqual([
        { whole: 5, large: "1610521604143693813", real: 1.5, yes: true, code: "00501", mixed: "1" },
        { whole: null, large: "12345678901234567890", real: 1000, yes: false, code: "", mixed: "many" },
      ]);
    }
  });

  test("elements of other namespaces in ExtendedData", async () => {
    expect(await rowsOf(await tableOf(extended("<camp:number>14</camp:number>")), "number")).toEqual([
      { number: "14" },
    ]);
  });

  test("ids of placemarks, after data of the same name", async () => {
    const table = await imported(
      document(
        `<Placemark id="p1">${extended(data("id", "5") + data("name", "B"))}<name>A</name></Placemark>`,
      ),
    );
    expect(await rowsOf(table, "name, name_1, id, id_1")).toEqual([
      { name: "A", name_1: "B", id: "5", id_1: "p1" },
    ]);
  });

  test("times", async () => {
    const table = await imported(await caseFile("span.kml"));
    expect(await columns(table)).toEqual({
      name: "text",
      begin: "timestamp with time zone",
      _end: "timestamp with time zone", // CARTO's name for a reserved word
      timestamp: "timestamp with time zone",
    });
    expect(await rowsOf(table, "begin::text, _end::text, timestamp::text")).toEqual([
      { begin: "2016-02-13 00:00:00+00", _end: "2016-02-14 00:00:00+00", timestamp: null },
      { begin: null, _end: null, timestamp: "2016-02-13 12:34:56+00" },
    ]);
  });

  test("times with zones, days, months and years", async () => {
    const times = async (...texts: string[]) => {
      const table = await tableOf(...texts.map((text) => `<TimeStamp><when>${text}</when></TimeStamp>`));
      const rows = await rowsOf(table, "timestamp::text AS t");
      return [(await columns(table)).timestamp, ...rows.map(({ t }) => t)];
    };
    expect(await times("2016-02-13T01:00:00.123456+02:00", "2016-02-13", "2016-02", "2016")).toEqual([
      "timestamp with time zone",
      "2016-02-12 23:00:00.123456+00",
      "2016-02-13 00:00:00+00",
      "2016-02-01 00:00:00+00",
      "2016-01-01 00:00:00+00",
    ]);
    expect(await times("1850-02", "2016")).toEqual(["date", "1850-02-01", "2016-01-01"]);
    expect(await times("2016-02-30", "2016")).toEqual(["text", "2016-02-30", "2016-01-01"]);
  });

  test("times of views are not those of the placemark", async () => {
    const table = await tableOf("<LookAt><gx:TimeStamp><when>2016</when></gx:TimeStamp></LookAt>");
    expect(await columns(table)).toEqual({ name: "text" });
  });
});

describe("files that fail", () => {
  test("only a link to another file", async () => {
    expect(await failureOf(await caseFile("link.kml"))).toEqual([
      "failure",
      3202,
      expect.stringMatching(/links to other files/),
    ]);
  });

  test("placemarks beside a link are read", async () => {
    const link = "<NetworkLink><Link><href>http://example.com/a.kml</href></Link></NetworkLink>";
    expect(await rowsOf(await imported(document(link + placemark(POINT))), "name")).toEqual([{ name: "A" }]);
  });

  const entity = (i: number) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`;
  const laughs = `<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e0 "${"x".repeat(100)}">${Array.from({ length: 20 }, (_, i) => entity(i)).join("")}]>`;
  const external = '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e20 SYSTEM "file:///etc/passwd">]>';
  const name = "<kml><Placemark><name>&e20;</name></Placemark></kml>";
  test.each<[string, string, RegExp]>([
    ["entities that grow", laughs + name, /undefined entity/],
    ["entities from other files", external + name, /undefined entity/],
    ["nesting of 100,000 levels", document("<Folder>".repeat(100_000)), /nested deeper/],
    ["nesting in a placemark", document(placemark("<MultiGeometry>".repeat(100_000))), /nested deeper/],
    ["a tag that is not closed", document("<Placemark><name>A</Placemark>"), /not valid XML/],
    ["cut off", document(placemark(POINT)).slice(0, -20), /not valid XML/],
    ["plain text", "name,lat,lng", /not valid XML/],
  ])("%s", async (_, content, message) => {
    const start = performance.now();
    expect(await failureOf(content)).toEqual(["failure", 2001, expect.stringMatching(message)]);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test("an element of more than 64 million characters", async () => {
    const large = document(placemark(`<description>${"x".repeat(68_000_000)}`));
    expect((await failureOf(large)).slice(0, 2)).toEqual(["failure", 6666]);
  });
});
