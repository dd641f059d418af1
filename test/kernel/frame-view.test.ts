import { DataFrame, Series } from "danfojs-node";
import { describe, expect, test } from "vitest";
import wkx from "wkx";
import { frameBundle, frameText, isFrameLike } from "../../src/kernel/frame-view";

/** A frame by its fields, as danfo has them. */
function frame(columns: Record<string, readonly unknown[]>, dtypes: readonly string[] = []) {
  const names = Object.keys(columns);
  const rows = Array.from({ length: columns[names[0]!]?.length ?? 0 }, (_, r) =>
    names.map((name) => columns[name]![r]),
  );
  return {
    $isSeries: false,
    $data: rows,
    $columns: names,
    $dtypes: names.map((_, i) => dtypes[i] ?? "string"),
    $index: rows.map((_, r) => r),
  };
}

const text = (columns: Record<string, readonly unknown[]>, dtypes?: readonly string[]) =>
  `\n${frameText(frame(columns, dtypes))}\n`;
const hex = (wkt: string) => wkx.Geometry.parse(`SRID=4326;${wkt}`).toEwkb().toString("hex").toUpperCase();

describe("text", () => {
  test("a table of places", () => {
    const places = {
      cartodb_id: [1, 2, 3],
      name: ["Madrid", "東京", null],
      pop: [3223334, Number.NaN, 5],
      the_geom: [hex("POINT(-3.7038 40.4168)"), hex("POLYGON((0 0,4 0,4 4,0 0))"), null],
    };
    expect(text(places, ["int32", "string", "int32", "string"])).toMatchInlineSnapshot(`
      "
         cartodb_id  name        pop  the_geom
              int32  string    int32  geometry
      0           1  Madrid  3223334  POINT (-3.7038 40.4168)
      1           2  東京          –  POLYGON (4 points)
      2           3  –             5  –
      3 rows × 4 columns
      "
    `);
  });

  test("numbers share their decimals, except tiny and huge ones", () => {
    const numbers = {
      mixed: [1, 2.5, -0.125],
      tiny: [0.00001234567, 1, 2e20],
      endless: [1 / 3, Infinity, 0],
    };
    expect(text(numbers, ["float32", "float32", "float32"])).toMatchInlineSnapshot(`
      "
           mixed          tiny   endless
         float32       float32   float32
      0    1.000  0.0000123457  0.333333
      1    2.500             1  Infinity
      2   -0.125         2e+20  0.000000
      3 rows × 3 columns
      "
    `);
  });

  test("dates are as precise as one of them needs", () => {
    const at = (iso: string) => new Date(iso);
    const dates = {
      day: [at("2020-01-01"), at("1969-12-31"), null],
      second: [at("2020-01-01"), at("2020-01-01T12:30:05Z"), null],
      millisecond: [at("2020-01-01"), at("2020-01-01T12:30:05.123Z"), at("invalid")],
    };
    expect(text(dates, ["datetime", "datetime", "datetime"])).toMatchInlineSnapshot(`
      "
         day         second               millisecond
         datetime    datetime             datetime
      0  2020-01-01  2020-01-01 00:00:00  2020-01-01 00:00:00.000
      1  1969-12-31  2020-01-01 12:30:05  2020-01-01 12:30:05.123
      2  –           –                    Invalid Date
      3 rows × 3 columns
      "
    `);
  });

  test("missing values differ from empty strings", () => {
    expect(text({ value: ["", " ", null, undefined, "null"] })).toMatchInlineSnapshot(`
      "
         value
         string
      0
      1
      2  –
      3  –
      4  null
      5 rows × 1 column
      "
    `);
  });

  test("objects are compact JSON", () => {
    const values = [
      { kind: "city", zones: [1, 2] },
      [1, [2, "x"]],
      true,
      12345678901234567890n,
      new Uint8Array([0, 255]),
      new Map([["a", 1]]),
      wkx.Geometry.parse("POINT(1 2)"),
      { type: "Feature", properties: { name: "a long one that has to be cut at the end" } },
    ];
    expect(text({ value: values })).toMatchInlineSnapshot(`
      "
         value
         string
      0  {"kind":"city","zones":[1,2]}
      1  [1,[2,"x"]]
      2  true
      3  12345678901234567890
      4  \\x00ff
      5  Map(1) { 'a' => 1 }
      6  POINT (1 2)
      7  {"type":"Feature","properties":{"name":"a long on…
      8 rows × 1 column
      "
    `);
  });

  test("each row is one line, whatever it contains", () => {
    expect(
      text({ "a\nb": ["x\ny", "\u001b[31mred", "\u202eabc", "\ud800", "end\t"] }),
    ).toMatchInlineSnapshot(`
      "
         a↵b
         string
      0  x↵y
      1  ␛[31mred
      2  �abc
      3  �
      4  end␉
      5 rows × 1 column
      "
    `);
  });

  test("long frames show the first and last rows", () => {
    const n = Array.from({ length: 12_345 }, (_, i) => i);
    expect(text({ n }, ["int32"])).toMatchInlineSnapshot(`
      "
                 n
             int32
          0      0
          1      1
          2      2
          3      3
          4      4
          ⋮      ⋮
      12340  12340
      12341  12341
      12342  12342
      12343  12343
      12344  12344
      12,345 rows × 1 column
      "
    `);
  });

  test("wide frames show the first and last columns that fit", () => {
    const columns = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`c${i}`, [i * 1000]]));
    expect(text(columns)).toMatchInlineSnapshot(`
      "
             c0      c1      c2      c3      c4      c5      c6      c7  …    c195    c196    c197    c198    c199
         string  string  string  string  string  string  string  string     string  string  string  string  string
      0       0    1000    2000    3000    4000    5000    6000    7000  …  195000  196000  197000  198000  199000
      1 row × 200 columns
      "
    `);
  });

  test("long strings leave room for the other columns", () => {
    const columns = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, [name.repeat(1_000_000)]]));
    expect(text(columns)).toMatchInlineSnapshot(`
      "
         a                         b                         c                         d
         string                    string                    string                    string
      0  aaaaaaaaaaaaaaaaaaaaaaa…  bbbbbbbbbbbbbbbbbbbbbbb…  ccccccccccccccccccccccc…  ddddddddddddddddddddddd…
      1 row × 4 columns
      "
    `);
  });

  test("an empty frame", () => {
    expect(text({ a: [], b: [] })).toMatchInlineSnapshot(`
      "
        a       b
        string  string
      0 rows × 2 columns
      "
    `);
    expect(text({})).toMatchInlineSnapshot(`
      "
      0 rows × 0 columns
      "
    `);
  });
});

