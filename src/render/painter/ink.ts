import type { Pixels } from "./canvas";
import { MASK_BITS, type Stamp } from "./stamps";

/**
 * An image that is painted from top to bottom: each stamp goes under what is there already. The result is the same as
 * painting bottom-up, but covered pixels are never touched: one bit per pixel marks where nothing can show through any
 * more, and stamps are compared with 32 of these bits at a time. `!`: callers keep stamps inside the image.
 */
export class Ink {
  readonly #pixels: Int32Array;
  readonly #width: number;
  readonly #solid: Int32Array;
  readonly #wordsPerRow: number;
  readonly #hideSize: number;
  /** One bit per pixel, set if a solid square of `hideSize` starts there at its top left. */
  readonly #hidden: Int32Array;
  /** With this alpha or more, no stamp below is visible. */
  readonly #solidAlpha: number;

  /** `image` must be empty. `maxAlpha` is the largest alpha, and `hideSize` the largest size, of any stamp. */
  constructor(image: Pixels, { maxAlpha, hideSize }: { maxAlpha: number; hideSize: number }) {
    this.#pixels = new Int32Array(image.data.buffer, image.data.byteOffset, image.width * image.height);
    this.#width = image.width;
    this.#wordsPerRow = (image.width >> 5) + 2; // a stamp at the right edge reads one more word
    this.#solid = new Int32Array(this.#wordsPerRow * image.height);
    this.#hideSize = hideSize;
    this.#hidden = new Int32Array(this.#solid.length);
    this.#solidAlpha = 255 - Math.floor(127 / Math.max(1, maxAlpha)); // 127/255 of a step rounds to 0
  }

  /** Puts a stamp with its top left pixel at (left, top), inside the image. Returns true if any of it shows. */
  stamp({ size, masks, pixels }: Stamp, left: number, top: number): boolean {
    let shown = 0;
    for (let column = 0; column < size; column += MASK_BITS) {
      const word = (left + column) >> 5;
      const shift = (left + column) & 31;
      let mask = (column >> 5) * size;
      let solid = top * this.#wordsPerRow + word;
      for (let row = 0; row < size; row++, mask++, solid += this.#wordsPerRow) {
        const bits = masks[mask]!;
        const open = (bits << shift) & ~this.#solid[solid]!;
        const openRight = shift === 0 ? 0 : (bits >>> (32 - shift)) & ~this.#solid[solid + 1]!;
        if ((open | openRight) === 0) continue;
        shown |= open | openRight;
        const target = (top + row) * this.#width + (word << 5);
        const source = row * size + (word << 5) - left;
        if (open !== 0) this.#under(open, solid, target, pixels, source);
        if (openRight !== 0) this.#under(openRight, solid + 1, target + 32, pixels, source + 32);
      }
    }
    return shown !== 0;
  }

  /** True if a stamp at (left, top) was hidden at the last `findHidden`. Cheap. */
  hides(left: number, top: number): boolean {
    return ((this.#hidden[top * this.#wordsPerRow + (left >> 5)]! >>> (left & 31)) & 1) === 1;
  }

  /**
   * Finds completely solid squares for `hides`, by combining the bits of `solid` with those 1, 2, 4, … columns to the
   * right, then rows below. Takes as long as stamping a thousand discs.
   */
  findHidden(): void {
    const hidden = this.#hidden;
    const words = this.#wordsPerRow;
    hidden.set(this.#solid);
    for (let covered = 1; covered < this.#hideSize; ) {
      const step = Math.min(covered, this.#hideSize - covered);
      const [skip, shift] = [step >> 5, step & 31];
      for (let at = 0; at < hidden.length; at++) {
        const near = hidden[at + skip] ?? 0;
        hidden[at]! &= shift === 0 ? near : (near >>> shift) | ((hidden[at + skip + 1] ?? 0) << (32 - shift));
      }
      covered += step;
    }
    for (let covered = 1; covered < this.#hideSize; ) {
      const step = Math.min(covered, this.#hideSize - covered);
      for (let at = 0; at < hidden.length; at++) hidden[at]! &= hidden[at + step * words] ?? 0;
      covered += step;
    }
  }

  /** Blends the pixels of `bits` under those of the image, and marks pixels that have become solid. */
  #under(bits: number, solid: number, target: number, source: Int32Array, sourceAt: number): void {
    const image = this.#pixels;
    for (let open = bits; open !== 0; open &= open - 1) {
      const bit = 31 - Math.clz32(open & -open);
      const above = image[target + bit]!;
      const below = source[sourceAt + bit]!;
      const mixed = above === 0 ? below : above + faded(below, 255 - (above >>> 24));
      image[target + bit] = mixed;
      if (mixed >>> 24 >= this.#solidAlpha) this.#solid[solid]! |= 1 << bit;
    }
  }

  /** Converts the premultiplied pixels to those of `ImageData`. */
  finish(): void {
    const image = this.#pixels;
    for (let i = 0; i < image.length; i++) {
      const pixel = image[i]!;
      const alpha = pixel >>> 24;
      if (alpha === 0 || alpha === 255) continue;
      const half = alpha >> 1;
      const red = (((pixel & 255) * 255 + half) / alpha) | 0;
      const green = ((((pixel >> 8) & 255) * 255 + half) / alpha) | 0;
      const blue = ((((pixel >> 16) & 255) * 255 + half) / alpha) | 0;
      image[i] = (alpha << 24) | (blue << 16) | (green << 8) | red;
    }
  }
}

/** Multiplies all four components by share / 255, rounded, two at a time. */
function faded(pixel: number, share: number): number {
  const redBlue = Math.imul(pixel & 0x00ff00ff, share) + 0x00800080;
  const greenAlpha = Math.imul((pixel >>> 8) & 0x00ff00ff, share) + 0x00800080;
  return (
    (((redBlue + ((redBlue >>> 8) & 0x00ff00ff)) >>> 8) & 0x00ff00ff) |
    ((greenAlpha + ((greenAlpha >>> 8) & 0x00ff00ff)) & 0xff00ff00)
  );
}
