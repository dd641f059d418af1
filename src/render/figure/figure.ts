import { writeFileSync } from "node:fs";
import { extname } from "node:path";
import type { Canvas } from "@napi-rs/canvas";
import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../../errors";
import { isFrame } from "../../frame";
import { JUPYTER_DISPLAY, type MimeBundle, show } from "../../kernel";
import { OPTION_NAMES } from "../../option-names";
import { checkOptions } from "../../options";
import { encodePng } from "../image/encode-png";
import { type Cell, type ChartCell, compose, type MapCell } from "./compose";
import { chartRows } from "./rows";
import { type ChartSpec, checkSpec, type Json, splitSpec } from "./spec";
import { compileChart, type Drawing, drawChart } from "./vega";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
/** JupyterLab 4 and VS Code draw it; version 6 they do not know. */
const VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";
const MAX_COLUMNS = 12;
const MAX_CELLS = 100;
const CHART_WIDTH_PX = 300;
const CHART_HEIGHT_PX = 240;
/** Lower ones are not made to fit beside a map. */
const MIN_CHART_HEIGHT_PX = 60;
/** What an SVG names stands in it at each text; whoever opens it has other fonts. */
const SVG_FONT = "cartoframes, Inter, sans-serif";

/** A map as a picture, as `cc.map` makes it. @internal */
export interface StillMap {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly description: string;
  canvas(): Canvas;
}

export interface FigureOptions {
  /** Cells in a row. @default 2 */
  readonly columns?: number;
  /** A heading of the figure. */
  readonly title?: string;
}

/**
 * Maps and Vega-Lite charts side by side, as one output.
 *
 * ```ts
 * const fig = figure({ columns: 2 });
 * await cc.map({ layers: new Layer(df, { color: "state" }), ax: fig.at(0) });
 * fig.at(1).vega({ mark: "bar", encoding: { x: { field: "state" }, y: { aggregate: "count" } } }, df);
 * fig
 * ```
 *
 * @throws InvalidArgumentError for columns that are no number from 1 to 12
 */
export function figure(options: FigureOptions = {}): Figure {
  return new Figure(options);
}

/** What a cell was given. */
type Content =
  | { readonly kind: "map"; readonly map: StillMap }
  | { readonly kind: "chart"; readonly chart: ChartSpec };

/** Made by `figure()`. As the last value of a cell it appears under it, with what its cells show then. */
export class Figure {
  readonly #columns: number;
  readonly #title: string | undefined;
  readonly #contents: (Content | undefined)[] = [];
  /** Names of datasets by their rows: a frame that two charts show is carried once. */
  readonly #datasets = new Map<string, string>();

  /** @internal */
  constructor(options: FigureOptions) {
    checkOptions("figure", options, OPTION_NAMES.FigureOptions);
    const { columns = 2, title } = options;
    checkWhole("columns of figure", columns, 1, MAX_COLUMNS);
    if (title !== undefined && (typeof title !== "string" || title.trim() === ""))
      throw new InvalidArgumentError(`title of figure is ${String(title)}; expected a text.`);
    this.#columns = columns;
    this.#title = title;
  }

  /**
   * A cell, counted from 0 in reading order: in two columns, 2 is the first of the second row.
   * @throws InvalidArgumentError for what is no whole number from 0 to 99
   */
  at(index: number): FigureCell {
    checkWhole("The cell of a figure", index, 0, MAX_CELLS - 1);
    return new FigureCell(
      index,
      (content) => {
        this.#contents[index] = content;
      },
      this.#datasets,
    );
  }

  /** Shows the figure as an output of the running cell; outside a notebook it prints one line about it. */
  display(): void {
    if (!show(this)) console.log(String(this));
  }

  /**
   * The Vega-Lite specification of all of it, which carries its data and its maps as pictures.
   * @throws InvalidArgumentError where charts do not go together
   */
  toVegaLite(): Json {
    return this.#composed().spec;
  }

  /** A picture of it. @param scale pixels of the picture per pixel of the figure, 1 to 4 */
  toPNG(scale = 1): Uint8Array {
    if (!(scale >= 1 && scale <= 4))
      throw new InvalidArgumentError(`scale is ${String(scale)}; expected a number from 1 to 4.`);
    const { spec, canvases } = this.#composed();
    return encodePng(drawn(spec).toCanvas((url) => canvases.get(url), scale));
  }

