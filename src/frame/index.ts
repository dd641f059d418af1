export { CopyFormatError } from "./builder";
export { cellOf, columnValues, isFrame, isSeries, rowCountOf } from "./cells";
export { compareCopy, type Differences, encodeDifferences } from "./compare-copy";
export { copySelect, type DecodeOptions, decodeCopy, type EncodeOptions, encodeCopy } from "./copy-binary";
export { encodeCsv } from "./csv";
export { type FrameOptions, frameFromColumns, loadDanfo } from "./danfo";
export type { TableColumn } from "./fit-column";
export {
  columnsForTable,
  columnsFromFrame,
  type FrameToFit,
  type FrameToWrite,
  type FromFrameOptions,
} from "./from-frame";
export { columnsFromRows, type JsonResult, jsonSelect } from "./from-rows";
export { normalizeColumnNames, normalizeTableName } from "./names";
export type {
  BooleanColumn,
  Column,
  ColumnKind,
  Columns,
  DatetimeColumn,
  Field,
  GeometryColumn,
  NumberColumn,
  ObjectColumn,
  PgType,
  StringColumn,
} from "./types";
export {
  columnType,
  createTableColumns,
  type PointsColumn,
  type ValuesColumn,
  type WriteColumn,
  type WriteType,
} from "./write-column";
