/**
 * Lays out legends in a strip below the map, as wide as the image: a title, and its entries in columns. Sizes of texts are
 * estimated, as in `layout.ts`.
 */
import { legendSymbolSize, type NestedPoints, nestedPoints } from "./furniture";
import { isNarrow } from "./layout";
import type { Legend, LegendItem, Scene } from "./scene";
import { textWidth } from "./text-width";

/** Something to draw in the strip. Coordinates are in CSS pixels from the top left of the strip. */
export type StripPart = { readonly x: number; readonly y: number; readonly width: number } & (
  | { readonly kind: "title"; readonly text: string }
  | {
      readonly kind: "item";
      readonly legend: Legend;
      readonly item: LegendItem;
      readonly height: number;
      readonly symbolWidth: number;
    }
  | { readonly kind: "ramp"; readonly ramp: NonNullable<Legend["ramp"]> }
  | { readonly kind: "nested"; readonly nested: NestedPoints }
);

export interface LegendStrip {
  readonly heightPx: number;
  readonly parts: readonly StripPart[];
}

// Sizes in CSS pixels.
export const PADDING_X = 12;
const PADDING_Y = 8;
export const TITLE_HEIGHT = 20;
const ITEM_HEIGHT = 18;
const RAMP_HEIGHT = 36;
const RAMP_WIDTH = 240;
const BETWEEN_LEGENDS = 8;
const BETWEEN_COLUMNS = 12;
export const SYMBOL_GAP = 8;
const TEXT_PX = 12;
/** Share of the image's height that the strip may take, and the height that it leaves at least. */
const MOST_SHARE = 0.6;
const LEAST_MAP_PX = 100;
/** Texts may be wider than estimated by this. */
export const SLACK = 8;

/** Returns the strip of a narrow image; undefined for wider ones, and if the legends would take too much of its height. */
export function legendStripOf(scene: Scene): LegendStrip | undefined {
  const { legends, widthPx, heightPx } = scene;
  if (legends.length === 0 || !isNarrow(scene)) return undefined;
  const strip = stripOf(legends, widthPx);
  const isSmall = strip.heightPx <= MOST_SHARE * heightPx && heightPx - strip.heightPx >= LEAST_MAP_PX;
  return isSmall ? strip : undefined;
}

/** Lays out legends below each other in a strip. */
export function stripOf(legends: readonly Legend[], widthPx: number): LegendStrip {
  const room = widthPx - 2 * PADDING_X;
  const parts: StripPart[] = [];
  let y = PADDING_Y;
  for (const [i, legend] of legends.entries()) {
    if (i > 0) y += BETWEEN_LEGENDS;
    const block = blockOf(legend, room);
    parts.push(...block.parts.map((part) => ({ ...part, x: part.x + PADDING_X, y: part.y + y })));
    y += block.heightPx;
  }
  return { heightPx: Math.ceil(y + PADDING_Y), parts };
}

function blockOf(legend: Legend, room: number): LegendStrip {
  const { title, ramp } = legend;
  const parts: StripPart[] = [];
  let y = 0;
  if (title) {
    parts.push({ kind: "title", text: title, x: 0, y, width: room });
    y += TITLE_HEIGHT;
  }
  if (ramp) {
    parts.push({ kind: "ramp", ramp, x: 0, y, width: Math.min(RAMP_WIDTH, room) });
    y += RAMP_HEIGHT;
  }
  const nested = title === "" ? undefined : nestedPoints(legend);
  if (nested) {
    parts.push({ kind: "nested", nested, x: 0, y, width: Math.min(room, widthOfNested(nested)) });
    return { heightPx: y + nested.heightPx, parts };
  }
  for (const row of rowsOf(legend, room)) {
    const height = Math.max(ITEM_HEIGHT, ...row.map(({ item }) => legendSymbolSize(legend, item).height + 2));
    parts.push(...row.map((cell) => ({ kind: "item" as const, legend, ...cell, y, height })));
    y += height;
  }
  return { heightPx: y, parts };
}

type Cell = Pick<StripPart & { readonly kind: "item" }, "item" | "x" | "width" | "symbolWidth">;

/** Puts the entries into one row, or else into columns of equal width, no more of them than the rows need. */
function rowsOf(legend: Legend, room: number): Cell[][] {
  const { items } = legend;
  const symbolWidth = Math.max(0, ...items.map((item) => legendSymbolSize(legend, item).width));
  const widths = items.map((item) =>
    Math.min(room, Math.ceil(symbolWidth + SYMBOL_GAP + textWidth(labelOf(item), TEXT_PX))),
  );
  const total = widths.reduce((sum, width) => sum + width + BETWEEN_COLUMNS, -BETWEEN_COLUMNS);
  const widest = Math.max(0, ...widths);
  const most = Math.max(1, Math.floor((room + BETWEEN_COLUMNS) / (widest + BETWEEN_COLUMNS)));
  const isRow = total <= room;
  const count = isRow ? items.length : Math.ceil(items.length / Math.ceil(items.length / most));
  const rows: Cell[][] = [];
  for (let from = 0; from < items.length; from += count) {
    let x = 0;
    rows.push(
      items.slice(from, from + count).map((item, i) => {
        const cell = { item, x, width: isRow ? widths[i]! : widest, symbolWidth }; // `!`: as many as items
        x += cell.width + BETWEEN_COLUMNS;
        return cell;
      }),
    );
  }
  return rows;
}

/** Text of an entry, with the number of its rows. */
export const labelOf = ({ label, count }: LegendItem): string =>
  count === undefined ? label : `${label}  (${count.toLocaleString("en-US")})`;

const widthOfNested = ({ labelX, points }: NestedPoints): number =>
  labelX + SYMBOL_GAP + Math.max(0, ...points.map(({ item }) => textWidth(labelOf(item), TEXT_PX)));
