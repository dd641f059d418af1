/** What a figure whose views are linked changes of its maps: their first view, and in a comparison their title and legend. */

import { legendCornerOf } from "../projection";
import type { LegendCorner, Scene } from "../scene";
import type { SceneChange } from "../scene-change";
import { projectionKey, sharedCenter, sharedView } from "./shared-view";

/**
 * @param scenes those of the live maps, undefined for other cells
 * @returns a change for each cell
 */
export function changesIn(
  scenes: readonly (Scene | undefined)[],
  { compares, medium }: { readonly compares: boolean; readonly medium: "page" | "image" },
): SceneChange[] {
  return scenes.map((scene, i): SceneChange => {
    if (!scene) return {};
    const isAlike = (other: Scene | undefined): other is Scene =>
      other !== undefined && projectionKey(other) === projectionKey(scene);
    const alike = scenes.filter(isAlike);
    const all = alike.length > 1 ? sharedView(alike) : undefined;
    // maps of a page agree on a centre once they know their sizes
    const view = all && medium === "image" ? sharedCenter(alike, all) : all;
    return { ...(view && { view }), ...(compares && onSide(scene, i === 0 ? "left" : "right")) };
  });
}

/** Keeps the legend on a side of the map; the figure shows the title there. */
function onSide(scene: Scene, side: "left" | "right"): SceneChange {
  const [vertical] = legendCornerOf(scene).split("-");
  return { legendCorner: `${vertical}-${side}` as LegendCorner, isUntitled: true };
}
