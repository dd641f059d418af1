/** Draws the title, legends, scale bar, time and attribution of an image, with the page's layout and look. */
import type { SKRSContext2D } from "@napi-rs/canvas";
import { onOneLine } from "../format";
import {
  arrowCorners,
  legendRoom,
  legendSymbolSize,
  type NestedPoints,
  nestedPoints,
  scaleBarOf,
} from "../furniture";
import { legendInsets, MARGIN_PX as MARGIN } from "../layout";
import { HATCH_LINE_PX, HATCH_STEP_PX } from "../painter/hatch";
import { cssColor } from "../painter/style";
import type { Legend, LegendCorner, LegendItem, Scene, Viewport } from "../scene";

// Sizes in CSS pixels, as in the page's style sheet.
const PADDING_X = 12;
const PADDING_TOP = 9;
const PADDING_BOTTOM = 10;
/** Share of the map's width that all cards together may take. */
const MAX_CARDS_SHARE = 0.6;
/** Gap between cards side by side. */
const CARD_GAP = 6;
const TITLE_HEIGHT = 22;
const ITEM_HEIGHT = 18;
/** Height of the second line of a long text. */
const SECOND_LINE = 15;
const BETWEEN_LEGENDS = 19;
const SYMBOL_GAP = 8;
/** Gap between the leader of a nested point and its label. */
const LABEL_GAP = 4;
const RAMP_WIDTH = 120;
const RAMP_HEIGHT = 12;
const TITLE_PX = 14;
const TITLE_PADDING = 10;
const TITLE_CARD_HEIGHT = 28;
const RADIUS = 6;
export const TEXT_PX = 12;
export const SMALL_PX = 10;
/** Minimum width of the card with the time, enough for most maps, so that it does not change from frame to frame. */
const TIME_WIDTH = 170;
const TIME_HEIGHT = 28;
/** Gap between the scale bar and the text beside it. */
const NEAR_GAP = 8;
const ATTRIBUTION_HEIGHT = 16;
const ATTRIBUTION_PADDING = 6;
/** Texts are cut at this many characters before they are measured. */
export const MAX_TEXT = 200;

export const THEMES = {
  light: { paper: "#ffffff", card: "#fffffff0", edge: "#141e281f", ink: "#263238", soft: "#5b6770" },
  dark: { paper: "#20252a", card: "#20252aeb", edge: "#ffffff24", ink: "#eceff1", soft: "#aeb8bf" },
} as const;

export type Theme = (typeof THEMES)["light" | "dark"];

export interface Lettering {
  /** CSS list of font families. */
  readonly fonts: string;
}

/** A line of a card. */
type Line =
  | { readonly kind: "title"; readonly text: string; readonly height: number }
  | { readonly kind: "item"; readonly item: LegendItem; readonly legend: Legend; readonly height: number }
  | { readonly kind: "nested"; readonly nested: NestedPoints; readonly height: number }
  | { readonly kind: "ramp"; readonly ramp: NonNullable<Legend["ramp"]>; readonly height: number }
  | { readonly kind: "more"; readonly text: string; readonly height: number }
  | { readonly kind: "rule"; readonly height: number };

