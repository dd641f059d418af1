/** Renders an animated scene as a GIF (GIF89a). */
import { GIFEncoder } from "gifenc";
import { InvalidArgumentError } from "../../errors";
import { busiestFrame, withFewerFrames } from "../clock";
import { outerSize } from "../explore/panel";
import type { Scene } from "../scene";
import { type Color, countPixels, indexer, paletteOf } from "./palette";
import { ImagePainter } from "./png";

export interface GifOptions {
  /**
   * Maximum number of frames, up to 1000. If the animation has more, neighbouring frames are merged, so that no event is
   * lost.
   * @default 100
   */
  readonly frames?: number;
  /** Duration of the animation in seconds. @default the duration on the live map, at most 10 */
  readonly duration?: number;
  /** Repeats the animation; `false` plays it once. @default true */
  readonly loop?: boolean;
  /** Cancels the rendering. */
  readonly signal?: AbortSignal;
}

/** Reports progress in frames. */
export type OnFrame = (done: number, total: number) => void;

const DEFAULT_FRAMES = 100;
const MAX_FRAMES = 1000;
const MAX_DURATION_S = 3600;
const DEFAULT_DURATION_S = 10;
/** Maximum number of pixels in all frames: half a minute of work, and usually less than 50 MB. */
const MAX_PIXELS = 400e6;
/** Browsers slow down faster animations. */
const MIN_DELAY_MS = 20;
const COLORS = 256;
/** Palette index of pixels that are the same as in the previous frame. */
const UNCHANGED = 0;
/** Number of frames from which the palette is made. */
const SAMPLES = 6;

/**
 * Renders the frames of the scene's clock, merged if there are more than `frames`. Every frame is what `renderPng` paints,
 * in 255 colours that all frames share. Yields to other work after each frame.
 * @throws InvalidArgumentError if the scene has no clock, if an option is invalid, or if the GIF would be too large.
 */
export async function renderGif(
  scene: Scene,
  options: GifOptions = {},
  onFrame: OnFrame = () => {},
): Promise<Uint8Array> {
  const { clock } = scene;
  if (!clock)
    throw new InvalidArgumentError(
      "A GIF needs a map with an animated layer; no layer of this map has `time`. Save the map as .png or .html instead.",
    );
  const most = checkNumber("frames", options.frames ?? DEFAULT_FRAMES, 1, MAX_FRAMES, true);
  const durationS = options.duration ?? Math.min(DEFAULT_DURATION_S, clock.durationMs / 1000 / clock.speed);
  checkNumber("duration", durationS, 0.02, MAX_DURATION_S);
  const animated = withFewerFrames(scene, Math.ceil(clock.frames / most));
  const { frames } = animated.clock!; // only an animation gets here
  checkSize(scene, frames);
  const { widthPx, heightPx } = outerSize(scene);

  const delayMs = Math.max(MIN_DELAY_MS, (1000 * durationS) / frames);
  const painter = new ImagePainter(animated);
  const palette = paletteOfAll(painter, animated);
  const indexed = new IndexedFrames(palette);
  const encoder = GIFEncoder();
  for (let frame = 0; frame < frames; frame++) {
    options.signal?.throwIfAborted();
    // GIF delays are in hundredths of a second: each frame makes up for the rounding of the frames before
    const delay = Math.round(((frame + 1) * delayMs) / 10) * 10 - Math.round((frame * delayMs) / 10) * 10;
    const pixels = indexed.of(pixelsOf(painter, frame));
    encoder.writeFrame(pixels, widthPx, heightPx, {
      ...(frame === 0 && { palette, repeat: (options.loop ?? true) ? 0 : -1 }),
      delay,
      transparent: frame > 0,
      transparentIndex: UNCHANGED,
      dispose: 1,
    });
    onFrame(frame + 1, frames);
    await new Promise(setImmediate);
  }
  encoder.finish();
  return encoder.bytes();
}

function checkNumber(option: string, value: unknown, min: number, max: number, isWhole = false): number {
  if (typeof value === "number" && value >= min && value <= max && (!isWhole || Number.isInteger(value)))
    return value;
  throw new InvalidArgumentError(
    `\`${option}\` of a GIF must be ${isWhole ? "an integer" : "a number"} from ${min} to ${max}; got ${String(value)}.`,
  );
}

function checkSize(scene: Scene, frames: number): void {
  const { widthPx, heightPx } = outerSize(scene);
  const most = Math.floor(MAX_PIXELS / (widthPx * heightPx));
  if (frames <= most) return;
  throw new InvalidArgumentError(
    `A GIF of ${frames} frames of ${widthPx}×${heightPx} pixels would be too large. Make the map smaller with \`size\`, or pass \`frames: ${Math.max(1, most)}\`.`,
  );
}

/** Returns the pixels of a frame as 0xAABBGGRR, all of them opaque. */
function pixelsOf(painter: ImagePainter, frame: number): Uint32Array {
  const canvas = painter.paint(frame);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Returns the palette of the whole animation, whose first entry is reserved for unchanged pixels. */
function paletteOfAll(painter: ImagePainter, scene: Scene): Color[] {
  const { frames } = scene.clock!; // only an animation gets here
  const wanted = [
    busiestFrame(scene),
    ...Array.from({ length: SAMPLES }, (_, i) => Math.round((i * (frames - 1)) / (SAMPLES - 1))),
  ];
  const counts = new Map<number, number>();
  for (const frame of new Set(wanted)) countPixels(pixelsOf(painter, frame), counts);
  return [[0, 0, 0], ...paletteOf(counts, COLORS - 1)];
}

/** Converts frames to palette indexes; after the first frame, unchanged pixels become `UNCHANGED`. */
class IndexedFrames {
  readonly #indexOf: (pixel: number) => number;
  #before: Uint32Array | undefined;

  constructor(palette: readonly Color[]) {
    this.#indexOf = indexer(palette.slice(1));
  }

  of(pixels: Uint32Array): Uint8Array {
    const indexes = new Uint8Array(pixels.length);
    const before = this.#before;
    for (let i = 0; i < pixels.length; i++) {
      const pixel = pixels[i]!; // i < length
      if (before !== undefined && before[i] === pixel) continue; // UNCHANGED
      indexes[i] = 1 + this.#indexOf(pixel);
    }
    this.#before = pixels;
    return indexes;
  }
}
