import { readFile, stat } from "node:fs/promises";
import { kml } from "@tmcw/togeojson";
import { DOMParser } from "@xmldom/xmldom";
import { shapeOf } from "../../../geometry/shape";
import { ImportFailure } from "../errors";
import type { Cell, Row, TableSource } from "../table-source";
import { type FileToImport, withoutExtension } from "../unpack";
import { encodingOf } from "./encoding";

/** Largest file that is read. A KML is held in memory, where it takes about twenty times its size. */
const MAX_BYTES = 64 * 1024 ** 2;
/** Properties that style a placemark, which are not data. */
const STYLE =
  /^(styleUrl|styleHash|styleMapHash|icon|icon-.*|stroke|stroke-.*|fill|fill-.*|label-.*|visibility)$/;

/** @throws ImportFailure 1002, 2001, 3202, 6666 */
export async function openKml(file: FileToImport): Promise<TableSource> {
  const { size } = await stat(file.path);
  if (size > MAX_BYTES) {
    const sizeMb = Math.round(size / 1024 ** 2);
    throw new ImportFailure(
      6666,
      `The KML has ${sizeMb} MB; the limit is 64 MB. Convert it to GeoJSON, which has no limit.`,
    );
  }
  const encoding = await encodingOf(file.path);
  const features = placemarks(new TextDecoder(encoding).decode(await readFile(file.path)));
  if (features.length === 0) throw new ImportFailure(3202, "The KML has no placemarks.");
  const columns = [...new Set(features.flatMap(({ properties }) => Object.keys(properties ?? {})))].filter(
    (name) => !STYLE.test(name),
  );
  const rows = async function* (): AsyncGenerator<Row> {
    for (const { properties, geometry } of features) {
      yield {
        values: columns.map((name) => properties?.[name] as Cell),
        geometry: geometry ? shapeOf(geometry) : null,
      };
    }
  };
  return { name: withoutExtension(file.name), kind: "features", columns, rows };
}

function placemarks(text: string) {
  try {
    const document = new DOMParser({
      onError: (level, message) => {
        if (level !== "warning") throw new Error(message);
      },
    }).parseFromString(text, "text/xml");
    return kml(document as never).features;
  } catch (error) {
    const [message] = (error as Error).message.split("\n");
    throw new ImportFailure(2001, `The KML is not valid: ${message}.`, { cause: error });
  }
}
