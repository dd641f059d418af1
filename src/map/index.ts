export type { CellValue, ColorByValue } from "./aggregate-options";
export { BaseMap, type BaseMapOptions } from "./base-map";
export { type BuiltScene, buildScene } from "./build-scene";
export type { MapProjection } from "./choose-projection";
export { largestPx } from "./default-size";
export { facetsOf } from "./facets";
export { dataFromFrame } from "./frame-data";
export { type GeoJson, isGeoJsonPath, parseGeoJson } from "./geojson";
export { dataFromGeoJson, tableOfGeoJson } from "./geojson-data";
export { withH3Cells } from "./h3-layer";
export type { Info, InfoColumn, InfoOptions, LabelOptions } from "./info-options";
export { Layer, type LayerOptions, labelOf, QueryLayer } from "./layer";
export {
  type DataLayer,
  dataFromColumns,
  fieldsOfLayer,
  type LayerData,
  lnglatOf,
  type ResolvedLayer,
} from "./layer-data";
export {
  checkMapOptions,
  type InFigure,
  type MapControl,
  type MapLayer,
  type MapLegendOptions,
  type MapOptions,
  type ViewOptions,
} from "./map-options";
export type { BinMethod, Bins, Scheme, SchemeName } from "./scheme";
export {
  areAlike,
  type CellKind,
  joined,
  kindOf,
  type LayerScale,
  type LayerScales,
  type SharedScales,
} from "./shared-columns";
export { rangeFilter, stepSql } from "./step-sql";
export type {
  ColorByColumn,
  LegendOptions,
  SizeByColumn,
  StrokeOptions,
  StyleOptions,
} from "./style-options";
export { type ChartScheme, type SchemeFunction, type Styling, styling } from "./styling";
export { columnSql, numberSql } from "./tile-columns";
export type { TimeMethod, TimeOptions } from "./time-options";
export type { ScaleValues, VegaScale } from "./vega-scale";
export {
  type CategoryOptions,
  type FormulaOperation,
  type HistogramOptions,
  type MapWidget,
  type WidgetOptions,
  type Widgets,
  widget,
} from "./widget-options";
