import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { JUPYTER_DISPLAY, JUPYTER_METADATA, type MimeBundle, progress, show, withInterrupt } from "../kernel";
import { OPTION_NAMES } from "../option-names";
import { checkKeys, checkOptions } from "../options";
import { frameAt, type Moment } from "./clock";
import { filterSql } from "./explore/filter-sql";
import { outerSize } from "./explore/panel";
import { selectedRows } from "./explore/selected-rows";
import { type MapReport, type MapState, type MapViewport, parseReport } from "./explore/state";
import type { LiveMap, RowSource } from "./figure/linked";
import type { StillMap } from "./figure/still-map";
import { encodePng, encodeStill } from "./image/encode-png";
import { type GifOptions, renderGif } from "./image/gif";
import { type PngOptions, renderCanvas, renderPng } from "./image/png";
import type { TilePictures } from "./image/raster-tiles";
import { describeScene, summarizeScene } from "./page/describe";
import { sceneToDocument, sceneToHtml } from "./page/html";
import { type PackedScene, packScene } from "./page/pack";
import { alongCurve } from "./page/pick";
import { centerOf, viewportOf } from "./projection";
import type { MapFilter, Scene } from "./scene";
import { changeScene } from "./scene-change";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Options of a map that is made from a scene. */
export interface MapViewOptions {
  /** Shows a live map; `false` shows a PNG. @default true */
  readonly interactive?: boolean;
  /** Pixels of the PNG per CSS pixel of the map, 1 to 4. @default 1 */
  readonly scale?: number;
  /** Basemap tiles for the PNG. @internal */
  readonly tiles?: TilePictures | undefined;
  /** The data of the page, if known already; the scene is in the order of `alongCurve` then. @internal */
  readonly packed?: PackedScene;
  /** What the readers of the map do, if its rows can be selected. @internal */
  readonly reports?: MapReports;
  /** Source of the rows of each layer, for a figure whose views are linked. @internal */
  readonly sources?: readonly (RowSource | undefined)[];
  /** One of the maps of `facet`. @internal */
  readonly isFacet?: boolean;
}

/** Options of `map.selection`. */
export interface SelectionOptions {
  /** Name of the layer, or its position from 0, without the `BaseMap`. @default the topmost layer with selected rows */
  readonly layer?: string | number;
  /** The JSON that the map's button copies, for a page that cannot reach the kernel. @default what the page reported */
  readonly json?: string;
  /** Cancels the query of a table's rows. */
  readonly signal?: AbortSignal;
}

/** Options of `toPNG`, and of `save` for a PNG. */
export interface PngViewOptions {
  /**
   * Moment to show, on a map with an animated layer: a Date, a string that `new Date` parses, or a number.
   * @default the option `at` of `cc.map`, otherwise the frame with the most points
   */
  readonly at?: Moment;
  /** Pixels of the PNG per CSS pixel of the map, 1 to 4. @default the option `scale` of `cc.map` */
  readonly scale?: number;
}

/** What the pages of a map have reported last, and how its rows are fetched. @internal */
export interface MapReports {
  /** Where the pages report. */
  readonly url: string;
  latest?: MapReport | undefined;
  /** Returns rows of a layer's source. */
  rowsAt(selected: RowsToFetch): Promise<DataFrame>;
}

/** Rows that are selected. @internal */
export interface RowsToFetch {
  readonly layer: number;
  /** Numbers of rows of the scene's layer. */
  readonly rows: Uint32Array;
  /**
   * The same rows as polygons in world units and a condition of SQL; absent if single features are selected, or classes are
   * hidden.
   */
  readonly areas: { readonly rings: readonly (readonly number[])[]; readonly where: string } | undefined;
  readonly signal: AbortSignal | undefined;
}

const MAX_SCALE = 4;
/** Skia's limit. Each pixel takes 8 bytes of memory. */
const MAX_PIXELS = 2 ** 28;

/**
 * A map made by `cc.map`. As the last value of a cell, or with `display()`, it appears under the cell: as a live map in
 * notebooks that run scripts, as a PNG elsewhere. The output is self-contained: it needs neither the kernel nor a network.
 */
