import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { near } from "../options";
import type { MetaRecord } from "./metadata";

interface Known {
  readonly id: string;
  readonly name: string;
}

const MAX_SUGGESTIONS = 3;

/**
 * Returns a sentence with the measures that were probably meant by ids that the observatory does not have, such as
 * `population`; an empty text if there are none.
 */
export async function nearMeasures(
  transport: Transport,
  missing: readonly MetaRecord[],
  signal?: AbortSignal,
): Promise<string> {
  const { rows } = await runSql(transport, "SELECT numer_id, numer_name FROM OBS_GetAvailableNumerators()", {
    signal,
    repeatable: true,
  });
  const known = rows.map((row): Known => ({ id: String(row.numer_id), name: String(row.numer_name ?? "") }));
  const ids = new Set(known.map(({ id }) => id));
  const sentences = missing.flatMap(({ numer_id }) => {
    if (typeof numer_id !== "string" || ids.has(numer_id)) return [];
    const meant = meantBy(numer_id, known).map(({ id, name }) => `${JSON.stringify(id)} (${name})`);
    return meant.length === 0
      ? []
      : [` No measure has the id ${JSON.stringify(numer_id)}. Did you mean ${meant.join(" or ")}?`];
  });
  return sentences.join("");
}

/** Returns the measures with all words of the text in their id or name, the shortest name first, or else with a similar id or name. */
function meantBy(text: string, known: readonly Known[]): readonly Known[] {
  const words = text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
  const withWords = known
    .filter(
      ({ id, name }) =>
        words.length > 0 && words.every((word) => `${id} ${name}`.toLowerCase().includes(word)),
    )
    .sort((a, b) => a.name.length - b.name.length || (a.id < b.id ? -1 : 1));
  if (withWords.length > 0) return withWords.slice(0, MAX_SUGGESTIONS);
  const close = new Set(
    near(
      text,
      known.flatMap(({ id, name }) => [id, name]),
    ),
  );
  return known.filter(({ id, name }) => close.has(id) || close.has(name)).slice(0, MAX_SUGGESTIONS);
}
