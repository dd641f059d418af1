import type { Pixels } from "./canvas";
import { MASK_BITS, type Stamp } from "./stamps";

/**
 * An image that is painted from the top to the bottom: what is stamped goes under what is there already. The result
 * is that of painting bottom-up, but what is covered is never touched: a bit per pixel says where nothing can shine
 * through any more, and a disc is compared with 32 of them at a time.
 */
export class Ink {
  readonly #pixels: Int32Array;
  readonly #width: number;
  readonly #solid: Int32Array;
  readonly #wordsPerRow: number;
  readonly #hideSize: number;
  /** A bit for each pixel that is the top left one of a solid square of `hideSize`. */
  readonly #hidden: Int32Array;
  /** From this alpha on, nothing of what is stamped is visible below. */
  readonly #solidAlpha: number;

  /** `image` must be empty. `maxAlpha` is the largest of any stamp, `hideSize` the largest size that `hides` is for. */
  constructor(image: Pixels, { maxAlpha, hideSize }: { maxAlpha: number; hideSize: number }) {
    this.#pixels = new Int32Array(image.data.buffer, image.data.byteOffset, image.width * image.height);
    this.#width = image.width;
    this.#wordsPerRow = (image.width >> 5) + 2; // a stamp at the right edge looks one word further
    this.#solid = new Int32Array(this.#wordsPerRow * image.height);
    this.#hideSize = hideSize;
    this.#hidden = new Int32Array(this.#solid.length);
    this.#solidAlpha = 255 - Math.floor(127 / Math.max(1, maxAlpha)); // 127/255 of a step rounds to nothing
  }

  /** Puts a stamp with its top left pixel at (left, top), all of it inside the image. Says whether any of it shows. */
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

  /** Whether a stamp of up to `hideSize` pixels at (left, top) is known not to show. Cheap, and not always up to date. */
  hides(left: number, top: number): boolean {
    return ((this.#hidden[top * this.#wordsPerRow + (left >> 5)]! >>> (left & 31)) & 1) === 1;
  }

  /**
   * Finds the squares that are solid all over, for `hides`: the bits of `solid` are combined with those 1, 2, 4, …
   * columns further right, then rows further down. It takes as long as stamping a thousand discs.
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

  /** Blends the pixels of the bits under those of the image, and notes the ones that are solid now. */
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

  /** Turns the premultiplied image into what `ImageData` holds. */
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

/** All four parts × share / 255, rounded, two parts at a time. */
function faded(pixel: number, share: number): number {
  const redBlue = Math.imul(pixel & 0x00ff00ff, share) + 0x00800080;
  const greenAlpha = Math.imul((pixel >>> 8) & 0x00ff00ff, share) + 0x00800080;
  return (
    (((redBlue + ((redBlue >>> 8) & 0x00ff00ff)) >>> 8) & 0x00ff00ff) |
    ((greenAlpha + ((greenAlpha >>> 8) & 0x00ff00ff)) & 0xff00ff00)
  );
}
