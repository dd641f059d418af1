/** A figure for tests of maps that share their scales. */
import { type FetchedScene, mapScene } from "../../../src/context/map/map-scene";
import { putShared } from "../../../src/context/map/shared-scale";
import { BaseMap, type Layer, type ViewOptions } from "../../../src/map";
import { type Figure, type FigureCell, figure, type StillMap } from "../../../src/render";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";

/** A still map that remembers its scene. */
interface SceneMap extends StillMap {
  readonly scene: Scene;
}
const sceneMap = (scene: Scene) => ({ scene }) as SceneMap;

/** A figure whose maps share their scales, which shows scenes. */
export class SharedFigure {
  readonly figure: Figure = figure({ scale: "shared" });
  readonly #shown: (SceneMap | undefined)[] = [];
  warnings: readonly string[] = [];

  /** Adds a map, and returns what the cells show. */
  async put(index: number, ...layers: readonly Layer[]): Promise<Scene[]> {
    return this.putMap(index, { layers });
  }

  async putMap(
    index: number,
    { layers, ...options }: { layers: readonly Layer[] } & ViewOptions,
  ): Promise<Scene[]> {
    const fetched: FetchedScene = await mapScene(nowhere, {
      ...options,
      layers: [new BaseMap({ source: "none" }), ...layers],
      progress,
    });
    const cell = this.figure.at(index);
    const map = cell.map.bind(cell);
    const watched: FigureCell = Object.assign(cell, {
      map: (still: StillMap) => {
        this.#shown[index] = still as SceneMap;
        map(still);
      },
    });
    const remake = async (shared: Parameters<FetchedScene["rebuild"]>[0]) => {
      const { scene, scales } = fetched.rebuild(shared);
      return { still: sceneMap(scene), scales };
    };
    const { scales, scene } = fetched;
    this.warnings = await putShared(
      cell.sharing!,
      { cell: watched, scales, still: sceneMap(scene), remake },
      undefined,
    );
    return this.#shown.flatMap((each) => (each ? [each.scene] : []));
  }
}
