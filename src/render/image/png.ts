/** Renders the first view of a scene as an image, with the same painter as the page. */
import type { Canvas } from "@napi-rs/canvas";
import { momentText } from "../clock";
import { Explorer } from "../explore/explorer";
import { setFilters } from "../explore/filters";
import { outerSize } from "../explore/panel";
import { nearText, vectorCredit } from "../furniture";
import { mapPartOf } from "../image-layout";
import { namesOf } from "../names";
import { outlinesOf } from "../outlines";
import {
  filterLayer,
  type PreparedScene,
  paintBasemap,
  paintLayers,
  paintTogether,
  prepare,
} from "../painter";
import { clearanceOf, legendCornerOf, viewportOf } from "../projection";
import type { LegendCorner, LegendItem, Scene, Viewport } from "../scene";
import { encodePng } from "./encode-png";
import { fontsOfScene } from "./fonts";
import { drawLegendStrip } from "./legend-strip";
import { drawAttribution, drawLegends, drawScale, drawTime, drawTitle } from "./lettering";
import { drawPanel } from "./panel";
import { drawTiles, type TilePictures } from "./raster-tiles";
import { loadSkia } from "./skia";

export interface PngOptions {
  /** Image pixels per CSS pixel of the scene. @default 1 */
  readonly pixelRatio?: number;
  /** Raster tiles of the basemap; without them, land and borders are drawn as vectors. */
  readonly tiles?: TilePictures | undefined;
}

/**
 * Renders a scene as a PNG of exactly its size with its widgets times `pixelRatio`, with basemap, layers, labels, title, legends, scale
 * bar and attribution; an animated scene shows its still frame and the time of it. The same scene gives the same bytes.
 * Fetches nothing: pass `tiles` to have a raster basemap.
 */
export function renderPng(scene: Scene, options?: PngOptions): Uint8Array {
  return encodePng(renderCanvas(scene, options));
}

/** Paints the canvas that `renderPng` encodes. */
export function renderCanvas(scene: Scene, options?: PngOptions): Canvas {
  return new ImagePainter(scene, options).paint(scene.clock?.still ?? 0);
}

/** Paints images of a scene, one for each frame of its clock. */
export class ImagePainter {
  readonly #scene: Scene;
  /** The part of the image that is map. */
  readonly #map: Scene;
  readonly #pixelRatio: number;
  readonly #tiles: TilePictures | undefined;
  readonly #viewport: Viewport;
  readonly #corner: LegendCorner;
  readonly #canvas: Canvas;
  /** The basemap below the layers, the same in all frames. */
  readonly #ground: Canvas;
  readonly #prepared: PreparedScene;
  /** Counts for the widgets, if there are any. */
  readonly #explorer: Explorer | undefined;
  /** CSS list of font families. */
  readonly #fonts: string;
  /** Says near which city the map is, if nothing else does. */
  readonly #near: string | undefined;