/** A line with its text, wrapped to the width of its card. */
interface WrappedLine {
  readonly line: Line;
  readonly texts: readonly string[];
  readonly indent: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws the legends in their corner, in one card or, if that is too tall, in several side by side. They never exceed the
 * map: texts that do not fit in two lines end in "…", long legends in "+ 12 more". Returns the width they take beside the
 * title, margin included.
 */
export function drawLegends(
  context: SKRSContext2D,
  scene: Scene,
  { fonts, corner }: Lettering & { readonly corner: LegendCorner },
): number {
  const { widthPx, heightPx, basemap } = scene;
  context.save();
  context.font = `${TEXT_PX}px ${fonts}`;
  context.textBaseline = "middle";
  const insets = legendInsets(scene, corner, "image");
  const cards = cardsOf(context, scene, heightPx - insets.top - insets.bottom);
  const total = cards.reduce((sum, card) => sum + card.width + CARD_GAP, -CARD_GAP);
  let left = corner.endsWith("left") ? MARGIN : widthPx - MARGIN - total;
  for (const card of cards) {
    const top = corner.startsWith("top") ? insets.top : heightPx - insets.bottom - card.height;
    drawCard(context, card, { left, top }, THEMES[basemap.theme]);
    left += card.width + CARD_GAP;
  }
  context.restore();
  return cards.length > 0 && corner === "top-right" ? MARGIN + total : 0;
}

/** Draws the title at the top left, shortened to the room that the legends leave. */
export function drawTitle(
  context: SKRSContext2D,
  { title, widthPx, basemap }: Scene,
  { fonts, takenPx }: Lettering & { readonly takenPx: number },
): void {
  if (!title) return;
  const theme = THEMES[basemap.theme];
  context.save();
  context.font = `600 ${TITLE_PX}px ${fonts}`;
  context.textBaseline = "middle";
  const room = widthPx - takenPx - 2 * MARGIN - 2 * TITLE_PADDING;
  const text = shortened(context, onOneLine(title, MAX_TEXT), room);
  const width = Math.ceil(context.measureText(text).width) + 2 * TITLE_PADDING;
  if (text !== "") {
    drawBox(context, { left: MARGIN, top: MARGIN, width, height: TITLE_CARD_HEIGHT }, theme);
    context.fillStyle = theme.ink;
    context.fillText(text, MARGIN + TITLE_PADDING, MARGIN + TITLE_CARD_HEIGHT / 2);
  }
  context.restore();
}

/**
 * Draws the scale bar at the bottom left, above the attribution if they would overlap, and beside it near which city the map
 * is. Hidden on world maps.
 */
export function drawScale(
  context: SKRSContext2D,
  { basemap, projection, widthPx, heightPx }: Scene,
  {
    fonts,
    viewport,
    takenPx,
    near = "",
  }: Lettering & {
    readonly viewport: Viewport;
    readonly takenPx: number;
    readonly near?: string | undefined;
  },
): void {
  const scale = scaleBarOf(viewport, projection);
  if (!scale || heightPx < 4 * MARGIN) return;
  const theme = THEMES[basemap.theme];
  const width = Math.round(scale.widthPx);
  const isBeside = MARGIN + width + MARGIN <= widthPx - takenPx;
  const [left, bottom] = [MARGIN, heightPx - MARGIN - (isBeside ? 0 : ATTRIBUTION_HEIGHT)];
  context.save();
  context.fillStyle = theme.card;
  context.fillRect(left, bottom - 14, width, 14);
  context.strokeStyle = theme.soft;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(left + 0.5, bottom - 14);
  context.lineTo(left + 0.5, bottom - 0.5);
  context.lineTo(left + width - 0.5, bottom - 0.5);
  context.lineTo(left + width - 0.5, bottom - 14);
  context.stroke();
  context.font = `${SMALL_PX}px ${fonts}`;
  context.textBaseline = "middle";
  context.fillStyle = theme.soft;
  context.fillText(scale.label, left + 5, bottom - 7);
  const room = widthPx - left - width - NEAR_GAP - (isBeside ? takenPx : 0);
  if (context.measureText(near).width <= room) context.fillText(near, left + width + NEAR_GAP, bottom - 7);
  context.restore();
}

/** Draws the time and the progress of the animation at the bottom centre, if they fit. */
export function drawTime(
  context: SKRSContext2D,
  { widthPx, heightPx, basemap }: Scene,
  { text, share, fonts }: Lettering & { readonly text: string; readonly share: number },
): void {
  const theme = THEMES[basemap.theme];
  context.save();
  context.font = `600 ${TEXT_PX}px ${fonts}`;
  context.textBaseline = "middle";
  const textWidth = context.measureText(text).width;
  const width = Math.max(TIME_WIDTH, Math.ceil(textWidth) + 2 * PADDING_X);
  const left = Math.round((widthPx - width) / 2);
  const top = heightPx - TIME_HEIGHT - ATTRIBUTION_HEIGHT - 6;
  if (width <= widthPx && top >= 0) {
    drawBox(context, { left, top, width, height: TIME_HEIGHT }, theme);
    context.fillStyle = theme.ink;
    context.fillText(text, left + (width - textWidth) / 2, top + TIME_HEIGHT / 2 - 2);
    const [barLeft, barWidth] = [left + PADDING_X, width - 2 * PADDING_X];
    context.fillStyle = theme.edge;
    context.fillRect(barLeft, top + TIME_HEIGHT - 6, barWidth, 2);
    context.fillStyle = theme.soft;
    context.fillRect(barLeft, top + TIME_HEIGHT - 6, barWidth * share, 2);
  }
  context.restore();
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function drawBox(context: SKRSContext2D, { left, top, width, height }: Box, theme: Theme): void {
  context.fillStyle = theme.card;
  context.strokeStyle = theme.edge;
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(left + 0.5, top + 0.5, width - 1, height - 1, RADIUS);
  context.fill();
  context.stroke();
}

/** The place of a ramp or of nested points, and the colours of its texts. */
interface InCard {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly theme: Theme;
}

interface Card {
  readonly width: number;
  readonly height: number;
  /** Width of the widest symbol; the others are centred in its column. */
  readonly symbolWidth: number;
  readonly lines: readonly WrappedLine[];
}

/** Lays out cards from left to right, as many as fit; the last one ends in "+ 12 more" if entries are left. */
function cardsOf(context: SKRSContext2D, { widthPx, legends }: Scene, heightPx: number): Card[] {
  const room = heightPx - PADDING_TOP - PADDING_BOTTOM;
  const wrapped = (column: readonly Legend[]) => wrap(context, column.flatMap(linesOf), legendRoom(widthPx));
  for (let columns = inColumns(legends, room, wrapped); ; columns = mergedLast(columns)) {
    const cards = columns.flatMap((column) => cardOf(fitting(context, wrapped(column), room)) ?? []);
    const width = cards.reduce((sum, card) => sum + card.width + CARD_GAP, 0);
    if (columns.length <= 1 || width <= MAX_CARDS_SHARE * widthPx) return cards;
  }
}

/** Stacks legends in columns: each legend goes below the previous one if it fits, otherwise into a new column. */
function inColumns(
  legends: readonly Legend[],
  room: number,
  wrapped: (column: readonly Legend[]) => readonly WrappedLine[],
): Legend[][] {
  const columns: Legend[][] = [];
  for (const legend of legends) {
    const last = columns.at(-1);
    if (last && heightOf(wrapped([...last, legend])) <= room) last.push(legend);
    else columns.push([legend]);
  }
  return columns;
}

function mergedLast(columns: readonly (readonly Legend[])[]): Legend[][] {
  return [...columns.slice(0, -2).map((column) => [...column]), columns.slice(-2).flat()];
}

const heightOf = (lines: readonly { readonly height: number }[]): number =>
  lines.reduce((sum, { height }) => sum + height, 0);

/** Wraps and measures lines for a card that is at most `widest`. */
function wrap(context: SKRSContext2D, lines: readonly Line[], widest: number): WrappedLine[] {
  const symbolWidth = widestSymbol(lines);
  return lines.map((line) => {
    const count = countText(line);
    const countWidth = count === "" ? 0 : context.measureText(count).width + SYMBOL_GAP;
    const indent = indentOf(line, symbolWidth);
    const texts = inTwoLines(context, textOf(line), widest - 2 * PADDING_X - indent - countWidth);
    const width = Math.max(...texts.map((text) => widthOf(context, line, text))) + countWidth;
    return { line, texts, indent, width, height: line.height + (texts.length - 1) * SECOND_LINE };
  });
}

/** Creates a card; undefined if it would be empty, or too narrow for a single letter. */
function cardOf(lines: readonly WrappedLine[]): Card | undefined {
  if (Math.max(0, ...lines.map(({ width }) => width)) === 0) return undefined;
  const content = Math.max(...lines.map(({ indent, width }) => indent + width));
  return {
    width: Math.ceil(content) + 2 * PADDING_X,
    height: heightOf(lines) + PADDING_TOP + PADDING_BOTTOM,
    symbolWidth: widestSymbol(lines.map(({ line }) => line)),
    lines,
  };
}

function drawCard(
  context: SKRSContext2D,
  { width, height, symbolWidth, lines }: Card,
  { left, top }: Pick<Box, "left" | "top">,
  theme: Theme,
): void {
  drawBox(context, { left, top, width, height }, theme);
  const x = left + PADDING_X;
  let y = top + PADDING_TOP;
  for (const { line, texts, indent, height: lineHeight } of lines) {
    if (line.kind === "rule") {
      context.fillStyle = theme.edge;
      context.fillRect(left, y + Math.floor(line.height / 2), width, 1);
    }
    const place = { x, y, width: width - 2 * PADDING_X, theme };
    context.globalAlpha = line.kind === "item" ? alphaOf(line.item) : 1;
    if (line.kind === "ramp") drawRamp(context, line.ramp, place);
    if (line.kind === "nested") drawNested(context, line.nested, place);
    if (line.kind === "item") drawSymbol(context, line, x + symbolWidth / 2, y + lineHeight / 2);
    context.fillStyle = line.kind === "title" ? theme.ink : theme.soft;
    const textHeight = line.kind === "title" ? ITEM_HEIGHT : line.height;
    for (const [i, text] of texts.entries())
      context.fillText(text, x + indent, y + textHeight / 2 + i * SECOND_LINE);
    const count = countText(line);
    if (count !== "") drawRight(context, count, left + width - PADDING_X, y + lineHeight / 2);
    y += lineHeight;
  }
  context.globalAlpha = 1;
}

/** Entries whose rows are hidden are pale, as in the page. */
export const alphaOf = ({ isOff }: LegendItem): number => (isOff ? 0.45 : 1);

function drawRight(context: SKRSContext2D, text: string, right: number, y: number): void {
  context.textAlign = "right";
  context.fillText(text, right, y);
  context.textAlign = "left";
}

/** Draws points inside each other, with leaders to their labels. */
export function drawNested(
  context: SKRSContext2D,
  { points, labelX }: NestedPoints,
  { x, y, width, theme }: InCard,
): void {
  for (const { item, radius, centerX, centerY } of points)
    drawShape(context, item, {
      left: x + centerX - radius,
      top: y + centerY - radius,
      width: 2 * radius,
      height: 2 * radius,
      radius,
    });
  for (const { item, labelY, leader } of points) {
    context.strokeStyle = theme.soft;
    context.lineWidth = 0.75;
    context.beginPath();
    for (const [pointX, pointY] of leader) context.lineTo(x + pointX, y + pointY);
    context.stroke();
    context.fillStyle = theme.soft;
    context.fillText(onOneLine(item.label, MAX_TEXT), x + labelX + LABEL_GAP, y + labelY);
    if (item.count !== undefined) drawRight(context, countOf(item), x + width, y + labelY);
  }
}

/** Draws the attribution at the bottom right, shortened to the width of the map. Returns its width. */
export function drawAttribution(
  context: SKRSContext2D,
  { widthPx, heightPx, basemap }: Scene,
  { text, fonts }: Lettering & { readonly text: string },
): number {
  if (ATTRIBUTION_HEIGHT > heightPx) return 0;
  const theme = THEMES[basemap.theme];
  context.save();
  context.font = `${SMALL_PX}px ${fonts}`;
  context.textBaseline = "middle";
  const line = shortened(context, onOneLine(text, MAX_TEXT), widthPx - 2 * ATTRIBUTION_PADDING);
  const width = Math.ceil(context.measureText(line).width) + 2 * ATTRIBUTION_PADDING;
  if (line !== "") {
    const [left, top] = [widthPx - width, heightPx - ATTRIBUTION_HEIGHT];
    context.fillStyle = theme.card;
    context.beginPath();
    context.roundRect(left, top, width, ATTRIBUTION_HEIGHT, [4, 0, 0, 0]);
    context.fill();
    context.fillStyle = theme.soft;
    context.fillText(line, left + ATTRIBUTION_PADDING, top + ATTRIBUTION_HEIGHT / 2);
  }
  context.restore();
  return line === "" ? 0 : width;
}

function linesOf(legend: Legend, index: number): Line[] {
  const lines: Line[] = index > 0 ? [{ kind: "rule", height: BETWEEN_LEGENDS }] : [];
  if (legend.title) lines.push({ kind: "title", text: legend.title, height: TITLE_HEIGHT });
  if (legend.ramp) lines.push({ kind: "ramp", ramp: legend.ramp, height: RAMP_HEIGHT + ITEM_HEIGHT + 6 });
  const nested = legend.title === "" ? undefined : nestedPoints(legend);
  if (nested) return [...lines, { kind: "nested", nested, height: nested.heightPx }];
  for (const item of legend.items) {
    const height = Math.max(ITEM_HEIGHT, legendSymbolSize(legend, item).height + 2);
    lines.push({ kind: "item", item, legend, height });
  }
  return lines;
}

/** Returns the lines that fit; if some do not, the last line says how many entries are missing. */
function fitting(context: SKRSContext2D, lines: readonly WrappedLine[], room: number): WrappedLine[] {
  if (heightOf(lines) <= room) return [...lines];
  const kept: WrappedLine[] = [];
  let used = ITEM_HEIGHT; // for "+ 12 more"
  for (const line of lines) {
    used += line.height;
    if (used > room) break;
    kept.push(line);
  }
  while (kept.length > 0 && !isEntry(kept.at(-1))) kept.pop(); // a title without entries
  if (kept.length === 0) return [];
  const missing = lines.slice(kept.length).filter(isEntry).length;
  if (missing === 0) return kept;
  const more: Line = { kind: "more", text: `+ ${missing} more`, height: ITEM_HEIGHT };
  return [...kept, ...wrap(context, [more], Infinity)];
}

const isEntry = (entry: WrappedLine | undefined): boolean =>
  entry !== undefined && ["item", "ramp", "nested"].includes(entry.line.kind);

function textOf(line: Line): string {
  if (line.kind === "rule" || line.kind === "ramp" || line.kind === "nested") return "";
  return onOneLine(line.kind === "item" ? line.item.label : line.text, MAX_TEXT);
}

/** Number of rows, shown to the right of an item. */
const countText = (line: Line): string => (line.kind === "item" ? countOf(line.item) : "");

const countOf = ({ count }: LegendItem): string => count?.toLocaleString("en-US") ?? "";

function widthOf(context: SKRSContext2D, line: Line, text: string): number {
  const widthOfText = (measured: string) => context.measureText(measured).width;
  if (line.kind === "nested") {
    const labels = line.nested.points.map(({ item }) => {
      const count = countOf(item);
      const label = widthOfText(onOneLine(item.label, MAX_TEXT));
      return label + (count === "" ? 0 : widthOfText(count) + SYMBOL_GAP);
    });
    return line.nested.labelX + LABEL_GAP + Math.max(...labels);
  }
  if (line.kind !== "ramp") return widthOfText(text);
  const { from, to } = line.ramp;
  return Math.max(RAMP_WIDTH, widthOfText(from) + SYMBOL_GAP + widthOfText(to));
}

export function drawRamp(
  context: SKRSContext2D,
  { colors, from, to }: NonNullable<Legend["ramp"]>,
  { x, y, width, theme }: InCard,
): void {
  const gradient = context.createLinearGradient(x, 0, x + width, 0);
  for (const [i, color] of colors.entries())
    gradient.addColorStop(colors.length > 1 ? i / (colors.length - 1) : 0, cssColor(color));
  context.fillStyle = gradient;
  context.beginPath();
  context.roundRect(x, y + 2, width, RAMP_HEIGHT, 2);
  context.fill();
  context.fillStyle = theme.soft;
  const middle = y + 2 + RAMP_HEIGHT + 2 + ITEM_HEIGHT / 2;
  context.fillText(from, x, middle);
  context.textAlign = "right";
  context.fillText(to, x + width, middle);
  context.textAlign = "left";
}

const indentOf = (line: Line, symbolWidth: number): number =>
  line.kind === "item" ? symbolWidth + SYMBOL_GAP : 0;

/** Shortens a text, ending in "…", to fit a width. */
export function shortened(context: SKRSContext2D, text: string, room: number): string {
  const fits = (candidate: string) => context.measureText(candidate).width <= room;
  if (fits(text)) return text;
  const letters = longestPrefix(segmentsOf(text, "grapheme"), (candidate) => fits(`${candidate}…`));
  return letters === "" ? "" : `${letters.trimEnd()}…`;
}

/** Returns one or two lines that fit a width; the second one ends in "…" if the text is longer. */
function inTwoLines(context: SKRSContext2D, text: string, room: number): string[] {
  const fits = (candidate: string) => context.measureText(candidate.trimEnd()).width <= room;
  if (fits(text)) return [text];
  const first =
    atSpace(text, fits) ||
    longestPrefix(segmentsOf(text, "word"), fits) ||
    longestPrefix(segmentsOf(text, "grapheme"), fits);
  if (first === "") return [""];
  return [first.trimEnd(), shortened(context, text.slice(first.length).trimStart(), room)];
}

/** Returns the first line if a break at a space leaves a second one that fits: dates stay whole. */
function atSpace(text: string, fits: (text: string) => boolean): string {
  const first = longestPrefix(text.split(/(?<=\s)/), fits);
  return fits(text.slice(first.length)) ? first : "";
}

const segmentsOf = (text: string, granularity: "word" | "grapheme"): string[] =>
  [...new Intl.Segmenter("en", { granularity }).segment(text)].map(({ segment }) => segment);

/** Returns as many of the first segments as fit. */
function longestPrefix(segments: readonly string[], fits: (text: string) => boolean): string {
  let [kept, tooMany] = [0, segments.length];
  while (tooMany - kept > 1) {
    const middle = (kept + tooMany) >> 1;
    if (fits(segments.slice(0, middle).join(""))) kept = middle;
    else tooMany = middle;
  }
  return segments.slice(0, kept).join("");
}

function widestSymbol(lines: readonly Line[]): number {
  return Math.max(
    0,
    ...lines.map((line) => (line.kind === "item" ? legendSymbolSize(line.legend, line.item).width : 0)),
  );
}

export function drawSymbol(
  context: SKRSContext2D,
  { legend, item }: { readonly legend: Legend; readonly item: LegendItem },
  centerX: number,
  centerY: number,
): void {
  const { width, height } = legendSymbolSize(legend, item);
  if (legend.arrow && legend.geometry === "line") {
    context.fillStyle = cssColor(item.color);
    context.beginPath();
    for (const [x, y] of arrowCorners(legend, item))
      context.lineTo(centerX + (x - 0.5) * width, centerY + (y - 0.5) * height);
    context.fill();
    return;
  }
  const radius = { point: width / 2, line: 0, polygon: 2 }[legend.geometry];
  drawShape(context, item, { left: centerX - width / 2, top: centerY - height / 2, width, height, radius });
}

/** Fills a rectangle with round corners, with its outline inside. */
function drawShape(
  context: SKRSContext2D,
  { color, stroke, hatch }: LegendItem,
  { left, top, width, height, radius }: Box & { readonly radius: number },
): void {
  const inset = (stroke?.widthPx ?? 0) / 2;
  context.fillStyle = cssColor(color);
  context.beginPath();
  context.roundRect(left, top, width, height, radius);
  context.fill();
  if (hatch) drawHatching(context, { left, top, width, height }, cssColor(hatch));
  if (stroke === undefined || 4 * inset > Math.min(width, height)) return;
  context.strokeStyle = cssColor(stroke.color);
  context.lineWidth = stroke.widthPx;
  context.beginPath();
  context.roundRect(
    left + inset,
    top + inset,
    width - 2 * inset,
    height - 2 * inset,
    Math.max(0, radius - inset),
  );
  context.stroke();
}

/** Draws diagonal lines where the current path allows. */
function drawHatching(context: SKRSContext2D, { left, top, width, height }: Box, color: string): void {
  context.save();
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = HATCH_LINE_PX;
  context.beginPath();
  for (let along = 0; along < width + height; along += HATCH_STEP_PX * Math.SQRT2) {
    context.moveTo(left, top + along);
    context.lineTo(left + along, top);
  }
  context.stroke();
  context.restore();
}
