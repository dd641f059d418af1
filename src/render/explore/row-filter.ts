/**
 * Counts the rows of a layer that pass filters, as crossfilter does (https://crossfilter.github.io/crossfilter): the bars of
 * a column count the rows that pass the filters of all other columns. Each filter has a bit, and each row the bits of the
 * filters that it fails. A change of a filter visits only the rows whose steps it adds or removes. `!` in the loops: steps are
 * below their number, and indexes below that of the rows.
 */

/** Bit of rows that are not on the map, which count nowhere. */
const ABSENT = 1 << 31;
/** Bit of rows that fail filters outside of the map, such as those of a chart of the same figure. */
const EXCLUDED = 1 << 30;

/** The steps of the rows in one column, and which of them pass. */
interface Dimension {
  readonly steps: Uint16Array;
  readonly bit: number;
  readonly inView: boolean;
  /** Rows of each step that pass the other filters, and are in the view if `inView`. */
  readonly counts: Uint32Array;
  /** The same whatever the other filters are. */
  readonly totals: Uint32Array;
  /** 1 for each step that passes; absent without a filter. */
  allowed: Uint8Array | undefined;
  /** Rows in the order of their steps, and where each step begins; made when the column is first filtered. */
  order?: { readonly rows: Uint32Array; readonly starts: Uint32Array };
}

/** A column to count: the step of each row, the number of steps, and whether only rows in the view count. */
export interface DimensionSource {
  readonly steps: Uint16Array;
  readonly stepCount: number;
  readonly inView: boolean;
}

export class RowFilter {
  /** Bits of the filters that each row fails: 0 for rows that the map shows. */
  readonly failed: Uint32Array;
  readonly #dimensions: readonly Dimension[];
  /** 1 for each row outside of the view; absent if none is. */
  #outside: Uint8Array | undefined;
  #excludesSome = false;

  /** @param present 1 for each row that is on the map; absent if all are */
  constructor(rowCount: number, sources: readonly DimensionSource[], present?: Uint8Array) {
    this.failed = new Uint32Array(rowCount);
    if (present) for (let row = 0; row < rowCount; row++) if (present[row] !== 1) this.failed[row] = ABSENT;
    this.#dimensions = sources.map(({ steps, stepCount, inView }, i) => ({
      steps,
      bit: 1 << i,
      inView,
      counts: new Uint32Array(stepCount),
      totals: new Uint32Array(stepCount),
      allowed: undefined,
    }));
    this.#recount();
  }

  /** Numbers of rows of each step of a column; the arrays change with the filters. */
  countsOf(dimension: number): { readonly counts: Uint32Array; readonly totals: Uint32Array } {
    return this.#dimensions[dimension]!;
  }

  get isFiltered(): boolean {
    return this.#excludesSome || this.hasOwnFilters;
  }

  /** True if filters outside of the map are on. */
  get excludesSome(): boolean {
    return this.#excludesSome;
  }

  /** True if a column of the map itself is filtered. */
  get hasOwnFilters(): boolean {
    return this.#dimensions.some(({ allowed }) => allowed !== undefined);
  }

  /** Says which rows fail filters outside of the map, those for which the function returns true; without it, none. */
  exclude(isExcluded?: (row: number) => boolean): void {
    this.#excludesSome = isExcluded !== undefined;
    const { failed } = this;
    for (let row = 0; row < failed.length; row++) {
      const isOut = isExcluded?.(row) === true;
      if (isOut !== ((failed[row]! & EXCLUDED) !== 0)) this.#flip(row, EXCLUDED);
    }
  }

  /** Calls `visit` for each row of the map that fails a filter of the map itself. */
  forEachFailed(visit: (row: number) => void): void {
    const { failed } = this;
    for (let row = 0; row < failed.length; row++)
      if ((failed[row]! & ABSENT) === 0 && (failed[row]! & ~EXCLUDED) !== 0) visit(row);
  }

  /** Lets only some steps of a column pass, those with 1; without `allowed`, all. */
  filter(dimension: number, allowed: Uint8Array | undefined): void {
    const changed = this.#dimensions[dimension]!;
    const before = changed.allowed;
    changed.allowed = allowed;
    const { rows, starts } = this.#orderOf(changed);
    for (let step = 0; step + 1 < starts.length; step++) {
      const passed = before === undefined || before[step] === 1;
      const passes = allowed === undefined || allowed[step] === 1;
      if (passed === passes) continue;
      for (let k = starts[step]!; k < starts[step + 1]!; k++) this.#flip(rows[k]!, changed.bit);
    }
  }

  /** Says which rows are outside of the view, those with 1. */
  look(outside: Uint8Array | undefined): void {
    this.#outside = outside;
    if (this.#dimensions.some(({ inView }) => inView)) this.#recount();
  }

  /** Calls `visit` for each row that passes all filters, and is in the view if `inView`. */
  forEach(inView: boolean, visit: (row: number) => void): void {
    const { failed } = this;
    const outside = inView ? this.#outside : undefined;
    for (let row = 0; row < failed.length; row++)
      if (failed[row] === 0 && (outside === undefined || outside[row] === 0)) visit(row);
  }

  #flip(row: number, bit: number): void {
    const before = this.failed[row]!;
    const after = before ^ bit;
    this.failed[row] = after;
    const isOutside = this.#outside !== undefined && this.#outside[row] === 1;
    for (const { steps, bit: own, inView, counts } of this.#dimensions) {
      if (own === bit || (inView && isOutside)) continue;
      const [counted, counting] = [(before & ~own) === 0, (after & ~own) === 0];
      if (counted !== counting) counts[steps[row]!]! += counting ? 1 : -1;
    }
  }

  #recount(): void {
    const { failed } = this;
    const outside = this.#outside;
    for (const { steps, bit, inView, counts, totals } of this.#dimensions) {
      counts.fill(0);
      totals.fill(0);
      for (let row = 0; row < failed.length; row++) {
        if (inView && outside !== undefined && outside[row] === 1) continue;
        const fails = failed[row]!;
        if ((fails & ABSENT) !== 0) continue;
        totals[steps[row]!]!++;
        if ((fails & ~bit) === 0) counts[steps[row]!]!++;
      }
    }
  }

  #orderOf(dimension: Dimension): NonNullable<Dimension["order"]> {
    dimension.order ??= ordered(dimension.steps, dimension.counts.length);
    return dimension.order;
  }
}

/** Sorts rows by their steps, by counting. */
function ordered(steps: Uint16Array, stepCount: number): NonNullable<Dimension["order"]> {
  const starts = new Uint32Array(stepCount + 1);
  for (let row = 0; row < steps.length; row++) starts[steps[row]! + 1]!++;
  for (let step = 0; step < stepCount; step++) starts[step + 1]! += starts[step]!;
  const next = starts.slice();
  const rows = new Uint32Array(steps.length);
  for (let row = 0; row < steps.length; row++) rows[next[steps[row]!]!++] = row;
  return { rows, starts };
}
