/** Lays out charts, and gives them the sizes that their specifications leave open. */
import { InvalidArgumentError } from "../../errors";
import type { Cell, ChartCell } from "./compose";
import { paramsOf } from "./content";
import type { Json } from "./spec";
import { compileChart, type Drawing, drawChart } from "./vega";

const CHART_WIDTH_PX = 300;
const CHART_HEIGHT_PX = 240;
/** A chart is at least this high, even if the map next to it is lower. */
const MIN_CHART_HEIGHT_PX = 60;

/** Shortens Vega-Lite's messages, which quote the whole specification with its data. */
export const messageOf = (cause: unknown) => {
  const text = (cause as Error).message.replace(/\s+/g, " ");
  const short = text.replace(/(Invalid specification) .*?(\. Make sure)/, "$1$2");
  return short.length > 400 ? `${short.slice(0, 400)}…` : short;
};

/** Adds the missing width and height: the chart with its axis is as high as the highest map in its row. */
export function fittedChart(cell: ChartCell, beside: readonly (Cell | undefined)[]): ChartCell {
  const { spec, datasets, config } = cell.chart;
  if (!("mark" in spec || "layer" in spec)) return cell; // a composition, whose views set their own sizes
  const alone = { datasets, config, params: paramsOf(cell.chart), padding: 0 };
  const compiled = compileChart({ ...spec, ...alone }) as Json;
  const isOpen = (side: "width" | "height") => spec[side] === undefined && typeof compiled[side] === "number";
  const sides = {
    ...(isOpen("width") && { width: CHART_WIDTH_PX }),
    ...(isOpen("height") && { height: CHART_HEIGHT_PX }),
  };
  const mapHeightPx = Math.max(0, ...beside.map((other) => (other?.kind === "map" ? other.heightPx : 0)));
  if (sides.height === undefined || mapHeightPx === 0) return { ...cell, sides };
  const aroundPx = drawn({ ...sides, ...spec, ...alone }).belowPx - CHART_HEIGHT_PX;
  return { ...cell, sides: { ...sides, height: Math.max(MIN_CHART_HEIGHT_PX, mapHeightPx - aroundPx) } };
}

export function drawn(spec: Json, font?: string): Drawing {
  try {
    return drawChart(spec, font === undefined ? {} : { font });
  } catch (cause) {
    throw new InvalidArgumentError(`The charts of the figure cannot be drawn together. ${messageOf(cause)}`, {
      cause,
    });
  }
}
