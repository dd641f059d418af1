/** The entry of `dist/vega.js`: Vega-Lite and Vega, a megabyte that is loaded with the first chart. See `vega.ts`. */
import type { Canvas } from "@napi-rs/canvas";
import * as Vega from "vega";
import { compile as compileLite, type TopLevelSpec } from "vega-lite";
import type { CompileOptions, Drawing, VegaProgram } from "./vega";

const { parse, View } = Vega;

/** Exports of Vega that are missing from its types. */
const { CanvasRenderer, SVGStringRenderer } = Vega as unknown as Record<
  "CanvasRenderer" | "SVGStringRenderer",
  new (
    loader: Vega.Loader,
  ) => Renderer
>;

interface Renderer {
  initialize(
    element: null,
    widthPx: number,
    heightPx: number,
    origin: readonly [number, number],
    pixelRatio: number,
  ): this;
  background(color: unknown): this;
  render(root: ImageItem): this;
  canvas(): Canvas;
  svg(): string;
}

export const compile: VegaProgram["compile"] = (spec: object, { font, warn }: CompileOptions): object => {
  const { spec: vega } = compileLite(spec as TopLevelSpec, {
    logger: loggerFor(warn),
    ...(font !== undefined && { config: { font } }),
  });
  parse(vega); // checks expressions
  return vega;
};

/** Properties of an image mark that Vega's renderers use. */
interface ImageItem {
  image?: object;
  readonly url?: string;
  readonly marktype?: string;
  readonly items?: readonly ImageItem[];
}

/** Private members of a View that describe its layout. */
interface ViewInside {
  readonly _viewWidth: number;
  readonly _viewHeight: number;
  readonly _origin: readonly [number, number];
}

/** Runs synchronously: a figure includes its data, so nothing has to be loaded. */
export const draw: VegaProgram["draw"] = (vega: object): Drawing => {
  const errors: string[] = [];
  const runtime = parse(vega as Vega.Spec);
  const logger = loggerFor(() => {}, errors);
  const view = new View(runtime, { renderer: "none", loader: NO_LOADER, logger }).run();
  if (errors.length > 0) throw new Error(errors[0]);
  const { _viewWidth, _viewHeight, _origin } = view as unknown as ViewInside;
  const { left, right, top, bottom } = view.padding() as Record<"left" | "right" | "top" | "bottom", number>;
  const widthPx = Math.ceil(_viewWidth + left + right);
  const heightPx = Math.ceil(_viewHeight + top + bottom);
  const origin = [_origin[0] + left, _origin[1] + top] as const;
  const root = (view.scenegraph() as unknown as { root: ImageItem }).root;
  const painted = (renderer: Renderer, pixelRatio: number): Renderer =>
    renderer
      .initialize(null, widthPx, heightPx, origin, pixelRatio)
      .background(view.background())
      .render(root);
  return {
    widthPx,
    heightPx,
    belowPx: heightPx - origin[1],
    toCanvas(imageOf, pixelRatio) {
      putImages(root, (url) => {
        const canvas = imageOf(url);
        return canvas && Object.assign(canvas, { complete: true, url });
      });
      return painted(new CanvasRenderer(NO_LOADER), pixelRatio).canvas();
    },
    toSvg() {
      putImages(root, (url) => ({ complete: true, src: url, url }));
      return painted(new SVGStringRenderer(NO_LOADER), 1).svg();
    },
  };
};

/** Sets the images of image marks, which Vega would otherwise decode after painting. */
function putImages(item: ImageItem, imageOf: (url: string) => object | undefined): void {
  for (const child of item.items ?? []) {
    if (item.marktype === "image" && child.url) {
      const image = imageOf(child.url);
      if (image) child.image = image;
    }
    putImages(child, imageOf);
  }
}

/** A figure loads no URL and no file, so that it looks the same everywhere and cannot read the files of its reader. */
const refuse = (): Promise<never> => Promise.reject(new Error("A figure cannot load URLs or files."));
const NO_LOADER = {
  load: refuse,
  sanitize: refuse,
  http: refuse,
  file: refuse,
  options: {},
} as unknown as Vega.Loader;

function loggerFor(warn: (message: string) => void, errors: string[] = []) {
  const logger = {
    level: () => logger,
    error(...parts: readonly unknown[]) {
      errors.push(parts.map((part) => (part instanceof Error ? part.message : String(part))).join(" "));
      return logger;
    },
    warn(...parts: readonly unknown[]) {
      warn(parts.join(" "));
      return logger;
    },
    info: () => logger,
    debug: () => logger,
  };
  return logger as never;
}
