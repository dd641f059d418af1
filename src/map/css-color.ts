/** CSS colours of sRGB (https://www.w3.org/TR/css-color-4/): hexadecimal, `rgb()`, `hsl()`, `hwb()` and names. */
import {
  type Color,
  colorsNamed,
  formatHex,
  interpolate,
  modeHsl,
  modeHwb,
  modeRgb,
  parse,
  type Rgb,
  samples,
  useMode,
} from "culori/fn";
import type { Rgba } from "../render/scene";
import { expected } from "./check";

const toRgb = useMode(modeRgb);
useMode(modeHsl);
useMode(modeHwb);

export const COLOR_NAMES: readonly string[] = Object.keys(colorsNamed);
/** Accepted syntaxes besides names. culori would also accept `abc` for `#abc`, and a missing parenthesis. */
const HEX_OR_FUNCTION = /^(?:#|(?:rgba?|hsla?|hwb)\(.*\)$)/s;
/** Matches colours, valid or not, that cannot be the name of a column. */
const LOOKS_LIKE_COLOR = /^(?:#|(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix)\()/i;

/** Returns true for a string that can only be meant as a colour, valid or not. */
export const looksLikeColor = (text: string): boolean => LOOKS_LIKE_COLOR.test(text.trim());

/** Parses a CSS colour in any letter case; returns null for any other string. */
export function parseColor(text: string): Rgba | null {
  const css = text.trim().toLowerCase();
  const isName = css === "transparent" || Object.hasOwn(colorsNamed, css);
  const color = isName || HEX_OR_FUNCTION.test(css) ? parse(css) : undefined;
  return color === undefined ? null : fromCulori(toRgb(color));
}

/** Description of a valid colour, for error messages. */
export const A_COLOR = 'a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato"';

/** @throws InvalidArgumentError naming the argument if its value is not a CSS colour. */
export function checkColor(argument: string, value: unknown): Rgba {
  const rgba = typeof value === "string" ? parseColor(value) : null;
  if (rgba === null) throw expected(argument, value, A_COLOR);
  return rgba;
}

/** Formats a colour for CSS and Vega: `#rrggbb`, or `rgba()` if it is translucent. */
export function formatColor([red, green, blue, alpha]: Rgba): string {
  if (alpha < 255) return `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  return formatHex(toCulori([red, green, blue, alpha]));
}

/**
 * Returns `count` colours that lead evenly from the first stop to the last, interpolated in sRGB; or from one share of the
 * way to another.
 */
export function rampOf(
  stops: readonly Rgba[],
  count: number,
  [from, to]: readonly [from: number, to: number] = [0, 1],
): Rgba[] {
  const ramp = interpolate(stops.map(toCulori), "rgb");
  return samples(count).map((at) => fromCulori(ramp(from + at * (to - from))));
}

/** Converts to a colour of culori. */
export const toCulori = ([red, green, blue, alpha]: Rgba): Rgb => ({
  mode: "rgb",
  r: red / 255,
  g: green / 255,
  b: blue / 255,
  alpha: alpha / 255,
});

/** Converts from a colour of culori in any colour space. */
export const rgbaOf = (color: Color): Rgba => fromCulori(toRgb(color));

const fromCulori = ({ r, g, b, alpha = 1 }: Rgb): Rgba => [byteOf(r), byteOf(g), byteOf(b), byteOf(alpha)];

/** Out-of-range channels, as in `rgb(300 0 0)`, are clamped. */
const byteOf = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 255);
