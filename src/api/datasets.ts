import { ServerError, SqlError } from "../errors";
import { DatasetResponse } from "./schemas/datasets";
import type { Transport } from "./transport";

interface DatasetOptions {
  readonly signal?: AbortSignal;
}

/** Fetches the dataset of a table. Returns undefined if the table has none, or the server has no datasets. */
export async function fetchDataset(
  transport: Transport,
  table: string,
  { signal }: DatasetOptions = {},
): Promise<DatasetResponse | undefined> {
  const request = { path: `/api/v1/viz/${encodeURIComponent(table)}`, signal, repeatable: true };
  try {
    return (await transport.sendForJson(request, DatasetResponse, "a server with datasets")).value;
  } catch (error) {
    if (error instanceof ServerError || error instanceof SqlError) return undefined;
    throw error;
  }
}

export async function setPrivacy(
  transport: Transport,
  id: string,
  privacy: string,
  { signal }: DatasetOptions = {},
): Promise<void> {
  const request = {
    method: "PUT",
    path: `/api/v1/viz/${encodeURIComponent(id)}`,
    json: { id, privacy },
    signal,
    repeatable: true,
  };
  await transport.sendForJson(request, DatasetResponse, "a server with datasets");
}
