import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { InvalidArgumentError, TableNotFoundError } from "../errors";
import { listed, near } from "../options";
import { ident } from "../sql";
import { REGION_NAMES, REGION_SPELLINGS, type Region, regionNamed } from "./regions";
import { geometryColumn, lngLatSql, sourceTable } from "./source-table";

/** Where to look: the name of a region or of a table, or `[west, south, east, north]` in degrees. */
export type RegionArgument = string | readonly number[];

export type Place =
  | { readonly kind: "world" }
  | { readonly kind: "region"; readonly region: Region }
  | { readonly kind: "box"; readonly envelope: string }
  | {
      readonly kind: "table";
      /** In SQL, as are its geometries in longitude and latitude. */
      readonly table: string;
      readonly geometry: string;
      /** Of its first geometry: 0 for points, 1 for lines, 2 for polygons. */
      readonly dimension: number;
    };

export interface Lookup {
  readonly transport: Transport;
  readonly signal?: AbortSignal;
}

export const WORLD = "ST_MakeEnvelope(-180.0, -85.0, 180.0, 85.0, 4326)";

/**
 * What a region argument means. Where a table has the name of a region, discovery means the region and boundaries mean
 * the table, as in CARTO's Python client.
 * @throws InvalidArgumentError for a name that is neither, and for a box that is none
 */
export async function placeOf(
  region: RegionArgument | undefined,
  first: "region" | "table",
  lookup: Lookup,
): Promise<Place> {
  if (region === undefined) return { kind: "world" };
  if (Array.isArray(region)) return { kind: "box", envelope: envelopeOf(region) };
  if (typeof region !== "string" || region.trim() === "") {
    throw new InvalidArgumentError(
      "region must be the name of a region or of a table, or [west, south, east, north] in degrees.",
    );
  }
  const known = regionNamed(region);
  if (known && first === "region") return { kind: "region", region: known };
  try {
    return await tablePlace(region, lookup);
  } catch (error) {
    if (!(error instanceof TableNotFoundError)) throw error;
    if (known) return { kind: "region", region: known };
    throw new InvalidArgumentError(noRegion(region), { cause: error });
  }
}

async function tablePlace(name: string, lookup: Lookup): Promise<Place> {
  const source = await sourceTable(name, lookup);
  const geometry = ident(geometryColumn(source));
  const { rows } = await runSql(
    lookup.transport,
    `SELECT ST_Dimension(${geometry}) AS dimension, ST_SRID(${geometry}) AS srid FROM ${source.sql} WHERE ${geometry} IS NOT NULL LIMIT 1`,
    { signal: lookup.signal, repeatable: true },
  );
  if (rows.length === 0) {
    throw new InvalidArgumentError(
      `Table "${source.label}" has no geometries, so it is no place to look in. Name a region or a box instead.`,
    );
  }
  const { dimension, srid } = rows[0]!;
  return {
    kind: "table",
    table: source.sql,
    geometry: lngLatSql(geometry, Number(srid)),
    dimension: Number(dimension),
  };
}

function noRegion(name: string): string {
  const [meant] = near(name, REGION_SPELLINGS);
  const hint = meant === undefined ? "" : ` Did you mean "${regionNamed(meant)!.name}"?`;
  return `There is neither a region nor a table "${name}".${hint} The available regions are ${listed(REGION_NAMES)}; await cc.tables() has the tables.`;
}

/** @throws InvalidArgumentError for what is no box in longitude and latitude */
function envelopeOf(box: readonly unknown[]): string {
  const form = "[west, south, east, north] in degrees; Switzerland fits in [5.95, 45.81, 10.5, 47.81]";
  if (box.length !== 4 || !box.every((edge) => typeof edge === "number" && Number.isFinite(edge))) {
    throw new InvalidArgumentError(`region is a list, but not of four numbers. A box is ${form}.`);
  }
  const [west, south, east, north] = box as [number, number, number, number];
  if (south >= north || south < -90 || north > 90) {
    throw new InvalidArgumentError(`The box reaches from latitude ${south} to ${north}. A box is ${form}.`);
  }
  if (west >= east || west < -360 || east > 360 || east - west > 360) {
    throw new InvalidArgumentError(
      `The box reaches from longitude ${west} to ${east}. A box is ${form}; across the antimeridian it goes on beyond 180: [170, -48, 190, -34].`,
    );
  }
  return `ST_MakeEnvelope(${[west, south, east, north].join(", ")}, 4326)`;
}