describe("HTML", () => {
  test("a small table", () => {
    const html = frameBundle(frame({ id: [1, null], name: ["Madrid", ""] }, ["int32", "string"]))[
      "text/html"
    ];
    expect(html).toMatchInlineSnapshot(`
      "<div style="overflow-x:auto">
      <table class="dataframe" style="border-spacing:1em 0"><thead><tr><th></th><th style="text-align:right">id<br><span style="font-weight:normal;opacity:0.6">int32</span></th><th style="text-align:left;white-space:pre">name<br><span style="font-weight:normal;opacity:0.6">string</span></th></tr></thead>
      <tbody><tr><th style="text-align:right">0</th><td style="text-align:right">1</td><td style="text-align:left;white-space:pre">Madrid</td></tr>
      <tr><th style="text-align:right">1</th><td style="text-align:right"><span style="opacity:0.6">–</span></td><td style="text-align:left;white-space:pre"></td></tr></tbody></table>
      <div style="opacity:0.6">2 rows × 2 columns</div>
      </div>"
    `);
  });

  test("escapes everything from the data", () => {
    const hostile = `<script>alert("1")</script><b onclick='x'>&`;
    const evil = frame({ [hostile]: [hostile], object: [{ [hostile]: hostile }] }, [hostile]);
    evil.$index = [hostile as unknown as number];
    const html = frameBundle(evil)["text/html"];
    expect(html.match(/<(?!\/?(?:div|table|thead|tbody|tr|th|td|span|br)\b)/g)).toBeNull();
    expect(html.match(/<[^>]*(?:onclick|script)/)).toBeNull();
    expect(html).toContain("&lt;script&gt;");
  });

  test("a large frame gives short HTML", () => {
    const long = "x".repeat(100_000);
    const columns = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`c${i}`, new Array(1000).fill(long)]),
    );
    expect(frameBundle(frame(columns))["text/html"].length).toBeLessThan(30_000);
  });
});

describe("danfo's own objects", () => {
  test("a DataFrame and its columns", () => {
    const df = new DataFrame({ a: [1, 2], b: ["x", "y"] });
    expect(isFrameLike(df)).toBe(true);
    expect(frameText(df as never)).toMatchInlineSnapshot(`
      "       a  b
         int32  string
      0      1  x
      1      2  y
      2 rows × 2 columns"
    `);
    expect(frameText(df.column("b") as never)).toMatchInlineSnapshot(`
      "   b
         string
      0  x
      1  y
      2 values"
    `);
    expect(frameText(new Series([1.5, 2]) as never)).toMatchInlineSnapshot(`
      "         0
         float32
      0      1.5
      1      2.0
      2 values"
    `);
  });

  test("without rows", () => {
    const empty = new DataFrame([], { columns: ["a", "b"], dtypes: ["int32", "string"] });
    expect(frameText(empty as never)).toMatchInlineSnapshot(`
      "  a      b
        int32  string
      0 rows × 2 columns"
    `);
  });

  test("columns named like public members", () => {
    const df = new DataFrame({ a: [1], b: [2], c: [3], d: [4] });
    df.$setColumnNames(["shape", "columns", "values", "head"]);
    expect(frameText(df as never)).toMatchInlineSnapshot(`
      "   shape  columns  values   head
         int32    int32   int32  int32
      0      1        2       3      4
      1 row × 4 columns"
    `);
  });

  test("a custom index", () => {
    const df = new DataFrame({ n: [1, 2] }, { index: ["first", "second"] });
    expect(frameText(df as never)).toMatchInlineSnapshot(`
      "            n
              int32
       first      1
      second      2
      2 rows × 1 column"
    `);
  });
});

test.each([
  ["null", null],
  ["a string", "frame"],
  ["an array", [1]],
  ["a prototype", DataFrame.prototype],
  ["something like it", { $isSeries: false, $data: [], $columns: 3, $dtypes: [], $index: [] }],
])("%s is not a frame", (_, value) => {
  expect(isFrameLike(value)).toBe(false);
});
