/** Draws the widgets of a map beside or below it, as the page shows them. */
import type { SKRSContext2D } from "@napi-rs/canvas";
import { PANEL_COLORS, paintBars } from "../explore/bars";
import type { Explorer } from "../explore/explorer";
import { filterTexts } from "../explore/filter-texts";
import { BARS_PX, columnsAt, heightOf, ITEM_PX, inRows, outerSize, PANEL_PADDING_PX } from "../explore/panel";
import { type ListItem, moreText, rangeLabel, viewOfWidget, type WidgetView } from "../explore/views";
import { onOneLine } from "../format";
import type { Scene } from "../scene";
import { shortened } from "./lettering";

const TITLE_PX = 12;
const TEXT_PX = 12;
const SMALL_PX = 10;
const NUMBER_PX = 22;
const TITLE_HEIGHT = 20;
const COLUMN_GAP = 16;
const LABELS_HEIGHT = 14;
const SLIDER_HEIGHT = 18;
/** Distance of the lines that name filters: two fit below the widgets. */
const FILTER_LINE = 14;
/** Texts are cut at this many characters before they are measured. */
const MAX_TEXT = 200;

interface Pen {
  readonly context: SKRSContext2D;
  readonly theme: Scene["basemap"]["theme"];
  /** CSS list of font families. */
  readonly fonts: string;
}

interface Column {
  readonly x: number;
  readonly width: number;
}

/** Draws the panel of a scene in CSS pixels; `explorer` counts what the first view shows. */
export function drawPanel(context: SKRSContext2D, explorer: Explorer, fonts: string): void {
  const { scene, widgets } = explorer;
  const { panel, widthPx, heightPx, basemap } = scene;
  if (!panel) return;
  const outer = outerSize(scene);
  const isBeside = panel.side === "right";
  const [left, top] = isBeside ? [widthPx, 0] : [0, heightPx];
  const pen: Pen = { context, theme: basemap.theme, fonts };
  const colors = PANEL_COLORS[basemap.theme];
  context.fillStyle = colors.ground;
  context.fillRect(left, top, outer.widthPx - left, outer.heightPx - top);
  context.fillStyle = colors.edge;
  if (isBeside) context.fillRect(left, 0, 1, outer.heightPx);
  else context.fillRect(0, top, outer.widthPx, 1);
  const count = isBeside ? 1 : columnsAt(widthPx);
  const room = outer.widthPx - left - 2 * PANEL_PADDING_PX - (count - 1) * COLUMN_GAP;
  let y = top + PANEL_PADDING_PX;
  for (const [row, inRow] of inRows(widgets, count).entries()) {
    const heights = inRow.map((widget, column) => {
      const index = row * count + column;
      const x = left + PANEL_PADDING_PX + column * (room / count + COLUMN_GAP);
      const view = viewOfWidget(explorer, index);
      const isOff = scene.state?.hidden?.includes(scene.layers[widget.layer]?.name ?? "") === true;
      context.globalAlpha = isOff ? 0.55 : 1;
      const title = isOff ? `${view.title} (hidden layer)` : view.title;
      drawWidget(pen, { ...view, title }, { x, width: room / count }, y);
      context.globalAlpha = 1;
      return heightOf(widget, explorer.columnOf(index));
    });
    y += Math.max(...heights);
  }
  const x = left + PANEL_PADDING_PX;
  drawFilters(pen, explorer, { x, width: outer.widthPx - PANEL_PADDING_PX - x }, [y, outer.heightPx]);
}

/** Names the filters that are on below the widgets, where the page has its chips. */
function drawFilters(
  pen: Pen,
  explorer: Explorer,
  { x, width }: Column,
  [top, bottom]: readonly [top: number, bottom: number],
): void {
  const texts = filterTexts(explorer).map(({ title, text }) =>
    onOneLine(`${title} ${text}`.trim(), MAX_TEXT),
  );
  if (texts.length === 0) return;
  const font = `${SMALL_PX}px ${pen.fonts}`;
  pen.context.font = font;
  const lines: string[] = [];
  let line = "Filters: ";
  for (const [i, text] of texts.entries()) {
    const longer = i === 0 ? line + text : `${line} · ${text}`;
    if (i > 0 && pen.context.measureText(longer).width > width) {
      lines.push(line);
      line = text;
    } else line = longer;
  }
  lines.push(line);
  const most = Math.max(1, Math.floor((bottom - top) / FILTER_LINE));
  const shown =
    lines.length > most ? [...lines.slice(0, most - 1), lines.slice(most - 1).join(" · ")] : lines;
  for (const [i, text] of shown.entries())
    drawText(pen, text, {
      x,
      y: top + 10 + i * FILTER_LINE,
      width,
      font,
      color: PANEL_COLORS[pen.theme].ink,
    });
}

