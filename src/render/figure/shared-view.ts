/** Finds a first view for maps that show the same part of the world. */
import { centerOf, viewportOf } from "../projection";
import type { Bounds, Scene } from "../scene";

type SceneView = Scene["view"];

/** Maps with the same one can show the same view. */
export const projectionKey = ({ projection }: Scene): string =>
  projection ? JSON.stringify([projection.name, projection.center, projection.box]) : "mercator";

/**
 * Returns the view that each of some maps of the same projection shows at first: the one that was asked for, or that of all
 * data.
 */
export function sharedView(scenes: readonly Scene[]): SceneView | undefined {
  const views = scenes.filter(hasData).map(({ view }) => view);
  const asked = views.find(({ kind }) => kind === "center");
  if (asked) return asked;
  const boxes = views.flatMap((view) => (view.kind === "box" ? [view.box] : []));
  const bounds = views.flatMap((view) => (view.kind === "fit" ? [view.bounds] : []));
  if (boxes.length > 0)
    return {
      kind: "box",
      box: [
        Math.min(...boxes.map(([left]) => left)),
        Math.min(...boxes.map(([, top]) => top)),
        Math.max(...boxes.map(([, , right]) => right)),
        Math.max(...boxes.map(([, , , bottom]) => bottom)),
      ],
    };
  return bounds.length > 0 ? { kind: "fit", bounds: boundsAround(bounds) } : undefined;
}

/** Returns the same centre and zoom for images of maps, which leave room for their legends. */
export function sharedCenter(scenes: readonly Scene[], view: SceneView): SceneView {
  const centers = scenes.map((scene) => centerOf(viewportOf({ ...scene, view })));
  return { kind: "center", ...centers.reduce((a, b) => (b.zoom < a.zoom ? b : a)) };
}

/** An empty map shows the whole world, which says nothing about the view of the others. */
const hasData = ({ layers }: Scene): boolean =>
  layers.some(({ geometry }) => (geometry.kind === "point" ? geometry.x : geometry.xy).length > 0);

/** Returns the narrowest bounds around others. */
function boundsAround(all: readonly Bounds[]): Bounds {
  const south = Math.min(...all.map((bounds) => bounds[1]));
  const north = Math.max(...all.map((bounds) => bounds[3]));
  const spans = all.map(([west, , east]) => ({ west, width: east < west ? east - west + 360 : east - west }));
  const from = spans.map(({ west }) => {
    const ends = spans.map((span) => ((((span.west - west) % 360) + 360) % 360) + span.width);
    return { west, width: Math.max(...ends) };
  });
  const { west, width } = from.reduce((a, b) => (b.width < a.width ? b : a));
  if (width >= 360) return [-180, south, 180, north];
  const east = west + width;
  return [west, south, east > 180 ? east - 360 : east, north];
}