  constructor(scene: Scene, { pixelRatio = 1, tiles }: PngOptions = {}) {
    const { createCanvas } = loadSkia();
    this.#scene = scene;
    const map = mapPartOf(scene);
    this.#map = map;
    this.#pixelRatio = pixelRatio;
    this.#tiles = tiles;
    this.#viewport = viewportOf(map, { pixelRatio });
    this.#corner = legendCornerOf(map);
    const canvasOf = ({ widthPx, heightPx }: Pick<Scene, "widthPx" | "heightPx">) =>
      createCanvas(Math.round(widthPx * pixelRatio), Math.round(heightPx * pixelRatio));
    this.#canvas = canvasOf(outerSize(scene));
    this.#ground = canvasOf(map);
    const shapes = scene.basemap.vector ? outlinesOf(scene) : undefined;
    this.#fonts = fontsOfScene(scene).families;
    const names = tiles ? [] : namesOf(scene);
    this.#prepared = prepare(scene, {
      createCanvas,
      shapes,
      names,
      fonts: this.#fonts,
      together: paintTogether,
    });
    this.#near = scene.projection ? undefined : nearText(names, this.#viewport);
    const clear = clearanceOf(map, "image");
    Object.assign(this.#prepared.now, { clear, namesClear: clear });
    const ground = this.#ground.getContext("2d");
    if (scene.widgets) {
      this.#explorer = new Explorer(scene);
      this.#explorer.look(this.#viewport);
    }
    this.#restore(scene.state);
    paintBasemap(ground, this.#prepared, this.#viewport);
    if (tiles) drawTiles(ground, this.#viewport, tiles.ground);
  }

  /** Hides what the state of a scene hides. */
  #restore({ filters = [], hidden = [] }: NonNullable<Scene["state"]> = {}): void {
    for (const [i, { name = "" }] of this.#scene.layers.entries())
      if (hidden.includes(name)) this.#prepared.hidden.add(i);
    const explorer = this.#explorer;
    if (!explorer || filters.length === 0) return;
    setFilters(explorer, filters);
    for (const layer of explorer.layers) filterLayer(this.#prepared, layer, explorer.failedOf(layer));
  }

  /** Returns a scene whose legends dim what is hidden. */
  #dimmed(scene: Scene): Scene {
    const { hidden } = this.#prepared;
    const legends = scene.legends.map((legend) => {
      const { layer, items } = legend;
      if (layer === undefined) return legend;
      const classes = this.#explorer?.hiddenClassesOf(layer);
      const isOff = ({ class: one }: LegendItem) =>
        hidden.has(layer) || (one !== undefined && classes?.has(one) === true);
      return items.some(isOff)
        ? { ...legend, items: items.map((item) => (isOff(item) ? { ...item, isOff: true as const } : item)) }
        : legend;
    });
    return { ...scene, legends };
  }

  /** Paints a frame; the next call paints on the same canvas. */
  paint(frame: number): Canvas {
    const [viewport, fonts] = [this.#viewport, this.#fonts];
    const scene = this.#dimmed(this.#map);
    const { clock } = scene;
    const context = this.#canvas.getContext("2d");
    context.save();
    if (this.#explorer) {
      context.beginPath();
      context.rect(0, 0, this.#scene.widthPx * this.#pixelRatio, this.#scene.heightPx * this.#pixelRatio);
      context.clip();
    }
    context.drawImage(this.#ground, 0, 0);
    this.#prepared.now.frame = frame;
    paintLayers(context, this.#prepared, viewport);
    if (this.#tiles) drawTiles(context, viewport, this.#tiles.labels);

    context.save();
    context.scale(this.#pixelRatio, this.#pixelRatio);
    const credit = this.#tiles ? scene.basemap.tiles?.attribution : vectorCredit(scene);
    const text = plainText(credit);
    const hasCredit =
      this.#map !== this.#scene && drawLegendStrip(context, this.#dimmed(this.#scene), { text, fonts });
    const takenBelowPx = text && !hasCredit ? drawAttribution(context, scene, { text, fonts }) : 0;
    drawScale(context, scene, { viewport, takenPx: takenBelowPx, near: this.#near, fonts });
    if (clock) {
      const share = (frame + 1) / clock.frames;
      drawTime(context, scene, { text: momentText(clock, frame), share, fonts });
    }
    const takenPx = drawLegends(context, scene, { corner: this.#corner, fonts });
    drawTitle(context, scene, { takenPx, fonts });
    context.restore();
    context.restore();
    if (this.#explorer) {
      context.save();
      context.scale(this.#pixelRatio, this.#pixelRatio);
      drawPanel(context, this.#explorer, fonts);
      context.restore();
    }
    return this.#canvas;
  }
}

/** Removes the links of an attribution, which an image cannot have. */
const plainText = (attribution = ""): string => attribution.replace(/\[([^\]]*)\]\([^\s)]*\)/g, "$1").trim();
