/** The order in which points of different sizes are painted, so that large ones do not hide small ones. */
import type { PointGeometry, SizeStyle } from "./scene";

/**
 * Sorts points by size, the largest first. Points of one size keep the order of `order`, by default that of the geometry.
 * `!`: each point has a row, and each row a class; the last bucket is for classes without a size.
 */
export function largestFirst(
  { x, rows }: PointGeometry,
  { px, missingPx, classes }: Extract<SizeStyle, { kind: "classes" }>,
  order?: Uint32Array,
): Uint32Array {
  const sizes = [...px, missingPx];
  const ranked = sizes.map((_, bucket) => bucket).sort((a, b) => sizes[b]! - sizes[a]!);
  const bucketAt = (i: number) => {
    const point = order ? order[i]! : i;
    return Math.min(classes[rows ? rows[point]! : point]!, px.length);
  };
  const counts = new Uint32Array(sizes.length);
  for (let i = 0; i < x.length; i++) counts[bucketAt(i)]!++;
  const next = new Uint32Array(sizes.length);
  let start = 0;
  for (const bucket of ranked) {
    next[bucket] = start;
    start += counts[bucket]!;
  }
  const sorted = new Uint32Array(x.length);
  for (let i = 0; i < x.length; i++) sorted[next[bucketAt(i)]!++] = order ? order[i]! : i;
  return sorted;
}
