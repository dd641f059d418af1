import type { Rgba } from "./scene";

/** Returns the colour that a translucent colour has above an opaque one. */
export function over([red, green, blue, alpha]: Rgba, opacity: number, ground: Rgba): Rgba {
  const share = (alpha / 255) * opacity;
  const mix = (channel: number, below: number) => Math.round(channel * share + below * (1 - share));
  return [mix(red, ground[0]), mix(green, ground[1]), mix(blue, ground[2]), 255];
}
