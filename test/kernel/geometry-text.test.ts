import { describe, expect, test } from "vitest";
import wkx from "wkx";
import { bytesGeometryText, hexGeometryText, wkxGeometryText } from "../../src/kernel/geometry-text";

const CASES = [
  ["POINT(-3.70379 40.416775)", "POINT (-3.70379 40.416775)"],
  ["POINT(0.1234567 1e-9)", "POINT (0.123457 0)"],
  ["POINT Z(1 2 3)", "POINT Z (1 2 3)"],
  ["POINT ZM(1 2 3 4)", "POINT ZM (1 2 3 4)"],
  ["POINT EMPTY", "POINT EMPTY"],
  ["LINESTRING(0 0,1 1)", "LINESTRING (2 points)"],
  ["LINESTRING EMPTY", "LINESTRING EMPTY"],
  ["POLYGON((0 0,4 0,4 4,0 4,0 0))", "POLYGON (5 points)"],
  ["POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))", "POLYGON (9 points, 1 hole)"],
  ["MULTIPOINT(1 1,2 2,3 3)", "MULTIPOINT (3 points)"],
  ["MULTILINESTRING Z((0 0 1,1 1 1),(2 2 2,3 3 3,4 4 4))", "MULTILINESTRING Z (2 parts, 5 points)"],
  ["MULTIPOLYGON(((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1)))", "MULTIPOLYGON (1 part, 8 points, 1 hole)"],
  ["MULTIPOLYGON EMPTY", "MULTIPOLYGON EMPTY"],
  ["GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))", "GEOMETRYCOLLECTION (2 parts, 3 points)"],
] as const;

describe("a geometry in a few words", () => {
  test.each(CASES)("%s", (wkt, words) => {
    const geometry = wkx.Geometry.parse(`SRID=4326;${wkt}`);
    expect(wkxGeometryText(geometry)).toBe(words);
    expect(hexGeometryText(geometry.toEwkb().toString("hex").toUpperCase())).toBe(words);
    expect(hexGeometryText(geometry.toWkb().toString("hex"))).toBe(words);
    expect(bytesGeometryText(geometry.toEwkb())).toBe(words);
  });

  test("names a spatial reference system other than longitude and latitude", () => {
    const geometry = wkx.Geometry.parse("SRID=3857;POINT(1 2)");
    expect(wkxGeometryText(geometry)).toBe("SRID=3857; POINT (1 2)");
    expect(hexGeometryText(geometry.toEwkb().toString("hex"))).toBe("SRID=3857; POINT (1 2)");
  });

  test("reads big-endian bytes", () => {
    expect(hexGeometryText("00000000013ff00000000000004000000000000000")).toBe("POINT (1 2)");
  });

  test("does not count the points of very many parts", () => {
    const part = new wkx.LineString([new wkx.Point(0, 0), new wkx.Point(1, 1)]);
    const many = new wkx.MultiLineString(new Array(20_000).fill(part));
    expect(hexGeometryText(many.toWkb().toString("hex"))).toBe("MULTILINESTRING (20,000 parts)");
  });
});

test.each([
  ["other text", "Madrid"],
  ["a hash", "0123456789abcdef0123456789abcdef"],
  ["no type", "0100000000000000000000000000000000000000"],
  ["too short", "0101000000000000000000f03f"],
  ["too long", "0101000000000000000000f03f000000000000004000"],
  ["not hex", "0101000000zzzzzzzzzzzzf03f0000000000000040"],
  ["an absurd count", "0106000000ffffffff01"],
])("leaves text that is not a geometry: %s", (_, text) => {
  expect(hexGeometryText(text)).toBeUndefined();
});
