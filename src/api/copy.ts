import { CopyFromResponse } from "./schemas/sql";
import type { ApiRequest, Transport } from "./transport";

/**
 * Runs `COPY (…) TO STDOUT …` and returns its bytes as they arrive. A statement that fails midway changes the bytes,
 * not the status, so the reader has to check that they end as the format requires.
 */
export async function copyTo(
  transport: Transport,
  sql: string,
  options: Pick<ApiRequest, "signal" | "repeatable" | "whenLimited" | "written"> = {},
): Promise<AsyncIterable<Uint8Array>> {
  return transport.sendForBytes({ path: "/api/v2/sql/copyto", form: { q: sql }, sql, ...options });
}

/** Streams bytes into `COPY … FROM STDIN …` and returns the number of rows that were loaded. */
export async function copyFrom(
  transport: Transport,
  sql: string,
  bytes: () => AsyncIterable<Uint8Array>,
  options: Pick<ApiRequest, "signal" | "effect"> = {},
): Promise<number> {
  const request = { path: "/api/v2/sql/copyfrom", query: { q: sql }, body: bytes, sql, ...options };
  const { value } = await transport.sendForJson(request, CopyFromResponse, "copyfrom");
  return value.total_rows;
}
