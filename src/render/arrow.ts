/** Sizes of arrowheads, on maps and in legends. */

const MIN_LENGTH_PX = 6;
const LENGTH_PER_WIDTH = 2.2;
const LENGTH_OF_THIN_PX = 5;
/** Half the width of a head as a share of its length. */
export const HALF_WIDTH = 0.4;
/** The line ends at this share of the head's length from its tip, so that its end does not show beside the tip. */
export const TRIMMED = 0.6;

/** Returns the length of the arrowhead of a line, in the unit of the line's width if that is CSS pixels. */
export const arrowLength = (widthPx: number): number =>
  Math.max(MIN_LENGTH_PX, LENGTH_OF_THIN_PX + LENGTH_PER_WIDTH * widthPx);

/** Returns how far an arrowhead reaches beyond the ends and sides of its line, in CSS pixels. */
export const arrowReach = (widthPx: number): number => HALF_WIDTH * arrowLength(widthPx);
