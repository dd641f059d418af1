import type { Rgba } from "../scene";

/** Discs are placed on a grid of 4 steps per device pixel, which moves them by at most an eighth of a pixel. */
export const PHASE_BITS = 2;
export const PHASES = 1 << PHASE_BITS;
/** Scanlines per pixel for coverage; the area of a disc is exact to a thousandth of a pixel. */
const SCANLINES = 16;
/** Columns per mask: the bits of an integer. */
export const MASK_BITS = 32;

/** A painted disc. */
export interface Stamp {
  /** Width and height in device pixels: 2 × half + 1. */
  readonly size: number;
  /** Distance of the centre pixel from the left and the top edge. */
  readonly half: number;
  /** Premultiplied 0xAABBGGRR, row by row. */
  readonly pixels: Int32Array;
  /** Bits of the pixels that are not empty: one mask per row for each `MASK_BITS` columns. */
  readonly masks: Int32Array;
}

export interface Disc {
  /** Radius in device pixels. Half of the outline lies inside it, like the stroke of an arc. */
  readonly radius: number;
  readonly fill: Rgba;
  readonly outline?: { readonly color: Rgba; readonly width: number };
}

/** Radius of a disc with its outline, in device pixels. */
export const reachOf = ({ radius, outline }: Disc): number => radius + (outline?.width ?? 0) / 2;

/** Number of pixels on each side of the centre pixel. */
const halfOf = (disc: Disc): number => Math.ceil(reachOf(disc));

/** The stamps of some discs, created when they are first used. `!` in this file: indexes are below the length. */
export class StampSet {
  readonly #discs: readonly Disc[];
  readonly #made: (Stamp | undefined)[];
  /** `half` of the largest disc. */
  readonly half: number;

  constructor(discs: readonly Disc[]) {
    this.#discs = discs;
    this.#made = new Array(discs.length * PHASES * PHASES).fill(undefined);
    this.half = Math.max(...discs.map(halfOf));
  }

  at(disc: number, phaseX: number, phaseY: number): Stamp {
    const key = (((disc << PHASE_BITS) | phaseY) << PHASE_BITS) | phaseX;
    let stamp = this.#made[key];
    if (stamp === undefined) {
      stamp = makeStamp(this.#discs[disc]!, phaseX, phaseY);
      this.#made[key] = stamp;
    }
    return stamp;
  }
}

/** Creates the stamp of a disc whose centre is (phaseX, phaseY) / PHASES to the right of and below its pixel's corner. */
export function makeStamp(disc: Disc, phaseX: number, phaseY: number): Stamp {
  const reach = reachOf(disc);
  const half = halfOf(disc);
  const size = 2 * half + 1;
  const [x, y] = [half + phaseX / PHASES, half + phaseY / PHASES];
  const inside = coverage(size, x, y, disc.radius);
  const pixels = new Int32Array(size * size);
  const { outline, fill } = disc;
  if (outline && outline.width > 0) {
    const outer = coverage(size, x, y, reach);
    const inner = coverage(size, x, y, disc.radius - outline.width / 2);
    for (let i = 0; i < pixels.length; i++) {
      const stroke = ((outer[i]! - inner[i]!) * outline.color[3]) / 255;
      const under = ((1 - stroke) * inside[i]! * fill[3]) / 255;
      pixels[i] = premultiplied(outline.color, stroke, fill, under);
    }
  } else {
    for (let i = 0; i < pixels.length; i++)
      pixels[i] = premultiplied(fill, (inside[i]! * fill[3]) / 255, fill, 0);
  }
  return { size, half, pixels, masks: masksOf(pixels, size) };
}

/** Returns the share of each pixel that a circle covers. */
function coverage(size: number, centerX: number, centerY: number, radius: number): Float64Array {
  const shares = new Float64Array(size * size);
  if (!(radius > 0)) return shares;
  for (let row = 0; row < size; row++) {
    for (let line = 0; line < SCANLINES; line++) {
      const dy = row + (line + 0.5) / SCANLINES - centerY;
      const halfChord = Math.sqrt(Math.max(0, radius * radius - dy * dy));
      const [from, to] = [centerX - halfChord, centerX + halfChord];
      for (let column = Math.max(0, Math.floor(from)); column < Math.min(size, to); column++) {
        const length = Math.min(to, column + 1) - Math.max(from, column);
        if (length > 0) shares[row * size + column]! += length / SCANLINES;
      }
    }
  }
  return shares;
}

function premultiplied(a: Rgba, shareA: number, b: Rgba, shareB: number): number {
  const part = (i: 0 | 1 | 2) => Math.round(a[i] * shareA + b[i] * shareB);
  const alpha = Math.round(255 * (shareA + shareB));
  return (alpha << 24) | (part(2) << 16) | (part(1) << 8) | part(0);
}

function masksOf(pixels: Int32Array, size: number): Int32Array {
  const columns = Math.ceil(size / MASK_BITS);
  const masks = new Int32Array(columns * size);
  for (let i = 0; i < pixels.length; i++) {
    const [row, column] = [Math.floor(i / size), i % size];
    if (pixels[i]! >>> 24) masks[Math.floor(column / MASK_BITS) * size + row]! |= 1 << (column % MASK_BITS);
  }
  return masks;
}
