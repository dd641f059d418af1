export { copySelect, type DecodeOptions, decodeCopy, type EncodeOptions, encodeCopy } from "./copy-binary";
export { type Danfo, type FrameOptions, frameFromColumns, isFrame, isSeries, loadDanfo } from "./danfo";
export { CopyFormatError, DanfoMissingError } from "./errors";
export { columnsFromFrame, type FrameToWrite, type FromFrameOptions } from "./from-frame";
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
  createTableColumns,
  type PointsColumn,
  type ValuesColumn,
  type WriteColumn,
  type WriteType,
} from "./write-column";
