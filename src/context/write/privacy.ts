import { fetchDataset, setPrivacy } from "../../api/datasets";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import type { TableName } from "../tables/table-name";

/** Who may see a table without a key: everybody, those who know its name, nobody. */
export type Privacy = "public" | "link" | "private";

const PRIVACIES: readonly string[] = ["public", "link", "private"] satisfies Privacy[];

/** @throws InvalidArgumentError */
export function checkPrivacy(privacy: unknown): void {
  if (privacy === undefined || (typeof privacy === "string" && PRIVACIES.includes(privacy.toLowerCase())))
    return;
  throw new InvalidArgumentError(
    `privacy is ${JSON.stringify(privacy)}; expected "public", "link" or "private".`,
  );
}

/** Undefined where the server does not say. */
export async function privacyOf(
  transport: Transport,
  table: TableName,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return (await fetchDataset(transport, table.label, { signal }))?.privacy;
}

/**
 * Gives a table this privacy, if it has another one.
 * @returns whether the server could be asked
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
