import type { Box } from "../../geometry/clip";
import { Bins, type WeightedPoints } from "../aggregate/bins";
import { classOf } from "../aggregate/breaks";
import { type Cell, cellAt, cornersOf, type Lattice, levelOf, middleOf } from "../aggregate/lattice";
import { cellLegend, colorOfClass, type LegendContent } from "../aggregate/legend";
import { CellLevels } from "../aggregate/levels";
import { generationsAt } from "../clock";
import type { Aggregate, PointGeometry, SceneLayer, Viewport } from "../scene";
import { boxAround, copiesOf, movedX } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { featureOf, KeptFeatures, strokeOutline } from "./cell-feature";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";
import { PlacedPoints } from "./placed-points";
import { cssColor } from "./style";
import type { TileSource } from "./tiled";

/** Ground that shows between cells, in CSS pixels, unless cells are small. */
const GAP_PX = 0.75;
/** Cells of this width have the whole gap. */
const GAP_FROM_PX = 8;

interface CellPainterOptions {
  /** Copies of the world on either side of it. */
  readonly copies?: number;
  /** Tiles of a layer whose points are an overview. */
  readonly source?: TileSource | undefined;
}

interface ShownPoints {
  readonly points: WeightedPoints;
  readonly bins: Map<number, Bins>;
}

