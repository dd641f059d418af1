/** Prepares charts for the page of a figure: as Vega, with their selections as filters of the rows. */
import { LINKED, type LiveChartSpec } from "../page/figure-layout";
import type { ChartSpec, Json } from "./spec";
import { compileChart } from "./vega";

/** Sides of a chart that its figure sets, in CSS pixels. */
interface OpenSides {
  readonly width?: number;
  readonly height?: number;
}

interface ChartToLink {
  readonly chart: ChartSpec;
  readonly sides: OpenSides;
  /** Of all charts of the figure, as in its image. */
  readonly config: Json;
  readonly params: readonly unknown[];
  /** Name of the dataset whose rows have a source. */
  readonly linked: string | undefined;
  readonly description: string;
}

interface Transform {
  readonly type: string;
}

interface Dataset {
  readonly name: string;
  readonly source?: string;
  readonly values?: unknown;
  readonly transform?: readonly Transform[];
}

/** Compiles a chart whose datasets are in the page: the specification has their names in the place of their rows. */
export function liveChart({ chart, sides, config, params, linked, description }: ChartToLink): LiveChartSpec {
  const { spec, datasets } = chart;
  const fits = { width: sides.width !== undefined, height: sides.height !== undefined };
  const isFitted = fits.width || fits.height;
  const selecting = linked === undefined ? spec : withFields(spec);
  const vega = compileChart({
    ...sides,
    ...selecting,
    datasets,
    config,
    params: [...params, ...paramsIn(selecting)],
    padding: PADDING_PX,
    ...(isFitted && { autosize: { type: "fit", contains: "padding", resize: true } }),
  }) as Json & { readonly data?: readonly Dataset[] };
  const named = (vega.data ?? []).map((dataset): Dataset => {
    const isNamed = dataset.values !== undefined && Object.hasOwn(datasets, dataset.name);
    return isNamed ? { ...dataset, values: dataset.name } : dataset;
  });
  const selections = selectionsIn(selecting);
  const marks = withoutBrushes((vega.marks as readonly Mark[] | undefined) ?? [], selections);
  const isLinked = linked !== undefined && named.some(({ name }) => name === linked);
  return {
    vega: isLinked
      ? withFilters({ ...vega, marks, data: named }, linked, selections)
      : { ...vega, marks, data: named },
    fits,
    description,
  };
}

/** Keeps the lowest pixels of an axis title in sight. */
const PADDING_PX = 4;

const paramsIn = (spec: Json): readonly Json[] => (spec.params as readonly Json[] | undefined) ?? [];

interface Mark {
  readonly name?: string;
  readonly marks?: readonly Mark[];
}

/** Hides the rectangles of brushes from screen readers, for which they have no text. */
function withoutBrushes(marks: readonly Mark[], selections: readonly string[]): Mark[] {
  const isBrush = (name: string) =>
    selections.some((one) => name === `${one}_brush` || name === `${one}_brush_bg`);
  return marks.map((mark) => ({
    ...mark,
    ...(mark.name !== undefined && isBrush(mark.name) && { aria: false }),
    ...(mark.marks && { marks: withoutBrushes(mark.marks, selections) }),
  }));
}

/** Channels by whose values a click chooses rows. */
const DISCRETE = ["x", "y", "color", "fill", "stroke", "shape", "theta", "row", "column", "facet"];

/**
 * Lets clicks choose rows by the values of the mark, where the specification does not say what they choose: by default they
 * would choose the mark, which stands for many rows and is another one when its data change.
 */
function withFields(spec: Json): Json {
  const encoding = (spec.encoding ?? {}) as Record<string, Json>;
  const channels = DISCRETE.filter((channel) => {
    const { field, aggregate } = encoding[channel] ?? {};
    return field !== undefined && aggregate === undefined;
  });
  const params = paramsIn(spec).map((param) => {
    const { select } = param;
    const given = typeof select === "string" ? { type: select } : (select as Json);
    const isOpen = given?.type === "point" && given.fields === undefined && given.encodings === undefined;
    return isOpen && channels.length > 0 ? { ...param, select: { ...given, encodings: channels } } : param;
  });
  return params.length > 0 ? { ...spec, params } : spec;
}

/** Returns the names of the selections that choose rows; those that move the axes of a chart do not. */
function selectionsIn(spec: unknown): string[] {
  if (typeof spec !== "object" || spec === null) return [];
  if (Array.isArray(spec)) return spec.flatMap(selectionsIn);
  const own = paramsIn(spec as Json).filter(({ select, bind }) => select !== undefined && bind !== "scales");
  const inside = Object.entries(spec).flatMap(([key, part]) =>
    key === "data" || key === "datasets" || key === "params" ? [] : selectionsIn(part),
  );
  return [...new Set([...own.map(({ name }) => String(name)), ...inside])];
}

/** Transforms that give each row another value, on which selections depend. */
const OF_ROWS = ["formula", "timeunit"];

/** Filters the rows of a chart by those of other views, and collects the rows that its own selections choose. */
function withFilters(
  { data, signals, ...vega }: Json & { readonly data: readonly Dataset[] },
  linked: string,
  selections: readonly string[],
): Json {
  const descends = new Set([linked]);
  for (const { name, source } of data) if (source !== undefined && descends.has(source)) descends.add(name);
  const transforms = data
    .filter(({ name }) => descends.has(name))
    .flatMap(({ transform = [] }) => transform.filter(({ type }) => OF_ROWS.includes(type)));
  const distinct = [...new Map(transforms.map((one) => [JSON.stringify(one), one])).values()];
  const isChosen = selections.map((name) => {
    const store = JSON.stringify(`${name}_store`);
    return `(!length(data(${store})) || vlSelectionTest(${store}, datum))`;
  });
  const rows = { name: LINKED.rows, values: linked };
  const passing = { type: "filter", expr: `!${LINKED.failed}[datum.${LINKED.row}]` };
  const stores = data.filter(({ name }) => name.endsWith("_store"));
  const others = data.filter(({ name }) => !name.endsWith("_store"));
  return {
    ...vega,
    signals: [{ name: LINKED.failed, value: [] }, ...((signals as readonly Json[] | undefined) ?? [])],
    data: [
      ...stores,
      rows,
      ...others.map((dataset) => {
        if (dataset.name !== linked) return dataset;
        const { values: _, transform = [], ...rest } = dataset;
        return { ...rest, source: LINKED.rows, transform: [passing, ...transform] };
      }),
      {
        name: LINKED.chosen,
        source: LINKED.rows,
        transform: [...distinct, { type: "filter", expr: isChosen.join(" && ") || "true" }],
      },
    ],
  };
}
