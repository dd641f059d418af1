import { createRequire } from "node:module";
import type { Canvas } from "@napi-rs/canvas";
import { builtPath } from "../../built";
import { FONTS, loadSkia } from "../image/skia";

/** `program.ts`, which is bundled apart: its libraries are a megabyte and take 0.3 s to load. */
export interface VegaProgram {
  /** Vega of Vega-Lite. @throws Error for what is none. */
  compile(spec: object, options: CompileOptions): object;
  /** @throws Error for what Vega finds when it runs. */
  draw(vega: object): Drawing;
}

export interface CompileOptions {
  /** Of all text that names no other. */
  readonly font?: string;
  /** Told what Vega-Lite leaves out. */
  readonly warn: (message: string) => void;
}

/** A chart laid out. */
export interface Drawing {
  /** With axes, titles and padding. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Of that, from the upper edge of the plot down. */
  readonly belowPx: number;
  /** @param imageOf the picture that an image mark shows, by its URL */
  toCanvas(imageOf: (url: string) => object | undefined, pixelRatio: number): Canvas;
  toSvg(): string;
}

let program: VegaProgram | undefined;

function loadProgram(): VegaProgram {
  loadSkia(); // registers the font that Vega measures with
  program ??= createRequire(__filename)(builtPath("vega.js")) as VegaProgram;
  return program;
}

/** @throws Error with Vega's or Vega-Lite's words. */
export const compileChart = (
  spec: object,
  { font = FONTS, warn = () => {} }: Partial<CompileOptions> = {},
): object => loadProgram().compile(spec, { font, warn });

/** Of a copy, as Vega writes what it calculates into the rows. @throws Error with Vega's words. */
export const drawChart = (spec: object, options?: Partial<CompileOptions>): Drawing =>
  loadProgram().draw(compileChart(structuredClone(spec), options));
