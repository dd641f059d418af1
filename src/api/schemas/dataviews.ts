/** Dataviews of CARTO's Maps API: counts and statistics of a map's data. */
import * as z from "zod";

const text = z.string();
const count = z.number();
/** Null if no row has a value. */
const statistic = z.number().nullish();

/** An analysis of a map: a query that layers and dataviews refer to by its id. */
export const Analysis = z.looseObject({
  id: text,
  type: text,
  params: z.looseObject({ query: text.optional() }).optional(),
});

/** A dataview of a map, as requests describe it. Its options are checked when it is asked for its result, as at CARTO. */
export const DataviewDefinition = z.looseObject({
  type: text,
  source: z.looseObject({ id: text }),
  options: z.record(text, z.unknown()).default({}),
});
export type DataviewDefinition = z.infer<typeof DataviewDefinition>;

/** Answer of a `histogram` of numbers. A bin without rows is left out. */
export const HistogramResult = z.object({
  type: z.literal("histogram"),
  bin_width: statistic,
  bins_count: count.nullish(),
  bins_start: statistic,
  nulls: count,
  infinities: count,
  nans: count,
  avg: statistic,
  bins: z.array(z.object({ bin: count, min: statistic, max: statistic, avg: statistic, freq: count })),
});
export type HistogramResult = z.infer<typeof HistogramResult>;

/** Answer of a `histogram` of dates: times are in seconds since 1970. */
export const DateHistogramResult = z.object({
  type: z.literal("histogram"),
  aggregation: text,
  offset: z.number(),
  timestamp_start: statistic,
  bin_width: z.number(),
  bins_count: count,
  bins_start: statistic,
  nulls: count,
  infinities: count,
  bins: z.array(
    z.object({
      bin: count,
      timestamp: z.number(),
      min: z.number(),
      max: z.number(),
      avg: z.number(),
      freq: count,
    }),
  ),
});
export type DateHistogramResult = z.infer<typeof DateHistogramResult>;

const category = z.union([text, z.number(), z.boolean(), z.null()]);

/** Answer of an `aggregation`: the categories with the largest values, and the rest as one with `agg`. */
export const AggregationResult = z.object({
  type: z.literal("aggregation"),
  aggregation: text,
  count,
  nulls: count,
  nans: count,
  infinities: count,
  min: statistic,
  max: statistic,
  categoriesCount: count,
  categories: z.array(z.object({ category, value: statistic, agg: z.boolean() })),
});
export type AggregationResult = z.infer<typeof AggregationResult>;

/** Answer of a search for categories. */
export const AggregationSearch = z.object({
  type: z.literal("aggregation"),
  categories: z.array(z.object({ category, value: statistic })),
});
export type AggregationSearch = z.infer<typeof AggregationSearch>;

/** Answer of a `formula`. */
export const FormulaResult = z.object({
  type: z.literal("formula"),
  operation: text,
  result: statistic,
  nulls: count.nullable(),
  /** Absent for a column that cannot have such numbers. */
  nans: count.nullish(),
  infinities: count.nullish(),
});
export type FormulaResult = z.infer<typeof FormulaResult>;
