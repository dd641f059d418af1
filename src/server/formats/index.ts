/** The formats of the SQL API besides JSON. */
import { arraybuffer } from "./arraybuffer";
import { arrow } from "./arrow";
import { csv } from "./csv";
import type { Export } from "./format";
import { type GdalFormat, gdalFormat } from "./gdal";
import { geojson } from "./geojson";
import { kml } from "./kml";
import { parquet } from "./parquet";
import { svg } from "./svg";
import { topojson } from "./topojson";

export interface Format {
  readonly extension: string;
  readonly contentType: string;
  readonly write: Export;
  /** True if a JSONP callback can take the answer. */
  readonly isJson?: boolean;
}

export const JSON_TYPE = "application/json; charset=utf-8";
const ZIP = "application/zip; charset=utf-8";
const SQLITE = "application/x-sqlite3; charset=utf-8";
const UTF8 = ["-lco", "ENCODING=UTF-8"];

const OWN_FORMATS: Readonly<Record<string, Format>> = {
  geojson: { extension: "geojson", contentType: JSON_TYPE, write: geojson, isJson: true },
  topojson: { extension: "topojson", contentType: JSON_TYPE, write: topojson, isJson: true },
  csv: { extension: "csv", contentType: "text/csv; charset=utf-8; header=present", write: csv },
  kml: { extension: "kml", contentType: "application/kml; charset=utf-8", write: kml },
  svg: { extension: "svg", contentType: "image/svg+xml; charset=utf-8", write: svg },
  parquet: { extension: "parquet", contentType: "application/vnd.apache.parquet", write: parquet },
  arrow: { extension: "arrow", contentType: "application/vnd.apache.arrow.file", write: arrow },
  arraybuffer: { extension: "arraybuffer", contentType: "application/octet-stream", write: arraybuffer },
};

/** Formats of GDAL: shp, gpkg and spatialite as in CARTO, and others. */
const GDAL_FORMATS: Readonly<Record<string, GdalFormat & { readonly contentType: string }>> = {
  shp: {
    driver: "ESRI Shapefile",
    extension: "shp",
    options: ["-lco", "ENCODING=UTF-8"],
    limits: { mixed: false },
    asText: ["time", "timestamp", "timestamptz"],
    isZip: true,
    contentType: ZIP,
  },
  gpkg: {
    driver: "GPKG",
    extension: "gpkg",
    withoutGeometry: "allowed",
    ownColumns: { geometry: "geom", id: "fid" },
    hasIds: true,
    contentType: SQLITE,
  },
  spatialite: {
    driver: "SQLite",
    extension: "sqlite",
    spatialOptions: ["-dsco", "SPATIALITE=YES", "-dsco", "INIT_WITH_EPSG=NO"],
    // GDAL lists a table without a geometry only in a database without the tables of spatial metadata.
    plainOptions: ["-dsco", "METADATA=NO"],
    ownColumns: { geometry: "GEOMETRY", id: "OGC_FID" },
    withoutGeometry: "allowed",
    contentType: SQLITE,
  },
  fgb: {
    driver: "FlatGeobuf",
    extension: "fgb",
    asText: ["time"],
    indexNeedsGeometries: true,
    contentType: "application/flatgeobuf",
  },
  gml: {
    driver: "GML",
    extension: "gml",
    options: ["-dsco", "XSISCHEMA=OFF", "-dsco", "WRITE_FEATURE_BOUNDED_BY=NO"],
    contentType: "application/gml+xml; charset=utf-8",
  },
  gpx: {
    driver: "GPX",
    extension: "gpx",
    options: ["-dsco", "GPX_USE_EXTENSIONS=YES"],
    limits: { mixed: false, without: ["Polygon"] },
    onlyGeometries: true,
    contentType: "application/gpx+xml; charset=utf-8",
  },
  tab: { driver: "MapInfo File", extension: "tab", options: UTF8, isZip: true, contentType: ZIP },
  mif: {
    driver: "MapInfo File",
    extension: "mif",
    options: ["-dsco", "FORMAT=MIF", ...UTF8],
    isZip: true,
    contentType: ZIP,
  },
  gdb: {
    driver: "OpenFileGDB",
    extension: "gdb",
    limits: { mixed: false },
    asText: ["time"],
    integersAreDoubles: true,
    isZip: true,
    contentType: ZIP,
  },
  dxf: {
    driver: "DXF",
    extension: "dxf",
    withoutColumns: true,
    onlyGeometries: true,
    contentType: "image/vnd.dxf",
  },
  xlsx: {
    driver: "XLSX",
    extension: "xlsx",
    withoutGeometry: "as text",
    integersAreDoubles: true,
    contentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  },
  ods: {
    driver: "ODS",
    extension: "ods",
    withoutGeometry: "as text",
    integersAreDoubles: true,
    contentType: "application/vnd.oasis.opendocument.spreadsheet",
  },
};

function ofGdal(): Record<string, Format> {
  const formats = Object.entries(GDAL_FORMATS).map(([name, { contentType, ...format }]) => {
    const extension = format.isZip ? "zip" : format.extension;
    return [name, { extension, contentType, write: gdalFormat(format) }] as const;
  });
  return Object.fromEntries(formats);
}

export const FORMATS: Readonly<Record<string, Format>> = { ...OWN_FORMATS, ...ofGdal() };
