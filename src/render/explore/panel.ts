/** Where the widgets of a map lie, and how high they are: the same in the page, in the image and before either exists. */
import type { ExploredColumn, Panel, Scene, Widget } from "../scene";

/** From this width on, the panel is beside the map, otherwise below. */
const WIDE_PX = 720;
const BESIDE_PX = 248;
/** A panel below the map with this width has two columns. */
const TWO_COLUMNS_PX = 480;

// Lengths in CSS pixels, as in the page's style sheet.
export const PANEL_PADDING_PX = 12;
/** Room below the widgets for the list of filters. */
const FOOTER_PX = 30;
/** Height of a widget without its content: the heading and the space below. */
const FRAME_PX = 38;
export const BARS_PX = 56;
const BARS_LABELS_PX = 18;
const SLIDER_PX = 18;
const NUMBER_PX = 28;
export const ITEM_PX = 22;
/** The line with the number of categories that are not listed. */
const MORE_PX = 18;

interface Sized {
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * Shares a size between a map and its panel. Beside a panel, the map is at least as high as the panel; a panel below adds to
 * the height.
 */
export function withPanel(
  { widthPx, heightPx }: Sized,
  widgets: readonly Widget[],
  columnOf: (widget: Widget) => ExploredColumn | undefined,
): Sized & { readonly panel?: Panel } {
  if (widgets.length === 0) return { widthPx, heightPx };
  const heights = widgets.map((widget) => heightOf(widget, columnOf(widget)));
  if (widthPx >= WIDE_PX) {
    const panelPx = heights.reduce((sum, height) => sum + height, PANEL_PADDING_PX + FOOTER_PX);
    return {
      widthPx: widthPx - BESIDE_PX,
      heightPx: Math.max(heightPx, panelPx),
      panel: { side: "right", px: BESIDE_PX },
    };
  }
  const rows = inRows(heights, columnsAt(widthPx)).reduce((sum, row) => sum + Math.max(...row), 0);
  return { widthPx, heightPx, panel: { side: "bottom", px: rows + PANEL_PADDING_PX + FOOTER_PX } };
}

/** Divides a list into rows of a number of columns. */
export const inRows = <T>(items: readonly T[], columns: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / columns) }, (_, row) =>
    items.slice(row * columns, (row + 1) * columns),
  );

/** Number of columns of a panel below the map. */
export const columnsAt = (widthPx: number): 1 | 2 => (widthPx >= TWO_COLUMNS_PX ? 2 : 1);

/** Size of a map with its panel. */
export function outerSize({
  widthPx,
  heightPx,
  panel,
}: Pick<Scene, "widthPx" | "heightPx" | "panel">): Sized {
  if (!panel) return { widthPx, heightPx };
  return panel.side === "right"
    ? { widthPx: widthPx + panel.px, heightPx }
    : { widthPx, heightPx: heightPx + panel.px };
}

/** Height of a widget with the space below it. */
export function heightOf(widget: Widget, column: ExploredColumn | undefined): number {
  switch (widget.kind) {
    case "histogram":
    case "timeSeries":
      return FRAME_PX + BARS_PX + BARS_LABELS_PX;
    case "range":
      return FRAME_PX + SLIDER_PX + BARS_LABELS_PX;
    case "category": {
      const texts = column?.kind === "category" ? column.texts.length : 0;
      const others = column?.kind === "category" && (column.others > 0 || texts > widget.top) ? MORE_PX : 0;
      return FRAME_PX + ITEM_PX * Math.max(1, Math.min(widget.top, texts)) + others;
    }
    case "formula":
      return FRAME_PX + NUMBER_PX;
  }
}
