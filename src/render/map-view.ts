import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { InvalidArgumentError } from "../errors";
import { JUPYTER_DISPLAY, JUPYTER_METADATA, type MimeBundle, progress, show, withInterrupt } from "../kernel";
import { OPTION_NAMES } from "../option-names";
import { checkKeys, checkOptions } from "../options";
import { frameAt, type Moment } from "./clock";
import type { StillMap } from "./figure/figure";
import { encodePng, encodeStill } from "./image/encode-png";
import { type GifOptions, renderGif } from "./image/gif";
import { type PngOptions, renderCanvas, renderPng } from "./image/png";
import type { TilePictures } from "./image/raster-tiles";
import { describeScene, summarizeScene } from "./page/describe";
import { sceneToDocument, sceneToHtml } from "./page/html";
import { type PackedScene, packScene } from "./page/pack";
import { alongCurve } from "./page/pick";
import type { Scene } from "./scene";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

export interface MapViewOptions {
  /** False: the map is a picture. */
  readonly interactive?: boolean;
  /** Pixels of the picture per pixel of the map. @default 1 */
  readonly scale?: number;
  /** The basemap's tiles for the picture. @internal */
  readonly tiles?: TilePictures | undefined;
  /** The data of the page, if known already; the scene is in the order of `alongCurve` then. @internal */
  readonly packed?: PackedScene;
}

export interface PngViewOptions {
  /** Of a map with times: which moment it shows. */
  readonly at?: Moment;
  /** Pixels of the picture per pixel of the map, 1 to 4. Default: as `cc.map` was given. */
  readonly scale?: number;
}

const MAX_SCALE = 4;
/** A picture takes 8 bytes of memory for each, and more than these Skia cannot have. */
const MAX_PIXELS = 2 ** 28;

/**
 * A map. As the last value of a cell, or with `display()`, it appears under the cell: as a live map where notebooks
 * may run scripts, as a picture elsewhere. The output is self-contained; it needs neither kernel nor network.
 */
export class MapView {
  readonly #scene: Scene;
  readonly #interactive: boolean;
  readonly #png: PngOptions;
  /** What the page carries; made when it is first needed, as it takes a second for a million points. */
  #packed: PackedScene | undefined;

  constructor(scene: Scene, options: MapViewOptions = {}) {
    checkOptions("MapView", options, OPTION_NAMES.MapViewOptions);
    const { interactive = true, scale = 1, tiles, packed } = options;
    checkPixels(scene, scale);
    // A picture needs no order that packs well; making it takes longer than painting a million points.
    this.#scene = interactive && !packed ? alongCurve(scene) : scene;
    this.#interactive = interactive;
    this.#png = { pixelRatio: scale, tiles };
    this.#packed = packed;
  }

  /** Shows the map as an output of the running cell; outside a notebook it prints one line about it. */
  display(): void {
    if (!show(this)) console.log(String(this));
  }

  /** A document of its own that fills a browser's window with the live map; opens without a network. */
  toHTML(): string {
    return sceneToDocument(this.#scene, encodeStill(this.still.canvas()), this.#page());
  }

  #page(): PackedScene {
    this.#packed ??= packScene(this.#interactive ? this.#scene : alongCurve(this.#scene));
    return this.#packed;
  }

  /**
   * The first view as a PNG of exactly the map's size, times `scale`. Of a map with times: at the moment that `cc.map` was given as `at`,
   * otherwise in the frame that shows most; or at another moment.
   * @throws InvalidArgumentError if `at` is no moment of the map, or `scale` no number from 1 to 4.
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

  /** What a figure shows of it. @internal */
  get still(): StillMap {
    const { widthPx, heightPx } = this.#scene;
    return {
      widthPx,
      heightPx,
      description: describeScene(this.#scene),
      canvas: () => renderCanvas(this.#scene, this.#png),
    };
  }

  /**
   * The first view of a map with times as an animated GIF of exactly the map's size.
   * @throws InvalidArgumentError if the map has no times, or the GIF would be too large.
   */
  async toGIF(options: GifOptions = {}): Promise<Uint8Array> {
    checkOptions("toGIF", options, OPTION_NAMES.GifOptions);
    return withInterrupt(options.signal, async (signal) => {
      const line = progress("Painting the animation", { signal });
      try {
        const gif = await renderGif(this.#scene, { ...options, signal }, (done, total) =>
          line.update({ done, total, unit: "pictures" }),
        );
        line.finish();
        return gif;
      } catch (error) {
        line.fail(error);
        throw error;
      }
    });
  }

  /** Writes `toGIF(options)` to a file ending in `.gif`: await it. */
  save(path: `${string}.gif`, options?: GifOptions): Promise<void>;
  /**
   * Writes `toHTML()` to a file ending in `.html`, `toPNG(options)` to one ending in `.png`.
   * @throws InvalidArgumentError if it ends otherwise.
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
        checkKeys("A map that is saved as a page", options, []);
        return this.toHTML();
      case ".png":
        return this.toPNG(options);
      default:
        throw new InvalidArgumentError(
          `Cannot save a map as ${JSON.stringify(path)}: the name has to end in ".html" for a live map, in ".png" for a picture or in ".gif" for an animation.`,
        );
    }
  }

  /** How notebooks show it, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    const canvas = this.still.canvas();
    const text = String(this);
    if (!this.#interactive) return { "image/png": encodePng(canvas), "text/plain": text };
    const still = encodeStill(canvas);
    return {
      "text/html": sceneToHtml(this.#scene, still, this.#page()),
      "image/png": still,
      "text/plain": text,
    };
  }

  /** A picture of twice as many pixels is as large on the screen, and sharper. */
  [JUPYTER_METADATA](): object {
    const { widthPx: width, heightPx: height } = this.#scene;
    return this.#png.pixelRatio === 1 ? {} : { "image/png": { width, height } };
  }

  toString(): string {
    return `MapView(${summarizeScene(this.#scene)})`;
  }

  [INSPECT](): string {
    return String(this);
  }
}

function checkPixels({ widthPx, heightPx }: Scene, scale: number): void {
  checkScale(scale);
  if (widthPx * heightPx * scale * scale <= MAX_PIXELS) return;
  throw new InvalidArgumentError(
    `A picture of ${widthPx * scale}×${heightPx * scale} pixels is too large. Make size or scale smaller.`,
  );
}

/** @throws InvalidArgumentError for what is no scale of a picture. */
export function checkScale(scale: unknown): void {
  if (typeof scale === "number" && scale >= 1 && scale <= MAX_SCALE) return;
  throw new InvalidArgumentError(`scale is ${String(scale)}; expected a number from 1 to ${MAX_SCALE}.`);
}
