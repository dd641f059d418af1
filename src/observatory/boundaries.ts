import type { DataFrame } from "danfojs-node";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { readFrame } from "../context/read/read";
import { InvalidArgumentError } from "../errors";
import { rowCountOf } from "../frame";
import type { Progress } from "../kernel/progress";
import { listed, near } from "../options";
import { literal } from "../sql";
import { explainLacking } from "./explain";
import { type Place, placeOf, type RegionArgument, WORLD } from "./place";

export interface BoundariesOptions {
  /** Id of a boundary level. The call returns its geometries instead of the catalog of levels. @default none */
  readonly boundary?: string;
  /**
   * Name of a table or a region, or a box `[west, south, east, north]` in degrees. A table takes precedence over a region
   * of the same name.
   * @default the world
   */
  readonly region?: RegionArgument;
  /** With `boundary`, adds a column `geometry` of wkx geometries. @default false */
  readonly decodeGeom?: boolean;
  /** Timespan of the boundaries. For the catalog, timespan of their data. @default the newest */
  readonly timespan?: string;
  /** Includes levels of the US Census that are not clipped to the shoreline in the catalog. @default false */
  readonly includeNonclipped?: boolean;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** Returns the catalog of boundary levels in a place, or the geometries of one level. */
export async function boundaries(
  transport: Transport,
  options: BoundariesOptions & { readonly progress: Progress },
): Promise<DataFrame> {
  checkTypes(options);
  const { boundary, region, decodeGeom, timespan, includeNonclipped, signal, progress } = options;
  const place = await placeOf(region, "table", { transport, signal });
  const sql =
    boundary === undefined
      ? catalogSql(place, { timespan, includeNonclipped })
      : geometriesSql(place, boundary, timespan);
  const read = { signal, progress, repeatable: true, decodeGeom: boundary !== undefined && decodeGeom };
  try {
    const frame = await readFrame(transport, sql, read);
    if (rowCountOf(frame) === 0) {
      if (boundary !== undefined) await refuseUnknown(transport, boundary, signal);
      console.warn(nothingFound(place, options));
    }
    return frame;
  } catch (error) {
    throw explainLacking(error);
  }
}

function checkTypes({ boundary, decodeGeom, timespan, includeNonclipped }: BoundariesOptions): void {
  for (const [name, value] of Object.entries({ boundary, timespan })) {
    if (value !== undefined && (typeof value !== "string" || value === ""))
      throw new InvalidArgumentError(`\`${name}\` must be a non-empty string.`);
  }
  for (const [name, value] of Object.entries({ decodeGeom, includeNonclipped })) {
    if (value !== undefined && typeof value !== "boolean")
      throw new InvalidArgumentError(`\`${name}\` must be true or false.`);
  }
  if (boundary === undefined && decodeGeom) {
    throw new InvalidArgumentError(
      "The catalog of boundaries has no geometries to decode. Pass `boundary` as well, or leave out `decodeGeom`.",
    );
  }
}

/** Leaves out levels of the US Census that are not clipped to the shoreline. */
const CLIPPED = "(geom_id ~ '^us\\.census\\..*_clipped$' OR geom_id !~ '^us\\.census\\..*')";

function catalogSql(
  place: Place,
  { timespan, includeNonclipped = false }: Pick<BoundariesOptions, "timespan" | "includeNonclipped">,
): string {
  const others = timespan === undefined ? "" : `, null, null, null, ${literal(timespan)}`;
  const conditions = [
    ...(place.kind === "region"
      ? [`"geom_tags"::text ILIKE ${literal(`%section/${place.region.tag}%`)}`]
      : []),
    ...(includeNonclipped ? [] : [CLIPPED]),
    ...(timespan === undefined ? [] : ["valid_timespan"]),
  ];
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  return `SELECT * FROM OBS_GetAvailableGeometries(${boundsSql(place)}${others})${where}`;
}

function geometriesSql(place: Place, boundary: string, timespan?: string): string {
  const time = timespan === undefined ? "null" : literal(timespan);
  return `SELECT the_geom, geom_refs FROM OBS_GetBoundariesByGeometry(${boundsSql(place)}, ${literal(boundary)}, ${time})`;
}

function boundsSql(place: Place): string {
  if (place.kind === "box") return place.envelope;
  if (place.kind !== "table") return WORLD;
  const { table, geometry, dimension } = place;
  const outline = dimension < 2 ? `ST_ConvexHull(ST_Collect(${geometry}))` : `ST_Union(${geometry})`;
  return `(SELECT ${outline} FROM ${table})`;
}

/** @throws InvalidArgumentError if the catalog does not have the level anywhere */
async function refuseUnknown(transport: Transport, boundary: string, signal?: AbortSignal): Promise<void> {
  const { rows } = await runSql(transport, `SELECT geom_id FROM OBS_GetAvailableGeometries(${WORLD})`, {
    signal,
    repeatable: true,
  });
  const ids = rows.map(({ geom_id }) => String(geom_id));
  if (ids.includes(boundary)) return;
  // By edit distance, `us.census.tiger.county` is closer to `….state` than to `….county_clipped`.
  const meant = [...ids.filter((id) => id.startsWith(boundary)), ...near(boundary, ids)];
  const hint = meant.length > 0 ? ` Did you mean ${listed(meant.slice(0, 1))}?` : "";
  throw new InvalidArgumentError(
    `No boundary level is named ${JSON.stringify(boundary)}.${hint} await cc.dataBoundaries() lists the levels.`,
  );
}

function nothingFound(place: Place, { boundary, timespan }: BoundariesOptions): string {
  const what = boundary === undefined ? "no boundaries" : `no boundaries of ${boundary}`;
  const where = place.kind === "world" ? "" : " in this region";
  const when = timespan === undefined ? "" : ` of ${timespan}`;
  const loosen = [
    ...(place.kind === "world" ? [] : ["a larger region"]),
    ...(timespan === undefined ? [] : ["leaving out `timespan`"]),
  ];
  return `The Data Observatory has ${what}${where}${when}. Try ${loosen.join(", or ") || "includeNonclipped: true"}.`;
}
