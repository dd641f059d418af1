import { CopyFromResponse } from "./schemas/sql";
import type { Transport } from "./transport";

/**
 * The bytes of `COPY (…) TO STDOUT …`, as they arrive. A failure midway shows in the bytes, not in the status:
 * whoever reads them checks that they end as the format says.
 */
export async function copyTo(
  transport: Transport,
  sql: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<AsyncIterable<Uint8Array>> {
  const response = await transport.send({ path: "/api/v2/sql/copyto", form: { q: sql }, signal, sql });
  return response.body as unknown as AsyncIterable<Uint8Array>;
}

/** Streams bytes into `COPY … FROM STDIN …` and returns the number of rows the server took. */
export async function copyFrom(
  transport: Transport,
  sql: string,
  bytes: () => AsyncIterable<Uint8Array>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  const response = await transport.send({
    path: "/api/v2/sql/copyfrom",
    query: { q: sql },
    body: bytes,
    signal,
    sql,
  });
  return CopyFromResponse.parse(await response.json()).total_rows;
}
