import { CartoContext } from "./context/carto-context";
import { loadDanfo } from "./frame";
import { installNotebookSupport } from "./kernel/hooks";
import { insideKernel } from "./kernel/tslab";

export type { FetchAnswer, FetchFunction, FetchInit, Session } from "./api/http";
export type { BatchQueries, BatchQuery, JobQueryOptions } from "./api/jobs";
export type { PublishedMeasure } from "./api/schemas/observatory";
export type { Timeouts } from "./api/transport";
export type { CartoMapOptions } from "./context/carto-context";
export { CartoContext } from "./context/carto-context";
export { Credentials, type CredentialsOptions } from "./context/connection/credentials";
export type { ContextOptions } from "./context/connection/endpoint";
export {
  BatchJobStatus,
  type JobRef,
  type JobState,
  type WaitOptions,
} from "./context/jobs/batch-job-status";
export type { QueryOptions, ReadOptions } from "./context/read/read";
export type { SyncOptions, SyncResult } from "./context/sync/sync";
export type { Privacy } from "./context/write/privacy";
export type { AppendOptions, WriteOptions } from "./context/write/write";
export type { ImportWriteOptions } from "./context/write/write-import";
export {
  AuthenticationError,
  CartoError,
  ConflictError,
  ImportError,
  InvalidArgumentError,
  JobError,
  QuotaError,
  RateLimitError,
  ServerError,
  SqlError,
  TableExistsError,
  TableNotFoundError,
  TimeoutError,
} from "./errors";
export type { ExportOptions, ExportSource } from "./files/export";
export type { FileTable, ImportOptions, ImportReport, UnreadValues } from "./files/import";
export type { FileLayer } from "./files/layers";
export type { FileOptions, LayerName } from "./files/reading";
export type { FileBytes, FileSource } from "./files/source";
export { CopyFormatError } from "./frame";
export {
  concat,
  DataFrame,
  dateRange,
  getDummies,
  LabelEncoder,
  MinMaxScaler,
  merge,
  OneHotEncoder,
  readCSV,
  readExcel,
  readJSON,
  Series,
  StandardScaler,
  toCSV,
  toDateTime,
  toExcel,
  toJSON,
} from "./frame/danfo-surface";
export { InterruptedError } from "./kernel/interrupt";
export {
  BaseMap,
  type BaseMapOptions,
  type BinMethod,
  type Bins,
  type CategoryOptions,
  type CellValue,
  type ChartScheme,
  type ColorByColumn,
  type ColorByValue,
  type FormulaOperation,
  type GeoJson,
  type HistogramOptions,
  type Info,
  type InfoColumn,
  type InfoOptions,
  type LabelOptions,
  Layer,
  type LayerOptions,
  type LegendOptions,
  type MapControl,
  type MapLayer,
  type MapLegendOptions,
  type MapOptions,
  type MapProjection,
  type MapWidget,
  QueryLayer,
  type ScaleValues,
  type Scheme,
  type SchemeFunction,
  type SchemeName,
  type SizeByColumn,
  type StrokeOptions,
  type StyleOptions,
  type Styling,
  styling,
  type TimeMethod,
  type TimeOptions,
  type VegaScale,
  type ViewOptions,
  type WidgetOptions,
  type Widgets,
  widget,
} from "./map";
export type { DataOptions } from "./observatory/augment";
export type { BoundariesOptions } from "./observatory/boundaries";
export type { DiscoveryOptions } from "./observatory/discovery";
export type { Measure } from "./observatory/metadata";
export type { DatasetInfo, Observatory, Published } from "./observatory/observatory";
export type { RegionArgument } from "./observatory/place";
export type {
  PublishedBoundary,
  PublishOptions,
} from "./observatory/publication";
export type { CallOptions } from "./options";
export {
  Figure,
  FigureCell,
  type FigureOptions,
  figure,
  type GifOptions,
  type MapFilter,
  type MapState,
  MapView,
  type MapViewOptions,
  type MapViewport,
  type Moment,
  type PngViewOptions,
  type SelectionOptions,
} from "./render";

installNotebookSupport();

/** Delay after the import, in milliseconds. The cell is then done, and danfo loads while the next one is written. */
const IDLE_AFTER_MS = 100;
if (insideKernel()) setTimeout(loadDanfo, IDLE_AFTER_MS).unref();

/**
 * The default context. It uses the environment variables `CARTO_BASE_URL` and `CARTO_API_KEY` if they are set, otherwise
 * the saved credentials, otherwise the embedded database, which the first call starts.
 */
export const cc: CartoContext = new CartoContext();
