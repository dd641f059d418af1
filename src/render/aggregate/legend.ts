import { over } from "../over";
import type { Aggregate, Legend, LevelScale, Rgba } from "../scene";
import { breakLabels } from "./breaks";

/** What a legend shows of a layer that is drawn as cells at a zoom level. */
export type LegendContent = Pick<Legend, "items" | "ramp">;

/** Returns the colour of a class: fewer classes than colours are spread over all of them. */
export function colorOfClass(palette: readonly Rgba[], index: number, classes: number): Rgba {
  const last = palette.length - 1;
  const at = classes > 1 ? Math.round((index * last) / (classes - 1)) : Math.ceil(last / 2);
  return palette[at]!; // `!`: an index is below the number of classes
}

export function cellLegend(
  { palette, statistic }: Aggregate,
  { breaks, range }: Required<Pick<LevelScale, "breaks" | "range">>,
): LegendContent {
  const labels = breakLabels(breaks, statistic === "count", range);
  return {
    items: labels.map((label, i) => ({ label, color: colorOfClass(palette, i, labels.length), sizePx: 1 })),
  };
}

/** Returns a legend with the colours that the map shows: those of a translucent layer above the basemap. */
export function aboveGround({ items, ramp }: LegendContent, opacity: number, ground: Rgba): LegendContent {
  const seen = (color: Rgba) => over(color, opacity, ground);
  return {
    items: items.map((item) => ({ ...item, color: seen(item.color) })),
    ...(ramp && { ramp: { ...ramp, colors: ramp.colors.map(seen) } }),
  };
}
