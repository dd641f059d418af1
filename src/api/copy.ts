import { ServerError } from "../errors";
import { parseJson } from "../json";
import { CopyFromResponse } from "./schemas/sql";
import type { Transport, WrittenSql } from "./transport";

/**
 * The bytes of `COPY (…) TO STDOUT …`, as they arrive. A failure midway shows in the bytes, not in the status:
 * whoever reads them checks that they end as the format says.
 */
export async function copyTo(
  transport: Transport,
  sql: string,
  { signal, written }: { signal?: AbortSignal; written?: WrittenSql } = {},
): Promise<AsyncIterable<Uint8Array>> {
  return transport.sendForBytes({ path: "/api/v2/sql/copyto", form: { q: sql }, signal, sql, written });
}

/** Streams bytes into `COPY … FROM STDIN …` and returns the number of rows the server took. */
export async function copyFrom(
  transport: Transport,
  sql: string,
  bytes: () => AsyncIterable<Uint8Array>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  const text = await transport.sendForText({
    path: "/api/v2/sql/copyfrom",
    query: { q: sql },
    body: bytes,
    signal,
    sql,
  });
  const parsed = CopyFromResponse.safeParse(parseJson(text));
  if (!parsed.success)
    throw new ServerError(`The server's answer is not one of copyfrom: ${text.slice(0, 200)}`);
  return parsed.data.total_rows;
}
