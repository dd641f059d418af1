/** The widgets of a map with their filters: what they count, and which features the map shows. */
import { featureCountOf } from "../feature-count";
import { boxAround } from "../painter/box";
import {
  type CategoryColumn,
  MISSING_CLASS,
  type RangeColumn,
  type Scene,
  type SceneLayer,
  type StepColumn,
  type ValueColumn,
  type Viewport,
  type Widget,
} from "../scene";
import { areaOf, FeatureFinder } from "./in-area";
import { type DimensionSource, RowFilter } from "./row-filter";

/** First and last step of a range that passes. */
export type StepRange = readonly [from: number, to: number];

/** The filter of a widget: a range of steps, or steps of categories. */
export type WidgetFilter =
  | { readonly kind: "range"; readonly range: StepRange }
  | { readonly kind: "steps"; readonly steps: ReadonlySet<number> };

/** What a reader selects: everything in areas, and single features. */
export interface Selection {
  /** Polygons in world units, x and y in turn. */
  readonly rings: readonly (readonly number[])[];
  readonly features: readonly { readonly layer: number; readonly feature: number }[];
}

/** Numbers of rows by step: those that pass the other widgets' filters, and all. Step 0 has the missing values. */
export interface StepCounts {
  readonly counts: Uint32Array;
  readonly totals: Uint32Array;
}

/** Counts from elsewhere, which have precedence over those of the explorer's own rows. */
export interface CountSource {
  /** Undefined while unknown. */
  stepsOf(widget: number): StepCounts | undefined;
  valueOf(widget: number): number | undefined;
}

type WithKind<K extends Widget["kind"]> = Extract<Widget, { readonly kind: K }>;
export type FormulaWidget = WithKind<"formula">;

/** The rows of a layer, with a dimension for each of its widgets that filter. */
interface ExploredLayer {
  readonly layer: SceneLayer;
  readonly finder: FeatureFinder;
  readonly rows: RowFilter;
  readonly rowCount: number;
  /** Row of each feature; absent if feature f is row f. */
  readonly rowOf: Uint32Array | undefined;
  /** Dimension of each widget, by its index. */
  readonly dimensions: ReadonlyMap<number, number>;
  /** Dimension of the classes of colour, if the layer has any. */
  readonly classes: number | undefined;
}

/**
 * Counts the rows of a scene for its widgets, and filters them. In a page each feature is a row; elsewhere rows without a
 * feature count nowhere.
 */
export class Explorer {
  readonly scene: Scene;
  readonly widgets: readonly Widget[];
  readonly #layers = new Map<number, ExploredLayer>();
  readonly #filters = new Map<number, WidgetFilter>();
  /** Hidden classes of colour by layer. */
  readonly #hiddenClasses = new Map<number, ReadonlySet<number>>();
  /** Counts of layers of which the scene has only some rows. */
  source: CountSource | undefined;

  constructor(scene: Scene) {
    this.scene = scene;
    this.widgets = scene.widgets ?? [];
    const copies = scene.projection ? 0 : Infinity;
    for (const [index, layer] of scene.layers.entries()) {
      if (layer.explored) this.#layers.set(index, exploredLayer(layer, this.#widgetsOf(index), copies));
    }
  }

  #widgetsOf = (layer: number): (readonly [number, Widget])[] =>
    [...this.widgets.entries()].filter(([, widget]) => widget.layer === layer);

  /** False if the page has too few of a layer's rows for its widgets to count. */
  isCounted(widget: number): boolean {
    return this.#layers.has(this.widgets[widget]!.layer);
  }