/** Paints a layer of points as cells that are coloured by the number of their points or a statistic of their values. */
export class CellPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly hasTiles = true;
  readonly #aggregate: Aggregate;
  readonly #levels: CellLevels;
  readonly #placed: PlacedPoints;
  readonly #copies: number;
  readonly #features = new KeptFeatures();
  /** The points that pass filters, with their cells by level; absent without a filter. */
  #shown: ShownPoints | undefined;

  constructor(
    layer: SceneLayer & { readonly aggregate: Aggregate },
    geometry: PointGeometry,
    { copies = Infinity, source }: CellPainterOptions = {},
  ) {
    this.layer = layer;
    this.#aggregate = layer.aggregate;
    this.#levels = new CellLevels(layer, geometry, layer.aggregate);
    this.#placed = new PlacedPoints(this.#levels.points, { copies, source });
    this.#copies = copies;
  }

  /** Classes stay those of all points, so that a filter does not change what a colour means. */
  filter(failed: Uint32Array | undefined): void {
    this.#shown = failed && { points: { ...this.#levels.points, failed }, bins: new Map() };
    this.#placed.filter(failed);
  }

  warm(): void {
    this.#placed.warm();
  }

  legendAt(worldPx: number): LegendContent {
    return cellLegend(this.#aggregate, this.#levels.at(levelOf(worldPx)));
  }

  paint(target: Canvas2D, viewport: Viewport, _scratch: Scratch, frame: number): number {
    const { lattice, breaks } = this.#levels.at(levelOf(viewport.worldPx));
    const view = grown(boxAround(viewport, 0), lattice.width);
    const byClass: Cell[][] = [...breaks, 0].map(() => []);
    const bins = this.#binsIn(view, viewport.worldPx, frame);
    forEachCell(bins, (cell, number) => byClass[classOf(bins.valueOf(number), breaks)]!.push(cell)); // `!`: as many as classes
    const copies = copiesOf(this.#placed.box, view, this.#copies);
    const draw = cellDrawer(target, viewport, lattice);
    let painted = 0;
    target.globalAlpha = this.layer.opacity;
    for (const [index, cells] of byClass.entries()) {
      target.fillStyle = cssColor(colorOfClass(this.#aggregate.palette, index, byClass.length));
      target.beginPath();
      for (const cell of cells)
        for (const copy of copies)
          if (isIn(movedX(view, -copy), middleOf(lattice, cell))) painted += draw(cell, copy);
      target.fill("evenodd");
    }
    target.globalAlpha = 1;
    return painted;
  }

  hitAll({ x, y }: Place, { worldPx, frame, most }: Look): Found[] {
    const lattice = this.#levels.latticeAt(levelOf(worldPx));
    const [copy] = copiesOf(grown(this.#placed.box, lattice.width), [x, y, x, y], this.#copies);
    if (copy === undefined || most < 1) return [];
    const cell = cellAt(lattice, x - copy, y);
    const bins = this.#binsIn(grown(pointBox(middleOf(lattice, cell)), lattice.width), worldPx, frame);
    const number = bins.cells.find(cell.column, cell.row);
    return number === undefined ? [] : [this.#foundOf(bins, number, cell, frame)];
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    const lattice = this.#levels.latticeAt(levelOf(viewport.worldPx));
    const view = boxAround(viewport, 0);
    const bins = this.#binsIn(grown(view, lattice.width), viewport.worldPx, frame);
    const inView: { cell: Cell; number: number; x: number; y: number }[] = [];
    for (const copy of copiesOf(this.#placed.box, view, this.#copies))
      forEachCell(bins, (cell, number) => {
        const [x, y] = middleOf(lattice, cell);
        if (isIn(view, [x + copy, y])) inView.push({ cell, number, x: x + copy, y });
      });
    inView.sort((a, b) => bins.valueOf(b.number) - bins.valueOf(a.number));
    return inView
      .slice(0, most)
      .map(({ cell, number, x, y }) => ({ ...this.#foundOf(bins, number, cell, frame), x, y }));
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found): void {
    strokeOutline(context, viewport, found, this.#copies);
  }

  /** Returns bins in which the cells of a box are complete, at the level of a scale. */
  #binsIn(box: Box, worldPx: number, frame: number): Bins {
    const level = levelOf(worldPx);
    const { time } = this.layer;
    const whole = time || this.#placed.isCoarse(worldPx) ? undefined : this.#levels.at(level).bins;
    if (whole) return this.#shown ? this.#shownBins(level, this.#shown) : whole;
    const bins = new Bins(this.#levels.latticeAt(level), this.#aggregate.statistic);
    if (time)
      for (const { from, to } of generationsAt(time, frame))
        bins.add(this.#shown?.points ?? this.#levels.points, { from, to });
    else this.#placed.addIn(bins, box, worldPx);
    return bins;
  }

  /** Returns all cells of a level, of the points that pass filters. */
  #shownBins(level: number, { points, bins: known }: ShownPoints): Bins {
    let bins = known.get(level);
    if (!bins) {
      bins = new Bins(this.#levels.latticeAt(level), this.#aggregate.statistic);
      bins.add(points);
      known.set(level, bins);
    }
    return bins;
  }

  #foundOf(bins: Bins, number: number, cell: Cell, frame: number): Found {
    const [value, count] = [bins.valueOf(number), bins.counts[number]!]; // `!`: the cell has a number
    const key = [bins.lattice.width, cell.column, cell.row, frame, value, count].join(" ");
    return this.#features.of(key, () => featureOf(this.layer, outlineOf(bins.lattice, cell), [value, count]));
  }
}

function outlineOf(lattice: Lattice, cell: Cell): Float64Array {
  const [x, y] = middleOf(lattice, cell);
  return Float64Array.from(
    cornersOf(lattice).flatMap(([dx, dy]) => [x + dx * lattice.width, y + dy * lattice.width]),
  );
}

/** Returns a function that adds the outline of a cell to the path of a canvas, with a gap around it. */
function cellDrawer(
  target: Canvas2D,
  viewport: Viewport,
  lattice: Lattice,
): (cell: Cell, copy: number) => number {
  const { originX, originY, worldPx, pixelRatio } = viewport;
  const scale = worldPx * pixelRatio;
  const widthPx = lattice.width * worldPx;
  const gapPx = GAP_PX * Math.min(1, widthPx / GAP_FROM_PX);
  const size = (widthPx - gapPx) * pixelRatio;
  const corners = cornersOf(lattice);
  return (cell, copy) => {
    const [x, y] = middleOf(lattice, cell);
    const [atX, atY] = [(x + copy - originX) * scale, (y - originY) * scale];
    for (const [i, [dx, dy]] of corners.entries()) {
      if (i === 0) target.moveTo(atX + dx * size, atY + dy * size);
      else target.lineTo(atX + dx * size, atY + dy * size);
    }
    target.closePath();
    return 1;
  };
}

/** `!`: numbers are below the lengths. */
function forEachCell({ cells }: Bins, visit: (cell: Cell, number: number) => void): void {
  const { columns, rows } = cells;
  for (let number = 0; number < columns.length; number++)
    visit({ column: columns[number]!, row: rows[number]! }, number);
}

const grown = ([minX, minY, maxX, maxY]: Box, by: number): Box => [
  minX - by,
  minY - by,
  maxX + by,
  maxY + by,
];

const pointBox = ([x, y]: readonly [number, number]): Box => [x, y, x, y];
const isIn = ([minX, minY, maxX, maxY]: Box, [x, y]: readonly [number, number]) =>
  x >= minX && x <= maxX && y >= minY && y <= maxY;
