import type L from "leaflet";
import { worldPxOf } from "../../../geometry/mercator";
import { needsTiles } from "../../painter";
import type { PageScene } from "../codec";
import { controlAt } from "./controls";
import { create } from "./create";
import type { DetailState } from "./detail-tiles";

export interface Notes {
  readonly control: L.Control;
  /** State of the tiles that complete the overviews. */
  detailState: DetailState;
  refresh(): void;
}

/** Says which data the map does not show. Overviews are mentioned once the map is zoomed in beyond what they show. */
export function notesOf(map: L.Map, { scene, overviews }: PageScene, position: L.ControlPosition): Notes {
  const box = create("div", { class: "notes", role: "status" });
  const notes: Notes = {
    control: controlAt(position, () => box),
    detailState: "idle",
    refresh() {
      const worldPx = worldPxOf(map.getZoom());
      const lines = overviews.flatMap((overview, i) => {
        if (!overview || !needsTiles({ overviewWorldPx: overview.worldPx }, worldPx)) return [];
        const { note, detail } = overview;
        const name = scene.layers.length > 1 && scene.layers[i]?.name;
        const what = name ? `${name}: an ${note}` : `An ${note}`;
        if (!detail) return [`${what}.`];
        if (notes.detailState === "unreachable")
          return [`${what}. The server with the full data cannot be reached.`];
        return notes.detailState === "loading" ? ["Loading detail…"] : [];
      });
      const text = [...(scene.notes ?? []), ...new Set(lines)].join(" ");
      if (box.textContent !== text) box.textContent = text;
      box.hidden = text === "";
    },
  };
  map.on("zoomend", notes.refresh);
  notes.refresh();
  return notes;
}
