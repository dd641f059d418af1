/** Projects the layers of a map, and finds its first view. */

import type { Box } from "../geometry/clip";
import { featureCountOf } from "../render/feature-count";
import { outlinesIn } from "../render/outlines";
import { type Plane, projectPaths, projectPoints } from "../render/plane";
import type { PathGeometry, PointGeometry, Projection, Scene } from "../render/scene";
import { counted } from "./check";
import { boxOfAll } from "./extent";
import { labelOf } from "./layer";
import type { Part } from "./style-layer";

/** Data that span this share of a world map are shown with the whole world around them. */
const MOST_OF_WORLD = 0.6;

/** Projects a layer from Web Mercator without edges to a plane. */
export function projectPart(part: Part, projection: Plane): Part {
  const { geometry } = part.projected;
  const marksCuts = part.layer.style.arrow === true;
  const projected =
    geometry.kind === "point"
      ? projectPoints(geometry, projection)
      : projectPaths(geometry, projection, { marksCuts });
  return { ...part, projected: { ...part.projected, geometry: projected } };
}

/** Returns a sentence about the rows of a layer that a projection does not show; undefined if it shows all. */
export function hiddenBy({ name }: Plane, before: Part, after: Part): string | undefined {
  const [from, to] = [before.projected.geometry, after.projected.geometry];
  const lost = rowsIn(from) - rowsIn(to);
  if (lost === 0) return undefined;
  const where = name === "orthographic" ? "on the far side of the globe" : `outside the projection "${name}"`;
  return `${counted(lost, from.kind)} of layer ${labelOf(before.layer)} ${lost === 1 ? "lies" : "lie"} ${where}.`;
}

/** Counts distinct rows, which ascend. */
function rowsIn(geometry: PointGeometry | PathGeometry): number {
  const { rows } = geometry;
  if (rows === undefined) return featureCountOf(geometry);
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (i === 0 || rows[i] !== rows[i - 1]) count++;
  return count;
}

/** Adds the extent of a projection. */
export function withBox(plane: Plane): Projection {
  const { outline, land, graticule } = outlinesIn(plane);
  // the frames of insets are a little larger than the land
  const all = outline ? [outline] : [land, ...(graticule ? [graticule] : [])];
  return { ...plane, box: boxOfAll(all)! }; // `!`: none is empty
}

/** Returns the view of the data, or of the whole world if they span most of it. */
export function viewOnPlane({ name, box: world }: Projection, parts: readonly Part[]): Scene["view"] {
  const data = boxOfAll(parts.map(({ projected }) => projected.geometry));
  const showsWorld = !data || name === "orthographic" || widthOf(data) >= MOST_OF_WORLD * widthOf(world);
  return { kind: "box", box: showsWorld ? world : data };
}

const widthOf = ([minX, , maxX]: Box) => maxX - minX;
