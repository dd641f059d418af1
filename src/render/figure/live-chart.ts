/** Prepares charts for the page of a figure: as Vega, with their selections as filters of the rows. */
import { LINKED, type LiveChartSpec } from "../page/figure-layout";
import { type Dataset, paramsIn, type Selections, selectionsOf, withFields } from "./chart-selections";
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
  const chosen = linked === undefined ? undefined : selectionsIn(selecting, vega, { linked, datasets });
  const marks = withoutBrushes((vega.marks as readonly Mark[] | undefined) ?? []);
  const isLinked = linked !== undefined && chosen && named.some(({ name }) => name === linked);
  const drawn = { ...vega, marks, data: named };
  return { vega: isLinked ? withFilters(drawn, linked, chosen) : drawn, fits, description };
}

function selectionsIn(
  spec: Json,
  vega: Json & { readonly data?: readonly Dataset[] },
  { linked, datasets }: { readonly linked: string; readonly datasets: Json },
): Selections {
  const [first = {}] = (datasets[linked] as readonly object[] | undefined) ?? [];
  return selectionsOf(spec, vega, linked, Object.keys(first));
}

/** Returns the names of selections that cannot filter other views, because single rows lack what they depend on. */
export function unlinkedSelections(
  { spec, datasets, config, params }: ChartSpec,
  linked: string,
): readonly string[] {
  const selecting = withFields(spec);
  const all = [...params, ...paramsIn(selecting)];
  const vega = compileChart({ ...selecting, datasets, config, params: all }) as Json;
  return selectionsIn(selecting, vega, { linked, datasets }).others;
}

/** Keeps the lowest pixels of an axis title in sight. */
const PADDING_PX = 4;

interface Mark {
  readonly name?: string;
  readonly marks?: readonly Mark[];
}

/** Hides the rectangles of brushes from screen readers, for which they have no text. */
function withoutBrushes(marks: readonly Mark[]): Mark[] {
  return marks.map((mark) => ({
    ...mark,
    ...(/_brush(_bg)?$/.test(mark.name ?? "") && { aria: false }),
    ...(mark.marks && { marks: withoutBrushes(mark.marks) }),
  }));
}

/** Filters the rows of a chart by those of other views, and collects the rows that its own selections choose. */
function withFilters(
  { data, signals, ...vega }: Json & { readonly data: readonly Dataset[] },
  linked: string,
  { filtering, transforms }: Selections,
): Json {
  const isChosen = filtering.map((name) => {
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
        transform: [...transforms, { type: "filter", expr: isChosen.join(" && ") || "true" }],
      },
    ],
  };
}
