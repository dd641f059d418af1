import type { Box } from "../../geometry/clip";
import { type Bins, type WeightedPoints, weightedPoints } from "../aggregate/bins";
import { copiesOf, movedX } from "./box";
import { boxOf, forEachBlock, indexPoints, type PointIndex } from "./point-index";
import { needsTiles, type TilePlace, type TileSource, tileKey } from "./tiled";

interface PlacedPointsOptions {
  /** Copies of the world on either side of it. */
  readonly copies: number;
  /** Tiles of a layer whose points are an overview. */
  readonly source?: TileSource | undefined;
}

/** The points of a layer by place: those of the page, or of the layer's tiles where they show more. */
export class PlacedPoints {
  readonly points: WeightedPoints;
  readonly box: Box;
  readonly source: TileSource | undefined;
  readonly #copies: number;
  #index: PointIndex | undefined;
  /** The points of the page that pass filters. */
  #shown: WeightedPoints;

  constructor(points: WeightedPoints, { copies, source }: PlacedPointsOptions) {
    this.points = points;
    this.#shown = points;
    this.box = boxOf(points.geometry.x, points.geometry.y);
    this.source = source;
    this.#copies = copies;
  }

  filter(failed: Uint32Array | undefined): void {
    this.#shown = { ...this.points, failed };
  }

  /** True if tiles show more than the points of the page at this scale. */
  isCoarse(worldPx: number): boolean {
    return this.source !== undefined && needsTiles(this.source, worldPx);
  }

  /** Changes whenever a tile is added or removed. */
  get version(): number {
    return this.source?.version ?? 0;
  }

  /** Builds the index ahead of time. */
  warm(): PointIndex {
    const { x, y } = this.points.geometry;
    this.#index ??= indexPoints(x, y, this.box);
    return this.#index;
  }

  /** Adds points to bins, so that those in a box are complete; some others may be added, too. */
  addIn(bins: Bins, box: Box, worldPx: number): void {
    if (this.source && needsTiles(this.source, worldPx)) this.#addTiles(bins, box, worldPx, this.source);
    else this.#addBlocks(bins, box);
  }

  /** Adds the points of the blocks that touch a box, or of its copies in other worlds. */
  #addBlocks(bins: Bins, box: Box, isWithin?: (x: number, y: number) => boolean): void {
    const { order, boxes } = this.warm();
    const count = this.points.geometry.x.length;
    const blocks = new Map<number, number>();
    for (const copy of copiesOf(this.box, box, this.#copies))
      forEachBlock({ boxes }, count, movedX(box, -copy), (from, to) => blocks.set(from, to));
    for (const [from, to] of blocks) bins.add(this.#shown, { order, from, to }, isWithin);
  }

  /** Adds the tiles of a box, and the overview where no tile is loaded. Tiles overlap, so each adds its own square only. */
  #addTiles(bins: Bins, [minX, minY, maxX, maxY]: Box, worldPx: number, source: TileSource): void {
    const size = { widthPx: (maxX - minX) * worldPx, heightPx: (maxY - minY) * worldPx };
    const added = new Set<string>();
    for (const place of source.placesIn({ originX: minX, originY: minY, worldPx, ...size, pixelRatio: 1 })) {
      const count = 2 ** place.z;
      const square = { ...place, x: ((place.x % count) + count) % count };
      if (added.has(tileKey(square))) continue;
      added.add(tileKey(square));
      this.#addSquare(bins, square);
    }
  }

  #addSquare(bins: Bins, { z, x: column, y: row, tile }: TilePlace): void {
    const count = 2 ** z;
    const isWithin = (x: number, y: number) =>
      Math.floor(x * count) === column && Math.floor(y * count) === row;
    const side = 1 / count;
    const box = [column * side, row * side, (column + 1) * side, (row + 1) * side] as const;
    if (!tile) this.#addBlocks(bins, box, isWithin);
    else if (tile.layer.geometry.kind === "point")
      bins.add(weightedPoints(tile.layer, tile.layer.geometry), {}, isWithin);
  }
}
