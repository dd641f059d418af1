/** The formats of the SQL API beside JSON. What CARTO makes with OGR alone (shp, gpkg, spatialite) is not among them. */
import { arraybuffer } from "./arraybuffer";
import { csv } from "./csv";
import type { Export } from "./format";
import { geojson } from "./geojson";
import { kml } from "./kml";
import { svg } from "./svg";
import { topojson } from "./topojson";

interface Format {
  readonly extension: string;
  readonly contentType: string;
  readonly write: Export;
  /** Whether a JSONP callback can take it. */
  readonly isJson?: boolean;
}

const JSON_TYPE = "application/json; charset=utf-8";

export const FORMATS: Readonly<Record<string, Format>> = {
  geojson: { extension: "geojson", contentType: JSON_TYPE, write: geojson, isJson: true },
  topojson: { extension: "topojson", contentType: JSON_TYPE, write: topojson, isJson: true },
  csv: { extension: "csv", contentType: "text/csv; charset=utf-8; header=present", write: csv },
  kml: { extension: "kml", contentType: "application/kml; charset=utf-8", write: kml },
  svg: { extension: "svg", contentType: "image/svg+xml; charset=utf-8", write: svg },
  arraybuffer: { extension: "arraybuffer", contentType: "application/octet-stream", write: arraybuffer },
};
