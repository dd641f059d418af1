/** Moves the start of a colour ramp until its first colour can be seen on the basemap. */
import { interpolate, modeLab65, modeLrgb, useMode, wcagContrast } from "culori/fn";
import { over } from "../render/over";
import type { Rgba } from "../render/scene";
import { rgbaOf, toCulori } from "./css-color";

useMode(modeLab65);
useMode(modeLrgb);

/** Contrast ratio (WCAG 2.2) of the first colour of a ramp to land and sea. WCAG's own limits are for text and icons. */
const LEAST_CONTRAST = 1.5;
/** A ramp keeps at least the rest of its length, so that its colours can be told apart. */
const MAX_START = 0.6;
const STEPS = 60;

/** What is around a layer of some opacity. */
export interface Surroundings {
  readonly land: Rgba;
  readonly sea: Rgba;
  readonly opacity: number;
}

/**
 * Returns as many colours from the part of the ramp that begins where it has enough contrast to land and sea, interpolated
 * in CIELAB. If no part has, it begins where the contrast is largest.
 */
export function visibleRamp(ramp: readonly Rgba[], around: Surroundings): readonly Rgba[] {
  if (ramp.length < 2 || contrastOf(ramp[0]!, around) >= LEAST_CONTRAST) return ramp; // `!`: two or more
  const between = interpolate(ramp.map(toCulori), "lab65");
  const at = (share: number) => rgbaOf(between(share));
  const starts = Array.from({ length: STEPS + 1 }, (_, i) => (MAX_START * i) / STEPS);
  const contrasts = starts.map((share) => contrastOf(at(share), around));
  const enough = contrasts.findIndex((contrast) => contrast >= LEAST_CONTRAST);
  const start = starts[enough === -1 ? contrasts.indexOf(Math.max(...contrasts)) : enough]!; // `!`: one of them
  return ramp.map((_, i) => at(start + ((1 - start) * i) / (ramp.length - 1)));
}

/** Returns the smaller contrast ratio of a colour, painted over land, to land and sea. */
function contrastOf(color: Rgba, { land, sea, opacity }: Surroundings): number {
  const seen = toCulori(over(color, opacity, land));
  return Math.min(...[land, sea].map((ground) => wcagContrast(seen, toCulori(ground))));
}
