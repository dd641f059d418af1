/** The default size of points, which depends on how many are in the view. */
import type { Spread } from "./scene";

/** Up to `FEW` points are this large, and `MANY` or more are this small, in CSS pixels. */
const FEW = 100;
const FEW_PX = 10;
const MANY = 100_000;
const MANY_PX = 2;
/** Sizes change in steps, so that a zoom does not repaint the symbols of each of its frames. */
const STEP_PX = 0.25;
/** Area of a view in square CSS pixels: 800 × 400. */
const VIEW_PX2 = 320_000;

/** Returns the diameter in CSS pixels of points of which a view holds `count`. */
export function sizeOfMany(count: number): number {
  const share = Math.log(Math.max(FEW, count) / FEW) / Math.log(MANY / FEW);
  const px = Math.max(MANY_PX, FEW_PX - (FEW_PX - MANY_PX) * share);
  return Math.round(px / STEP_PX) * STEP_PX;
}

/** Returns the diameter of points in CSS pixels at a scale of `worldPx` CSS pixels per world unit. */
export const sizeInView = (spread: Spread, worldPx: number): number =>
  sizeOfMany(countInView(spread, worldPx));

/** Returns how many points a view holds at a scale of `worldPx` CSS pixels per world unit, if they are spread evenly. */
export function countInView({ count, area }: Spread, worldPx: number): number {
  const areaPx2 = area * worldPx * worldPx;
  return areaPx2 > VIEW_PX2 ? (count * VIEW_PX2) / areaPx2 : count;
}

/** Width of the outline of hollow points, in CSS pixels, inside their diameter. */
export const HOLLOW_PX = 1.5;

/** A view with more points of one colour shows their density. */
export const MOST_POINTS = 20_000;

/** The largest size that `sizeInView` returns. */
export const LARGEST_POINT_PX = FEW_PX;
