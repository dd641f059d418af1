/** Describes the query of a layer: its columns, its geometries and its size. */

import { type BoxM, HALF_WORLD_M, TILE_PX, WORLD_M } from "../../geometry/mercator";
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine, type ResultField, type StatementOptions } from "../engine/engine";
import { describeQuery } from "../row-stream";
import { type TableName, tablesUsed } from "../tables-used";
import type { MapLayer } from "./map-config";

export interface LayerSource {
  /** Columns that become attributes. */
  readonly attributes: readonly ResultField[];
  /** Column that identifies a row, if there is one. */
  readonly idColumn: string | null;
  /** SRID of the stored geometries; 0 if they have none. */
  readonly storedSrid: number;
  /** SRID in which their coordinates are interpreted. */
  readonly srid: number;
  readonly isPoints: boolean;
  /** True if the column type allows only single points, which makes queries cheaper. */
  readonly isPointColumn: boolean;
  readonly estimatedRows: number;
  readonly tables: readonly TableName[];
}

/** Types that become attributes. Columns of other types are left out, as at CARTO. */
const ATTRIBUTE_TYPES = new Set(
  "bool int2 int4 int8 float4 float8 numeric bpchar varchar text unknown".split(" "),
);
export const DATE_TYPES = new Set(["date", "timestamp", "timestamptz"]);
const WEB_MERCATOR = 3857;
const SAMPLED_ROWS = 1_000;

/** Replaces the tokens of a query by the values for the whole world. */
export function worldSql(sql: string): string {
  const box = { minX: -HALF_WORLD_M, minY: -HALF_WORLD_M, maxX: HALF_WORLD_M, maxY: HALF_WORLD_M };
  return withTokens(sql, box, WORLD_M / TILE_PX);
}

/** @throws DatabaseError if the query cannot be planned, or does not have the geometry column */
export async function describeLayer(
  engine: Engine,
  layer: MapLayer,
  options: StatementOptions,
): Promise<LayerSource> {
  const sql = worldSql(layer.sql);
  const tables = await tablesUsed(engine, sql, options);
  const fields = await describeQuery(engine, sql, options);
  const geometry = fields.find(({ name }) => name === layer.geomColumn);
  if (!geometry) throw new DatabaseError(`column "${layer.geomColumn}" does not exist`, { code: "42703" });
  if (geometry.typeName !== "geometry") {
    const message = `column "${layer.geomColumn}" is of type ${geometry.typeName}, not geometry`;
    throw new DatabaseError(message, { code: "42804" });
  }
  const { statements } = await engine.query(
    `EXPLAIN (FORMAT JSON) SELECT * FROM (${sql}\n) AS cdbq;
    SELECT max(ST_SRID(g)), bool_and(ST_Dimension(g) = 0)
    FROM (SELECT ${ident(layer.geomColumn)} AS g FROM (${sql}\n) AS cdbq WHERE ${ident(layer.geomColumn)} IS NOT NULL LIMIT ${SAMPLED_ROWS}) AS sample`,
    options,
  );
  const [explained, sampled] = statements;
  const plan = JSON.parse((explained?.rows ?? []).map(([line]) => line).join("\n"));
  const [sampledSrid, isPoints] = sampled?.rows[0] ?? [];
  const storedSrid = sridOf(geometry.typeModifier) || Number(sampledSrid ?? layer.srid ?? WEB_MERCATOR);
  return {
    attributes: fields.filter(
      ({ typeName }) =>
        typeName !== null &&
        (ATTRIBUTE_TYPES.has(typeName) || (layer.datesAsNumbers && DATE_TYPES.has(typeName))),
    ),
    idColumn:
      fields.find(({ name, typeName }) => name === "cartodb_id" && /^int[248]$/.test(typeName ?? ""))?.name ??
      null,
    storedSrid,
    srid: storedSrid || (layer.srid ?? WEB_MERCATOR),
    isPoints: isPoints === "t",
    isPointColumn: kindOf(geometry.typeModifier) === POINT,
    estimatedRows: Number(plan[0].Plan["Plan Rows"]),
    tables,
  };
}

/** Returns the SRID in the type modifier of a geometry column: https://git.osgeo.org/postgis, `TYPMOD_GET_SRID`. */
function sridOf(typeModifier: number): number {
  return typeModifier < 0 ? 0 : (typeModifier & 0x0fff_ff00) >> 8;
}

const POINT = 1;

/** Returns the geometry type in the type modifier, `TYPMOD_GET_TYPE`; 0 means any. */
function kindOf(typeModifier: number): number {
  return typeModifier < 0 ? 0 : (typeModifier & 0xfc) >> 2;
}

/** True if the rows of the layer are thinned to one per cell. */
export function isAggregated(layer: MapLayer, source: LayerSource): boolean {
  return layer.aggregation !== null && source.estimatedRows >= layer.aggregation.threshold;
}

/** Returns the attributes of one feature as JSON. */
export async function featureAttributes(
  engine: Engine,
  { sql, attributes }: { readonly sql: string; readonly attributes: NonNullable<MapLayer["attributes"]> },
  featureId: string,
  options: StatementOptions,
): Promise<{ count: number; json: string | null }> {
  const { id, columns } = attributes;
  const { statements } = await engine.query(
    `SELECT row_to_json(f) FROM (
      SELECT ${columns.map(ident).join(", ")} FROM (${worldSql(sql)}\n) AS cdbq
      WHERE ${ident(id)}::text = ${literal(featureId)} LIMIT 2) AS f`,
    options,
  );
  const rows = statements.at(0)?.rows ?? [];
  return { count: rows.length, json: rows[0]?.[0] ?? null };
}

/** Size of a screen pixel in metres on which scale denominators are based: OGC 05-078r4, https://www.ogc.org */
const SCREEN_PIXEL_M = 0.00028;

/** Replaces the tokens in the query of a layer by the values for a tile. `box` includes the buffer. */
export function withTokens(sql: string, box: BoxM, pixelM: number): string {
  return sql
    .replaceAll("!bbox!", boxSql(box))
    .replaceAll("!pixel_width!", `${pixelM}`)
    .replaceAll("!pixel_height!", `${pixelM}`)
    .replaceAll("!scale_denominator!", `${pixelM / SCREEN_PIXEL_M}`);
}

export function boxSql({ minX, minY, maxX, maxY }: BoxM, srid = 3857): string {
  return `ST_MakeEnvelope(${minX}, ${minY}, ${maxX}, ${maxY}, ${srid})`;
}
