/** A scene's clock as an animated GIF (GIF89a). */
import { GIFEncoder } from "gifenc";
import { InvalidArgumentError } from "../../errors";
import { busiestFrame, withFewerFrames } from "../clock";
import type { Scene } from "../scene";
import { type Color, countPixels, indexer, paletteOf } from "./palette";
import { PicturePainter } from "./png";

export interface GifOptions {
  /** At most so many pictures, up to 1000; the frames of a longer clock are put together, so none of their events is lost. @default 100 */
  readonly frames?: number;
  /** Seconds that the animation takes. Default: as on the page, at most 10. */
  readonly duration?: number;
  /** False: plays once. @default true */
  readonly loop?: boolean;
  readonly signal?: AbortSignal;
}

/** How far the work has come. */
export type OnPicture = (done: number, total: number) => void;

const DEFAULT_FRAMES = 100;
const MAX_FRAMES = 1000;
const MAX_DURATION_S = 3600;
const DEFAULT_DURATION_S = 10;
/** Pixels of all pictures; half a minute of work, and mostly less than 50 MB. */
const MAX_PIXELS = 400e6;
/** Browsers slow down what is faster. */
const MIN_DELAY_MS = 20;
const COLORS = 256;
/** What is the same as in the picture before is not painted again. */
const UNCHANGED = 0;
/** Pictures that the palette is made of. */
const SAMPLES = 6;

/**
 * All frames of the scene's clock, or as many as the options allow. Every picture is that which `renderPng` paints, in 255
 * colours of the whole animation. Gives way to other work after each.
 * @throws InvalidArgumentError for a scene without a clock, and for more pixels than a GIF is good for.
 */
export async function renderGif(
  scene: Scene,
  options: GifOptions = {},
  onPicture: OnPicture = () => {},
): Promise<Uint8Array> {
  const { clock } = scene;
  if (!clock)
    throw new InvalidArgumentError(
      "A GIF is of a map with a layer that has time; this one has none. Save it as .png or .html.",
    );
  const most = checkNumber("frames", options.frames ?? DEFAULT_FRAMES, 1, MAX_FRAMES, true);
  const durationS = options.duration ?? Math.min(DEFAULT_DURATION_S, clock.durationMs / 1000 / clock.speed);
  checkNumber("duration", durationS, 0.02, MAX_DURATION_S);
  const animated = withFewerFrames(scene, Math.ceil(clock.frames / most));
  const { frames } = animated.clock!;
  checkSize(scene, frames);

  const delayMs = Math.max(MIN_DELAY_MS, (1000 * durationS) / frames);
  const pictures = new PicturePainter(animated);
  const palette = paletteOfAll(pictures, animated);
  const indexed = new IndexedPictures(palette);
  const encoder = GIFEncoder();
  for (let frame = 0; frame < frames; frame++) {
    options.signal?.throwIfAborted();
    // the rounding of one picture's time to hundredths of a second is made good by the next
    const delay = Math.round(((frame + 1) * delayMs) / 10) * 10 - Math.round((frame * delayMs) / 10) * 10;
    const pixels = indexed.of(pixelsOf(pictures, frame));
    encoder.writeFrame(pixels, scene.widthPx, scene.heightPx, {
      ...(frame === 0 && { palette, repeat: (options.loop ?? true) ? 0 : -1 }),
      delay,
      transparent: frame > 0,
      transparentIndex: UNCHANGED,
      dispose: 1,
    });
    onPicture(frame + 1, frames);
    await new Promise(setImmediate);
  }
  encoder.finish();
  return encoder.bytes();
}

function checkNumber(option: string, value: unknown, min: number, max: number, isWhole = false): number {
  if (typeof value === "number" && value >= min && value <= max && (!isWhole || Number.isInteger(value)))
    return value;
  throw new InvalidArgumentError(
    `${option} of the GIF is ${String(value)}; expected a ${isWhole ? "whole " : ""}number from ${min} to ${max}.`,
  );
}

function checkSize({ widthPx, heightPx }: Scene, frames: number): void {
  const most = Math.floor(MAX_PIXELS / (widthPx * heightPx));
  if (frames <= most) return;
  throw new InvalidArgumentError(
    `A GIF of ${frames} pictures of ${widthPx}×${heightPx} would be too large. Make the map smaller (size), or pass frames: ${Math.max(1, most)}.`,
  );
}

/** 0xAABBGGRR; all of it is opaque. */
function pixelsOf(pictures: PicturePainter, frame: number): Uint32Array {
  const canvas = pictures.paint(frame);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Colours of the whole animation; the first is for what does not change. */
function paletteOfAll(pictures: PicturePainter, scene: Scene): Color[] {
  const { frames } = scene.clock!;
  const wanted = [
    busiestFrame(scene),
    ...Array.from({ length: SAMPLES }, (_, i) => Math.round((i * (frames - 1)) / (SAMPLES - 1))),
  ];
  const counts = new Map<number, number>();
  for (const frame of new Set(wanted)) countPixels(pixelsOf(pictures, frame), counts);
  return [[0, 0, 0], ...paletteOf(counts, COLORS - 1)];
}

/** Pictures as indexes of a palette; of all but the first, only what has changed. */
class IndexedPictures {
  readonly #indexOf: (pixel: number) => number;
  #before: Uint32Array | undefined;

  constructor(palette: readonly Color[]) {
    this.#indexOf = indexer(palette.slice(1));
  }

  of(pixels: Uint32Array): Uint8Array {
    const indexes = new Uint8Array(pixels.length);
    const before = this.#before;
    for (let i = 0; i < pixels.length; i++) {
      const pixel = pixels[i]!;
      if (before !== undefined && before[i] === pixel) continue; // UNCHANGED
      indexes[i] = 1 + this.#indexOf(pixel);
    }
    this.#before = pixels;
    return indexes;
  }
}
