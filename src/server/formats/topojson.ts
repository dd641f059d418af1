import type { Feature as GeoJsonFeature } from "geojson";
import { topology } from "topojson-server";
import { Refusal } from "../guard";
import type { Export } from "./format";
import { features } from "./geojson";

/** Number of positions along each side of the extent. */
const QUANTIZATION = 1e4;
/** Maximum length of the rows as GeoJSON. The topology is built in memory. */
const MAX_CHARS = 32 * 1024 ** 2;

/** Writes a single topology whose objects are named by row number. */
export const topojson: Export = async (request) => {
  const objects: Record<string, GeoJsonFeature> = {};
  let chars = 0;
  let count = 0;
  const { rows } = await features(request);
  for await (const { geometry, properties } of rows) {
    chars += geometry.length + properties.length;
    if (chars > MAX_CHARS) {
      throw new Refusal(400, "The result is too large for topojson. Use a LIMIT, or the format geojson.");
    }
    objects[count++] = {
      type: "Feature",
      geometry: JSON.parse(geometry),
      properties: JSON.parse(properties),
    };
  }
  return inPieces(JSON.stringify(topology(objects, QUANTIZATION)));
};

async function* inPieces(text: string): AsyncGenerator<string> {
  yield text;
}
