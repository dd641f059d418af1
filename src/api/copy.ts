import { CopyFromResponse } from "./schemas/sql";
import type { ApiRequest, Transport } from "./transport";

/**
 * The bytes of `COPY (…) TO STDOUT …`, as they arrive. A failure midway shows in the bytes, not in the status:
 * whoever reads them checks that they end as the format says.
 */
export async function copyTo(
  transport: Transport,
  sql: string,
  options: Pick<ApiRequest, "signal" | "repeatable" | "whenLimited" | "written"> = {},
): Promise<AsyncIterable<Uint8Array>> {
  return transport.sendForBytes({ path: "/api/v2/sql/copyto", form: { q: sql }, sql, ...options });
}

/** Streams bytes into `COPY … FROM STDIN …` and returns the number of rows the server took. */
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
