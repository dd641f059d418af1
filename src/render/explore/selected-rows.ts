import { inflateSync } from "node:zlib";
import { decodeScene, rowsInPage } from "../page/codec";
import type { PackedScene } from "../page/pack";
import type { MapFilter, Scene } from "../scene";
import { Explorer } from "./explorer";
import { setFilters } from "./filters";
import type { MapReport } from "./state";

/**
 * Finds the rows of each layer that a page has selected, in ascending order. Layers that the page contains as a whole are searched
 * as it sees them, with rounded coordinates; of the others, all rows are searched, not only those of the overview. Hidden layers
 * have no selected rows.
 */
export function selectedRows(scene: Scene, { page, bytes }: PackedScene, report: MapReport): Uint32Array[] {
  const { selection = { rings: [], features: [] }, filters = [], hidden = [] } = report;
  const seen = decodeScene(inflateSync(bytes)).scene;
  // `!` below: the scenes have the same layers
  const isWhole = (layer: number) => page.overviews[layer] === undefined;
  const layers = scene.layers.map((layer, i) => (isWhole(i) ? seen.layers[i]! : layer));
  const explorer = new Explorer({ ...scene, layers });
  setFilters(explorer, filters as readonly MapFilter[]);
  return layers.map(({ geometry, name = "" }, i) => {
    if (hidden.includes(name)) return new Uint32Array(0);
    const rowsOfPage = rowsInPage(page.scene.layers[i]!);
    const rowOfClick = (feature: number) => rowsOfPage?.[feature] ?? feature;
    const singles = selection.features.filter(({ layer }) => layer === i);
    const rowOf = isWhole(i) ? rowOfClick : (feature: number) => geometry.rows?.[feature] ?? feature;
    const inAreas = explorer.selectedIn(i, { rings: selection.rings, features: isWhole(i) ? singles : [] });
    const clicked = isWhole(i) ? [] : singles.map(({ feature }) => rowOfClick(feature));
    return Uint32Array.from(new Set([...Array.from(inAreas, rowOf), ...clicked])).sort();
  });
}
