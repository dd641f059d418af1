export { BaseMap, type BaseMapOptions } from "./base-map";
export {
  type BuiltScene,
  buildScene,
  largestPx,
  type ResolvedLayer,
  type SceneToBuild,
  type ViewOptions,
} from "./build-scene";
export {
  type ChartScheme,
  type SchemeFunction,
  type Styling,
  styling,
} from "./chart-scheme";
export { dataFromFrame } from "./frame-data";
export { dataFromGeoJson, type GeoJson, parseGeoJson } from "./geojson";
export type { Info, InfoColumn, InfoOptions, LabelOptions } from "./info-options";
export { Layer, type LayerOptions, labelOf, QueryLayer } from "./layer";
export { type DataLayer, dataFromColumns, fieldsOfLayer, type LayerData, lnglatOf } from "./layer-data";
export { checkMapOptions, type MapLayer, type MapOptions } from "./map-options";
export type {
  ColorByColumn,
  LegendOptions,
  SizeByColumn,
  StrokeOptions,
  StyleOptions,
} from "./style-options";
export type { BinMethod, Bins, Scheme, SchemeName } from "./styling";
export { columnSql, type TileColumn } from "./tile-columns";
export type { TimeMethod, TimeOptions } from "./time-options";
export type { ScaleValues, VegaScale } from "./vega-scale";
