/** Vega-Lite specifications as users write them, each a document of its own, and as parts of one figure. */
import { InvalidArgumentError } from "../../errors";

export type Json = Readonly<Record<string, unknown>>;

/** A chart without what only a whole document may have. */
export interface ChartSpec {
  readonly spec: Json;
  readonly config: Json;
  readonly datasets: Json;
  /** Parameters that are no selections. */
  readonly params: readonly unknown[];
}

/** What a document says of itself, and a figure says for all. */
const OF_DOCUMENTS = ["$schema", "config", "datasets", "background", "padding", "autosize", "usermeta"];
const MAX_DEPTH = 100;

/**
 * A copy of a specification, of JSON alone.
 * @throws InvalidArgumentError for anything else, for Vega's instead of Vega-Lite's, and for data at an address.
 */
export function checkSpec(spec: unknown, place: string): Json {
  if (!isObject(spec))
    throw new InvalidArgumentError(
      `The chart of ${place} is no Vega-Lite specification: write ${place}.vega({ mark: "bar", encoding: { … } }, df).`,
    );
  const { $schema } = spec;
  if (typeof $schema === "string" && $schema.includes("/vega/"))
    throw new InvalidArgumentError(
      `The chart of ${place} is a specification of Vega; a figure takes Vega-Lite's.`,
    );
  checkPart(spec, "the specification", place, 0);
  return JSON.parse(JSON.stringify(spec)) as Json;
}

function checkPart(value: unknown, path: string, place: string, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new InvalidArgumentError(
      `The chart of ${place} is nested deeper than ${MAX_DEPTH}, or contains itself.`,
    );
  if (typeof value === "function" || typeof value === "bigint" || typeof value === "symbol")
    throw new InvalidArgumentError(
      `The chart of ${place} has a ${typeof value} at ${path}; it may have JSON alone.`,
    );
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const at = Array.isArray(value)
      ? `${path}[${key}]`
      : path === "the specification"
        ? key
        : `${path}.${key}`;
    if (key === "data" && isObject(part)) checkData(part, at, place);
    if (key !== "values" && key !== "datasets") checkPart(part, at, place, depth + 1); // data of any size
  }
}

function checkData(data: Json, at: string, place: string): void {
  if ("$columns" in data)
    throw new InvalidArgumentError(
      `The chart of ${place} has a DataFrame as ${at}. Pass it as the second argument: ${place}.vega(spec, df).`,
    );
  if (data.url === undefined) return;
  throw new InvalidArgumentError(
    `The chart of ${place} takes its ${at} from an address; a figure carries its data, to be shown without a network. ` +
      `Read them, and pass a DataFrame, ${place}.vega(spec, df), or ${at}: { values: […] }.`,
  );
}

/** Takes apart what goes into the figure and what goes to its top. */
export function splitSpec(whole: Json): ChartSpec {
  const { config = {}, datasets = {}, params } = whole;
  const spec = Object.fromEntries(Object.entries(whole).filter(([key]) => !OF_DOCUMENTS.includes(key)));
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

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Both, the second above the first. */
export function merged(below: Json, above: Json): Json {
  const both = Object.entries(above).map(([key, value]): [string, unknown] => {
    const under = Object.hasOwn(below, key) ? below[key] : undefined;
    return [key, isObject(under) && isObject(value) ? merged(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(both) };
}
