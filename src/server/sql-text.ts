import { ident } from "../sql";

/** What the paging and ordering parameters of the SQL API ask for. */
export interface Paging {
  readonly rowsPerPage?: number;
  /** 0-based. */
  readonly page?: number;
  readonly orderBy?: string;
  readonly sortOrder?: string;
}

/**
 * The statement with paging and ordering around it, as CARTO does: only a SELECT (or WITH … SELECT) without
 * INTO is wrapped; paging needs both parameters; an unknown sort order is ignored.
 */
export function wrapQuery(sql: string, { rowsPerPage, page, orderBy, sortOrder }: Paging): string {
  const paged = rowsPerPage !== undefined && page !== undefined;
  if ((!paged && !orderBy) || !/^\s*(select|with)\b/i.test(sql) || /\sinto\s+\S+\s*$/i.test(sql)) return sql;
  const order = orderBy
    ? ` ORDER BY ${ident(orderBy)}${/^(asc|desc)$/i.test(sortOrder ?? "") ? ` ${sortOrder}` : ""}`
    : "";
  const limit = paged ? ` LIMIT ${rowsPerPage} OFFSET ${page * rowsPerPage}` : "";
  return `SELECT * FROM (${trimStatement(sql)}\n) AS cdbq_1${order}${limit}`;
}

/** Without the semicolons and comments at the end of a statement. */
export function trimStatement(sql: string): string {
  return sql.replace(/(;|\s|--[^\n'"]*(\n|$))+$/, "");
}
