import type { FormulaResult } from "../../../api/schemas/dataviews";
import type { Engine, StatementOptions } from "../../engine/engine";
import { MapsRefusal } from "../errors";
import {
  countIf,
  type DataviewColumn,
  dataviewColumn,
  dataviewRows,
  finiteSql,
  isInfiniteSql,
  isNanSql,
  numberIn,
  valuesSql,
} from "./columns";
import type { DataviewRequest } from "./request";

const OPERATIONS = new Set(["count", "avg", "sum", "min", "max"]);

/** Computes one number of a query's rows. @throws MapsRefusal with CARTO's messages */
export async function formula(
  engine: Engine,
  { query, fields, definition }: DataviewRequest,
  options: StatementOptions,
): Promise<FormulaResult> {
  const { operation, column } = definition.options;
  if (typeof operation !== "string")
    throw new MapsRefusal(400, "Formula expects 'operation' in dataview options");
  if (!OPERATIONS.has(operation))
    throw new MapsRefusal(400, `Formula does not support '${operation}' operation`);
  if (operation !== "count" && typeof column !== "string")
    throw new MapsRefusal(400, "Formula expects 'column' in dataview options");
  const isColumn = typeof column === "string" && column !== "" && column !== "1" && column !== "*";
  const given = isColumn ? dataviewColumn(fields, column) : undefined;
  const of: DataviewColumn = { kind: "other", typeName: null, ...given, sql: "v" };
  const special =
    of.kind === "float"
      ? `, ${countIf(isInfiniteSql(of))} AS infinities_count, ${countIf(isNanSql(of))} AS nans_count`
      : "";
  const { rows } = await dataviewRows(
    engine,
    `SELECT ${operation}(${finiteSql(of)}) AS result, ${countIf("v IS NULL")} AS nulls_count${special}
    FROM (${valuesSql({ v: given?.sql ?? "1" }, query)}) AS r`,
    options,
  );
  const [row] = rows;
  return {
    type: "formula",
    operation,
    result: numberIn(row, "result"),
    nulls: numberIn(row, "nulls_count"),
    ...(of.kind === "float" && {
      nans: numberIn(row, "nans_count"),
      infinities: numberIn(row, "infinities_count"),
    }),
  };
}