function drawWidget(pen: Pen, view: WidgetView, column: Column, top: number): void {
  const { context, theme, fonts } = pen;
  const colors = PANEL_COLORS[theme];
  const { x, width } = column;
  drawText(pen, view.title, { x, y: top + 12, width, font: `600 ${TITLE_PX}px ${fonts}`, color: colors.ink });
  const y = top + TITLE_HEIGHT;
  if (view.kind === "number") {
    drawText(pen, view.text, { x, y: y + 20, width, font: `600 ${NUMBER_PX}px ${fonts}`, color: colors.ink });
  } else if (view.kind === "list") {
    for (const [i, item] of view.items.entries())
      drawItem(pen, item, view.isFiltered, column, y + i * ITEM_PX);
    const more = moreText(view.more);
    const below = { x, y: y + view.items.length * ITEM_PX + 12, width, font: `${SMALL_PX}px ${fonts}` };
    drawText(pen, view.items.length === 0 ? "no values" : more, { ...below, color: colors.soft });
  } else if (view.kind === "bars") {
    const height = view.bars ? BARS_PX : SLIDER_HEIGHT;
    paintBars(context, view, { x, y, width, height }, theme);
    const labels = { y: y + height + LABELS_HEIGHT - 2, font: `${SMALL_PX}px ${fonts}`, color: colors.soft };
    const label = rangeLabel(view);
    if (label) {
      drawText(pen, label.text, { ...labels, x: x + label.share * width, width, align: label.share });
    } else {
      drawText(pen, view.from, { ...labels, x, width: width / 2 });
      drawText(pen, view.to, { ...labels, x: x + width, width: width / 2, align: 1 });
    }
  }
}

/** A category with its bar: the rows that pass, over all rows. */
function drawItem(pen: Pen, item: ListItem, isFiltered: boolean, { x, width }: Column, y: number): void {
  const { context, theme, fonts } = pen;
  const colors = PANEL_COLORS[theme];
  const isOff = isFiltered && !item.isSelected;
  const count = item.count.toLocaleString("en-US");
  const font = `${TEXT_PX}px ${fonts}`;
  context.font = font;
  const countWidth = context.measureText(count).width;
  drawText(pen, item.text, {
    x,
    y: y + 12,
    width: width - countWidth - 8,
    font: item.isSelected ? `600 ${font}` : font,
    color: isOff ? colors.soft : colors.ink,
  });
  drawText(pen, count, { x: x + width, y: y + 12, width, font, color: colors.soft, align: 1 });
  context.fillStyle = colors.all;
  context.fillRect(x, y + 16, width, 3);
  context.fillStyle = isOff ? colors.all : colors.passing;
  context.fillRect(x, y + 16, width * item.share, 3);
}

interface TextPlace {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly width: number;
  readonly font: string;
  readonly color: string;
  /** The part of the text that is to the left of `x`: 0 to 1. @default where texts of its script begin in `width` */
  readonly align?: number;
}

/** True for texts whose first letter is of a script that is written from right to left. */
const isRightToLeft = (text: string): boolean =>
  /^\P{L}*(?=\p{L})[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u.test(
    text,
  );

/** Draws a text, cut to a width. */
function drawText({ context }: Pen, text: string, { x, y, width, font, color, align }: TextPlace): void {
  context.font = font;
  context.fillStyle = color;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  const shown = shortened(context, onOneLine(text, MAX_TEXT), width);
  const shownPx = context.measureText(shown).width;
  const isAtRight = align === undefined && isRightToLeft(shown);
  context.fillText(shown, isAtRight ? x + width - shownPx : x - (align ?? 0) * shownPx, y);
}
