/** A measure of a publication: a column of the table, and what it means. */
export interface PublishedMeasure {
  /** Name of the column. */
  readonly column: string;
  /** Id of the measure. @default the id of the dataset, a dot, and the column */
  readonly id?: string;
  /** Name of the measure for people. @default its id */
  readonly name?: string;
  readonly description?: string;
  /** Unit of the values, such as `people` or `€`. */
  readonly unit?: string;
  /** How the values of several areas are combined. @default the measure can be looked up, but not combined */
  readonly aggregate?: "sum" | "median" | "average" | "quantile" | "mode";
  /** Measure of which this one is a part, for rates: the column of another measure, or an id of the catalog. */
  readonly denominator?: string;
  /** Measure that weights a median or an average: the column of another measure, or an id of the catalog. */
  readonly universe?: string;
  readonly source?: string;
  readonly license?: string;
  /** Subsection of the catalog, such as `Health`. */
  readonly subsection?: string;
  /** 0 hides the measure from discovery. @default 1 */
  readonly weight?: number;
}
