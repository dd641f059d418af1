/** CSS colours as https://www.w3.org/TR/css-color-4/ writes those of sRGB: hex, rgb(), hsl(), hwb() and names. */
import type { Rgba } from "../render/scene";

/** The 148 names and their colours: https://www.w3.org/TR/css-color-4/#named-colors */
const NAMED = parseNames(`
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc
bisque ffe4c4 black 000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a
burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00 chocolate d2691e coral ff7f50 cornflowerblue 6495ed
cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b darkcyan 008b8b darkgoldenrod b8860b
darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b darkmagenta 8b008b
darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1
darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff
firebrick b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff
gold ffd700 goldenrod daa520 gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0
hotpink ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa
lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6 lightcoral f08080
lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3
lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899
lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6
magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3
mediumpurple 9370db mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a
mediumturquoise 48d1cc mediumvioletred c71585 midnightblue 191970 mintcream f5fffa mistyrose ffe4e1
moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6 olive 808000 olivedrab 6b8e23
orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee
palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1
saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d
silver c0c0c0 skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa
springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0
violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32`);
export const COLOR_NAMES: readonly string[] = [...NAMED.keys()];
const TRANSPARENT: Rgba = [0, 0, 0, 0];

const HEX = /^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i;
const FUNCTION = /^(rgba?|hsla?|hwb)\(([^()]*)\)$/i;
/** What no column name is taken for; everything else that is no colour may be one. */
const LOOKS_LIKE_COLOR = /^(?:#|(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix)\()/i;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/i;
const DEG_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  deg: 1,
  grad: 0.9,
  rad: 180 / Math.PI,
  turn: 360,
};

/** Whether a text can only be meant as a colour, so that it must be a good one. */
export const looksLikeColor = (text: string): boolean => LOOKS_LIKE_COLOR.test(text.trim());

/** The colour that a text writes in CSS, any letter case; null if it writes none. */
export function parseColor(text: string): Rgba | null {
  const css = text.trim().toLowerCase();
  if (css === "transparent") return TRANSPARENT;
  if (HEX.test(css)) return fromHex(css.slice(1));
  const [, name, body] = FUNCTION.exec(css) ?? [];
  return name !== undefined && body !== undefined ? fromFunction(name, body) : (NAMED.get(css) ?? null);
}

function parseNames(text: string): ReadonlyMap<string, Rgba> {
  const words = text.trim().split(/\s+/);
  const pairs = words.flatMap((word, i): [string, Rgba][] =>
    i % 2 === 0 ? [[word, fromHex(words[i + 1]!)]] : [],
  );
  return new Map(pairs);
}

function fromHex(hex: string): Rgba {
  const digits = hex.length <= 4 ? hex.replace(/./g, "$&$&") : hex;
  const part = (at: number) => Number.parseInt(digits.slice(at, at + 2), 16);
  return [part(0), part(2), part(4), digits.length === 8 ? part(6) : 255];
}

function fromFunction(name: string, body: string): Rgba | null {
  const [head = "", slashed, ...rest] = body.split("/");
  const commas = head.includes(",");
  const parts = commas
    ? head.split(",").map((part) => part.trim())
    : head.trim().split(/\s+/).filter(Boolean);
  if (slashed !== undefined) parts.push(slashed.trim());
  const isAlphaPlaced = slashed === undefined ? commas || parts.length === 3 : !commas && parts.length === 4;
  if (rest.length > 0 || !isAlphaPlaced || parts.length < 3 || parts.length > 4) return null;
  if (name === "hwb" && commas) return null;
  const alpha = parts.length === 4 ? share(parts[3]!, 1) : 1;
  const rgb = name.startsWith("rgb") ? rgbOf(parts) : hueOf(name, parts);
  if (alpha === null || rgb === null) return null;
  return [rgb[0], rgb[1], rgb[2], Math.round(alpha * 255)];
}

type Rgb = readonly [number, number, number];

function rgbOf(parts: readonly string[]): Rgb | null {
  const shares = parts.slice(0, 3).map((part) => share(part, 255));
  return complete(shares, ([r, g, b]) => [r, g, b]);
}

function hueOf(name: string, [hue = "", second = "", third = ""]: readonly string[]): Rgb | null {
  return complete([degrees(hue), share(second, 100), share(third, 100)], ([h, a, b]) =>
    name === "hwb" ? hwbToRgb(h, a, b) : hslToRgb(h, a, b),
  );
}

function complete(values: readonly (number | null)[], convert: (values: Rgb) => Rgb): Rgb | null {
  const [a, b, c] = values;
  if (a === null || b === null || c === null || a === undefined || b === undefined || c === undefined)
    return null;
  const [red, green, blue] = convert([a, b, c]);
  return [Math.round(red * 255), Math.round(green * 255), Math.round(blue * 255)];
}

/** A number of which `whole` is all, or a percentage, as a share of 0–1; beyond is cut. "none" is 0. */
function share(text: string, whole: number): number | null {
  if (text === "none") return 0;
  const [number] = NUMBER.exec(text) ?? [];
  const unit = number === undefined ? undefined : text.slice(number.length);
  if (unit !== "" && unit !== "%") return null;
  return Math.min(1, Math.max(0, Number(number) / (unit === "%" ? 100 : whole)));
}

function degrees(text: string): number | null {
  if (text === "none") return 0;
  const [number] = NUMBER.exec(text) ?? [];
  const unit = number === undefined ? undefined : DEG_PER_UNIT[text.slice(number.length)];
  return unit === undefined ? null : Number(number) * unit;
}

/** https://www.w3.org/TR/css-color-4/#hsl-to-rgb */
function hslToRgb(hueDeg: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (((n + hueDeg / 30) % 12) + 12) % 12;
    return lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

/** https://www.w3.org/TR/css-color-4/#hwb-to-rgb */
function hwbToRgb(hueDeg: number, whiteness: number, blackness: number): Rgb {
  if (whiteness + blackness >= 1) {
    const gray = whiteness / (whiteness + blackness);
    return [gray, gray, gray];
  }
  const mix = (channel: number) => channel * (1 - whiteness - blackness) + whiteness;
  const [red, green, blue] = hslToRgb(hueDeg, 1, 0.5);
  return [mix(red), mix(green), mix(blue)];
}
