import type { Box } from "../../geometry/clip";
import { weightedPoints } from "../aggregate/bins";
import { breakLabels, classOf } from "../aggregate/breaks";
import { ClusterLevels } from "../aggregate/cluster-levels";
import { FEWEST } from "../aggregate/cluster-scale";
import type { Cluster } from "../aggregate/clusters";
import { levelOf } from "../aggregate/lattice";
import { colorOfClass, type LegendContent } from "../aggregate/legend";
import { shortNumber } from "../format";
import type { Aggregate, PointGeometry, Rgba, SceneLayer, Viewport } from "../scene";
import { boxAround, copiesOf, movedX } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { featureOf, KeptFeatures, strokeOutline } from "./cell-feature";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";
import { PlacedPoints } from "./placed-points";
import { cssColor } from "./style";
import type { TileSource } from "./tiled";

/** Diameter of a single point, and of the smallest cluster, in CSS pixels. */
const SINGLE_PX = 9;
const LEAST_PX = 22;
/** Diameter of the largest cluster, at most this share of the distance between clusters. */
const MOST_PX = 40;
const MOST_SHARE = 0.9;
const FONT_PX = 11;
/** Part of a disc's width that its number may take. */
const TEXT_SHARE = 0.86;
/** A translucent ring around clusters. */
const RING = { px: 3, alpha: 90 };
/** Corners of the outline that marks a cluster. */
const CORNERS = 32;
/** Colours with a higher luminance have dark text: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
const BRIGHT = 0.36;

/** Paints a layer of points as clusters with their number of points, or with a statistic of their values. */
export class ClusterPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly hasTiles = true;
  readonly #aggregate: Aggregate;
  readonly #copies: number;
  readonly #fonts: string;
  readonly #box: Box;
  readonly #levels: ClusterLevels;
  readonly #features = new KeptFeatures();

  constructor(
    layer: SceneLayer & { readonly aggregate: Aggregate },
    geometry: PointGeometry,
    {
      copies,
      fonts,
      source,
    }: {
      readonly copies: number;
      readonly fonts: string;
      /** Tiles of a layer whose points are an overview. */
      readonly source?: TileSource | undefined;
    },
  ) {
    this.layer = layer;
    this.#aggregate = layer.aggregate;
    this.#copies = copies;
    this.#fonts = fonts;
    const placed = new PlacedPoints(weightedPoints(layer, geometry), { copies, source });
    this.#box = placed.box;
    const { levels, ...own } = layer.aggregate;
    // without tiles, an overview has clusters of its groups only
    const isShown = levels && (source || !geometry.weights);
    this.#levels = new ClusterLevels(placed, isShown ? layer.aggregate : own);
  }

  warm(): void {
    this.#levels.warm();
  }

  legendAt(worldPx: number): LegendContent {
    const { palette, statistic } = this.#aggregate;
    const { breaks, range, count, singles } = this.#levels.scaleAt(levelOf(worldPx));
    const isCount = statistic === "count";
    const labels = count > 0 ? breakLabels(breaks, isCount, range, FEWEST) : [];
    const single = { label: "1", color: colorOfClass(palette, 0, 2), sizePx: SINGLE_PX };
    return {
      items: [
        ...(singles > 0 && isCount ? [single] : []),
        ...labels.map((label, i) => ({
          label,
          color: colorOfClass(palette, i, labels.length),
          sizePx: this.#sizeOf(i, labels.length),
        })),
      ],
    };
  }

  paint(target: Canvas2D, viewport: Viewport, _scratch: Scratch): number {
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const scale = worldPx * pixelRatio;
    const placed = this.#inView(viewport, this.#largestPx());
    const breaks = this.#levels.scaleAt(levelOf(worldPx)).breaks;
    target.globalAlpha = this.layer.opacity;
    for (const { x, y, cluster } of placed.sort((a, b) => a.cluster.count - b.cluster.count)) {
      const [atX, atY] = [(x - originX) * scale, (y - originY) * scale];
      const [color, sizePx] = this.#lookOf(cluster, breaks);
      if (cluster.count > 1) disc(target, atX, atY, (sizePx / 2 + RING.px) * pixelRatio, faint(color));
      disc(target, atX, atY, (sizePx / 2) * pixelRatio, color);
      if (cluster.count > 1) this.#write(target, cluster, { atX, atY, color, sizePx, pixelRatio });
    }
    target.globalAlpha = 1;
    return placed.length;
  }

  #write(
    target: Canvas2D,
    { value }: Cluster,
    {
      atX,
      atY,
      color,
      sizePx,
      pixelRatio,
    }: { atX: number; atY: number; color: Rgba; sizePx: number; pixelRatio: number },
  ): void {
    const text = shortNumber(value);
    const fontOf = (px: number) => `600 ${px * pixelRatio}px ${this.#fonts}`;
    target.font = fontOf(FONT_PX);
    const share = Math.min(1, (TEXT_SHARE * sizePx * pixelRatio) / target.measureText(text).width);
    target.font = fontOf(FONT_PX * share);
    target.textAlign = "center";
    target.textBaseline = "alphabetic";
    target.fillStyle = luminanceOf(color) > BRIGHT ? "#1f2933" : "#ffffff";
    target.fillText(text, atX, atY + 0.365 * FONT_PX * share * pixelRatio);
  }

  hitAll({ x, y }: Place, { worldPx, slopPx, most }: Look): Found[] {
    const breaks = this.#levels.scaleAt(levelOf(worldPx)).breaks;
    const reachPx = this.#largestPx() / 2 + slopPx;
    const viewport = { originX: x, originY: y, worldPx, widthPx: 0, heightPx: 0, pixelRatio: 1 };
    return this.#inView(viewport, 2 * reachPx)
      .filter(({ x: atX, y: atY, cluster }) => {
        const [, sizePx] = this.#lookOf(cluster, breaks);
        return Math.hypot(atX - x, atY - y) * worldPx <= sizePx / 2 + slopPx;
      })
      .sort((a, b) => b.cluster.count - a.cluster.count)
      .slice(0, most)
      .map(({ cluster }) => this.#foundOf(cluster, worldPx, breaks));
  }

  placedIn(viewport: Viewport, _frame: number, most: number): Placed[] {
    const breaks = this.#levels.scaleAt(levelOf(viewport.worldPx)).breaks;
    return this.#inView(viewport, 0)
      .sort((a, b) => b.cluster.count - a.cluster.count)
      .slice(0, most)
      .map(({ x, y, cluster }) => ({ ...this.#foundOf(cluster, viewport.worldPx, breaks), x, y }));
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found): void {
    strokeOutline(context, viewport, found, this.#copies);
  }

  /** Returns the clusters in a view with a margin, in the copies of the world that it shows. */
  #inView(viewport: Viewport, marginPx: number): { x: number; y: number; cluster: Cluster }[] {
    const view = boxAround(viewport, marginPx);
    return copiesOf(this.#box, view, this.#copies).flatMap((copy) =>
      this.#levels
        .in(movedX(view, -copy), viewport.worldPx)
        .map((cluster) => ({ x: cluster.x + copy, y: cluster.y, cluster })),
    );
  }

  #largestPx(): number {
    return Math.max(LEAST_PX, Math.min(MOST_PX, MOST_SHARE * this.#aggregate.cellPx));
  }

  /** The diameter of a class of clusters. */
  #sizeOf(index: number, classes: number): number {
    return LEAST_PX + (this.#largestPx() - LEAST_PX) * (classes > 1 ? index / (classes - 1) : 0.5);
  }

  #lookOf({ count, value }: Cluster, breaks: readonly number[]): readonly [color: Rgba, sizePx: number] {
    const { palette } = this.#aggregate;
    if (count <= 1) return [colorOfClass(palette, 0, 2), SINGLE_PX];
    const [index, classes] = [classOf(value, breaks), breaks.length + 1];
    return [colorOfClass(palette, index, classes), this.#sizeOf(index, classes)];
  }

  #foundOf(cluster: Cluster, worldPx: number, breaks: readonly number[]): Found {
    const { x, y, value, count } = cluster;
    return this.#features.of([levelOf(worldPx), x, y, value, count].join(" "), () => {
      const [, sizePx] = this.#lookOf(cluster, breaks);
      return featureOf(this.layer, circleOf(cluster, sizePx / 2 / worldPx), [value, count]);
    });
  }
}

function circleOf({ x, y }: Cluster, radius: number): Float64Array {
  const xy = new Float64Array(2 * CORNERS);
  for (let i = 0; i < CORNERS; i++) {
    const angle = (2 * Math.PI * i) / CORNERS;
    xy[2 * i] = x + radius * Math.cos(angle);
    xy[2 * i + 1] = y + radius * Math.sin(angle);
  }
  return xy;
}

function disc(target: Canvas2D, x: number, y: number, radius: number, color: Rgba): void {
  target.fillStyle = cssColor(color);
  target.beginPath();
  target.arc(x, y, radius, 0, 2 * Math.PI);
  target.fill("evenodd");
}

const faint = ([red, green, blue]: Rgba): Rgba => [red, green, blue, RING.alpha];

function luminanceOf([red, green, blue]: Rgba): number {
  const linear = (part: number) => ((part / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}
