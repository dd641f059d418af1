/** Projections other than Web Mercator, which maps are projected to when they are built. Pages need none of this. */
export { framesOf, graticuleOf, hasOutline, outlineOf, projectPaths, projectPoints } from "./project";
export type { Plane } from "./projections";
