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
import { type FigurePage, figureToDocument, figureToHtml } from "../page/figure-html";
import type { FacetLegend } from "../page/figure-layout";
import type { Framed } from "../page/html";
import type { PlaneName } from "../scene";
import type { SceneChange } from "../scene-change";
import { changesIn } from "./changes";
import { drawn, fittedChart, messageOf } from "./chart-size";
import { checkComparable, comparedImage } from "./compared";
import { type Cell, compose, type MapCell } from "./compose";
import { type Content, mapsIn, paramsOf, placeOf, sizedCell, titleOf } from "./content";
import { legendImage } from "./facet-legend";
import { unlinkedSelections } from "./live-chart";
import { livePage } from "./live-page";
import { chartRows } from "./rows";
import { checkSpec, type Json, splitSpec } from "./spec";
import type { StillMap } from "./still-map";
import { compileChart } from "./vega";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
/** JupyterLab 4 and VS Code draw version 5; they do not know version 6. */
const VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";
const MAX_COLUMNS = 12;
const MAX_CELLS = 100;
/** Pixels per CSS pixel in files, for print and for sharp screens. */
const FILE_SCALE = 2;
/** Fonts that an SVG names at each text, with fallbacks for viewers that lack the first. */
const SVG_FONT = "cartoframes, Inter, sans-serif";

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
  /**
   * Shows live maps and charts that are linked: maps of the same projection move together and show where the pointer is, and a
   * filter of one map or chart acts on all views of the same DataFrame, table, query or file. Maps filter by their widgets and by
   * the classes in their legends, charts by the selections of their `params`. Charts share the rows of a DataFrame that is passed
   * to `vega`; rows of tables and queries need `cartodb_id`.
   * @default false: images, and charts on their own
   */
  readonly linked?: boolean;
  /**
   * Puts two live maps, at 0 and 1, on top of each other, with a divider that the reader moves: the first map shows to its
   * left, the second to its right. They move together, and have the same size and projection. Includes `linked`.
   * @default false
   */
  readonly compare?: boolean;
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

/** An image of the figure, and the size of the figure in CSS pixels. */
interface Picture {
  readonly png: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What a cell knows of its figure. */
interface PlaceInFigure {
  readonly put: (content: Content) => void;
  readonly shown: () => Content | undefined;
  readonly datasets: Map<string, string>;
  readonly sharing: object | undefined;
  readonly isLive: boolean;
  readonly projection: () => PlaneName | "mercator" | undefined;
}

/** A figure made by `figure()`. As the last value of a cell, it appears under the cell with its content at that time. */
export class Figure {
  readonly #columns: number;
  readonly #title: string | undefined;
  readonly #contents: (Content | undefined)[] = [];
  /** Names of datasets by their rows, so that two charts of the same DataFrame share one dataset. */
  readonly #datasets = new Map<string, string>();
  readonly #sharesScales: boolean;
  readonly #isLinked: boolean;
  readonly #compares: boolean;
  #legend: FacetLegend | undefined;

