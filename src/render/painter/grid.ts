/**
 * Paints the ground of a map that is zoomed in further than the outlines of the world are true. They are from maps of
 * 1 : 50 million, so they fade away, and a grid of longitudes and latitudes takes their place. Its lines and numbers have
 * fixed places on the ground: a view that is painted strip by strip looks like one that is painted at once.
 */
import { lngLatOf, worldX, worldY, zoomOf } from "../../geometry/mercator";
import type { Basemap, Rgba, Viewport } from "../scene";
import type { Canvas2D } from "./canvas";
import { cssColor } from "./style";

/** The grid appears between these zooms… */
const GRID_ZOOMS = [8, 9] as const;
/** …and the outlines fade between these: at the first one, a pixel is 300 m, a tenth of a usual error of them. */
const FADE_ZOOMS = [9, 10.5] as const;
/** From this zoom on, the map needs to say near which city it is. */
export const UNKNOWN_ZOOM = FADE_ZOOMS[0];
/** Distances between lines in seconds of arc. */
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
/** Lines are at least this far apart in CSS pixels. */
const MIN_STEP_PX = 130;
const NUMBER_PX = 9;
const GAP_PX = 3;
const LINE_PX = 0.75;
const ARCSECONDS = 3600;

const INKS = {
  light: [150, 156, 163, 255],
  dark: [104, 108, 114, 255],
} as const satisfies Record<Basemap["theme"], Rgba>;

/** Paints the ground beyond the zoom of the outlines, over these. */
export function paintGrid(context: Canvas2D, viewport: Viewport, basemap: Basemap, fonts: string): void {
  const { vector, theme } = basemap;
  const zoom = zoomOf(viewport.worldPx);
  const strength = shareOf(zoom, GRID_ZOOMS);
  if (!vector || strength === 0) return;
  const { widthPx, heightPx, pixelRatio } = viewport;
  const fade = shareOf(zoom, FADE_ZOOMS);
  if (fade > 0) {
    context.globalAlpha = fade;
    context.fillStyle = cssColor(vector.land);
    context.fillRect(0, 0, Math.ceil(widthPx * pixelRatio), Math.ceil(heightPx * pixelRatio));
  }
  context.globalAlpha = strength / 2;
  const lines = linesIn(viewport);
  context.fillStyle = cssColor(vector.border);
  const thick = Math.max(1, Math.round(LINE_PX * pixelRatio));
  for (const { px } of lines.lngs) context.fillRect(px, 0, thick, Math.ceil(heightPx * pixelRatio));
  for (const { px } of lines.lats) context.fillRect(0, px, Math.ceil(widthPx * pixelRatio), thick);
  context.globalAlpha = strength;
  context.fillStyle = cssColor(INKS[theme]);
  context.font = `400 ${NUMBER_PX * pixelRatio}px ${fonts}`;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  paintNumbers(context, lines, GAP_PX * pixelRatio);
  context.globalAlpha = 1;
}

const shareOf = (value: number, [from, to]: readonly [number, number]) =>
  Math.max(0, Math.min(1, (value - from) / (to - from)));

interface Line {
  /** Place of the line in steps from the equator or the prime meridian. */
  readonly index: number;
  /** Device pixels from the edge of the view. */
  readonly px: number;
  readonly text: string;
}

interface Lines {
  readonly lngs: readonly Line[];
  readonly lats: readonly Line[];
}

/** Returns the lines in a view, and one beyond each edge, whose numbers may reach into it. */
function linesIn({ originX, originY, worldPx, widthPx, heightPx, pixelRatio }: Viewport): Lines {
  const pxPerSecond = worldPx / 360 / ARCSECONDS;
  const step = STEPS.find((seconds) => seconds * pxPerSecond >= MIN_STEP_PX) ?? ARCSECONDS;
  const [west, north] = lngLatOf([originX, originY]);
  const [east, south] = lngLatOf([originX + widthPx / worldPx, originY + heightPx / worldPx]);
  const indexes = (from: number, to: number) => {
    const first = Math.floor((from * ARCSECONDS) / step);
    const count = Math.ceil((to * ARCSECONDS) / step) - first + 1;
    return Array.from({ length: count }, (_, i) => first + i);
  };
  const toPx = (world: number, origin: number) => Math.round((world - origin) * worldPx * pixelRatio);
  const degreesOf = (index: number) => (index * step) / ARCSECONDS;
  return {
    lngs: indexes(west, east).map((index) => ({
      index,
      px: toPx(worldX(degreesOf(index)), originX),
      text: angleText(index * step, "E", "W", 360 * ARCSECONDS),
    })),
    lats: indexes(south, north).map((index) => ({
      index,
      px: toPx(worldY(degreesOf(index)), originY),
      text: angleText(index * step, "N", "S"),
    })),
  };
}

/** Paints the longitude and latitude of every second crossing at its top right. */
function paintNumbers(context: Canvas2D, { lngs, lats }: Lines, gap: number): void {
  for (const lng of lngs)
    for (const lat of lats) {
      if ((lng.index + lat.index) % 2 !== 0) continue;
      context.fillText(`${lat.text}  ${lng.text}`, lng.px + gap, lat.px - gap);
    }
}

/** Formats an angle in seconds of arc, such as `48°12′30″N`; longitudes in other copies of the world, too. */
function angleText(seconds: number, positive: string, negative: string, period = Infinity): string {
  const turned = period === Infinity ? seconds : seconds - period * Math.round(seconds / period);
  const rest = Math.abs(turned);
  const [degrees, minutes, left] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  const parts = [`${degrees}°`];
  if (minutes > 0 || left > 0) parts.push(`${two(minutes)}′`);
  if (left > 0) parts.push(`${two(left)}″`);
  return parts.join("") + (turned === 0 ? "" : turned > 0 ? positive : negative);
}