  /**
   * Writes the picture to a file ending in `.png` or `.svg`, the specification to one ending in `.vl.json`. In an SVG the
   * charts are shapes and text, the maps pictures.
   * @throws InvalidArgumentError if it ends otherwise.
   */
  save(path: string): void {
    writeFileSync(path, this.#fileContent(path));
  }

  #fileContent(path: string): string | Uint8Array {
    if (path.toLowerCase().endsWith(".vl.json")) return JSON.stringify(this.toVegaLite());
    switch (extname(path).toLowerCase()) {
      case ".png":
        return this.toPNG(2);
      case ".svg":
        return drawn(this.toVegaLite(), SVG_FONT).toSvg();
      default:
        throw new InvalidArgumentError(
          `Cannot save a figure as ${JSON.stringify(path)}: the name has to end in ".png" or ".svg" for a picture, in ".vl.json" for the Vega-Lite specification.`,
        );
    }
  }

  #composed(): { readonly spec: Json; readonly canvases: ReadonlyMap<string, Canvas> } {
    if (this.#contents.length === 0)
      throw new InvalidArgumentError(
        "The figure is empty. Put something into its cells: fig.at(0).vega(spec, df), or cc.map({ layers, ax: fig.at(0) }).",
      );
    const canvases = new Map<string, Canvas>();
    const contents = Array.from(this.#contents); // with undefined where there are holes
    const cells = contents.map((content, index): Cell | undefined => {
      if (content === undefined) return undefined;
      if (content.kind === "chart")
        return { kind: "chart", place: placeOf(index), chart: content.chart, sides: {} };
      const { cell, canvas } = mapCell(content.map);
      canvases.set(cell.url, canvas);
      return cell;
    });
    const fitted = cells.map((cell, index) => {
      const row = Math.floor(index / this.#columns) * this.#columns;
      const beside = cells.slice(row, row + this.#columns);
      return cell?.kind === "chart" ? fittedChart(cell, beside) : cell;
    });
    return { spec: compose(fitted, { columns: this.#columns, title: this.#title }), canvases };
  }

  /** How notebooks show it, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    if (this.#contents.length === 0) return { "text/plain": String(this) };
    const { spec, canvases } = this.#composed();
    const picture = encodePng(drawn(spec).toCanvas((url) => canvases.get(url), 1));
    return { [VEGA_LITE_MIME]: spec, "image/png": picture, "text/plain": String(this) };
  }

  toString(): string {
    const kinds = Array.from(this.#contents, (content) => content?.kind ?? "blank");
    const columns = `${this.#columns} ${this.#columns === 1 ? "column" : "columns"}`;
    return `Figure(${[columns, ...kinds].join(", ")})`;
  }

  [INSPECT](): string {
    return String(this);
  }
}

/** A place in a figure for one map or one chart; what is put there last is shown. Made by `fig.at(i)`. */
export class FigureCell {
  readonly #index: number;
  readonly #put: (content: Content) => void;
  readonly #datasets: Map<string, string>;

  /** @internal */
  constructor(index: number, put: (content: Content) => void, datasets: Map<string, string>) {
    this.#index = index;
    this.#put = put;
    this.#datasets = datasets;
  }

  /**
   * Puts a Vega-Lite chart here.
   *
   * ```ts
   * fig.at(1).vega({ mark: "bar", encoding: { x: { field: "state" }, y: { aggregate: "count" } } }, df);
   * ```
   *
   * Without `width` it is 300 pixels wide, without `height` as high as a map beside it, else 240; an axis of categories
   * takes what it needs.
   *
   * @param spec a specification of Vega-Lite 5; its data are in it as `values`
   * @param df instead of `data`: at most 10,000 rows, as they are now, without columns of geometry. Times are shown in UTC.
   * @throws InvalidArgumentError naming the cell for what Vega-Lite does not understand
   */
  vega(spec: object, df?: DataFrame): void {
    const place = placeOf(this.#index);
    const checked = checkSpec(spec, place);
    const whole = df === undefined ? checked : this.#withFrame(checked, df, place);
    const chart = splitSpec(whole);
    try {
      const warnings = new Set<string>();
      compileChart(
        { ...chart.spec, datasets: chart.datasets, config: chart.config, params: paramsOf(chart) },
        { warn: (text) => warnings.add(text) },
      );
      for (const warning of warnings) console.warn(`${place}: ${warning}`);
    } catch (cause) {
      throw new InvalidArgumentError(
        `The chart of ${place} is no Vega-Lite specification that can be drawn: ${messageOf(cause)}`,
        { cause },
      );
    }
    this.#put({ kind: "chart", chart });
  }

  /** Puts a map here, as `cc.map({ ax })` does. @internal */
  map(map: StillMap): void {
    this.#put({ kind: "map", map });
  }

  #withFrame(spec: Json, df: unknown, place: string): Json {
    if (!isFrame(df)) throw new InvalidArgumentError(`The data of ${place} are no DataFrame.`);
    if (spec.data !== undefined)
      throw new InvalidArgumentError(
        `The chart of ${place} has data and a DataFrame. Leave one of them out.`,
      );
    const rows = chartRows(df, place);
    const text = JSON.stringify(rows);
    const name = this.#datasets.get(text) ?? `frame-${this.#datasets.size + 1}`;
    this.#datasets.set(text, name);
    return { ...spec, data: { name }, datasets: { ...(spec.datasets as Json | undefined), [name]: rows } };
  }

  [INSPECT](): string {
    return `FigureCell(${this.#index})`;
  }
}

const placeOf = (index: number) => `fig.at(${index})`;

const paramsOf = ({ spec, params }: ChartSpec): readonly unknown[] => [
  ...params,
  ...((spec.params as readonly unknown[] | undefined) ?? []),
];

/** Vega-Lite quotes the whole specification, with its data. */
const messageOf = (cause: unknown) => {
  const text = (cause as Error).message.replace(/\s+/g, " ");
  const short = text.replace(/(Invalid specification) .*?(\. Make sure)/, "$1$2");
  return short.length > 400 ? `${short.slice(0, 400)}…` : short;
};

function mapCell(map: StillMap): { readonly cell: MapCell; readonly canvas: Canvas } {
  const canvas = map.canvas();
  const { widthPx, heightPx, description } = map;
  const url = `data:image/png;base64,${Buffer.from(encodePng(canvas)).toString("base64")}`;
  return { cell: { kind: "map", url, widthPx, heightPx, description }, canvas };
}

/** A chart with the sides that it does not have: it ends, with its axis, where the highest map of its row does. */
function fittedChart(cell: ChartCell, beside: readonly (Cell | undefined)[]): ChartCell {
  const { spec, datasets, config } = cell.chart;
  if (!("mark" in spec || "layer" in spec)) return cell; // of many views, whose sides are their own
  const alone = { datasets, config, params: paramsOf(cell.chart), padding: 0 };
  const compiled = compileChart({ ...spec, ...alone }) as Json;
  const isOpen = (side: "width" | "height") => spec[side] === undefined && typeof compiled[side] === "number";
  const sides = {
    ...(isOpen("width") && { width: CHART_WIDTH_PX }),
    ...(isOpen("height") && { height: CHART_HEIGHT_PX }),
  };
  const mapHeightPx = Math.max(0, ...beside.map((other) => (other?.kind === "map" ? other.heightPx : 0)));
  if (sides.height === undefined || mapHeightPx === 0) return { ...cell, sides };
  const aroundPx = drawn({ ...sides, ...spec, ...alone }).belowPx - CHART_HEIGHT_PX;
  return { ...cell, sides: { ...sides, height: Math.max(MIN_CHART_HEIGHT_PX, mapHeightPx - aroundPx) } };
}

function drawn(spec: Json, font?: string): Drawing {
  try {
    return drawChart(spec, font === undefined ? {} : { font });
  } catch (cause) {
    throw new InvalidArgumentError(`The charts of the figure cannot be drawn together: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function checkWhole(what: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw new InvalidArgumentError(
    `${what} is ${String(value)}; expected a whole number from ${min} to ${max}.`,
  );
}
