/** Combines the cells of a figure into one Vega-Lite specification. */
import { InvalidArgumentError } from "../../errors";
import { onOneLine } from "../format";
import { type ChartSpec, type Json, merged } from "./spec";

export interface MapCell {
  readonly kind: "map";
  /** Image of the map as a data URL. */
  readonly url: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly description: string;
}

export interface ChartCell {
  readonly kind: "chart";
  /** Name of the cell in error messages. */
  readonly place: string;
  readonly chart: ChartSpec;
  /** Sides that the figure sets; absent if the chart or its number of categories sets them. */
  readonly sides: { readonly width?: number; readonly height?: number };
}

export type Cell = MapCell | ChartCell;

/** A longer title would make the figure wider than its cells. */
const MAX_TITLE_PX = 900;
const SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

interface Composition {
  readonly columns: number;
  readonly title?: string | undefined;
  /** An image above the cells. */
  readonly above?: MapCell | undefined;
}

/** Puts cells side by side, `columns` in a row. Missing cells stay blank. */
export function compose(cells: readonly (Cell | undefined)[], { columns, title, above }: Composition): Json {
  const charts = cells.filter((cell) => cell?.kind === "chart");
  const datasets: Record<string, unknown> = {};
  for (const { chart, place } of charts) addDatasets(datasets, chart.datasets, place);
  const config = charts.reduce<Json>((all, { chart }) => merged(all, chart.config), {});
  const params = charts.flatMap(({ chart }) => chart.params);
  const grid = {
    columns,
    align: "each",
    spacing: 20,
    concat: cells.map((cell) =>
      cell === undefined ? BLANK : cell.kind === "map" ? imageOf(cell) : sized(cell),
    ),
  };
  const maps = cells.filter((cell) => cell?.kind === "map");
  return {
    $schema: SCHEMA,
    ...(maps.length > 0 && { description: maps.map(({ description }) => description).join(". ") }),
    ...(title !== undefined && {
      title: { text: title, anchor: "start", fontSize: 16, offset: 14, limit: MAX_TITLE_PX },
    }),
    ...(above ? { spacing: 8, vconcat: [imageOf(above), grid] } : grid),
    ...(params.length > 0 && { params }),
    ...(Object.keys(datasets).length > 0 && { datasets }),
    ...(Object.keys(config).length > 0 && { config }),
    // keeps the legends of charts apart that use the same channel
    resolve: { scale: { color: "independent", size: "independent", shape: "independent" } },
  };
}

const BLANK: Json = { data: { values: [] }, mark: "point", width: 1, height: 1, view: { stroke: null } };

/** Maximum length of a description, which screen readers read aloud. */
const MAX_TEXT = 2000;

const imageOf = ({ url, widthPx, heightPx, description }: MapCell): Json => ({
  data: { values: [{}] },
  mark: {
    type: "image",
    width: widthPx,
    height: heightPx,
    align: "left",
    baseline: "top",
    // Vega-Lite writes it into an expression, where some characters end a line
    description: onOneLine(description, MAX_TEXT),
  },
  encoding: { x: { value: 0 }, y: { value: 0 }, url: { value: url } },
  width: widthPx,
  height: heightPx,
  view: { stroke: null },
});

const sized = ({ chart, sides }: ChartCell): Json => ({ ...sides, ...chart.spec });

function addDatasets(all: Record<string, unknown>, more: Json, place: string): void {
  for (const [name, values] of Object.entries(more)) {
    const known = Object.hasOwn(all, name);
    if (known && JSON.stringify(all[name]) !== JSON.stringify(values))
      throw new InvalidArgumentError(
        `The charts of a figure cannot have different datasets of the same name. Rename the dataset ${JSON.stringify(name)} of ${place}.`,
      );
    Object.defineProperty(all, name, { value: values, enumerable: true, configurable: true, writable: true });
  }
}
