/** What the database knows about the query of a layer. */

import { HALF_WORLD_M, TILE_PX, WORLD_M } from "../../geometry/mercator";
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine, type ResultField, type StatementOptions } from "../engine/engine";
import { describeQuery } from "../row-stream";
import { type TableName, tablesUsed } from "../tables-used";
import type { MapLayer } from "./map-config";
import { withTokens } from "./sql-tokens";

export interface LayerSource {
  /** The columns that become attributes. */
  readonly attributes: readonly ResultField[];
  /** What identifies a row, where there is such a column. */
  readonly idColumn: string | null;
  /** Of the stored geometries; 0 is none. */
  readonly storedSrid: number;
  /** What their coordinates mean. */
  readonly srid: number;
  readonly isPoints: boolean;
  /** The column takes nothing but single points, and so is cheaper to look at. */
  readonly isPointColumn: boolean;
  readonly estimatedRows: number;
  readonly tables: readonly TableName[];
}

/** Types that become attributes; other columns are left out, as in the reference. */
const ATTRIBUTE_TYPES = new Set(
  "bool int2 int4 int8 float4 float8 numeric bpchar varchar text unknown".split(" "),
);
export const DATE_TYPES = new Set(["date", "timestamp", "timestamptz"]);
const WEB_MERCATOR = 3857;
const SAMPLED_ROWS = 1_000;

/** Of a query that has places for a tile, on the whole world. */
export function worldSql(sql: string): string {
  const box = { minX: -HALF_WORLD_M, minY: -HALF_WORLD_M, maxX: HALF_WORLD_M, maxY: HALF_WORLD_M };
  return withTokens(sql, box, WORLD_M / TILE_PX);
}

/** @throws DatabaseError if the query cannot be planned, or has no such geometry column */
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
  const plan = JSON.parse(statements[0]!.rows.map(([line]) => line).join("\n"));
  const [sampledSrid, isPoints] = statements[1]!.rows[0]!;
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

/** The SRID in a geometry column's type modifier: https://git.osgeo.org/postgis, `TYPMOD_GET_SRID`. */
function sridOf(typeModifier: number): number {
  return typeModifier < 0 ? 0 : (typeModifier & 0x0fff_ff00) >> 8;
}

const POINT = 1;

/** The kind of geometry in it, `TYPMOD_GET_TYPE`; 0 is any. */
function kindOf(typeModifier: number): number {
  return typeModifier < 0 ? 0 : (typeModifier & 0xfc) >> 2;
}

/** Whether the layer's rows are thinned to one a pixel. */
export function isAggregated(layer: MapLayer, source: LayerSource): boolean {
  return layer.aggregation !== null && source.estimatedRows >= layer.aggregation.threshold;
}

/** Columns of one feature, as JSON. */
export async function featureAttributes(
  engine: Engine,
  layer: MapLayer,
  featureId: string,
  options: StatementOptions,
): Promise<{ count: number; json: string | null }> {
  const { id, columns } = layer.attributes!;
  const { statements } = await engine.query(
    `SELECT row_to_json(f) FROM (
      SELECT ${columns.map(ident).join(", ")} FROM (${worldSql(layer.sql)}\n) AS cdbq
      WHERE ${ident(id)}::text = ${literal(featureId)} LIMIT 2) AS f`,
    options,
  );
  const { rows } = statements[0]!;
  return { count: rows.length, json: rows[0]?.[0] ?? null };
}
