import type { Rgba } from "../../scene";

/** A colour for a style sheet. */
export const css = ([red, green, blue, alpha]: Rgba): string =>
  `rgb(${red} ${green} ${blue} / ${alpha / 255})`;
