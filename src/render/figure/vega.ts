import { createRequire } from "node:module";
import type { Canvas } from "@napi-rs/canvas";
import { builtPath } from "../../built";
import { fontsFor } from "../image/fonts";
import { loadSkia } from "../image/skia";

/** The exports of `program.ts`, a separate bundle because its libraries are a megabyte and take 0.3 s to load. */
export interface VegaProgram {
  /** Compiles Vega-Lite to Vega. @throws Error for an invalid specification. */
  compile(spec: object, options: CompileOptions): object;
  /** Lays out a Vega specification. @throws Error if Vega fails. */
  draw(vega: object): Drawing;
}

export interface CompileOptions {
  readonly font?: string;
  /** Receives Vega-Lite's warnings about properties it ignores. */
  readonly warn: (message: string) => void;
}

/** A chart that has been laid out. */
export interface Drawing {
  /** Width with axes, titles and padding. */
  readonly widthPx: number;
  /** Height with axes, titles and padding. */
  readonly heightPx: number;
  /** Height from the upper edge of the plot area down. */
  readonly belowPx: number;
  /** @param imageOf returns the image of an image mark by its URL */
  toCanvas(imageOf: (url: string) => object | undefined, pixelRatio: number): Canvas;
  toSvg(): string;
}

let program: VegaProgram | undefined;

function loadProgram(): VegaProgram {
  loadSkia(); // registers the font that Vega measures with
  program ??= createRequire(__filename)(builtPath("vega.js")) as VegaProgram;
  return program;
}

/** Compiles Vega-Lite to Vega. @throws Error with the message of Vega or Vega-Lite. */
export const compileChart = (
  spec: object,
  { font = fontsFor(stringsIn(spec)).families, warn = () => {} }: Partial<CompileOptions> = {},
): object => loadProgram().compile(spec, { font, warn });

/** Lists the names and texts of a specification, without its images. */
function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === "string" && !value.startsWith("data:")) yield value;
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield name;
    yield* stringsIn(member);
  }
}

/** Lays out a copy of a specification, because Vega adds computed values to its rows. @throws Error with Vega's message. */
export const drawChart = (spec: object, options?: Partial<CompileOptions>): Drawing =>
  loadProgram().draw(compileChart(structuredClone(spec), options));
