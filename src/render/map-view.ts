import { writeFileSync } from "node:fs";
import { extname } from "node:path";
import { InvalidArgumentError } from "../errors";
import { JUPYTER_DISPLAY, JUPYTER_METADATA, type MimeBundle, show } from "../kernel";
import { checkOptions, type OptionNames } from "../options";
import type { StillMap } from "./figure";
import { alongCurve } from "./page/curve";
import { describeScene, summarizeScene } from "./page/describe";
import { sceneToDocument, sceneToHtml } from "./page/html";
import { renderCanvas, renderPng } from "./png";
import type { Scene } from "./scene";
import type { TilePictures } from "./tiles";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

export interface MapViewOptions {
  /** False: the map is a picture. */
  readonly interactive?: boolean;
  /** Pixels of the picture per pixel of the map. @default 1 */
  readonly scale?: number;
  /** The basemap's tiles for the picture. @internal */
  readonly tiles?: TilePictures | undefined;
}

const MAP_VIEW_OPTIONS: OptionNames<MapViewOptions> = { interactive: true, scale: true, tiles: true };

/**
 * A map. As the last value of a cell, or with `display()`, it appears under the cell: as a live map where notebooks
 * may run scripts, as a picture elsewhere. The output is self-contained; it needs neither kernel nor network.
 */
export class MapView {
  readonly #scene: Scene;
  readonly #interactive: boolean;
  readonly #scale: number;
  readonly #tiles: TilePictures | undefined;

  constructor(scene: Scene, options: MapViewOptions = {}) {
    checkOptions("MapView", options, MAP_VIEW_OPTIONS);
    const { interactive = true, scale = 1, tiles } = options;
    this.#scene = alongCurve(scene);
    this.#interactive = interactive;
    this.#scale = scale;
    this.#tiles = tiles;
  }

  /** Shows the map as an output of the running cell; outside a notebook it prints one line about it. */
  display(): void {
    if (!show(this)) console.log(String(this));
  }

  /** A document of its own that fills a browser's window with the live map; opens without a network. */
  toHTML(): string {
    return sceneToDocument(this.#scene, this.toPNG());
  }

  /** The first view as a PNG of exactly the map's size, times `scale`. */
  toPNG(): Uint8Array {
    return renderPng(this.#scene, { pixelRatio: this.#scale, tiles: this.#tiles });
  }

  /** What a figure shows of it. @internal */
  get still(): StillMap {
    const { widthPx, heightPx } = this.#scene;
    return {
      widthPx,
      heightPx,
      description: describeScene(this.#scene),
      canvas: () => renderCanvas(this.#scene, { pixelRatio: this.#scale, tiles: this.#tiles }),
    };
  }

  /**
   * Writes `toHTML()` to a file ending in `.html`, `toPNG()` to one ending in `.png`.
   * @throws InvalidArgumentError if it ends otherwise.
   */
  save(path: string): void {
    writeFileSync(path, this.#fileContent(path));
  }

  #fileContent(path: string): string | Uint8Array {
    switch (extname(path).toLowerCase()) {
      case ".html":
        return this.toHTML();
      case ".png":
        return this.toPNG();
      default:
        throw new InvalidArgumentError(
          `Cannot save a map as ${JSON.stringify(path)}: the name has to end in ".html" for a live map or in ".png" for a picture.`,
        );
    }
  }

  /** How notebooks show it, see `JUPYTER_DISPLAY`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    const png = this.toPNG();
    const picture = { "image/png": png, "text/plain": String(this) };
    return this.#interactive ? { "text/html": sceneToHtml(this.#scene, png), ...picture } : picture;
  }

  /** A picture of twice as many pixels is as large on the screen, and sharper. */
  [JUPYTER_METADATA](): object {
    const { widthPx: width, heightPx: height } = this.#scene;
    return this.#scale === 1 ? {} : { "image/png": { width, height } };
  }

  toString(): string {
    return `MapView(${summarizeScene(this.#scene)})`;
  }

  [INSPECT](): string {
    return String(this);
  }
}
