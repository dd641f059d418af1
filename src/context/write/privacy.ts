import { fetchDataset, setPrivacy } from "../../api/datasets";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import type { TableName } from "../tables/table-name";

/** Who can see a table without a key: everybody (`public`), those who know its name (`link`), nobody (`private`). */
export type Privacy = "public" | "link" | "private";

const PRIVACIES: readonly string[] = ["public", "link", "private"] satisfies Privacy[];

/** @throws InvalidArgumentError for anything but a privacy */
export function checkPrivacy(privacy: unknown): void {
  if (privacy === undefined || (typeof privacy === "string" && PRIVACIES.includes(privacy.toLowerCase())))
    return;
  throw new InvalidArgumentError(
    `\`privacy\` must be "public", "link" or "private"; got ${JSON.stringify(privacy)}.`,
  );
}

/** Returns the privacy of a table; undefined if the server has no privacy. */
export async function privacyOf(
  transport: Transport,
  table: TableName,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return (await fetchDataset(transport, table.label, { signal }))?.privacy;
}

/**
 * Changes the privacy of a table, if it has another one.
 * @returns false if the server has no privacy
 */
export async function applyPrivacy(
  transport: Transport,
  table: TableName,
  privacy: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const dataset = await fetchDataset(transport, table.label, { signal });
  if (!dataset) return false;
  const wanted = privacy.toUpperCase();
  if (dataset.privacy.toUpperCase() !== wanted) await setPrivacy(transport, dataset.id, wanted, { signal });
  return true;
}
