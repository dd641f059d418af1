import type { DataFrame } from "danfojs-node";
import type { Transport } from "../api/transport";
import { readFrame } from "../context/read/read";
import { InvalidArgumentError, SqlError } from "../errors";
import { rowCountOf } from "../frame";
import type { Progress } from "../kernel/progress";
import { literal } from "../sql";
import { explainLacking } from "./explain";
import { recordsSql } from "./metadata";
import { type Place, placeOf, type RegionArgument, WORLD } from "./place";

export interface DiscoveryOptions {
  /** Words of the name or the description of a measure; one of several is enough. */
  readonly keywords?: string | readonly string[];
  /** The same as a regular expression of PostgreSQL, letter case aside. With `keywords` one of both is enough. */
  readonly regex?: string;
  /** Of when: `"2015"`, `"2011 - 2015"`. @default every one */
  readonly time?: string | readonly string[];
  /** Boundary levels by their id. @default the one that fits the region best */
  readonly boundaries?: string | readonly string[];
  /** Measures that are quantiles of others, too. @default false */
  readonly includeQuantiles?: boolean;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** The measures that the observatory has for a place, one row for each in each normalization. */
export async function discover(
  transport: Transport,
  region: RegionArgument,
  options: DiscoveryOptions & { readonly progress: Progress },
): Promise<DataFrame> {
  const wanted = wantedOf(options);
  const { signal, progress } = options;
  if (region === undefined || region === null) {
    throw new InvalidArgumentError(
      "The region is missing: the name of a region or of a table, or [west, south, east, north].",
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
  if (rowCountOf(frame) === 0) console.warn(nothingFound(place, wanted));
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
    throw new InvalidArgumentError('regex must be a text, in PostgreSQL\'s syntax: regex: "^pop.*total".');
  }
  if (typeof includeQuantiles !== "boolean") {
    throw new InvalidArgumentError("includeQuantiles must be true or false.");
  }
  return {
    keywords: texts("keywords", keywords),
    regex,
    time: texts("time", time),
    boundaries: texts("boundaries", boundaries),
    includeQuantiles,
  };
}

/** @throws InvalidArgumentError for what is neither a text nor a list of texts */
function texts(name: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((item) => typeof item === "string" && item.trim() !== ""))
    return list as string[];
  throw new InvalidArgumentError(
    `${name} must be a text or a list of texts${list.length === 0 ? ", and the list is empty: leave it out" : ""}.`,
  );
}

/** What the Python client sends, in order, and with the measures without an aggregate, which its filter on quantiles loses. */
export function discoverySql(place: Place, wanted: Wanted): string {
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

/** About so many boundaries are wanted where nothing else is known. */
const TARGET_GEOMS = 500;

function envelopeSql(place: Place): string {
  if (place.kind === "table") return tableEnvelopeSql(place.table, place.geometry);
  const envelope = place.kind === "box" ? place.envelope : WORLD;
  return `SELECT ${envelope} AS env, ${TARGET_GEOMS}::int AS cnt`;
}

/** Where a table is, and how many rows it has. */
export function tableEnvelopeSql(table: string, geometry: string): string {
  return `SELECT ST_SetSRID(ST_Extent(${geometry})::geometry, 4326) AS env, count(*)::int AS cnt FROM ${table}`;
}

/** A pattern of ILIKE in which the word means itself. */
function containing(word: string): string {
  return literal(`%${word.replace(/[\\%_]/g, "\\$&")}%`);
}

function explain(error: unknown, { regex }: Wanted): unknown {
  if (error instanceof SqlError && /invalid regular expression/.test(error.message)) {
    return new InvalidArgumentError(`regex ${JSON.stringify(regex)} is refused: ${error.message}.`, {
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
    table: ["where the table lies", "a box around more than the table"],
  }[place.kind] as [string, string];
  const loosen = [
    ...(keywords.length > 0 || regex !== undefined ? ["other keywords, or none"] : []),
    ...(time.length > 0 ? ["no time"] : []),
    ...(boundaries.length > 0
      ? ["no boundaries (await cc.dataBoundaries({ region }) has those that there are)"]
      : []),
    ...(wider === "" ? [] : [wider]),
  ];
  return `The Data Observatory has no such measure ${where}. Try ${loosen.join("; ")}.`;
}
