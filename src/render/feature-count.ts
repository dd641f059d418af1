import type { PathGeometry, PointGeometry } from "./scene";

/** Number of points, lines or polygons. */
export const featureCountOf = (geometry: PointGeometry | PathGeometry): number =>
  geometry.kind === "point" ? geometry.x.length : geometry.features.length - 1;
