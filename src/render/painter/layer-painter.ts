/** The interface of the painters: `PointPainter`, `PathPainter`, and `TiledPainter`, which combines several of them. */
import type { SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";

/** A position in world units, in any copy of the world. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** A feature that was hit. */
export interface Found {
  readonly feature: number;
  /** Row of the feature in the columns of `of`. */
  readonly row: number;
  /** The layer, or the part of it in one tile. */
  readonly of: SceneLayer;
}

/** Paints one layer of a scene. */
export interface LayerPainter {
  readonly layer: SceneLayer;
  /** Builds indexes ahead of time that the next frame may need. */
  warm(): void;
  /** Returns the number of features that show. */
  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number;
  /** Returns the topmost feature at a place, or one within `slopPx` of it. */
  hit(place: Place, worldPx: number, slopPx: number, frame: number): Found | undefined;
  /** Outlines a feature to mark it. */
  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void;
}
