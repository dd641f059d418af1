export { CopyFormatError } from "./builder";
export { cellOf, columnValues, isFrame, isSeries, rowCountOf } from "./cells";
export { compareCopy, type Differences, encodeDifferences } from "./compare-copy";
export { copySelect, decodeCopy, encodeCopy } from "./copy-binary";
export { encodeCsv } from "./csv";
export { frameFromColumns, loadDanfo } from "./danfo";
export type { TableColumn } from "./fit-column";
export {
  columnsForTable,
  columnsFromFrame,
  type FrameToFit,
  type FromFrameOptions,
} from "./from-frame";
export { columnsFromRows, jsonSelect } from "./from-rows";
export { normalizeColumnNames, normalizeTableName } from "./names";
export type {
  BooleanColumn,
  Column,
  ColumnKind,
  Columns,
  Field,
  NumberColumn,
  StringColumn,
} from "./types";
export {
  columnType,
  createTableColumns,
  type ValuesColumn,
  type WriteColumn,
} from "./write-column";
