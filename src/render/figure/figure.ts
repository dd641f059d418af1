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
/** JupyterLab 4 and VS Code draw version 5; they do not know version 6. */
const VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";
const MAX_COLUMNS = 12;
const MAX_CELLS = 100;
const CHART_WIDTH_PX = 300;
const CHART_HEIGHT_PX = 240;
/** A chart is at least this high, even if the map next to it is lower. */
const MIN_CHART_HEIGHT_PX = 60;
/** Pixels per CSS pixel in files, for print and for sharp screens. */
const FILE_SCALE = 2;
/** Fonts that an SVG names at each text, with fallbacks for viewers that lack the first. */
const SVG_FONT = "cartoframes, Inter, sans-serif";

/** An image of a map for a figure. @internal */
export interface StillMap {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly description: string;
  /** Paints the map with at least `scale` pixels per CSS pixel. */
  canvas(scale: number): Canvas;
}

/** Options of `figure`. */
export interface FigureOptions {
  /** Number of cells in a row, 1 to 12. @default 2 */
  readonly columns?: number;
  /** Title above the figure. @default no title */
  readonly title?: string;
  /**
   * `"shared"` gives layers that are coloured by columns of the same name the same classes and the same legend in all maps of
   * the figure: those of the values of all maps. Pass the same `color` to these layers. Counts in the legend are those of
   * all maps, too. Layers whose points are drawn together share their classes if they have the same `as`, `value` and `cell`;
   * a warning says what differs. Adding a map changes the others.
   * @default each map has its own classes
   */
  readonly scale?: "shared";
}

/**
 * Creates a figure: maps and Vega-Lite charts side by side, in one output.
 *
 * ```ts
 * const fig = figure({ columns: 2 });
 * await cc.map({ layers: new Layer(df, { color: "state" }), ax: fig.at(0) });
 * fig.at(1).vega({ mark: "bar", encoding: { x: { field: "state" }, y: { aggregate: "count" } } }, df);
 * fig
 * ```
 *
 * @throws InvalidArgumentError for `columns` that are not a whole number from 1 to 12, for a blank `title`, and for an unknown
 *   `scale`
 */
export function figure(options: FigureOptions = {}): Figure {
  return new Figure(options);
}

/** Content of a cell. */
type Content =
  | { readonly kind: "map"; readonly map: StillMap }
  | { readonly kind: "chart"; readonly chart: ChartSpec };

/** What a cell knows of its figure. */
interface PlaceInFigure {
  readonly put: (content: Content) => void;
  readonly shown: () => Content | undefined;
  readonly datasets: Map<string, string>;
  readonly sharing: object | undefined;
}

/** A figure made by `figure()`. As the last value of a cell, it appears under the cell with its content at that time. */
export class Figure {
  readonly #columns: number;
  readonly #title: string | undefined;
  readonly #contents: (Content | undefined)[] = [];
  /** Names of datasets by their rows, so that two charts of the same DataFrame share one dataset. */
  readonly #datasets = new Map<string, string>();
  readonly #sharesScales: boolean;

  /** @internal */
  constructor(options: FigureOptions) {
    checkOptions("figure", options, OPTION_NAMES.FigureOptions);
    const { columns = 2, title, scale } = options;
    checkWhole("columns", columns, 1, MAX_COLUMNS);
    if (title !== undefined && (typeof title !== "string" || title.trim() === ""))
      throw new InvalidArgumentError(
        `\`title\` must be a string that is not blank; got ${JSON.stringify(title) ?? String(title)}.`,
      );
    if (scale !== undefined && scale !== "shared")
      throw new InvalidArgumentError(
        `\`scale\` must be "shared", or absent for maps with classes of their own; got ${JSON.stringify(scale) ?? String(scale)}.`,
      );
    this.#columns = columns;
    this.#title = title;
    this.#sharesScales = scale === "shared";
  }

  /**
   * Returns a cell of the figure.
   *
   * @param index position in reading order, from 0 to 99: in a figure of two columns, 2 is the first cell of the second row
   * @throws InvalidArgumentError if `index` is not a whole number from 0 to 99
   */
  at(index: number): FigureCell {
    checkWhole("index", index, 0, MAX_CELLS - 1);
    return new FigureCell(index, {
      put: (content) => {
        this.#contents[index] = content;
      },
      shown: () => this.#contents[index],
      datasets: this.#datasets,
      sharing: this.#sharesScales ? this : undefined,
    });
  }

