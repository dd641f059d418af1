/** The interface of the painters: `PointPainter`, `PathPainter`, and `TiledPainter`, which combines several of them. */
import type { LegendContent } from "../aggregate/legend";
import type { SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";

/** A position in world units, in any copy of the world. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** How to look for features at a place. */
export interface Look {
  readonly worldPx: number;
  readonly slopPx: number;
  readonly frame: number;
  /** Maximum number of features to return. */
  readonly most: number;
}

/** A feature that was hit. */
export interface Found {
  readonly feature: number;
  /** Row of the feature in the columns of `of`. */
  readonly row: number;
  /** The layer, or the part of it in one tile. */
  readonly of: SceneLayer;
}

/** A feature with its position in world units: a point, or the middle of the box of a line or polygon. */
export interface Placed extends Found, Place {}

/** Paints one layer of a scene. */
export interface LayerPainter {
  readonly layer: SceneLayer;
  /** True if it paints the tiles of an overview itself, or none. */
  readonly hasTiles?: true;
  /** Hides the rows that fail filters, those with another number than 0; without `failed`, none. */
  filter?(failed: Uint32Array | undefined): void;
  /** Builds indexes ahead of time that the next frame may need. */
  warm(): void;
  /** Returns the number of features that show. */
  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number;
  /** Returns the features at a place, topmost first; if there are none, the nearest one within `slopPx` of it. */
  hitAll(place: Place, look: Look): Found[];
  /** Returns features that show in a view, at most `most`, with their positions. */
  placedIn(viewport: Viewport, frame: number, most: number): Placed[];
  /** Returns what the legend shows at a scale, if that depends on it. */
  legendAt?(worldPx: number): LegendContent | undefined;
  /** Outlines a feature to mark it. */
  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void;
}