  /** @internal */
  constructor(options: FigureOptions) {
    checkOptions("figure", options, OPTION_NAMES.FigureOptions);
    const { columns = 2, title, scale, linked = false, compare = false } = options;
    checkWhole("columns", columns, 1, MAX_COLUMNS);
    if (title !== undefined && (typeof title !== "string" || title.trim() === ""))
      throw new InvalidArgumentError(
        `\`title\` must be a string that is not blank; got ${JSON.stringify(title) ?? String(title)}.`,
      );
    if (scale !== undefined && scale !== "shared")
      throw new InvalidArgumentError(
        `\`scale\` must be "shared", or absent for maps with classes of their own; got ${JSON.stringify(scale) ?? String(scale)}.`,
      );
    for (const [name, value] of Object.entries({ linked, compare }))
      if (typeof value !== "boolean")
        throw new InvalidArgumentError(`\`${name}\` must be true or false; got ${String(value)}.`);
    this.#isLinked = linked || compare;
    this.#compares = compare;
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
      isLive: this.#isLinked,
      projection: () => {
        const others = mapsIn(Array.from(this.#contents).filter((_, i) => i !== index));
        const [first] = others.flatMap(({ live }) => (live ? [live.scene] : []));
        return first && (first.projection?.name ?? "mercator");
      },
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
    return this.#picture(scale).png;
  }

  #picture(scale: number): Picture & { readonly spec: Json } {
    const { spec, canvases } = this.#composed(scale);
    const { widthPx, heightPx, toCanvas } = drawn(spec);
    return { spec, png: encodePng(toCanvas((url) => canvases.get(url), scale)), widthPx, heightPx };
  }

  /**
   * Writes the figure to a file: an image if its name ends in `.png` (2 pixels per CSS pixel) or `.svg`, its Vega-Lite
   * specification if it ends in `.vl.json`, and if its views are linked, `toHTML()` if it ends in `.html`. In an SVG, charts are shapes and text, and maps are images with 2 pixels per CSS
   * pixel.
   * @throws InvalidArgumentError for any other extension, and for an empty figure
   */
  save(path: string): void {
    writeFileSync(path, this.#fileContent(path));
  }

  #fileContent(path: string): string | Uint8Array {
    if (path.toLowerCase().endsWith(".vl.json")) return JSON.stringify(this.toVegaLite());
    switch (extname(path).toLowerCase()) {
      case ".html":
        return this.toHTML();
      case ".png":
        return this.toPNG(FILE_SCALE);
      case ".svg":
        return drawn(this.#composed(FILE_SCALE).spec, SVG_FONT).toSvg();
      default:
        throw new InvalidArgumentError(
          `The name of a figure's file must end in ".png" or ".svg" for an image, in ".html" for a live figure, or in ".vl.json" for its Vega-Lite specification; got ${JSON.stringify(path)}.`,
        );
    }
  }

  #composed(scale: number): { readonly spec: Json; readonly canvases: ReadonlyMap<string, Canvas> } {
    const contents = this.#checkedContents();
    const changes = this.#changes(contents, "image");
    const canvases = new Map<string, Canvas>();
    const imageOf = (
      canvas: Canvas,
      { widthPx, heightPx, description }: Pick<StillMap, "widthPx" | "heightPx" | "description">,
    ): MapCell => {
      const url = `data:image/png;base64,${Buffer.from(encodePng(canvas)).toString("base64")}`;
      canvases.set(url, canvas);
      return { kind: "map", url, widthPx, heightPx, description };
    };
    if (this.#compares) {
      const { canvas, map } = comparedImage(mapsIn(contents), changes, scale);
      return { spec: compose([imageOf(canvas, map)], { columns: 1, title: this.#title }), canvases };
    }
    const cells = contents.map((content, index): Cell | undefined =>
      content?.kind === "map"
        ? imageOf(content.map.canvas(scale, changes[index]), content.map)
        : sizedCell(content, index),
    );
    const above = this.#legend && imageOf(...this.#legendAbove(this.#legend, cells, scale));
    const composition = { columns: this.#columns, title: this.#title, above };
    return { spec: compose(this.#fitted(cells), composition), canvases };
  }

  /** The legend of all maps, as wide as the first row. */
  #legendAbove(
    legend: FacetLegend,
    cells: readonly (Cell | undefined)[],
    scale: number,
  ): [Canvas, Pick<StillMap, "widthPx" | "heightPx" | "description">] {
    const row = cells.slice(0, this.#columns);
    const widthPx = row.reduce((sum, cell) => sum + (cell?.kind === "map" ? cell.widthPx : 0), 0);
    const { canvas, ...size } = legendImage(legend, { widthPx, scale });
    return [canvas, { ...size, description: "Legend" }];
  }

  /** Shows a legend above the cells. @internal */
  explain(legend: FacetLegend): void {
    this.#legend = legend;
  }

  /** Gives charts the sides that their specifications leave open. */
  #fitted(cells: readonly (Cell | undefined)[]): (Cell | undefined)[] {
    return cells.map((cell, index) => {
      const row = Math.floor(index / this.#columns) * this.#columns;
      const beside = cells.slice(row, row + this.#columns);
      return cell?.kind === "chart" ? fittedChart(cell, beside) : cell;
    });
  }

  /** @throws InvalidArgumentError for an empty figure, and for a comparison of anything but two maps. */
  #checkedContents(): readonly (Content | undefined)[] {
    if (this.#contents.length === 0)
      throw new InvalidArgumentError(
        "The figure is empty. Add a chart with fig.at(0).vega(spec, df), or a map with await cc.map({ layers, ax: fig.at(0) }).",
      );
    const contents = Array.from(this.#contents); // turns holes into undefined
    if (this.#compares && (contents.length !== 2 || mapsIn(contents).length !== 2))
      throw new InvalidArgumentError(
        "A figure with `compare: true` must have two maps. Add them with await cc.map({ layers, ax: fig.at(0) }) and ax: fig.at(1).",
      );
    if (this.#compares) checkComparable(mapsIn(contents));
    return contents;
  }

  #page(): FigurePage {
    const contents = this.#checkedContents();
    return livePage(contents, {
      changes: this.#changes(contents, "page"),
      fitted: this.#fitted(contents.map(sizedCell)),
      columns: this.#columns,
      title: this.#title,
      compares: this.#compares,
      legend: this.#legend,
    });
  }

  #framed({ png, ...size }: Picture): Omit<Framed, "title"> {
    const texts = this.#checkedContents().flatMap((content) => {
      if (!content) return [];
      return [content.kind === "map" ? content.map.description : (titleOf(content.chart.spec) ?? "Chart")];
    });
    return {
      still: png,
      ...size,
      alt: [...(this.#title ? [this.#title] : []), ...texts].join(". "),
    };
  }

  /**
   * Returns an HTML document with the live figure, which fills the browser window and opens without a network. With a network,
   * maps in Web Mercator load the tiles of their basemap.
   * @throws InvalidArgumentError for a figure without `linked` or `compare`, and for an empty one
   */
  toHTML(): string {
    if (!this.#isLinked)
      throw new InvalidArgumentError(
        "toHTML() requires a live figure. Create it with figure({ linked: true }), or save this one as an image.",
      );
    return figureToDocument(this.#page(), this.#framed(this.#picture(1)));
  }

  /** What the figure changes of its maps. */
  #changes(contents: readonly (Content | undefined)[], medium: "page" | "image"): SceneChange[] {
    if (!this.#isLinked) return [];
    return changesIn(
      contents.map((content) => (content?.kind === "map" ? content.map.live?.scene : undefined)),
      { compares: this.#compares, medium },
    );
  }

  /** The output in a notebook, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    if (this.#contents.length === 0) return { "text/plain": String(this) };
    const { spec, ...picture } = this.#picture(1);
    return {
      ...(this.#isLinked
        ? { "text/html": figureToHtml(this.#page(), this.#framed(picture)) }
        : { [VEGA_LITE_MIME]: spec }),
      "image/png": picture.png,
      "text/plain": String(this),
    };
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

  /** Projection of the first map of a live figure, which the others follow. @internal */
  get projection(): PlaneName | "mercator" | undefined {
    return this.#place.projection();
  }

  /** True if the figure shows live maps. @internal */
  get isLive(): boolean {
    return this.#place.isLive;
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
    const rows = df === undefined ? undefined : this.#rowsOf(checked, df, place);
    const whole = rows ? { ...checked, ...rows.parts } : checked;
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
    for (const name of this.isLive && rows ? unlinkedSelections(chart, rows.name) : [])
      console.warn(
        `${place}: the selection ${JSON.stringify(name)} filters no other view, because it depends on values that single rows do not have. Select by columns, their bins or their units of time.`,
      );
    this.#place.put({ kind: "chart", chart, ...(df && rows && { rows: { frame: df, name: rows.name } }) });
  }

  /** Puts a map into the cell, as `cc.map({ ax })` does. @internal */
  map(map: StillMap): void {
    this.#place.put({ kind: "map", map });
  }

  #rowsOf(spec: Json, df: unknown, place: string): { readonly name: string; readonly parts: Json } {
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
    const known = this.#place.datasets;
    const name = known.get(text) ?? `frame-${known.size + 1}`;
    known.set(text, name);
    const datasets = { ...(spec.datasets as Json | undefined), [name]: rows };
    return { name, parts: { data: { name }, datasets } };
  }

  [INSPECT](): string {
    return `FigureCell(${this.index})`;
  }
}

function checkWhole(what: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw new InvalidArgumentError(
    `\`${what}\` must be a whole number from ${min} to ${max}; got ${String(value)}.`,
  );
}