  /** Shows the figure in the output of the running cell. Outside a notebook, prints a summary of one line. */
  display(): void {
    if (!show(this)) console.log(String(this));
  }

  /**
   * Returns the figure as one Vega-Lite 5 specification, which includes its data and its maps as images.
   * @throws InvalidArgumentError for an empty figure, and for charts with different datasets of the same name
   */
  toVegaLite(): Json {
    return this.#composed(1).spec;
  }

  /**
   * Draws the figure as a PNG.
   *
   * @param scale pixels of the PNG per CSS pixel of the figure, 1 to 4; also those of its maps
   * @returns the bytes of the PNG
   * @throws InvalidArgumentError for an empty figure, for charts that cannot be drawn together, and for another `scale`
   */
  toPNG(scale = 1): Uint8Array {
    if (!(scale >= 1 && scale <= 4))
      throw new InvalidArgumentError(`\`scale\` must be a number from 1 to 4; got ${String(scale)}.`);
    const { spec, canvases } = this.#composed(scale);
    return encodePng(drawn(spec).toCanvas((url) => canvases.get(url), scale));
  }

  /**
   * Writes the figure to a file: an image if its name ends in `.png` (2 pixels per CSS pixel) or `.svg`, its Vega-Lite
   * specification if it ends in `.vl.json`. In an SVG, charts are shapes and text, and maps are images with 2 pixels per CSS
   * pixel.
   * @throws InvalidArgumentError for any other extension, and for an empty figure
   */
  save(path: string): void {
    writeFileSync(path, this.#fileContent(path));
  }

  #fileContent(path: string): string | Uint8Array {
    if (path.toLowerCase().endsWith(".vl.json")) return JSON.stringify(this.toVegaLite());
    switch (extname(path).toLowerCase()) {
      case ".png":
        return this.toPNG(FILE_SCALE);
      case ".svg":
        return drawn(this.#composed(FILE_SCALE).spec, SVG_FONT).toSvg();
      default:
        throw new InvalidArgumentError(
          `The name of a figure's file must end in ".png" or ".svg" for an image, or in ".vl.json" for its Vega-Lite specification; got ${JSON.stringify(path)}.`,
        );
    }
  }

  #composed(scale: number): { readonly spec: Json; readonly canvases: ReadonlyMap<string, Canvas> } {
    if (this.#contents.length === 0)
      throw new InvalidArgumentError(
        "The figure is empty. Add a chart with fig.at(0).vega(spec, df), or a map with await cc.map({ layers, ax: fig.at(0) }).",
      );
    const canvases = new Map<string, Canvas>();
    const contents = Array.from(this.#contents); // turns holes into undefined
    const cells = contents.map((content, index): Cell | undefined => {
      if (content === undefined) return undefined;
      if (content.kind === "chart")
        return { kind: "chart", place: placeOf(index), chart: content.chart, sides: {} };
      const { cell, canvas } = mapCell(content.map, scale);
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

  /** The output in a notebook, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    if (this.#contents.length === 0) return { "text/plain": String(this) };
    const { spec, canvases } = this.#composed(1);
    const picture = encodePng(drawn(spec).toCanvas((url) => canvases.get(url), 1));
    return { [VEGA_LITE_MIME]: spec, "image/png": picture, "text/plain": String(this) };
  }

  /** Returns a short description of the figure: its columns and the kind of each cell. */
  toString(): string {
    const kinds = Array.from(this.#contents, (content) => content?.kind ?? "blank");
    const columns = `${this.#columns} ${this.#columns === 1 ? "column" : "columns"}`;
    return `Figure(${[columns, ...kinds].join(", ")})`;
  }

  [INSPECT](): string {
    return String(this);
  }
}

/** A cell of a figure, from `fig.at(i)`. It shows the map or chart that was put there last. */
export class FigureCell {
  /** @internal */
  readonly index: number;
  readonly #place: PlaceInFigure;

  /** @internal */
  constructor(index: number, place: PlaceInFigure) {
    this.index = index;
    this.#place = place;
  }

  /** The figure, if its maps share their scales. @internal */
  get sharing(): object | undefined {
    return this.#place.sharing;
  }

  /** Returns true if the cell shows this map. @internal */
  shows(map: StillMap): boolean {
    const content = this.#place.shown();
    return content?.kind === "map" && content.map === map;
  }

  /**
   * Puts a Vega-Lite chart into the cell.
   *
   * ```ts
   * fig.at(1).vega({ mark: "bar", encoding: { x: { field: "state" }, y: { aggregate: "count" } } }, df);
   * ```
   *
   * By default, the chart is 300 pixels wide and as high as the map next to it, otherwise 240 pixels; an axis of categories
   * takes the space it needs. `config` and `params` of a chart apply to the whole figure.
   *
   * @param spec a Vega-Lite 5 specification; its data must be inline, as `values`
   * @param df data of the chart, instead of `data` in the specification: a DataFrame of at most 10,000 rows, copied now,
   *   without its geometry columns. Times are shown in UTC.
   * @throws InvalidArgumentError naming the cell, if the specification is not valid Vega-Lite, contains anything but JSON,
   *   loads data from a URL, or has data although `df` is given; and if `df` is not a DataFrame or has too many rows
   */
  vega(spec: object, df?: DataFrame): void {
    const place = placeOf(this.index);
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
        `The specification of ${place} must be valid Vega-Lite 5. ${messageOf(cause)}`,
        { cause },
      );
    }
    this.#place.put({ kind: "chart", chart });
  }

  /** Puts a map into the cell, as `cc.map({ ax })` does. @internal */
  map(map: StillMap): void {
    this.#place.put({ kind: "map", map });
  }

  #withFrame(spec: Json, df: unknown, place: string): Json {
    if (!isFrame(df))
      throw new InvalidArgumentError(
        `The second argument of ${place}.vega must be a DataFrame; got a value of type ${typeof df}.`,
      );
    if (spec.data !== undefined)
      throw new InvalidArgumentError(
        `Pass ${place}.vega a DataFrame or \`data\` in the specification, not both.`,
      );
    const rows = chartRows(df, place);
    const text = JSON.stringify(rows);
    const { datasets } = this.#place;
    const name = datasets.get(text) ?? `frame-${datasets.size + 1}`;
    datasets.set(text, name);
    return { ...spec, data: { name }, datasets: { ...(spec.datasets as Json | undefined), [name]: rows } };
  }

  [INSPECT](): string {
    return `FigureCell(${this.index})`;
  }
}

const placeOf = (index: number) => `fig.at(${index})`;

const paramsOf = ({ spec, params }: ChartSpec): readonly unknown[] => [
  ...params,
  ...((spec.params as readonly unknown[] | undefined) ?? []),
];

/** Shortens Vega-Lite's messages, which quote the whole specification with its data. */
const messageOf = (cause: unknown) => {
  const text = (cause as Error).message.replace(/\s+/g, " ");
  const short = text.replace(/(Invalid specification) .*?(\. Make sure)/, "$1$2");
  return short.length > 400 ? `${short.slice(0, 400)}…` : short;
};

function mapCell(map: StillMap, scale: number): { readonly cell: MapCell; readonly canvas: Canvas } {
  const canvas = map.canvas(scale);
  const { widthPx, heightPx, description } = map;
  const url = `data:image/png;base64,${Buffer.from(encodePng(canvas)).toString("base64")}`;
  return { cell: { kind: "map", url, widthPx, heightPx, description }, canvas };
}

/** Adds the missing width and height: the chart with its axis is as high as the highest map in its row. */
function fittedChart(cell: ChartCell, beside: readonly (Cell | undefined)[]): ChartCell {
  const { spec, datasets, config } = cell.chart;
  if (!("mark" in spec || "layer" in spec)) return cell; // a composition, whose views set their own sizes
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
    throw new InvalidArgumentError(`The charts of the figure cannot be drawn together. ${messageOf(cause)}`, {
      cause,
    });
  }
}

function checkWhole(what: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw new InvalidArgumentError(
    `\`${what}\` must be a whole number from ${min} to ${max}; got ${String(value)}.`,
  );
}
