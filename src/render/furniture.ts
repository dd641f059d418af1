/** Sizes of the map's furniture that the page and the image share: the scale bar and the legend's symbols. */
import { lngLatOf, WORLD_M, zoomOf } from "../geometry/mercator";
import { arrowLength, HALF_WIDTH } from "./arrow";
import type { PlaceName } from "./names-data";
import { UNKNOWN_ZOOM } from "./painter/grid";
import type { Legend, LegendItem, Scene, Viewport } from "./scene";

const MAX_WIDTH_PX = 120;
/** The bar is hidden if the scale varies by more than this factor across the map. */
const MAX_RATIO = 1.5;
const DEG = Math.PI / 180;

/**
 * Attribution of the vector basemap, with links written as `[text](https://…)`: the licence of GeoNames asks for one. Empty
 * if there is no basemap.
 */
export function vectorCredit({
  projection,
  basemap: { vector, names },
}: Pick<Scene, "projection" | "basemap">): string {
  const outlines = projection?.name.startsWith("albers-usa") ? "U.S. Census Bureau" : "Natural Earth";
  return [...(vector ? [outlines] : []), ...(names ? ["[GeoNames](https://www.geonames.org)"] : [])].join(
    " · ",
  );
}

/** A city is named up to this distance from the middle of the map. */
const MAX_NEAR_KM = 200;
/** A city twice as far away is named only if it shows this many zoom levels sooner. */
const FARNESS = 1.7;

/**
 * Says near which city a map is that shows neither outlines nor a city: the more important a city, the further away it may
 * be. Undefined if there is no need for it, or no city.
 */
export function nearText(
  names: readonly PlaceName[],
  { originX, originY, ...size }: Viewport,
): string | undefined {
  const { worldPx, widthPx, heightPx } = size;
  if (zoomOf(worldPx) < UNKNOWN_ZOOM) return undefined;
  const [x, y] = [originX + widthPx / 2 / worldPx, originY + heightPx / 2 / worldPx];
  const kmPerUnit = (WORLD_M / 1000) * Math.cos(lngLatOf([x, y])[1] * DEG);
  let best: { readonly text: string; readonly score: number } | undefined;
  for (const name of names) {
    if (name.room > 0) continue;
    const dx = name.x - x - Math.round(name.x - x);
    const dy = name.y - y;
    if (Math.abs(dx) * worldPx < widthPx / 2 && Math.abs(dy) * worldPx < heightPx / 2) return undefined;
    const km = Math.max(1, kmPerUnit * Math.hypot(dx, dy));
    const score = name.zoom + FARNESS * Math.log2(km);
    if (km <= MAX_NEAR_KM && !(best && best.score <= score)) best = { text: name.text, score };
  }
  return best && `near ${best.text}`;
}

export interface ScaleBar {
  readonly widthPx: number;
  readonly label: string;
}

/**
 * A round distance at the middle of the map; undefined on world maps, where scale varies with latitude, and in other
 * projections than Web Mercator, whose insets and edges have other scales.
 */
export function scaleBarOf(
  { originY, worldPx, heightPx }: Viewport,
  projection: Scene["projection"],
): ScaleBar | undefined {
  if (projection) return undefined;
  const cosAt = (y: number) => Math.cos(lngLatOf([0, Math.max(0, Math.min(1, y))])[1] * DEG);
  const middle = cosAt(originY + heightPx / 2 / worldPx);
  const scales = [cosAt(originY), cosAt(originY + heightPx / worldPx), middle];
  if (!(Math.max(...scales) <= MAX_RATIO * Math.min(...scales))) return undefined;
  const metresPerPx = (WORLD_M / worldPx) * middle;
  const longest = metresPerPx * MAX_WIDTH_PX;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = power * ([5, 2].find((step) => step * power <= longest) ?? 1);
  const label =
    metres >= 1000 ? `${(metres / 1000).toLocaleString("en-US")} km` : `${Number(metres.toPrecision(1))} m`;
  return { widthPx: metres / metresPerPx, label };
}

/** Width in CSS pixels that a legend may take; the page's style sheet has it, too. */
export const legendRoom = (mapWidthPx: number): number => Math.min(320, 0.45 * mapWidthPx);

/** Points and lines that are larger are not shown in their own size. */
const MAX_POINT_PX = 200;
const MAX_LINE_PX = 40;
/** Smallest point of a legend that is about colours only: the colour of a smaller one would be hard to tell. */
const MIN_COLOR_PX = 6;
/** If sizes are larger, points are nested instead of one below the other. In legends about colours only they are smaller. */
const MAX_STACKED_PX = 40;
/** Room for a label next to nested points. */
const LABEL_HEIGHT_PX = 16;

