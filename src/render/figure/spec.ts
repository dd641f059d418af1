/** Checks the Vega-Lite specifications of charts, and takes them apart for a figure. */
import { InvalidArgumentError } from "../../errors";
import { isObject } from "../../values";

export type Json = Readonly<Record<string, unknown>>;

/** A chart with its top-level properties apart. */
export interface ChartSpec {
  readonly spec: Json;
  readonly config: Json;
  readonly datasets: Json;
  /** Variable parameters, which only the top level may define; selections stay in `spec`. */
  readonly params: readonly unknown[];
}

/** Properties that only the top level of a specification may have. */
const TOP_LEVEL = ["$schema", "config", "datasets", "background", "padding", "autosize", "usermeta"];
const MAX_DEPTH = 100;

/**
 * Returns a copy of a specification that consists of JSON only.
 * @throws InvalidArgumentError for any other value, for a Vega specification, and for data loaded from a URL
 */
export function checkSpec(spec: unknown, place: string): Json {
  if (!isObject(spec))
    throw new InvalidArgumentError(
      `The first argument of ${place}.vega must be a Vega-Lite specification, such as { mark: "bar", encoding: { … } }; got a value of type ${typeof spec}.`,
    );
  const { $schema } = spec;
  if (typeof $schema === "string" && $schema.includes("/vega/"))
    throw new InvalidArgumentError(
      `The specification of ${place} must be Vega-Lite; its $schema is that of Vega.`,
    );
  checkPart(spec, "the specification", place, 0);
  return JSON.parse(JSON.stringify(spec)) as Json;
}

function checkPart(value: unknown, path: string, place: string, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new InvalidArgumentError(
      `The specification of ${place} must have at most ${MAX_DEPTH} levels; it has more, or contains itself.`,
    );
  if (typeof value === "function" || typeof value === "bigint" || typeof value === "symbol")
    throw new InvalidArgumentError(
      `The specification of ${place} must be JSON; ${path} is a ${typeof value}.`,
    );
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const at = Array.isArray(value)
      ? `${path}[${key}]`
      : path === "the specification"
        ? key
        : `${path}.${key}`;
    if (key === "data" && isObject(part)) checkData(part, at, place);
    if (key !== "values" && key !== "datasets") checkPart(part, at, place, depth + 1); // data can be large
  }
}

function checkData(data: Json, at: string, place: string): void {
  if ("$columns" in data)
    throw new InvalidArgumentError(
      `\`${at}\` of ${place} cannot be a DataFrame. Pass it as the second argument: ${place}.vega(spec, df).`,
    );
  if (data.url === undefined) return;
  throw new InvalidArgumentError(
    `\`${at}\` of ${place} cannot be loaded from a URL: a figure includes its data, so that it shows without a network. ` +
      `Read the data, and pass a DataFrame with ${place}.vega(spec, df), or ${at}: { values: […] }.`,
  );
}

/** Separates the properties that move to the top level of the figure. */
export function splitSpec(whole: Json): ChartSpec {
  const { config = {}, datasets = {}, params } = whole;
  const spec = Object.fromEntries(Object.entries(whole).filter(([key]) => !TOP_LEVEL.includes(key)));
  if (!Array.isArray(params)) return { spec, config: config as Json, datasets: datasets as Json, params: [] };
  const isSelection = (param: unknown) => isObject(param) && param.select !== undefined;
  const { params: _, ...rest } = spec;
  const selections = params.filter(isSelection);
  return {
    spec: selections.length > 0 ? { ...rest, params: selections } : rest,
    config: config as Json,
    datasets: datasets as Json,
    params: params.filter((param) => !isSelection(param)),
  };
}

/** Merges two objects recursively; values of `above` win. */
export function merged(below: Json, above: Json): Json {
  const both = Object.entries(above).map(([key, value]): [string, unknown] => {
    const under = Object.hasOwn(below, key) ? below[key] : undefined;
    return [key, isObject(under) && isObject(value) ? merged(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(both) };
}
