import { DataFrame } from "danfojs-node";
import { describe, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, styling } from "../../src/map";
import { renderPng } from "../../src/render/image/png";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

/** Six geometries of each kind, west to east; the Multi kinds have two or three parts each. */
const AT = [-25, -15, -5, 5, 15, 25];
const line = (lng: number, lat: number) =>
  `(${lng - 3} ${lat - 4}, ${lng} ${lat + 4}, ${lng + 3} ${lat - 4})`;
const ring = (lng: number, lat: number, reach: number) =>
  `(${[
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
    [-1, -1],
  ]
    .map(([x, y]) => `${lng + x! * reach} ${lat + y! * reach}`)
    .join(", ")})`;
const KINDS = {
  point: AT.map((lng) => `POINT (${lng} 0)`),
  multipoint: AT.map((lng) => `MULTIPOINT ((${lng} -7), (${lng + 2} 0), (${lng} 7))`),
  line: AT.map((lng) => `LINESTRING ${line(lng, 0)}`),
  multiline: AT.map((lng) => `MULTILINESTRING (${line(lng, -6)}, ${line(lng, 6)})`),
  polygon: AT.map((lng) => `POLYGON (${ring(lng, 0, 4)}, ${ring(lng, 0, 1.5)})`),
  multipolygon: AT.map(
    (lng) => `MULTIPOLYGON ((${ring(lng, -6, 4)}, ${ring(lng, -6, 1.5)}), (${ring(lng, 6, 3)}))`,
  ),
};

const STYLES: Record<string, LayerOptions> = {
  constant: { color: "#3969ac", size: 7 },
  quantiles: { color: { column: "value", scheme: styling.sunset(3) } },
  category: { color: "name" },
  opacity: { color: "crimson", opacity: 0.35 },
};

describe.each(Object.entries(KINDS))("%s", (kind, texts) => {
  test.each(Object.entries(STYLES))("%s", async (style, options) => {
    const frame = new DataFrame({
      geometry: texts,
      value: [1, 2, 4, 8, 16, Number.NaN],
      name: ["oak", "elm", "oak", "fir", "fir", "oak"],
    });
    const { scene } = await mapScene(nowhere, {
      layers: [new BaseMap({ source: "none" }), new Layer(frame, { geomCol: "geometry", ...options })],
      // beside the legend, not under it
      zoom: 2.5,
      lat: 0,
      lng: 22,
      size: [420, 180],
      progress,
    });
    await expectGolden(`map-${kind}-${style}`, renderPng(scene));
  });
});
