import { ident } from "../sql";
import { queryText, scanStatements } from "../sql-lexer";

/** What the paging and ordering parameters of the SQL API ask for. */
export interface Paging {
  readonly rowsPerPage?: number;
  /** 0-based. */
  readonly page?: number;
  readonly orderBy?: string;
  readonly sortOrder?: string;
}

/**
 * The statement with paging and ordering around it, as CARTO does: only a query is wrapped; paging needs both
 * parameters; an unknown sort order is ignored. Several statements are wrapped too, and so refused by PostgreSQL.
 */
export function wrapQuery(sql: string, { rowsPerPage, page, orderBy, sortOrder }: Paging): string {
  const paged = rowsPerPage !== undefined && page !== undefined;
  if (!paged && !orderBy) return sql;
  const query = scanStatements(sql).length > 1 ? sql : queryText(sql);
  if (query === undefined) return sql;
  const direction = /^(asc|desc)$/i.test(sortOrder ?? "") ? ` ${sortOrder}` : "";
  const order = orderBy ? ` ORDER BY ${ident(orderBy)}${direction}` : "";
  const limit = paged ? ` LIMIT ${rowsPerPage} OFFSET ${page * rowsPerPage}` : "";
  return `SELECT * FROM (${query}\n) AS cdbq_1${order}${limit}`;
}
