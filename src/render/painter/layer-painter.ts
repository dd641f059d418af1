import type { SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";
import type { Place } from "./hit";

/** A feature that was found. */
export interface Found {
  readonly feature: number;
  /** Of `of`, whose columns tell about it. */
  readonly row: number;
  /** The layer, or what of it lies in a tile. */
  readonly of: SceneLayer;
}

/** Paints one layer of a scene. */
export interface LayerPainter {
  readonly layer: SceneLayer;
  /** Does now what the first view of a part, or of the next zoom, would wait for. */
  warm(): void;
  /** Returns how many features show. */
  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number;
  /** The topmost feature at a place of any copy of the world. */
  hit(place: Place, worldPx: number, slopPx: number, frame: number): Found | undefined;
  /** Outlines a feature, so that people see which one is meant. */
  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void;
}
