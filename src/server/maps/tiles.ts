import { HALF_WORLD_M, TILE_PX, type TileId, tileBoxM, tileSizeM } from "../../geometry/mercator";
import type { Engine, ResultField, StatementOptions } from "../engine/engine";
import { isAggregated, type LayerSource } from "./layer-source";
import type { MapConfig, MapLayer } from "./map-config";
import { encodeMvt, type MvtLayer, type Value } from "./mvt";
import { prefilterBox } from "./prefilter";
import { cellSquare, type TileGrid, tileGeometries } from "./tile-geometry";
import { tileQuery } from "./tile-query";
import { decodeTwkb } from "./twkb";

type Feature = MvtLayer["features"][number];

/** Returns the bytes of a tile; none if it is empty. */
export async function renderTile(
  engine: Engine,
  map: MapConfig,
  layers: readonly { readonly layer: MapLayer; readonly source: LayerSource }[],
  tile: TileId,
  options: StatementOptions,
): Promise<Uint8Array> {
  const rendered: MvtLayer[] = [];
  for (const { layer, source } of layers) {
    if (tile.z < layer.minZoom || tile.z > layer.maxZoom) continue;
    const aggregation = isAggregated(layer, source) ? layer.aggregation : null;
    const storedBox = await prefilterBox(engine, source, tile, map.bufferPx, options);
    const query = tileQuery(layer, source, tile, { ...map, aggregation, storedBox });
    const { statements } = await engine.query(query.sql, options);
    const { rows = [], fields } = statements.at(-1) ?? {};
    const cellPx = aggregation?.resolutionPx ?? 1;
    const grid: TileGrid = {
      extent: map.extent,
      buffer: Math.round((map.bufferPx * map.extent) / TILE_PX),
      cell: (map.extent / TILE_PX) * cellPx,
      isTop: tile.y === 0,
      isBottom: tile.y === 2 ** tile.z - 1,
    };
    const cellOrigin = originOfCells(tile, cellPx);
    const readers = (fields ?? []).slice(3).map(readerOf);
    const features: Feature[] = [];
    for (const [twkb = null, cx = null, cy = null, ...values] of rows) {
      const cell = cx === null || cy === null ? undefined : cellOrigin(Number(cx), Number(cy), grid.cell);
      for (const geometry of geometriesOf(twkb, grid, cell)) {
        features.push({ geometry, values: attributes(query.names, values, readers) });
      }
    }
    rendered.push({ name: layer.id, extent: map.extent, features });
  }
  return encodeMvt(rendered);
}

/** @param cell upper left corner of the cell that the geometry, which is smaller, fills */
function geometriesOf(hex: string | null, grid: TileGrid, cell: readonly [number, number] | undefined) {
  if (hex === null) return [];
  const parts = decodeTwkb(Buffer.from(hex.slice(2), "hex"));
  if (!cell || parts.polygons.length === 0) return tileGeometries(parts, grid);
  const rest = tileGeometries({ ...parts, polygons: [] }, grid);
  return [...rest, { kind: "polygons", polygons: [cellSquare(...cell, grid.cell)] } as const];
}

/** Returns a function from a cell, counted from longitude and latitude 0, to its upper left corner in the tile. */
function originOfCells(tile: TileId, cellPx: number) {
  const { minX, maxY } = tileBoxM(tile);
  const cellM = (tileSizeM(tile.z) / TILE_PX) * cellPx;
  const west = exactly(minX / cellM);
  const north = exactly(maxY / cellM);
  return (cx: number, cy: number, units: number) => [(cx - west) * units, (north - cy - 1) * units] as const;
}

/** Removes the rounding error that the division of metres adds to a whole number. */
function exactly(cells: number): number {
  const whole = Math.round(cells);
  return Math.abs(cells - whole) < 1e-6 * Math.max(1, HALF_WORLD_M / 1e7) ? whole : cells;
}

type Reader = (text: string) => Value;

function readerOf({ typeName }: ResultField): Reader {
  if (typeName === "bool") return (text) => text === "t";
  if (/^(int[248]|float[48]|numeric)$/.test(typeName ?? "")) return Number;
  return (text) => text;
}

function* attributes(
  names: readonly string[],
  values: readonly (string | null)[],
  readers: readonly Reader[],
): Generator<[string, Value]> {
  // `!`: the query selects a column for each name
  for (let i = 0; i < names.length; i++) {
    const value = values[i];
    if (value !== null && value !== undefined) yield [names[i]!, readers[i]!(value)];
  }
}
