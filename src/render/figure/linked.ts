/** Makes the page of a figure whose views are linked: numbers the rows that they share. */

import { featureCountOf } from "../feature-count";
import { rowsInPage } from "../page/codec";
import type { FigurePage, PlacedMap } from "../page/figure-html";
import type { ChartPlace } from "../page/figure-layout";
import type { LayerLinks } from "../page/link-codec";
import type { PackedScene } from "../page/pack";
import type { Scene } from "../scene";
import type { SceneChange } from "../scene-change";
import { projectionKey } from "./shared-view";

/** What the rows of a layer are. */
export interface RowSource {
  /** The DataFrame or GeoJSON object, or a text for a table, query or file. */
  readonly key: unknown;
  /** Returns the number or id of a row of the scene; NaN if it has none. */
  idOf(row: number): number;
}

/** A live map for a figure. */
export interface LiveMap {
  readonly scene: Scene;
  /** Packed when it is first needed. */
  packed(): PackedScene;
  readonly description: string;
  /** Where the map reports what its reader does. */
  readonly reportUrl?: string | undefined;
  /** Source of each layer. */
  readonly sources: readonly (RowSource | undefined)[];
  readonly isFacet: boolean;
}

/** A live map with the size of its cell. */
interface LiveMapCell {
  readonly kind: "map";
  readonly live: LiveMap;
  readonly change: SceneChange;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A chart with the DataFrame of its rows. */
interface LiveChartCell {
  readonly kind: "chart";
  readonly place: Omit<ChartPlace, "sources">;
  readonly frame: unknown;
}

export type LiveCell = LiveMapCell | LiveChartCell | null;

/** Returns the cells of a figure's page. */
export function linkedCells(cells: readonly LiveCell[]): FigurePage["cells"] {
  const sources = new Sources();
  return cells.map((cell): PlacedMap | ChartPlace | null => {
    if (!cell) return null;
    if (cell.kind === "chart") {
      const source = cell.frame === undefined ? undefined : sources.numberOf(cell.frame);
      return { ...cell.place, sources: source === undefined ? [] : [source] };
    }
    const { live, change, widthPx, heightPx } = cell;
    const packed = live.packed();
    const links = live.sources.map((source, layer) => source && sources.link(source, packed, layer));
    return {
      kind: "map",
      scene: live.scene,
      packed,
      links,
      change,
      reportUrl: live.reportUrl,
      place: {
        kind: "map",
        description: live.description,
        widthPx,
        heightPx,
        projection: projectionKey(live.scene),
        isFacet: live.isFacet,
        sources: [...new Set(links.flatMap((link) => (link ? [link.source] : [])))],
      },
    };
  });
}

/** Numbers the sources of a figure, and the rows of tables and queries. */
class Sources {
  readonly #numbers = new Map<unknown, number>();
  /** Numbers of rows by their ids. */
  readonly #rows = new Map<unknown, Map<number, number>>();

  numberOf(key: unknown): number {
    const known = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, known);
    return known;
  }

  link({ key, idOf }: RowSource, { page }: PackedScene, layer: number): LayerLinks[number] {
    const sceneLayer = page.scene.layers[layer]!; // `!`: one of the layers
    const inPage = rowsInPage(sceneLayer); // feature f is row f without
    const rows = new Uint32Array(inPage?.length ?? featureCountOf(sceneLayer.geometry));
    for (let i = 0; i < rows.length; i++) rows[i] = this.#rowOf(key, idOf(inPage?.[i] ?? i));
    return { source: this.numberOf(key), rows };
  }

  /** Row numbers of DataFrames are small; ids can be any numbers. */
  #rowOf(key: unknown, id: number): number {
    if (typeof key !== "string") return id;
    const known = this.#rows.get(key) ?? new Map<number, number>();
    this.#rows.set(key, known);
    const row = known.get(id) ?? known.size;
    known.set(id, row);
    return row;
  }
}