/** Length of the line of a symbol, and of the part of it before an arrowhead. */
const LINE_LENGTH_PX = 18;
const SHAFT_PX = 10;

/** Length of a leader beside the points. */
const LEADER_PX = 8;

/** Size of a legend symbol in CSS pixels: points and lines in their own size, up to a limit. */
export function legendSymbolSize(
  { geometry, items, arrow }: Pick<Legend, "geometry" | "items" | "arrow">,
  { sizePx }: LegendItem,
): { readonly width: number; readonly height: number } {
  switch (geometry) {
    case "point": {
      const [least, most] = haveSizes(items) ? [1, MAX_POINT_PX] : [MIN_COLOR_PX, MAX_STACKED_PX];
      const px = Math.min(most, Math.max(least, sizePx));
      return { width: px, height: px };
    }
    case "line": {
      const px = Math.min(MAX_LINE_PX, Math.max(1, sizePx));
      if (!arrow) return { width: LINE_LENGTH_PX, height: px };
      const head = arrowLength(px);
      return { width: Math.max(LINE_LENGTH_PX, head + SHAFT_PX), height: 2 * HALF_WIDTH * head };
    }
    case "polygon":
      return { width: 16, height: 12 };
  }
}

/** Returns the corners of a line with an arrowhead, to the right, as shares of the symbol's width and height. */
export function arrowCorners(
  legend: Pick<Legend, "geometry" | "items" | "arrow">,
  item: LegendItem,
): (readonly [x: number, y: number])[] {
  const { width, height } = legendSymbolSize(legend, item);
  const px = Math.min(MAX_LINE_PX, Math.max(1, item.sizePx));
  const [neck, half] = [1 - arrowLength(px) / width, px / height / 2];
  const upper = [
    [0, 0.5 - half],
    [neck, 0.5 - half],
    [neck, 0],
  ] as const;
  const lower = upper.map(([x, y]) => [x, 1 - y] as const).reverse();
  return [...upper, [1, 0.5], ...lower];
}

/** True if a legend is about sizes, or about sizes and colours. */
const haveSizes = (items: readonly LegendItem[]): boolean =>
  items.some(({ sizePx }) => sizePx !== items[0]?.sizePx);

/** Points of a legend that stand inside each other on one baseline, with a leader from the top of each to its label. */
export interface NestedPoints {
  /** Where labels begin, and where the lowest one ends. */
  readonly labelX: number;
  readonly heightPx: number;
  readonly labelHeightPx: number;
  /** From the largest to the smallest. Coordinates are in CSS pixels from the top left. */
  readonly points: readonly {
    readonly item: LegendItem;
    readonly radius: number;
    readonly centerX: number;
    readonly centerY: number;
    /** Middle of the label. */
    readonly labelY: number;
    readonly leader: readonly (readonly [x: number, y: number])[];
  }[];
}

/** Nests the points of a legend; undefined if they are small enough to stand one below the other. */
export function nestedPoints({ geometry, items }: Legend): NestedPoints | undefined {
  const isLarge = items.some(({ sizePx }) => sizePx > MAX_STACKED_PX);
  const isHollow = items.some(({ hollow }) => hollow); // circles of one size would lie on each other
  if (geometry !== "point" || !isLarge || isHollow || !haveSizes(items)) return undefined;
  const sizeOf = (item: LegendItem) => legendSymbolSize({ geometry, items }, item).width;
  const largestFirst = [...items].sort((a, b) => sizeOf(b) - sizeOf(a));
  const widthPx = Math.max(...items.map(sizeOf));
  const labelX = widthPx + LEADER_PX;
  const top = LABEL_HEIGHT_PX / 2; // half of the first label is above its point
  let free = 0;
  const points = largestFirst.map((item) => {
    const radius = sizeOf(item) / 2;
    const labelY = Math.max(free, top + widthPx - 2 * radius);
    free = labelY + LABEL_HEIGHT_PX;
    const [centerX, centerY] = [widthPx / 2, top + widthPx - radius];
    const start = centerY - radius;
    const leader = [
      [centerX, start],
      [widthPx, start],
      [labelX, labelY],
    ] as const;
    return { item, radius, centerX, centerY, labelY, leader };
  });
  const heightPx = Math.max(top + widthPx + 1, free - LABEL_HEIGHT_PX / 2);
  return { labelX, heightPx, labelHeightPx: LABEL_HEIGHT_PX, points };
}
