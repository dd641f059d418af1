/** Draws a chart of a figure, and lets it filter the other views by its selections. */
import { parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { type ChartPlace, LINKED } from "../../figure-layout";
import { bytesOfRows, hasBit, setBit } from "../../figure-messages";

/** A chart that other views filter. */
export interface LiveChart {
  /** Leaves out rows, those with bit 1; null leaves out none. */
  exclude(failed: Uint8Array | null): void;
  /** Calls a function with the rows that the chart's selections leave out; with null if nothing is selected. */
  onFiltered(listener: (failed: Uint8Array | null) => void): void;
}

interface Dataset {
  readonly name: string;
  /** Name of a dataset of the figure. */
  readonly values?: string | object[];
}

/** A row with its number. */
type Row = Readonly<Record<typeof LINKED.row, number>>;

export class VegaChart implements LiveChart {
  readonly #view: View;
  /** Undefined if nothing in the chart shows the rows that it could share. */
  readonly #rowCount: number | undefined;

  private constructor(view: View, rowCount: number | undefined) {
    this.#view = view;
    this.#rowCount = rowCount;
  }

  static async draw(
    { spec: { vega, fits, description } }: ChartPlace,
    datasets: Readonly<Record<string, object[]>>,
    element: HTMLElement,
  ): Promise<VegaChart> {
    let rowCount: number | undefined;
    const data = ((vega as { data?: Dataset[] }).data ?? []).map((dataset) => {
      const rows = typeof dataset.values === "string" ? datasets[dataset.values] : undefined;
      if (!rows) return dataset;
      if (dataset.name !== LINKED.rows) return { ...dataset, values: rows };
      rowCount = rows.length;
      return { ...dataset, values: rows.map((row, i) => ({ ...row, [LINKED.row]: i })) };
    });
    const place = document.createElement("div");
    element.append(place);
    // expressions are interpreted: the page's Content-Security-Policy allows no other code than its programs
    const view = new View(parse({ ...vega, data } as Spec, undefined, { ast: true } as never), {
      expr: expressionInterpreter,
      renderer: "svg",
      container: place,
      hover: true,
    } as never);
    view.description(description);
    const fillCell = () => {
      const { clientWidth, clientHeight } = element;
      if (fits.width && clientWidth > 0) view.width(clientWidth);
      if (fits.height && clientHeight > 0) view.height(clientHeight);
    };
    fillCell();
    await view.runAsync();
    if (fits.width || fits.height)
      new ResizeObserver(() => {
        fillCell();
        view.runAsync();
      }).observe(element);
    return new VegaChart(view, rowCount);
  }

  exclude(failed: Uint8Array | null): void {
    const length = this.#rowCount;
    if (length === undefined) return;
    const ofRows = failed
      ? Uint8Array.from({ length }, (_, row) => (hasBit(failed, row) ? 1 : 0))
      : new Uint8Array(0);
    this.#view.signal(LINKED.failed, ofRows).runAsync();
  }

  onFiltered(listener: (failed: Uint8Array | null) => void): void {
    const count = this.#rowCount;
    if (count === undefined) return;
    const tell = (chosen: readonly Row[]) => {
      if (chosen.length === count) return listener(null);
      const failed = new Uint8Array(bytesOfRows(count)).fill(255);
      const passing = new Uint8Array(failed.length);
      for (const row of chosen) setBit(passing, row[LINKED.row]);
      for (let i = 0; i < failed.length; i++) failed[i]! &= ~passing[i]!;
      listener(failed);
    };
    this.#view.addDataListener(LINKED.chosen, (_, chosen) => tell(chosen));
    tell(this.#view.data(LINKED.chosen) as Row[]); // selections can have initial values
  }
}
