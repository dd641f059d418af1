import { createCanvas, loadImage } from "@napi-rs/canvas";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha. */
  readonly data: Uint8ClampedArray;
}

export async function decodePng(png: Uint8Array): Promise<Picture> {
  const image = await loadImage(Buffer.from(png));
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  return {
    width: image.width,
    height: image.height,
    data: context.getImageData(0, 0, image.width, image.height).data,
  };
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Mean difference of the channels in an area, 0–255, and the share of pixels that differ visibly. */
export function difference(
  a: Picture,
  b: Picture,
  { x, y, width, height }: Area,
  /** Pixel (x, y) of `a` is pixel (x + dx, y + dy) of `b`. */
  [dx, dy]: readonly [number, number] = [0, 0],
): { mean: number; differing: number } {
  let sum = 0;
  let differing = 0;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const atA = 4 * (row * a.width + column);
      const atB = 4 * ((row + dy) * b.width + column + dx);
      let most = 0;
      for (let channel = 0; channel < 3; channel++) {
        const off = Math.abs(a.data[atA + channel]! - b.data[atB + channel]!);
        sum += off;
        most = Math.max(most, off);
      }
      if (most > 32) differing++;
    }
  }
  return { mean: sum / (3 * width * height), differing: differing / (width * height) };
}

export const pixelAt = ({ data, width }: Picture, x: number, y: number): number[] => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3),
];

/** Maximum mean difference of a channel, to allow for edges. */
const LIKE = 32;

/** Returns the share of pixels in an area that differ from all pixels of the other image within one pixel. */
export function unlikeWithinAPixel(a: Picture, b: Picture, { x, y, width, height }: Area): number {
  let unlike = 0;
  for (let row = y; row < y + height; row++)
    for (let column = x; column < x + width; column++) {
      const [red, green, blue] = pixelAt(a, column, row);
      const isLike = [-1, 0, 1].some((dy) =>
        [-1, 0, 1].some((dx) => {
          const other = pixelAt(b, column + dx, row + dy);
          return (
            Math.abs(other[0]! - red!) + Math.abs(other[1]! - green!) + Math.abs(other[2]! - blue!) < 3 * LIKE
          );
        }),
      );
      if (!isLike) unlike++;
    }
  return unlike / (width * height);
}
