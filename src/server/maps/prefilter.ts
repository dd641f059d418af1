import { type BoxM, grownBox, TILE_PX, type TileId, tileBoxM, tileSizeM } from "../../geometry/mercator";
import { DatabaseError, type Engine, type StatementOptions } from "../engine/engine";
import type { LayerSource } from "./layer-source";
import { boxSql } from "./sql-tokens";

/** At lower zooms most of a table is in the tile, and its border is too far from where a projection is good. */
const MIN_ZOOM = 4;
const MARGIN = 0.1;
const STEPS_PER_SIDE = 16;

/**
 * The box of a tile in the coordinates of a layer, for its index; undefined where it is not needed, or cannot be told:
 * then every row is looked at.
 */
export async function prefilterBox(
  engine: Engine,
  { srid, storedSrid }: LayerSource,
  tile: TileId,
  bufferPx: number,
  options: StatementOptions,
): Promise<BoxM | undefined> {
  const isAtPole = tile.y === 0 || tile.y === 2 ** tile.z - 1;
  if (srid === 3857 || srid === 4326 || storedSrid === 0 || tile.z < MIN_ZOOM || isAtPole) return undefined;
  const box = grownBox(tileBoxM(tile), (bufferPx * tileSizeM(tile.z)) / TILE_PX);
  const step = (box.maxX - box.minX) / STEPS_PER_SIDE;
  try {
    const { statements } = await engine.query(
      `SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)
      FROM (SELECT ST_Transform(ST_Segmentize(${boxSql(box)}, ${step}), ${srid}) AS b OFFSET 0) AS t`,
      options,
    );
    const [minX, minY, maxX, maxY] = statements[0]!.rows[0]!.map(Number) as [number, number, number, number];
    const found = grownBox({ minX, minY, maxX, maxY }, MARGIN * Math.max(maxX - minX, maxY - minY));
    return Object.values(found).every((value) => Number.isFinite(value)) ? found : undefined;
  } catch (error) {
    if (error instanceof DatabaseError && error.code !== "57014") return undefined; // outside of the projection
    throw error;
  }
}
