import type { DataFrame } from "danfojs-node";
import type { Transport } from "../api/transport";
import { readFrame } from "../context/read/read";
import { InvalidArgumentError, SqlError } from "../errors";
import { rowCountOf } from "../frame";
import type { Progress } from "../kernel/progress";
import { literal } from "../sql";
import { explainLacking } from "./explain";
import { READABLE_COLUMNS, recordsSql } from "./metadata";
import { type Place, placeOf, type RegionArgument, WORLD } from "./place";

export interface DiscoveryOptions {
  /** Words in the name or the description of a measure. A measure that contains any of them is found. */
  readonly keywords?: string | readonly string[];
  /** PostgreSQL regular expression for the name or the description, ignoring case. A measure that matches it or `keywords` is found. */
  readonly regex?: string;
  /** Timespans, such as `"2015"` or `"2011 - 2015"`. @default all timespans */
  readonly time?: string | readonly string[];
  /** Ids of boundary levels. @default the level that fits the region best */
  readonly boundaries?: string | readonly string[];
  /** Includes measures that are quantiles of others. @default false */
  readonly includeQuantiles?: boolean;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** Returns the measures that the observatory has for a place, one row per measure and normalization. */
export async function discover(
  transport: Transport,
  region: RegionArgument,
  options: DiscoveryOptions & { readonly progress: Progress },
): Promise<DataFrame> {
  const wanted = wantedOf(options);
  const { signal, progress } = options;
  if (region === undefined || region === null) {
    throw new InvalidArgumentError(
      "`region` is missing. Pass the name of a region or a table, or [west, south, east, north].",
    );
  }
  const place = await placeOf(region, "region", { transport, signal });
  const frame = await readFrame(transport, discoverySql(place, wanted), {
    signal,
    progress,
    repeatable: true,
  }).catch((error) => {
    throw explain(error, wanted);
  });
  if (rowCountOf(frame) > 0) return frame.loc({ columns: [...READABLE_COLUMNS] });
  console.warn(nothingFound(place, wanted));
  return frame;
}

interface Wanted {
  readonly keywords: readonly string[];
  readonly regex?: string;
  readonly time: readonly string[];
  readonly boundaries: readonly string[];
  readonly includeQuantiles: boolean;
}

function wantedOf({ keywords, regex, time, boundaries, includeQuantiles = false }: DiscoveryOptions): Wanted {
  if (regex !== undefined && (typeof regex !== "string" || regex === "")) {
    throw new InvalidArgumentError(
      '`regex` must be a string in the syntax of PostgreSQL, such as { regex: "^pop.*total" }.',
    );
  }
  if (typeof includeQuantiles !== "boolean") {
    throw new InvalidArgumentError("`includeQuantiles` must be true or false.");
  }
  return {
    keywords: texts("keywords", keywords),
    regex,
    time: texts("time", time),
    boundaries: texts("boundaries", boundaries),
    includeQuantiles,
  };
}

/** @throws InvalidArgumentError if the value is neither a string nor a list of strings */
function texts(name: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((item) => typeof item === "string" && item.trim() !== ""))
    return list as string[];
  throw new InvalidArgumentError(
    `\`${name}\` must be a string or a list of strings${list.length === 0 ? "; got an empty list. Leave the option out instead" : ""}.`,
  );
}

/**
 * Builds the statement of CARTO's Python client, with a fixed order, and with the measures that have no aggregate, which the
 * Python client's filter on quantiles loses.
 */
function discoverySql(place: Place, wanted: Wanted): string {
  const { keywords, regex, time, boundaries, includeQuantiles } = wanted;
  const matching = [
    ...keywords.flatMap((word) =>
      ["description", "name"].map((of) => `numer_${of} ILIKE ${containing(word)}`),
    ),
    ...(regex === undefined
      ? []
      : [`numer_description ~* ${literal(regex)}`, `numer_name ~* ${literal(regex)}`]),
  ];
  const conditions = [
    ...(matching.length > 0 ? [`(${matching.join(" OR ")})`] : []),
    ...(boundaries.length > 0 ? ["valid_geom"] : []),
    ...(time.length > 0 ? ["valid_timespan"] : []),
  ];
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  const tags = place.kind === "region" ? literal(`{section/${place.region.tag}}`) : "null";
  const orNull = (values: readonly string[]) => (values.length > 0 ? values.map(literal) : ["null"]);
  const numerators = orNull(time).flatMap((timespan) =>
    orNull(boundaries).flatMap((geom) =>
      ["'predenominated'", "null"].map(
        (normalization) =>
          `SELECT numer_id, ${geom} AS geom_id, ${timespan} AS numer_timespan, ${normalization} AS normalization` +
          ` FROM OBS_GetAvailableNumerators((SELECT env FROM envelope), ${tags}, null, ${geom}, ${timespan})${where}`,
      ),
    ),
  );
  const meta =
    "(SELECT OBS_GetMeta(envelope.env, json_agg(numers), 10, 10, envelope.cnt) AS meta FROM numers, envelope GROUP BY env, cnt)";
  return `WITH envelope AS (${envelopeSql(place)}), numers AS (
${numerators.join("\nUNION\n")}
)
${recordsSql(meta)}${includeQuantiles ? "" : " WHERE numer_aggregate IS DISTINCT FROM 'quantile'"}
ORDER BY numer_id, geom_id, numer_timespan DESC, denom_id, normalization, id`;
}

/** Number of boundaries that the chosen level should have in a region or a box. */
const TARGET_GEOMS = 500;

function envelopeSql(place: Place): string {
  if (place.kind === "table") return tableEnvelopeSql(place.table, place.geometry);
  const envelope = place.kind === "box" ? place.envelope : WORLD;
  return `SELECT ${envelope} AS env, ${TARGET_GEOMS}::int AS cnt`;
}

/** Selects the extent of a table and its number of rows. */
export function tableEnvelopeSql(table: string, geometry: string): string {
  return `SELECT ST_SetSRID(ST_Extent(${geometry})::geometry, 4326) AS env, count(*)::int AS cnt FROM ${table}`;
}

/** Builds an ILIKE pattern that contains the word literally. */
function containing(word: string): string {
  return literal(`%${word.replace(/[\\%_]/g, "\\$&")}%`);
}

function explain(error: unknown, { regex }: Wanted): unknown {
  if (error instanceof SqlError && /invalid regular expression/.test(error.message)) {
    return new InvalidArgumentError(`\`regex\` ${JSON.stringify(regex)} is invalid: ${error.message}.`, {
      cause: error,
    });
  }
  return explainLacking(error);
}

function nothingFound(place: Place, { keywords, regex, time, boundaries }: Wanted): string {
  const [where, wider] = {
    world: ["in the world", ""],
    region: [place.kind === "region" ? `for ${place.region.name}` : "", "a box instead of the region's name"],
    box: ["in this box", "a larger box"],
    table: ["at the location of the table", "a box around more than the table"],
  }[place.kind] as [string, string];
  const loosen = [
    ...(keywords.length > 0 || regex !== undefined ? ["other keywords"] : []),
    ...(time.length > 0 ? ["leaving out `time`"] : []),
    ...(boundaries.length > 0
      ? ["leaving out `boundaries` (await cc.dataBoundaries({ region }) lists the available ones)"]
      : []),
    ...(wider === "" ? [] : [wider]),
  ];
  return `The Data Observatory has no matching measure ${where}. Try ${loosen.join(", or ")}.`;
}
