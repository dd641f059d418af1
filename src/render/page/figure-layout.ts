/** What the page of a figure shows, and where. Its strings are user data. */
import type { Legend } from "../scene";

export interface FigureLayout {
  readonly title?: string;
  readonly columns: number;
  /** In reading order; null for a cell without content. */
  readonly cells: readonly (MapPlace | ChartPlace | null)[];
  /** Two maps under a divider, with what each of them shows. */
  readonly compare?: { readonly left: string; readonly right: string };
  readonly legend?: FacetLegend;
}

/** The legends that the maps of `facet` have in common. */
export interface FacetLegend {
  readonly legends: readonly Legend[];
  readonly layerNames: readonly string[];
  readonly theme: "light" | "dark";
}

interface Place {
  /** Size of the cell in CSS pixels if there is room. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Sources of its rows, by number. */
  readonly sources: readonly number[];
}

export interface MapPlace extends Place {
  readonly kind: "map";
  /** Id of the block with the page of the map. */
  readonly block: string;
  /** What a screen reader reads about the map. */
  readonly description: string;
  /** Maps with the same projection show the same view. */
  readonly projection: string;
  /** One of the maps that `facet` made, which hide the same classes. */
  readonly isFacet: boolean;
}

export interface ChartPlace extends Place {
  readonly kind: "chart";
  readonly spec: LiveChartSpec;
}

/** A chart as Vega draws it in a page. */
export interface LiveChartSpec {
  /** A Vega specification, whose datasets refer to those of the figure by their names. */
  readonly vega: object;
  /** Sides of the chart that fit its cell. */
  readonly fits: { readonly width: boolean; readonly height: boolean };
  readonly description: string;
}

/** Names of the parts that a figure adds to the Vega specification of a chart whose rows have a source. */
export const LINKED = {
  /** The dataset of the rows, each with its number in `row`. */
  rows: "cartoframes_rows",
  /** The rows that the chart's own selections choose. */
  chosen: "cartoframes_chosen",
  /** The signal with 1 for each row that fails the filters of other views. */
  failed: "cartoframes_failed",
  row: "cartoframes_row",
} as const;
