import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Canvas, createCanvas, loadImage } from "@napi-rs/canvas";
import { expect } from "vitest";

const GOLDEN = join(__dirname, "../../golden");
/** Maximum mean difference of all channels, 0–255. Other versions of Skia differ at edges, invisibly. */
const MEAN_ERROR = 0.1;
const WORST_ERROR = 24;

/**
 * Compares an image with `test/golden/<name>.png`. If they differ, the new image is written to `<name>.new.png` in the same
 * folder. `UPDATE_GOLDEN=1` overwrites the golden images: look at each before you commit it.
 */
export async function expectGolden(name: string, png: Uint8Array): Promise<void> {
  const file = join(GOLDEN, `${name}.png`);
  const fresh = join(GOLDEN, `${name}.new.png`);
  rmSync(fresh, { force: true });
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, png);
  if (!existsSync(file))
    throw new Error(`${relative(".", file)} is missing: run with UPDATE_GOLDEN=1, then look at it.`);

  const [actual, golden] = [await pixelsOf(png), await pixelsOf(readFileSync(file))];
  try {
    expect(
      golden.data.some((part) => part !== 0),
      `${name} is not blank`,
    ).toBe(true);
    expect([actual.width, actual.height]).toEqual([golden.width, golden.height]);
    const { mean, worst } = difference(actual.data, golden.data);
    expect(mean, `mean error of ${name}`).toBeLessThan(MEAN_ERROR);
    expect(worst, `worst error of ${name}`).toBeLessThan(WORST_ERROR);
  } catch (error) {
    writeFileSync(fresh, png);
    throw error;
  }
}

/** Avoids `Image.src`, which decodes later: drawn at once, all images would be blank and equal. */
export async function pixelsOf(
  png: Uint8Array,
): Promise<{ data: Uint8ClampedArray; width: number; height: number }> {
  const image = await loadImage(Buffer.from(png));
  const canvas = createCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  return imageOf(canvas);
}

export const imageOf = (canvas: Canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

/** Mean and maximum difference of the channels of two images. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): { mean: number; worst: number } {
  let [sum, worst] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(a[i]! - b[i]!);
    sum += error;
    worst = Math.max(worst, error);
  }
  return { mean: sum / a.length, worst };
}
