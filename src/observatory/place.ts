import { runSql } from "../api/sql";
import type { Lookup } from "../context/tables/table-name";
import { InvalidArgumentError, TableNotFoundError } from "../errors";
import { listed, near } from "../options";
import { ident } from "../sql";
import { REGION_NAMES, REGION_SPELLINGS, type Region, regionNamed } from "./regions";
import { geometryColumn, lngLatSql, sourceTable } from "./source-table";

/** Name of a region or a table, or a box `[west, south, east, north]` in degrees. */
export type RegionArgument = string | readonly number[];

export type Place =
  | { readonly kind: "world" }
  | { readonly kind: "region"; readonly region: Region }
  | { readonly kind: "box"; readonly envelope: string }
  | {
      readonly kind: "table";
      /** SQL expressions for the table and for its geometries in longitude and latitude. */
      readonly table: string;
      readonly geometry: string;
      /** Dimension of the first geometry: 0 for points, 1 for lines, 2 for polygons. */
      readonly dimension: number;
    };

export const WORLD = "ST_MakeEnvelope(-180.0, -85.0, 180.0, 85.0, 4326)";

/**
 * Resolves a region argument. If a table has the name of a region, `first` decides: discovery takes the region and
 * boundaries take the table, as in CARTO's Python client.
 * @throws InvalidArgumentError if the name is neither a region nor a table, or if the box is invalid
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
      "`region` must be the name of a region or a table, or [west, south, east, north] in degrees.",
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
  const [first] = rows;
  if (first === undefined) {
    throw new InvalidArgumentError(
      `Table "${source.label}" has no geometries, so it does not select a place. Pass a region or a box instead.`,
    );
  }
  const { dimension, srid } = first;
  return {
    kind: "table",
    table: source.sql,
    geometry: lngLatSql(geometry, Number(srid)),
    dimension: Number(dimension),
  };
}

function noRegion(name: string): string {
  const [meant] = near(name, REGION_SPELLINGS);
  const region = meant === undefined ? undefined : regionNamed(meant);
  const hint = region === undefined ? "" : ` Did you mean "${region.name}"?`;
  return `No region or table is named "${name}".${hint} Available regions: ${listed(REGION_NAMES)}. await cc.tables() lists the tables.`;
}

/** @throws InvalidArgumentError if the list is not a box in longitude and latitude */
function envelopeOf(box: readonly unknown[]): string {
  const form = "[west, south, east, north] in degrees, such as [5.95, 45.81, 10.5, 47.81] for Switzerland";
  if (box.length !== 4 || !box.every((edge) => typeof edge === "number" && Number.isFinite(edge))) {
    throw new InvalidArgumentError(`A box must be four numbers: ${form}.`);
  }
  const [west, south, east, north] = box as [number, number, number, number];
  if (south >= north || south < -90 || north > 90) {
    throw new InvalidArgumentError(
      `south must be less than north, both from -90 to 90; got ${south} and ${north}. A box is ${form}.`,
    );
  }
  if (west >= east || west < -360 || east > 360 || east - west > 360) {
    throw new InvalidArgumentError(
      `west must be less than east, at most 360 degrees apart; got ${west} and ${east}. A box is ${form}. A box across the antimeridian continues beyond 180: [170, -48, 190, -34].`,
    );
  }
  return `ST_MakeEnvelope(${[west, south, east, north].join(", ")}, 4326)`;
}
