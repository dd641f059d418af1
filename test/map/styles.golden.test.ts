/**
 * Each style on each kind of geometry. A golden picture is a sheet of seven maps, one above the other, as its title says;
 * look at `test/golden/style-*.png` to see what styles do.
 */
import { createCanvas } from "@napi-rs/canvas";
import { describe, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, type MapOptions, styling } from "../../src/map";
import { encodePng } from "../../src/render/image/encode-png";
import { renderCanvas } from "../../src/render/image/png";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";
import { ALL_KINDS, frameOf, type Kind, WITH_GAPS } from "./kinds";

interface Sheet {
  readonly style: LayerOptions;
  readonly basemap?: BaseMap;
  readonly columns?: object;
  /** Those that the style is for. */
  readonly kinds?: readonly Kind[];
  readonly at?: MapOptions["at"];
}
const dark = new BaseMap({ source: "dark" });

const SHEETS: Record<string, Sheet> = {
  constant: { style: { color: "#3969ac" } },
  "constant-dark": { style: { color: "#f0c35e" }, basemap: dark },
  quantiles: { style: { color: { column: "value", scheme: styling.sunset(4, "quantiles") } } },
  equal: { style: { color: { column: "value", scheme: styling.mint(4, "equal") } } },
  jenks: { style: { color: { column: "value", scheme: styling.burg(4, "jenks") } } },
  headtails: { style: { color: { column: "value", scheme: styling.teal(4, "headtails") } } },
  bounds: { style: { color: { column: "value", scheme: "purpOr", bins: [2, 10, 100] } } },
  category: { style: { color: "name" } },
  "category-dark": { style: { color: "name" }, basemap: dark },
  continuous: { style: { color: { column: "value", scheme: styling.agSunset(5, "continuous") } } },
  diverging: { style: { color: { column: "value", scheme: styling.geyser(5, "quantiles") } } },
  missing: { style: { color: { column: "value", scheme: styling.sunset(3) } }, columns: WITH_GAPS },
  "missing-category": { style: { color: "name" }, columns: WITH_GAPS },
  size: {
    style: { size: { column: "value", min: 2, max: 16, bins: 4 } },
    kinds: ["point", "multipoint", "line", "multiline"],
  },
  "size-continuous": {
    style: { size: { column: "value", method: "continuous", min: 1, max: 18 } },
    kinds: ["point", "multipoint", "line", "multiline"],
  },
  "size-missing": {
    style: { size: { column: "value", min: 2, max: 16, bins: 3 } },
    columns: WITH_GAPS,
    kinds: ["point", "multipoint", "line", "multiline"],
  },
  "size-and-color": {
    style: { size: { column: "value", min: 4, max: 16, bins: 3 }, color: "name" },
    kinds: ["point", "multipoint", "line", "multiline"],
  },
  stroke: {
    style: { color: "gold", size: 12, stroke: { color: "#263238", width: 2 } },
    kinds: ["point", "multipoint", "polygon", "multipolygon", "collection"],
  },
  "no-stroke": {
    style: { color: "teal", stroke: false },
    kinds: ["point", "multipoint", "polygon", "multipolygon", "collection"],
  },
  opacity: { style: { color: "crimson", size: 20, opacity: 0.35 } },
  labels: { style: { color: "#7fb2d6", label: "name" } },
  "labels-dark": { style: { color: "#37687d", label: { column: "name", size: 10 } }, basemap: dark },
  counts: { style: { color: "name", legend: { title: "Trees", counts: true } } },
  time: {
    style: { color: "name", size: 9, time: { column: "day", trails: 3 } },
    at: "2024-03-04",
    kinds: ["point", "multipoint"],
  },
  "time-cumulative": {
    style: {
      color: { column: "value", scheme: styling.sunset(3) },
      size: 9,
      time: { column: "day", cumulative: true },
    },
    at: "2024-03-05",
    kinds: ["point", "multipoint"],
  },
};

const [WIDTH, HEIGHT] = [380, 180];
/** Legends of the Multi kinds are the same. */
const WITH_LEGEND: readonly Kind[] = ["point", "line", "polygon"];

async function mapOf(kind: Kind, { style, columns, basemap = new BaseMap({ source: "light" }), at }: Sheet) {
  const { scene } = await mapScene(nowhere, {
    layers: [basemap, new Layer(frameOf(kind, columns), { geomCol: "geometry", ...style })],
    // beside the legend, not under it
    zoom: 2,
    lat: 0,
    lng: 26,
    size: [WIDTH, HEIGHT],
    ...(at && { at }),
    progress,
  });
  const { vector, names: _, ...ground } = scene.basemap;
  return renderCanvas({
    ...scene,
    basemap: { ...ground, background: vector!.land }, // no coasts, but the colour of land
    legends: WITH_LEGEND.includes(kind) ? scene.legends : [],
  });
}

describe("styles", () => {
  test.each(Object.entries(SHEETS))("%s", async (name, sheet) => {
    const kinds = sheet.kinds ?? ALL_KINDS;
    const canvas = createCanvas(WIDTH, HEIGHT * kinds.length);
    for (const [row, kind] of kinds.entries())
      canvas.getContext("2d").drawImage(await mapOf(kind, sheet), 0, row * HEIGHT);
    await expectGolden(`style-${name}`, encodePng(canvas));
  });
});
