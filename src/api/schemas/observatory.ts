/** A measure of a publication: a column of the table, and what it means. */
export interface PublishedMeasure {
  /** Name of the column. */
  readonly column: string;
  /** Id of the measure. @default the id of the dataset, a dot, and the column */
  readonly id?: string;
  /** Name of the measure for people. @default its id */
  readonly name?: string;
  /** Description of the measure for people. */
  readonly description?: string;
  /** Unit of the values, such as `people` or `€`. */
  readonly unit?: string;
  /** Aggregate for the values of several areas. @default none: the measure can be looked up, but not combined */
  readonly aggregate?: "sum" | "median" | "average" | "quantile" | "mode";
  /** Measure of which this one is a part, for rates: the column of another measure, or an id of the catalog. */
  readonly denominator?: string;
  /** Measure that weights a median or an average: the column of another measure, or an id of the catalog. */
  readonly universe?: string;
  /** Source of the values. @default the source of the dataset */
  readonly source?: string;
  /** Licence of the values. @default the licence of the dataset */
  readonly license?: string;
  /** Subsection of the catalog, such as `Health`. @default the subsection of the dataset */
  readonly subsection?: string;
  /** Weight of the measure, 0 or more; 0 hides it from discovery. @default 1 */
  readonly weight?: number;
}
