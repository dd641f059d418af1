import type { BatchQuery } from "../../api/jobs";
import { InvalidArgumentError } from "../../errors";
import { OPTION_NAMES } from "../../option-names";
import { checkKeys, checkOptions } from "../../options";

/** @throws InvalidArgumentError for anything but one of the three forms of a job, and for an empty statement */
export function checkBatch(query: BatchQuery): void {
  const list = typeof query === "object" && query !== null && "query" in query ? query.query : query;
  const parts: unknown[] = Array.isArray(list) ? list : [list];
  const statements = parts.map((part) => (part as { query?: unknown } | null)?.query ?? part);
  const ok = statements.every((sql) => typeof sql === "string" && sql.trim() !== "");
  if (ok && statements.length > 0) {
    if (list !== query) checkKeys("A job", query as object, OPTION_NAMES.BatchQueries);
    for (const part of parts) {
      if (typeof part === "object") checkOptions("A query of a job", part, OPTION_NAMES.JobQueryOptions);
    }
    return;
  }
  throw new InvalidArgumentError(
    "A job must be a statement, a list of statements, or { query: [{ query, onsuccess, onerror }] }, without empty statements.",
  );
}
