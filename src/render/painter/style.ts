import type { ColorStyle, Rgba, SizeStyle } from "../scene";
import type { Canvas2D } from "./canvas";

/** One value per class, and a last one for rows without a class. */
export interface Slots<T> {
  readonly values: readonly T[];
  /** Slot of each row; absent if all rows are in slot 0. */
  readonly ofRow?: Uint8Array | undefined;
}

export function colorSlots(style: ColorStyle): Slots<Rgba> {
  if (style.kind === "constant") return { values: [style.color] };
  return slots([...style.palette, style.missing], style.classes);
}

/** Invalid sizes become 0. */
export function sizeSlots(style: SizeStyle): Slots<number> {
  const valid = (px: number) => (px > 0 ? px : 0);
  if (style.kind === "constant") return { values: [valid(style.px)] };
  return slots([...style.px, style.missingPx].map(valid), style.classes);
}

/** Assigns the last slot to classes without a value, such as `MISSING_CLASS`. */
function slots<T>(values: readonly T[], classes: Uint8Array): Slots<T> {
  const last = values.length - 1;
  return { values, ofRow: classes.map((c) => (c < last ? c : last)) };
}

/** Returns `#rrggbbaa`, which is exact; `rgba()` would round the alpha. */
export const cssColor = (color: Rgba): string =>
  `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** Strokes the current path dark on light, visible on any background. */
export function strokeHighlight(context: Canvas2D, pixelRatio: number): void {
  context.lineJoin = "round";
  context.strokeStyle = "#ffffff";
  context.lineWidth = 4 * pixelRatio;
  context.stroke();
  context.strokeStyle = "#1f2933";
  context.lineWidth = 2 * pixelRatio;
  context.stroke();
}
