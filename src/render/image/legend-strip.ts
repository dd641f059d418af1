/** Draws the legends of a narrow image in the strip below its map. */
import type { SKRSContext2D } from "@napi-rs/canvas";
import { onOneLine } from "../format";
import {
  type LegendStrip,
  labelOf,
  legendStripOf,
  PADDING_X,
  SLACK,
  type StripPart,
  SYMBOL_GAP,
  TITLE_HEIGHT,
} from "../legend-strip";
import type { Scene } from "../scene";
import {
  drawNested,
  drawRamp,
  drawSymbol,
  type Lettering,
  MAX_TEXT,
  SMALL_PX,
  shortened,
  TEXT_PX,
  THEMES,
  type Theme,
} from "./lettering";

/** Gap between the title and the attribution, in CSS pixels. */
const CREDIT_GAP = 16;

/**
 * Draws the strip, with the attribution at its top right if the title leaves room for it. Returns true if it does.
 */
export function drawLegendStrip(
  context: SKRSContext2D,
  scene: Scene,
  { text, fonts }: Lettering & { readonly text: string },
): boolean {
  const strip = legendStripOf(scene);
  if (!strip) return false;
  const { widthPx, heightPx, basemap } = scene;
  const theme = THEMES[basemap.theme];
  context.save();
  context.translate(0, heightPx - strip.heightPx);
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, widthPx, strip.heightPx);
  context.fillStyle = theme.edge;
  context.fillRect(0, 0, widthPx, 1);
  drawParts(context, strip, { theme, fonts });
  const hasCredit = drawCredit(context, strip, { scene, text, fonts });
  context.restore();
  return hasCredit;
}

/** Draws the legends of a strip whose corner is that of the canvas. */
export function drawParts(
  context: SKRSContext2D,
  { parts }: LegendStrip,
  { theme, fonts }: Pick<Lettering, "fonts"> & { readonly theme: Theme },
): void {
  context.font = `${TEXT_PX}px ${fonts}`;
  context.textBaseline = "middle";
  for (const part of parts) drawPart(context, part, theme);
}

function drawCredit(
  context: SKRSContext2D,
  { parts: [first] }: LegendStrip,
  { scene, text, fonts }: Lettering & { readonly scene: Scene; readonly text: string },
): boolean {
  if (first?.kind !== "title" || text === "") return false;
  const title = context.measureText(onOneLine(first.text, MAX_TEXT)).width;
  context.font = `${SMALL_PX}px ${fonts}`;
  const width = context.measureText(text).width;
  if (title + CREDIT_GAP + width > first.width) return false;
  context.fillStyle = THEMES[scene.basemap.theme].soft;
  context.fillText(text, scene.widthPx - PADDING_X - width, first.y + TITLE_HEIGHT / 2);
  return true;
}

function drawPart(context: SKRSContext2D, part: StripPart, theme: Theme): void {
  const { x, y, width } = part;
  const write = (text: string, left: number, middle: number) =>
    context.fillText(shortened(context, onOneLine(text, MAX_TEXT), x + width + SLACK - left), left, middle);
  switch (part.kind) {
    case "title":
      context.fillStyle = theme.ink;
      write(part.text, x, y + TITLE_HEIGHT / 2);
      break;
    case "ramp":
      drawRamp(context, part.ramp, { x, y, width, theme });
      break;
    case "nested":
      drawNested(context, part.nested, { x, y, width, theme });
      break;
    case "item": {
      const middle = y + part.height / 2;
      drawSymbol(context, part, x + part.symbolWidth / 2, middle);
      context.fillStyle = theme.soft;
      write(labelOf(part.item), x + part.symbolWidth + SYMBOL_GAP, middle);
    }
  }
}
