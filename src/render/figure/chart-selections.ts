/** Finds what the selections of a chart choose, so that they can filter the other views of its rows. */
import { isObject } from "../../values";
import type { Json } from "./spec";

interface Transform {
  readonly type: string;
  readonly as?: string | readonly string[];
}

/** A dataset of a compiled chart. */
export interface Dataset {
  readonly name: string;
  readonly source?: string;
  readonly values?: unknown;
  readonly transform?: readonly Transform[];
}

/** Channels by whose values a click chooses rows. */
const DISCRETE = ["x", "y", "color", "fill", "stroke", "shape", "theta", "row", "column", "facet"];
/** Transforms that give each row another value, on which selections depend. */
const OF_ROWS = ["formula", "timeunit", "bin"];
/** Transforms that keep rows as they are. */
const KEEPING = [...OF_ROWS, "extent", "filter", "identifier"];

/** Lists the parameters of a specification itself. */
export const paramsIn = (spec: Json): readonly Json[] => (spec.params as readonly Json[] | undefined) ?? [];

/**
 * Lets clicks choose rows by the values of the mark, where the specification does not say what they choose: by default they
 * would choose the mark, which stands for many rows and is another one when its data change.
 */
export function withFields(spec: Json, inherited: Json = {}): Json {
  const encoding = { ...inherited, ...(spec.encoding as Json | undefined) };
  const layers = Array.isArray(spec.layer) ? (spec.layer as Json[]) : [];
  const channels = discreteIn({ ...((layers[0]?.encoding as Json | undefined) ?? {}), ...encoding });
  const params = paramsIn(spec).map((param) => {
    const { select } = param;
    const given = typeof select === "string" ? { type: select } : (select as Json);
    const isOpen = given?.type === "point" && given.fields === undefined && given.encodings === undefined;
    return isOpen && channels.length > 0 ? { ...param, select: { ...given, encodings: channels } } : param;
  });
  const inside = ["layer", "concat", "hconcat", "vconcat"].flatMap((key) =>
    Array.isArray(spec[key]) ? [[key, (spec[key] as Json[]).map((part) => withFields(part, encoding))]] : [],
  );
  return {
    ...spec,
    ...(params.length > 0 && { params }),
    ...Object.fromEntries(inside),
    ...(isObject(spec.spec) && { spec: withFields(spec.spec, encoding) }),
  };
}

function discreteIn(encoding: Json): string[] {
  return DISCRETE.filter((channel) => {
    const { field, aggregate } = (encoding[channel] ?? {}) as Json;
    return field !== undefined && aggregate === undefined;
  });
}

/** Returns the variable that Vega-Lite makes of a name. */
const variableOf = (name: unknown): string => {
  const text = String(name).replace(/\W/g, "_");
  return /^\d/.test(text) ? `_${text}` : text;
};

/** Lists the variables of selections that move the axes of a chart, and filter nothing. */
function scaleBound(spec: unknown): string[] {
  if (Array.isArray(spec)) return spec.flatMap(scaleBound);
  if (!isObject(spec)) return [];
  const bound = paramsIn(spec)
    .filter(({ bind }) => bind === "scales")
    .map(({ name }) => variableOf(name));
  const parts = Object.entries(spec).filter(([key]) => !["data", "datasets", "params"].includes(key));
  return [...bound, ...parts.flatMap(([, part]) => scaleBound(part))];
}

export interface Selections {
  /** Variables of the selections that can filter rows. */
  readonly filtering: readonly string[];
  /** Of those that depend on values which single rows do not have. */
  readonly others: readonly string[];
  /** Transforms that make the values on which the selections depend. */
  readonly transforms: readonly Transform[];
}

/**
 * Says which selections of a compiled chart can filter its rows.
 * @param columns names of the columns of the rows
 */
export function selectionsOf(
  spec: Json,
  vega: Json & { readonly data?: readonly Dataset[] },
  linked: string,
  columns: readonly string[],
): Selections {
  const data = vega.data ?? [];
  const transforms = rowTransforms(data, linked);
  const known = new Set([...columns, ...transforms.flatMap(({ as = [] }) => as)]);
  const bound = new Set(scaleBound(spec));
  const fields = new Map<string, string[]>();
  collectFields(vega, fields);
  const stores = data.flatMap(({ name }) =>
    name.endsWith("_store") ? [name.slice(0, -"_store".length)] : [],
  );
  const all = stores.filter((name) => !bound.has(name));
  const isFiltering = (name: string) => fields.get(name)?.every((field) => known.has(field)) === true;
  return {
    filtering: all.filter(isFiltering),
    others: all.filter((name) => !isFiltering(name)),
    transforms,
  };
}

/** Returns the transforms of datasets that have still the rows of the linked one. */
function rowTransforms(data: readonly Dataset[], linked: string): Transform[] {
  const ofRows = new Set([linked]);
  const found = new Map<string, Transform>();
  for (const { name, source, transform = [] } of data) {
    if (name !== linked && (source === undefined || !ofRows.has(source))) continue;
    const end = transform.findIndex(({ type }) => !KEEPING.includes(type));
    for (const one of end < 0 ? transform : transform.slice(0, end)) {
      const { signal: _, ...plain } = one as Transform & { readonly signal?: string };
      if (OF_ROWS.includes(one.type)) found.set(JSON.stringify(plain), plain);
    }
    if (end < 0) ofRows.add(name);
    else ofRows.delete(name);
  }
  return [...found.values()];
}

/** Collects the fields of each selection's tuples, wherever its signals are. */
function collectFields(part: unknown, fields: Map<string, string[]>): void {
  if (Array.isArray(part)) for (const one of part) collectFields(one, fields);
  if (!isObject(part)) return;
  for (const signal of (part.signals as readonly Json[] | undefined) ?? []) {
    const [, name] = /^(.*)_tuple_fields$/.exec(String(signal.name)) ?? [];
    const tuple = signal.value as readonly { readonly field: string }[] | undefined;
    if (name !== undefined && Array.isArray(tuple))
      fields.set(name, [...(fields.get(name) ?? []), ...tuple.map(({ field }) => field)]);
  }
  collectFields(part.marks, fields);
}
