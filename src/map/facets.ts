/** Shares out the rows of a map's topmost layer to several maps, one for each value of a column. */

import { isTogether, sharedLevels } from "../render/aggregate/shared";
import { featureCountOf } from "../render/feature-count";
import { imageViewportOf } from "../render/image-layout";
import { pickLayer } from "../render/page/pick";
import type { CategoryColumn, Legend, Scene, SceneLayer } from "../render/scene";
import { withCellLegends } from "./build-scene";
import { counted, shown } from "./check";

/** Maximum number of maps. */
const MOST = 12;

export interface Facets {
  /** In the order of the values, which are the titles. */
  readonly scenes: readonly Scene[];
  /** Those of all maps. */
  readonly legends: readonly Legend[];
  /** Sentences about rows that no map shows. */
  readonly warnings: readonly string[];
}

/**
 * Makes a map for each of the most frequent values of a column, at most twelve. All have the view and the classes of the map of
 * all rows.
 */
export function facetsOf(scene: Scene, facet: CategoryColumn): Facets {
  const { texts, name, others } = facet;
  const steps = texts.slice(0, MOST).map((text, i) => ({ text, step: i + 1 }));
  steps.sort((a, b) => inOrder(a.text, b.text, facet.type));
  const top = scene.layers.length - 1;
  const rowsOf = rowsByStep(scene.layers[top]!, facet); // `!`: the layer with the column
  const parts = steps.map(({ text, step }) => ({
    text,
    layer: pickLayer(scene.layers[top]!, rowsOf[step] ?? new Uint32Array(0)),
  }));
  const layers = withSharedLevels(
    parts.map(({ layer }) => layer),
    imageViewportOf(scene).worldPx,
  );
  const { legendBelow: _, ...whole } = scene;
  const scenes = parts.map(({ text }, i): Scene => {
    const below = scene.layers.slice(0, top);
    return {
      ...whole,
      title: text.trim() === "" ? shown(text) : text,
      legends: [],
      layers: [...below, layers[i]!],
    }; // `!`: as many
  });
  const [first] = scenes;
  const hidden = texts.length + others - steps.length;
  const missing = rowsOf[0]?.length ?? 0;
  return {
    scenes,
    // those of cells depend on the classes that the maps share
    legends: first ? withCellLegends({ ...first, legends: scene.legends }, undefined).legends : [],
    warnings: [
      ...(hidden > 0
        ? [
            `The figure shows the ${MOST} most frequent of ${(texts.length + others).toLocaleString("en-US")} values of ${shown(name)}. To choose others, filter the rows first.`,
          ]
        : []),
      ...(missing > 0
        ? [
            `${counted(missing, "feature")} without a value of ${shown(name)} ${missing === 1 ? "is" : "are"} in no map of the figure.`,
          ]
        : []),
    ],
  };
}

function inOrder(a: string, b: string, type: CategoryColumn["type"]): number {
  return type === "number" ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
}

/** Returns the features of each step, ascending. */
function rowsByStep({ geometry }: SceneLayer, { steps }: CategoryColumn): Uint32Array[] {
  const count = featureCountOf(geometry);
  const found: number[][] = [];
  for (let feature = 0; feature < count; feature++) {
    const step = steps[geometry.rows ? geometry.rows[feature]! : feature]!; // `!`: each row has a step
    const ofStep = found[step] ?? [];
    found[step] = ofStep;
    ofStep.push(feature);
  }
  return Array.from(found, (features = []) => Uint32Array.from(features));
}

/** Gives cells, clusters and heatmaps of all maps the same classes. */
function withSharedLevels(layers: readonly SceneLayer[], worldPx: number): SceneLayer[] {
  const together = layers.filter(isTogether).map((layer) => ({ layer, worldPx }));
  const [first] = together;
  if (!first) return [...layers];
  const levels = sharedLevels(together, first.layer.aggregate.palette.length);
  return together.map(({ layer }) => ({ ...layer, aggregate: { ...layer.aggregate, levels } }));
}
