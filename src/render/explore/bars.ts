/** Paints the bars of a histogram, for the page and the image. Lengths are in pixels of the canvas. */
import type { Canvas2D } from "../painter/canvas";
import type { StepRange } from "./explorer";
import type { BarsView } from "./views";

/** Colours of panels by theme of the basemap. */
export const PANEL_COLORS = {
  light: {
    ground: "#ffffff",
    edge: "#dde3e8",
    ink: "#263238",
    soft: "#5b6770",
    all: "#d5dfe9",
    passing: "#2f6fa8",
  },
  dark: {
    ground: "#1d2227",
    edge: "#343b42",
    ink: "#eceff1",
    soft: "#aeb8bf",
    all: "#3b4754",
    passing: "#7fb8ea",
  },
} as const;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Gap between bars as a share of their width. */
const GAP = 0.15;

/**
 * Paints a bar for each number: all rows in a pale colour, and those that pass above it. With a `range`, rows outside of it
 * are pale, too.
 */
export function paintBars(
  context: Canvas2D,
  { bars, range, steps }: Pick<BarsView, "bars" | "range" | "steps">,
  { x, y, width, height }: Place,
  theme: "light" | "dark",
): void {
  const colors = PANEL_COLORS[theme];
  if (!bars) {
    const middle = y + height / 2;
    const [left, right] = shareOf(range, steps);
    context.fillStyle = colors.all;
    context.fillRect(x, middle - 2, width, 4);
    context.fillStyle = colors.passing;
    context.fillRect(x + left * width, middle - 2, (right - left) * width, 4);
    return;
  }
  const most = Math.max(1, ...bars.totals);
  const step = width / bars.totals.length;
  const gap = Math.min(2, step * GAP);
  const barAt = (i: number, rows: number) => {
    const tall = rows === 0 ? 0 : Math.max(1, (rows / most) * height);
    context.fillRect(x + i * step + gap / 2, y + height - tall, step - gap, tall);
  };
  context.fillStyle = colors.all;
  for (const [i, total] of bars.totals.entries()) barAt(i, total);
  const [left, right] = shareOf(range, steps);
  context.save();
  context.beginPath();
  context.rect(x + left * width, y, (right - left) * width, height);
  context.clip();
  context.fillStyle = colors.passing;
  for (const [i, count] of bars.counts.entries()) barAt(i, count);
  context.restore();
  context.fillStyle = colors.edge;
  context.fillRect(x, y + height, width, 1);
}

/** Returns where a range begins and ends, as shares of the width. */
export const shareOf = (range: StepRange | undefined, steps: number): readonly [number, number] =>
  range ? [(range[0] - 1) / steps, range[1] / steps] : [0, 1];
