/** A request for the result of a dataview. */
import type { DataviewDefinition } from "../../../api/schemas/dataviews";
import type { ResultField } from "../../engine/engine";
import { MapsRefusal } from "../errors";

/** The parameters that replace options of a dataview. */
export interface Overrides {
  readonly start?: number;
  readonly end?: number;
  readonly bins?: number;
  /** Seconds to add to UTC for the calendar of a histogram of dates. */
  readonly offset?: number;
  /** Number of categories, with that of the rest. */
  readonly categories?: number;
  readonly aggregation?: string;
  /** True if the dataview's own filter applies to it. */
  readonly ownFilter: boolean;
}

export interface DataviewRequest {
  readonly definition: DataviewDefinition;
  /** SQL of the rows to count. */
  readonly query: string;
  readonly fields: readonly ResultField[];
  readonly overrides: Overrides;
}

const NUMBERS = ["start", "end", "bins", "offset", "categories"] as const;

/** Reads the parameters of a request. @throws MapsRefusal for text in the place of a number */
export function overridesOf(query: Readonly<Record<string, unknown>>): Overrides {
  const numbers = NUMBERS.flatMap((name) => {
    const given = query[name];
    if (given === undefined) return [];
    const value = typeof given === "string" ? Number(given) : Number.NaN;
    if (!Number.isFinite(value)) throw new MapsRefusal(400, `Invalid number format for parameter '${name}'`);
    return [[name, value] as const];
  });
  const { aggregation, own_filter } = query;
  return {
    ...Object.fromEntries(numbers),
    ...(aggregation !== undefined && { aggregation: String(aggregation) }),
    ownFilter: Number(own_filter) === 1,
  };
}