  /** Counts the rows of the features in a view. */
  look(viewport: Viewport): void {
    const area = { box: boxAround(viewport, 0) };
    for (const [index, { finder, rows, rowCount, rowOf, layer }] of this.#layers) {
      if (!this.#widgetsOf(index).some(([, { inView }]) => inView)) continue;
      const inside = new Uint8Array(featureCountOf(layer.geometry));
      finder.mark(area, inside);
      const outside = new Uint8Array(rowCount).fill(1);
      for (let feature = 0; feature < inside.length; feature++)
        if (inside[feature] === 1) outside[rowOf === undefined ? feature : rowOf[feature]!] = 0;
      rows.look(outside);
    }
  }

  /** True if a view shows all of a layer, with a margin in world units. */
  isAllIn(layer: number, viewport: Viewport, margin: number): boolean {
    return this.#layers.get(layer)?.finder.isWithin(boxAround(viewport, 0), margin) === true;
  }

  filterOf(widget: number): WidgetFilter | undefined {
    return this.#filters.get(widget);
  }

  /** Sets the filter of a widget, or removes it. */
  filter(widget: number, filter: WidgetFilter | undefined): void {
    const explored = this.#layers.get(this.widgets[widget]!.layer);
    const dimension = explored?.dimensions.get(widget);
    if (!explored || dimension === undefined) return;
    if (filter) this.#filters.set(widget, filter);
    else this.#filters.delete(widget);
    explored.rows.filter(dimension, filter && allowedBy(filter, stepCountOf(this.columnOf(widget)!)));
  }

  /** Hides the rows of some classes of colour, or of none. */
  hideClasses(layer: number, hidden: ReadonlySet<number>): void {
    const explored = this.#layers.get(layer);
    if (explored?.classes === undefined) return;
    if (hidden.size > 0) this.#hiddenClasses.set(layer, hidden);
    else this.#hiddenClasses.delete(layer);
    const allowed = Uint8Array.from({ length: MISSING_CLASS + 1 }, (_, i) => (hidden.has(i) ? 0 : 1));
    explored.rows.filter(explored.classes, hidden.size > 0 ? allowed : undefined);
  }

  hiddenClassesOf(layer: number): ReadonlySet<number> {
    return this.#hiddenClasses.get(layer) ?? new Set();
  }

  /** True if the classes of a layer's colours can be hidden. */
  readonly hasClasses = (layer: number): boolean => this.#layers.get(layer)?.classes !== undefined;

  clear(): void {
    for (const widget of [...this.#filters.keys()]) this.filter(widget, undefined);
    for (const layer of [...this.#hiddenClasses.keys()]) this.hideClasses(layer, new Set());
  }

  /** Hides the features of a layer for which a function returns true, because of filters outside of the map; without it, none. */
  exclude(layer: number, isExcluded?: (feature: number) => boolean): void {
    const explored = this.#layers.get(layer);
    if (!explored) return;
    const featureOf = isExcluded && featuresOfRows(explored);
    explored.rows.exclude(isExcluded && ((row) => isExcluded(featureOf ? featureOf[row]! : row)));
  }

  /** True if filters outside of the map hide features of a layer. */
  readonly excludesSome = (layer: number): boolean => this.#layers.get(layer)?.rows.excludesSome === true;

  /** Calls `visit` for each feature of a layer that fails a filter of the map itself; returns false if there is no filter. */
  forEachFailed(layer: number, visit: (feature: number) => void): boolean {
    const explored = this.#layers.get(layer);
    if (!explored?.rows.hasOwnFilters) return false;
    const featureOf = featuresOfRows(explored);
    explored.rows.forEachFailed((row) => visit(featureOf ? featureOf[row]! : row));
    return true;
  }

  /** Not 0 for each row of a layer, by the rows of its features, that a filter hides; undefined if none does. */
  failedOf(layer: number): Uint32Array | undefined {
    const explored = this.#layers.get(layer);
    if (!explored?.rows.isFiltered) return undefined;
    const { failed } = explored.rows;
    const { exploredRows } = explored.layer;
    return exploredRows ? Uint32Array.from(exploredRows, (row) => failed[row]!) : failed;
  }

  /** Returns the features of a layer that are selected and pass all filters. */
  selectedIn(layer: number, { rings, features }: Selection): Uint32Array {
    const explored = this.#layers.get(layer);
    if (!explored) return new Uint32Array(0);
    const marks = new Uint8Array(featureCountOf(explored.layer.geometry));
    for (const ring of rings) explored.finder.mark(areaOf(Float64Array.from(ring)), marks);
    for (const one of features) if (one.layer === layer) marks[one.feature] = 1;
    const { rowOf } = explored;
    const { failed } = explored.rows;
    const selected: number[] = [];
    for (let feature = 0; feature < marks.length; feature++)
      if (marks[feature] === 1 && failed[rowOf ? rowOf[feature]! : feature] === 0) selected.push(feature);
    return Uint32Array.from(selected);
  }

  /** Number of rows that some features of a layer have. */
  rowCountOf(layer: number, features: Uint32Array): number {
    const rowOf = this.#layers.get(layer)?.rowOf;
    return rowOf ? new Set(features.map((feature) => rowOf[feature]!)).size : features.length;
  }

  /** The layers whose rows can be counted, filtered and selected. */
  get layers(): readonly number[] {
    return [...this.#layers.keys()];
  }

  columnOf(widget: number): StepColumn | undefined {
    const { layer, ...rest } = this.widgets[widget]!;
    const column = "column" in rest ? this.scene.layers[layer]?.explored?.[rest.column] : undefined;
    return column?.kind === "values" ? undefined : column;
  }

  stepsOf(widget: number): StepCounts {
    return this.source?.stepsOf(widget) ?? this.ownStepsOf(widget);
  }

  /** As `stepsOf`, of the rows of the scene. */
  ownStepsOf(widget: number): StepCounts {
    const { rows, dimensions } = this.#layers.get(this.widgets[widget]!.layer)!;
    return rows.countsOf(dimensions.get(widget)!);
  }

  /** Number, sum, mean, least or largest of the finite values of the rows that pass; NaN if no row has a value. */
  valueOf(widget: number): number {
    return this.source?.valueOf(widget) ?? this.ownValueOf(widget);
  }

  /** As `valueOf`, of the rows of the scene. */
  ownValueOf(index: number): number {
    const widget = this.widgets[index] as FormulaWidget;
    const { rows, layer } = this.#layers.get(widget.layer)!;
    let count = 0;
    if (widget.operation === "count") {
      rows.forEach(widget.inView, () => count++);
      return count;
    }
    const { values } = layer.explored![widget.column] as ValueColumn;
    let [sum, least, most] = [0, Infinity, -Infinity];
    rows.forEach(widget.inView, (row) => {
      const value = values[row]!;
      if (value - value !== 0) return; // NaN or infinite
      count++;
      sum += value;
      if (value < least) least = value;
      if (value > most) most = value;
    });
    if (count === 0) return Number.NaN;
    return { sum, avg: sum / count, min: least, max: most }[widget.operation];
  }
}

/** Number of steps of a column, with that of missing values. */
export function stepCountOf(column: RangeColumn | CategoryColumn): number {
  return column.kind === "range" ? column.edges.length : column.texts.length + (column.others > 0 ? 2 : 1);
}

function exploredLayer(
  layer: SceneLayer,
  widgets: readonly (readonly [number, Widget])[],
  copies: number,
): ExploredLayer {
  const { geometry, explored = [], exploredRows, color } = layer;
  const rowOf = exploredRows ?? geometry.rows;
  const rowCount = rowCountOf(layer);
  const sources: DimensionSource[] = [];
  const dimensions = new Map<number, number>();
  for (const [index, widget] of widgets) {
    const column = "column" in widget ? explored[widget.column] : undefined;
    if (!column || column.kind === "values") continue;
    const { inView } = widget;
    dimensions.set(index, sources.push({ steps: column.steps, stepCount: stepCountOf(column), inView }) - 1);
  }
  let classes: number | undefined;
  if (color.kind === "classes" && !layer.aggregate) {
    const ofRows = exploredRows ? classesOfRows(color.classes, exploredRows, rowCount) : color.classes;
    const source = { steps: Uint16Array.from(ofRows), stepCount: MISSING_CLASS + 1, inView: false };
    classes = sources.push(source) - 1;
  }
  const present = rowOf && marked(rowOf, rowCount);
  return {
    layer,
    finder: new FeatureFinder(geometry, copies),
    rows: new RowFilter(rowCount, sources, present),
    rowCount,
    rowOf,
    dimensions,
    classes,
  };
}

/** Returns a feature of each row; undefined if feature f is row f. */
function featuresOfRows({ rowOf, rowCount }: ExploredLayer): Uint32Array | undefined {
  if (!rowOf) return undefined;
  const features = new Uint32Array(rowCount);
  for (let feature = 0; feature < rowOf.length; feature++) features[rowOf[feature]!] = feature;
  return features;
}

/** Number of rows that the explored columns have. */
function rowCountOf({ exploredRows, rowCount }: SceneLayer): number {
  return exploredRows ? exploredRows.reduce((most, row) => Math.max(most, row + 1), 0) : rowCount;
}

function classesOfRows(classes: Uint8Array, rowOf: Uint32Array, rowCount: number): Uint8Array {
  const ofRows = new Uint8Array(rowCount).fill(MISSING_CLASS);
  for (let feature = 0; feature < rowOf.length; feature++) ofRows[rowOf[feature]!] = classes[feature]!;
  return ofRows;
}

function marked(rows: Uint32Array, count: number): Uint8Array {
  const marks = new Uint8Array(count);
  for (const row of rows) marks[row] = 1;
  return marks;
}

/** Returns 1 for each step that a filter lets pass. */
function allowedBy(filter: WidgetFilter, stepCount: number): Uint8Array {
  const allowed = new Uint8Array(stepCount);
  if (filter.kind === "steps") for (const step of filter.steps) allowed[step] = 1;
  else allowed.fill(1, filter.range[0], filter.range[1] + 1);
  return allowed;
}
