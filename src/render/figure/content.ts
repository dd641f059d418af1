/** What the cells of a figure contain. */
import type { DataFrame } from "danfojs-node";
import { paramsIn } from "./chart-selections";
import type { Cell } from "./compose";
import type { ChartSpec, Json } from "./spec";
import type { StillMap } from "./still-map";

/** Content of a cell. */
export type Content =
  | { readonly kind: "map"; readonly map: StillMap }
  | { readonly kind: "chart"; readonly chart: ChartSpec; readonly rows?: ChartRows };

/** The DataFrame of a chart, and the name of its dataset. */
interface ChartRows {
  readonly frame: DataFrame;
  readonly name: string;
}

export const placeOf = (index: number) => `fig.at(${index})`;

export const paramsOf = ({ spec, params }: ChartSpec): readonly unknown[] => [...params, ...paramsIn(spec)];

/** A cell with the size of its content, without an image. */
export function sizedCell(content: Content | undefined, index: number): Cell | undefined {
  if (content === undefined) return undefined;
  if (content.kind === "chart")
    return { kind: "chart", place: placeOf(index), chart: content.chart, sides: {} };
  const { widthPx, heightPx, description } = content.map;
  return { kind: "map", url: "", widthPx, heightPx, description };
}

export const mapsIn = (contents: readonly (Content | undefined)[]): StillMap[] =>
  contents.flatMap((content) => (content?.kind === "map" ? [content.map] : []));

/** Returns the title of a chart. */
export function titleOf({ title }: Json): string | undefined {
  const text = typeof title === "object" && title !== null ? (title as Json).text : title;
  return typeof text === "string" ? text : undefined;
}
