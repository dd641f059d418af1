import { type BoxM, grownBox, TILE_PX, type TileId, tileBoxM, tileSizeM } from "../../geometry/mercator";
import { DatabaseError, type Engine, type StatementOptions } from "../engine/engine";
import { boxSql, type LayerSource } from "./layer-source";

/** At lower zooms a tile holds most of a table, and its border is outside the area in which a projection is accurate. */
const MIN_ZOOM = 4;
const MARGIN = 0.1;
const STEPS_PER_SIDE = 16;

/**
 * Returns the box of a tile in the coordinates of a layer, so that its index can be used. Undefined if the box is not needed
 * or cannot be computed; then every row is read.
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
    const [minX = NaN, minY = NaN, maxX = NaN, maxY = NaN] = (statements.at(0)?.rows[0] ?? []).map(Number);
    const found = grownBox({ minX, minY, maxX, maxY }, MARGIN * Math.max(maxX - minX, maxY - minY));
    return Object.values(found).every((value) => Number.isFinite(value)) ? found : undefined;
  } catch (error) {
    if (error instanceof DatabaseError && error.code !== "57014") return undefined; // outside the projection
    throw error;
  }
}
