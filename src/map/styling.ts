import {
  type BinMethod,
  type Bins,
  custom,
  named,
  SCHEME_NAMES,
  type Scheme,
  type SchemeName,
} from "./scheme";
import { type ScaleValues, type VegaScale, vegaScale } from "./vega-scale";

/** A colour scheme that maps and charts can share. */
export interface ChartScheme extends Scheme {
  /**
   * Returns the scheme as a Vega-Lite scale, for
   * `color: { field: "rate", type: "quantitative", scale: styling.mint(5).vega(df.column("rate")) }`.
   *
   * @param values the column that colours the map; gives each value in the chart the colour it has on the map. Without it
   *   Vega classifies the data of the chart.
   * @throws InvalidArgumentError for values that do not fit the method, and for the methods "jenks" and "headtails" without
   *   values, which Vega does not have
   */
  vega(values?: ScaleValues): VegaScale;
}

/**
 * Creates a colour scheme.
 *
 * @param bins number of classes, 2 to 7 (2 to 11 for qualitative schemes), or their upper bounds. Default: 5 (10 for
 *   qualitative schemes).
 * @param method classification method. Default: "quantiles" for numbers, "category" for text, booleans and qualitative
 *   schemes.
 * @throws InvalidArgumentError for an unknown method, and for more bins than the scheme has colours
 */
export type SchemeFunction = (bins?: Bins, method?: BinMethod) => ChartScheme;

/** Functions that create colour schemes for `color: { column, scheme }`, one for each CARTOColors scheme. */
export interface Styling extends Readonly<Record<SchemeName, SchemeFunction>> {
  /**
   * Creates a scheme of the given colours: `styling.custom(["#fee", "tomato", "rgb(90, 0, 0)"], 3, "jenks")`.
   *
   * @param colors 1 to 100 CSS colours, from the lowest class to the highest. With upper bounds as `bins`, one colour for
   *   each of them; values above the last bound need one more
   * @param bins number of classes, at most the number of colours, or their upper bounds. Default: the number of colours.
   * @param method classification method. Default: "quantiles" for numbers, "category" for text and booleans.
   * @throws InvalidArgumentError for an invalid colour, an unknown method, and for more bins than colours
   */
  custom(colors: readonly string[], bins?: Bins, method?: BinMethod): ChartScheme;
  /**
   * Creates the scheme of a name: `styling.scheme("mint", 5, "equal")` equals `styling.mint(5, "equal")`.
   *
   * @param name name of a scheme, also as CARTO writes it: `"BurgYl"`, `"ag_Sunset"`
   * @throws InvalidArgumentError for an unknown name or method, and for more bins than the scheme has colours
   */
  scheme(name: string, bins?: Bins, method?: BinMethod): ChartScheme;
}

/**
 * Colour schemes for a column: the CARTOColors, and custom ones.
 *
 * ```ts
 * new Layer("counties", { color: { column: "rate", scheme: styling.sunset(7, "jenks") } });
 * new Layer("airports", { color: { column: "state", scheme: styling.prism(8) } });
 * new Layer("trees", { color: { column: "height", scheme: styling.mint([5, 10, 20, 40]) } });
 * ```
 */
export const styling: Styling = {
  ...(Object.fromEntries(
    SCHEME_NAMES.map((name): [SchemeName, SchemeFunction] => [
      name,
      (bins, method) => forCharts(named(name, bins, method)),
    ]),
  ) as Record<SchemeName, SchemeFunction>),
  custom: (colors, bins, method) => forCharts(custom(colors, bins, method)),
  scheme: (name, bins, method) => forCharts(named(name, bins, method)),
};

/** Adds `vega` as a property that is not enumerable, so that a scheme prints and compares as plain data. */
function forCharts(scheme: Scheme): ChartScheme {
  const vega = (values?: ScaleValues) => vegaScale(scheme, values);
  return Object.defineProperty({ ...scheme }, "vega", { value: vega }) as ChartScheme;
}
