/** What a figure changes of the maps that it shows. */
import type { LegendCorner, Scene } from "./scene";

export interface SceneChange {
  /** First view, if it is that of several maps. */
  readonly view?: Scene["view"];
  readonly legendCorner?: LegendCorner;
  /** The figure shows the title. */
  readonly isUntitled?: true;
}

export function changeScene(scene: Scene, { view, legendCorner, isUntitled }: SceneChange): Scene {
  const { title, legendBelow, ...rest } = scene;
  return {
    ...rest,
    ...(title !== undefined && !isUntitled && { title }),
    ...(legendBelow && !legendCorner && { legendBelow }),
    ...(view && { view }),
    ...(legendCorner && { legendCorner }),
  };
}
