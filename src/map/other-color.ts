/** Chooses the colour of values outside the shown categories. */
import {
  type Color,
  differenceCie76,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  modeLab65,
  type Rgb,
  useMode,
} from "culori/fn";
import type { Rgba } from "../render/scene";
import { checkColor, toCulori } from "./css-color";

useMode(modeLab65);

/** Colour distance (CIE76) from which colours are not mistaken for each other. */
const LEAST_DISTANCE = 15;
/** Greys, in the order in which they are tried. */
const GREYS = ["#b3b3b3", "#dcdcdc", "#595959", "#3d3d3d", "#2b2b2b", "#181818"].map((grey) =>
  checkColor("grey", grey),
);

const difference = differenceCie76();
/** How people see colours: with full colour vision, and without red, green or blue cones. */
const EYES: readonly ((color: Rgb) => Color)[] = [
  (color) => color,
  ...[filterDeficiencyProt(1), filterDeficiencyDeuter(1), filterDeficiencyTrit(1)],
];

/**
 * Returns the first grey that no one can mistake for one of the colours, also without red, green or blue cones; if there is
 * none, the grey that is most unlike them.
 * @param preferred grey to try first
 */
export function otherColorFor(colors: readonly Rgba[], preferred?: Rgba): Rgba {
  const greys = [...(preferred ? [preferred] : []), ...GREYS];
  const distances = greys.map((grey) => distanceFrom(grey, colors));
  const chosen = distances.findIndex((distance) => distance >= LEAST_DISTANCE);
  return greys[chosen === -1 ? distances.indexOf(Math.max(...distances)) : chosen]!; // `!`: one of them
}

/** Returns the smallest distance of a colour from others, for anyone's eyes. @internal */
export function distanceFrom(color: Rgba, others: readonly Rgba[]): number {
  const distances = others.flatMap((other) =>
    EYES.map((eye) => difference(eye(toCulori(color)), eye(toCulori(other)))),
  );
  return Math.min(Infinity, ...distances);
}