export class MapView {
  readonly #scene: Scene;
  readonly #interactive: boolean;
  readonly #png: PngOptions;
  /** Packed when it is first needed: that takes a second for a million points, and a PNG does without it. */
  #packed: PackedScene | undefined;
  readonly #reports: MapReports | undefined;
  readonly #inFigure: Pick<MapViewOptions, "sources" | "isFacet">;

  constructor(scene: Scene, options: MapViewOptions = {}) {
    checkOptions("MapView", options, OPTION_NAMES.MapViewOptions);
    const { interactive = true, scale = 1, tiles, packed, reports, sources, isFacet } = options;
    checkPixels(scene, scale);
    // A PNG does not need the order that packs well; finding it takes longer than painting a million points.
    this.#scene = interactive && !packed ? alongCurve(scene) : scene;
    this.#interactive = interactive;
    this.#png = { pixelRatio: scale, tiles };
    this.#packed = packed;
    this.#reports = reports;
    this.#inFigure = { ...(sources && { sources }), ...(isFacet && { isFacet }) };
  }

  /** Shows the map in the output of the running cell. Outside a notebook, prints a summary of one line. */
  display(): void {
    if (!show(this)) console.log(String(this));
  }

  /** Returns an HTML document with the live map, which fills the browser window and opens without a network. */
  toHTML(): string {
    return sceneToDocument(
      this.#scene,
      encodeStill(renderCanvas(this.#scene, this.#png)),
      this.#page(),
      this.#reports?.url,
    );
  }

  /**
   * Returns the rows that are selected on the live map and pass its filters, as a DataFrame with all columns of their source:
   * rows of the layer's DataFrame or GeoJSON, or of its table or query. Single features of a query need the column `cartodb_id`.
   *
   * ```ts
   * const map = await cc.map({ layers: new Layer("airports"), widgets: widget.category("state") });
   * const chosen = await map.selection();               // after selecting on the map with Shift and the pointer
   * const pasted = await map.selection({ json: "…" });  // what the map's button has copied
   * ```
   *
   * @throws InvalidArgumentError if no page of the map has reported to the kernel, and for an unknown layer
   */
  async selection(options: SelectionOptions = {}): Promise<DataFrame> {
    checkOptions("selection", options, OPTION_NAMES.SelectionOptions);
    const reports = this.#reports;
    if (!reports)
      throw new InvalidArgumentError(
        'selection() requires a live map with `widgets`. Add some to cc.map, such as widget.formula("count").',
      );
    const report = options.json === undefined ? reports.latest : reportIn(options.json);
    if (!report) throw nothingReported();
    const selected = selectedRows(this.#scene, this.#page(), report);
    const layer = this.#layerOf(options.layer, selected);
    const rows = selected[layer] ?? new Uint32Array(0);
    return reports.rowsAt({ layer, rows, areas: this.#areasOf(layer, report), signal: options.signal });
  }

  #areasOf(layer: number, { selection, filters = [], hidden = [] }: MapReport): RowsToFetch["areas"] {
    const { name = "" } = this.#scene.layers[layer] ?? {};
    const hasClasses = filters.some((filter) => filter.layer === name && "without" in filter);
    const hasSingles = selection?.features.some((feature) => feature.layer === layer);
    if (!selection || hasSingles || hasClasses || hidden.includes(name)) return undefined;
    return { rings: selection.rings, where: this.#filterSql(filters as readonly MapFilter[], layer) };
  }

  /** Returns the filters of the live map as plain data: those of the option `state` until the page reports others. */
  filters(): readonly MapFilter[] {
    return this.state().filters ?? [];
  }

  /**
   * Returns the filters of the live map as a condition of SQL, such as `"fare" >= 10 AND "fare" < 20`; an empty string without
   * filters. Classes that are hidden in the legend are left out.
   *
   * @param layer name of the layer. Default: the topmost one with widgets
   * @throws InvalidArgumentError for an unknown layer
   */
  where(layer?: string): string {
    const { widgets = [] } = this.#scene;
    const top = Math.max(0, ...widgets.map((widget) => widget.layer));
    return this.#filterSql(this.filters(), layer === undefined ? top : this.#named(layer));
  }

  #filterSql(filters: readonly MapFilter[], layer: number): string {
    const { name = "", explored = [] } = this.#scene.layers[layer] ?? {};
    const timeTexts = explored.flatMap((one) => (one.kind === "range" && one.isText ? [one.name] : []));
    return filterSql(filters, name, new Set(timeTexts));
  }

  /** Returns the view that is on the screen: the first view until the page reports another. */
  view(): MapViewport {
    return (this.#reports?.latest?.view as MapViewport | undefined) ?? centerOf(viewportOf(this.#scene));
  }

  /** Returns view, filters, hidden layers and time of the live map, as plain JSON for the option `state` of `cc.map`. */
  state(): MapState {
    const { selection: _, ...state } = this.#reports?.latest ?? {};
    return { view: this.view(), ...this.#scene.state, ...(state as MapState) };
  }

  #layerOf(layer: string | number | undefined, selected: readonly Uint32Array[]): number {
    const { layers } = this.#scene;
    if (layer === undefined) {
      const top = selected.findLastIndex((rows) => rows.length > 0);
      return top >= 0 ? top : layers.length - 1;
    }
    return this.#named(layer);
  }

  #named(layer: string | number): number {
    const { layers } = this.#scene;
    const index = typeof layer === "number" ? layer : layers.findIndex(({ name }) => name === layer);
    if (layers[index]) return index;
    const names = layers.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new InvalidArgumentError(
      `\`layer\` must be the name of a layer of the map (${names}) or its position from 0; got ${JSON.stringify(layer)}.`,
    );
  }

  #page(): PackedScene {
    this.#packed ??= packScene(this.#interactive ? this.#scene : alongCurve(this.#scene));
    return this.#packed;
  }

  /**
   * Paints the initial view as a PNG of the map's size times `scale`.
   *
   * @returns the bytes of the PNG
   * @throws InvalidArgumentError if `at` is not a moment of the map or the map is not animated, if `scale` is not a number
   *   from 1 to 4, and if the PNG would be too large
   */
  toPNG(options: PngViewOptions = {}): Uint8Array {
    checkOptions("toPNG", options, OPTION_NAMES.PngViewOptions);
    const { at, scale: pixelRatio = this.#png.pixelRatio ?? 1 } = options;
    checkPixels(this.#scene, pixelRatio);
    const png = { ...this.#png, pixelRatio };
    if (at === undefined) return renderPng(this.#scene, png);
    const { clock } = this.#scene;
    const still = frameAt(clock, at);
    return renderPng({ ...this.#scene, clock: { ...clock!, still } }, png);
  }

  /** The map as a figure shows it. @internal */
  get still(): StillMap {
    const { widthPx, heightPx } = outerSize(this.#scene);
    return {
      widthPx,
      heightPx,
      description: describeScene(this.#scene),
      canvas: (scale, change = {}) => {
        const pixelRatio = Math.max(scale, this.#png.pixelRatio ?? 1);
        return renderCanvas(changeScene(this.#scene, change), { ...this.#png, pixelRatio });
      },
      ...(this.#inFigure.sources && { live: this.#live(this.#inFigure.sources) }),
    };
  }

  #live(sources: NonNullable<MapViewOptions["sources"]>): LiveMap {
    return {
      scene: this.#scene,
      packed: () => this.#page(),
      description: describeScene(this.#scene),
      reportUrl: this.#reports?.url,
      sources,
      isFacet: this.#inFigure.isFacet === true,
    };
  }

  /**
   * Paints the initial view of a map with an animated layer as an animated GIF of the map's size.
   *
   * @returns the bytes of the GIF
   * @throws InvalidArgumentError if no layer of the map is animated, and if its frames would have more than
   *   400 million pixels in total
   */
  async toGIF(options: GifOptions = {}): Promise<Uint8Array> {
    checkOptions("toGIF", options, OPTION_NAMES.GifOptions);
    return withInterrupt(options.signal, async (signal) => {
      const line = progress("Painting the animation", { signal });
      try {
        const gif = await renderGif(this.#scene, { ...options, signal }, (done, total) =>
          line.update({ done, total, unit: "frames" }),
        );
        line.finish();
        return gif;
      } catch (error) {
        line.fail(error);
        throw error;
      }
    });
  }

  /**
   * Writes `toGIF(options)` to a file whose name ends in `.gif`.
   * @returns a promise, which must be awaited
   */
  save(path: `${string}.gif`, options?: GifOptions): Promise<void>;
  /**
   * Writes the map to a file: `toHTML()` if its name ends in `.html`, `toPNG(options)` if it ends in `.png`.
   * @throws InvalidArgumentError for any other extension
   */
  save(path: string, options?: PngViewOptions): void;
  save(path: string, options?: GifOptions | PngViewOptions): void | Promise<void> {
    if (extname(path).toLowerCase() !== ".gif") return writeFileSync(path, this.#fileContent(path, options));
    const { signal } = (options ?? {}) as GifOptions;
    return this.toGIF(options as GifOptions).then((gif) => writeFile(path, gif, { signal }));
  }

  #fileContent(path: string, options: object = {}): string | Uint8Array {
    switch (extname(path).toLowerCase()) {
      case ".html":
        checkKeys("A map saved as HTML", options, []);
        return this.toHTML();
      case ".png":
        return this.toPNG(options);
      default:
        throw new InvalidArgumentError(
          `The name of a map's file must end in ".html" for a live map, ".png" for an image or ".gif" for an animation; got ${JSON.stringify(path)}.`,
        );
    }
  }

  /** The output in a notebook, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    const canvas = renderCanvas(this.#scene, this.#png);
    const text = String(this);
    if (!this.#interactive) return { "image/png": encodePng(canvas), "text/plain": text };
    const still = encodeStill(canvas);
    return {
      "text/html": sceneToHtml(this.#scene, still, this.#page(), this.#reports?.url),
      "image/png": still,
      "text/plain": text,
    };
  }

  /** Keeps the size of a PNG with more pixels on the screen, so that it is sharper instead of larger. */
  [JUPYTER_METADATA](): object {
    const { widthPx: width, heightPx: height } = outerSize(this.#scene);
    return this.#png.pixelRatio === 1 ? {} : { "image/png": { width, height } };
  }

  /** Returns a short description of the map: its size, layers and features. */
  toString(): string {
    return `MapView(${summarizeScene(this.#scene)})`;
  }

  [INSPECT](): string {
    return String(this);
  }
}

function checkPixels(scene: Scene, scale: number): void {
  checkScale(scale);
  const { widthPx, heightPx } = outerSize(scene);
  if (widthPx * heightPx * scale * scale <= MAX_PIXELS) return;
  throw new InvalidArgumentError(
    `A PNG can have at most ${MAX_PIXELS.toLocaleString("en-US")} pixels; \`size\` and \`scale\` ask for ${widthPx * scale}×${heightPx * scale}. Reduce one of them.`,
  );
}

const nothingReported = (): InvalidArgumentError =>
  new InvalidArgumentError(
    `selection() has nothing to return: no page of this map has reported to this kernel. Show the map, and select on it with Shift and the pointer. If the browser is on another machine, copy the selection with the button of the map and pass it as \`json\`.`,
  );

/** @throws InvalidArgumentError for text that no map has copied. */
function reportIn(json: string): MapReport {
  const report = parseReport(json);
  if (report) return report;
  throw new InvalidArgumentError("`json` must be the text that the map's button copies.");
}

/** @throws InvalidArgumentError for a `scale` that is not a number from 1 to 4. */
export function checkScale(scale: unknown): void {
  if (typeof scale === "number" && scale >= 1 && scale <= MAX_SCALE) return;
  throw new InvalidArgumentError(`\`scale\` must be a number from 1 to ${MAX_SCALE}; got ${String(scale)}.`);
}
