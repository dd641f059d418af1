import { describe, expect, test } from "vitest";
import { crsNameOf, sridOfCrsName } from "../../src/geometry/crs";
import { DegreeCheck } from "../../src/geometry/degrees";

test.each<[string, number | undefined]>([
  ["EPSG:27700", 27700],
  ["epsg:3857", 3857],
  ["EPSG::4326", 4326],
  ["EPSG 2056", 2056],
  ["urn:ogc:def:crs:EPSG::25830", 25830],
  ["urn:ogc:def:crs:EPSG:6.9:4326", 4326],
  ["urn:ogc:def:crs:EPSG:9.8.15:3035", 3035],
  ["urn:x-ogc:def:crs:EPSG:4258", 4258],
  ["urn:ogc:def:crs,crs:EPSG::27700,crs:EPSG::5701", 27700],
  ["EPSG:27700+5701", 27700],
  ["http://www.opengis.net/def/crs/EPSG/0/27700", 27700],
  ["https://www.opengis.net/def/crs/EPSG/9.9.1/4326", 4326],
  ["http://www.opengis.net/gml/srs/epsg.xml#4326", 4326],
  ["http://spatialreference.org/ref/epsg/2154/", 2154],
  ["ESRI:102100", 102100],
  ["27700", 27700],
  ["OGC:CRS84", 4326],
  ["CRS84", 4326],
  ["CRS:84", 4326],
  ["crs84h", 4326],
  ["urn:ogc:def:crs:OGC:1.3:CRS84", 4326],
  ["urn:ogc:def:crs:OGC::CRS84", 4326],
  ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326],
  ["https://www.opengis.net/def/crs/OGC/0/CRS84h", 4326],
  ["urn:ogc:def:crs:OGC:1.3:CRS83", 4269],
  ["WGS84", 4326],
  ["WGS 84", 4326],
  ["Mars", undefined],
  ["EPSG:", undefined],
  ["EPSG:0", undefined],
  ["NOTEPSG:4326", undefined],
  ["", undefined],
])("the SRID of %s is %s", (name, srid) => {
  expect(sridOfCrsName(name)).toBe(srid);
});

test.each<[unknown, string | null]>([
  [null, null],
  [undefined, null],
  [{ type: "name", properties: { name: "EPSG:27700" } }, "EPSG:27700"],
  [{ type: "EPSG", properties: { code: 27700 } }, "EPSG:27700"],
  [
    { type: "link", properties: { href: "https://www.opengis.net/def/crs/EPSG/0/3857" } },
    "https://www.opengis.net/def/crs/EPSG/0/3857",
  ],
  ["EPSG:3857", "EPSG:3857"],
  [{ type: "name" }, '{"type":"name"}'],
])("the name in crs %j is %s", (crs, name) => {
  expect(crsNameOf(crs)).toBe(name);
});

describe("coordinates that are not degrees", () => {
  const problem = (...coordinates: unknown[]) => {
    const check = new DegreeCheck();
    for (const each of coordinates) check.add(each);
    return check.problem();
  };

  test.each<[string, unknown[], string]>([
    [
      "British metres",
      [
        [430_000, 560_000],
        [530_000, 180_000],
      ],
      "x is from 430,000 to 530,000 and y is from 180,000 to 560,000: British National Grid (EPSG:27700), or Poland CS92 (EPSG:2180), or Conus Albers, United States (EPSG:5070)?",
    ],
    [
      "Swiss metres",
      [
        [
          [
            [2_600_000, 1_200_000],
            [2_700_000.5, 1_250_000],
          ],
        ],
      ],
      "x is from 2,600,000 to 2,700,001 and y is from 1,200,000 to 1,250,000: LV95, Switzerland (EPSG:2056), or Web Mercator (EPSG:3857)?",
    ],
    [
      "Web Mercator",
      [[-8_238_354, 4_970_277]],
      "x is -8,238,354 and y is 4,970,277: Web Mercator (EPSG:3857)?",
    ],
    ["latitude first", [[40.4, -103.7]], "x is 40.4 and y is -103.7. Write longitude before latitude."],
    [
      "nowhere on Earth",
      [[9e9, 9e9]],
      "x is 9,000,000,000 and y is 9,000,000,000. Find out the coordinate system of the data.",
    ],
  ])("%s", (_, coordinates, text) => {
    expect(problem(...coordinates)).toBe(text);
  });

  test("degrees, also beyond the antimeridian, and a minority of others are accepted", () => {
    expect(problem([2, 41], [190, -17], [359.9, 90], [])).toBeUndefined();
    expect(problem([2, 41], [2, 42], [430_000, 560_000])).toBeUndefined();
    expect(problem()).toBeUndefined();
  });
});
