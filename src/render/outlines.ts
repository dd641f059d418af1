/** The vector basemap of a scene, in the projection of the scene. */
import { usaOutlines, worldOutlines } from "./assets";
import type { BasemapShapes } from "./painter";
import { framesOf, graticuleOf, outlineOf, type Plane, projectPaths } from "./plane";
import type { PathGeometry, Scene } from "./scene";

/** Projecting the outlines of the world takes 0.2 s, and most maps of a notebook have one of few projections. */
const MAX_KEPT = 4;
const kept = new Map<string, BasemapShapes>();

/** Returns the land and borders of a scene, and the outline and graticule of a projection that has them. */
export const outlinesOf = ({ projection }: Scene): BasemapShapes =>
  projection ? outlinesIn(projection) : worldOutlines();

/** Returns the outlines in a projection. */
export function outlinesIn({ name, center }: Plane): BasemapShapes {
  const key = JSON.stringify([name, center]);
  let shapes = kept.get(key);
  if (!shapes) {
    shapes = projected({ name, center });
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size === MAX_KEPT) kept.delete(oldest);
    kept.set(key, shapes);
  }
  return shapes;
}

function projected(projection: Plane): BasemapShapes {
  const { land, borders, stateBorders, lakes, rivers } = projection.name.startsWith("albers-usa")
    ? usaOutlines()
    : worldOutlines();
  const [outline, lines] = [outlineOf(projection), graticuleOf(projection) ?? framesOf(projection)];
  return {
    land: projectPaths(toPoles(land), projection),
    borders: projectPaths(borders, projection, { isStraight: true }),
    stateBorders: projectPaths(stateBorders, projection, { isStraight: true }),
    lakes: projectPaths(lakes, projection),
    rivers: projectPaths(rivers, projection, { isStraight: true }),
    ...(outline && { outline }),
    ...(lines && { graticule: lines }),
  };
}

/** Extends land from the edges of Web Mercator to the poles. */
function toPoles(land: PathGeometry): PathGeometry {
  return { ...land, xy: land.xy.map((value, i) => (i % 2 === 1 && value >= 1 ? Infinity : value)) };
}
