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

/** A scheme as `styling` makes it, which charts can have, too. */
export interface ChartScheme extends Scheme {
  /**
   * The scheme as a scale of Vega-Lite: `color: { field: "rate", type: "quantitative", scale: styling.mint(5).vega(df.column("rate")) }`.
   *
   * @param values the column that the map is coloured by: the chart then has the map's classes and colours, value by
   *   value. Absent: Vega finds classes for its own data; jenks and headtails it does not know.
   * @throws InvalidArgumentError for values that do not fit the method, and for jenks and headtails without values
   */
  vega(values?: ScaleValues): VegaScale;
}

/**
 * @param bins how many classes, 2 to 7 (qualitative schemes: to 11), or their upper bounds. Default 5 (10).
 * @param method how values are put into classes. Default quantiles; categories for text and qualitative schemes.
 */
export type SchemeFunction = (bins?: Bins, method?: BinMethod) => ChartScheme;

/** Colour schemes for `color: { column, scheme }`. */
export interface Styling extends Readonly<Record<SchemeName, SchemeFunction>> {
  /**
   * A scheme of your own colours: `styling.custom(["#fee", "tomato", "rgb(90, 0, 0)"], 3, "jenks")`.
   * @param colors one or more CSS colours, from the lowest class to the highest
   * @param bins how many classes, at most as many as colours, or their upper bounds. Default: as many as colours.
   * @param method how values are put into classes. Default quantiles; categories for text.
   */
  custom(colors: readonly string[], bins?: Bins, method?: BinMethod): ChartScheme;
  /** The scheme of a name: `styling.scheme("mint", 5, "equal")` is `styling.mint(5, "equal")`. */
  scheme(name: string, bins?: Bins, method?: BinMethod): ChartScheme;
}

/**
 * The CARTOColors as schemes for a column.
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

/** Hidden, so that a scheme prints and compares as the plain data it is. */
function forCharts(scheme: Scheme): ChartScheme {
  const vega = (values?: ScaleValues) => vegaScale(scheme, values);
  return Object.defineProperty({ ...scheme }, "vega", { value: vega }) as ChartScheme;
}
