import { momentText } from "../clock";
import { outerSize } from "../explore/panel";
import type { PointGeometry, Scene, SceneLayer } from "../scene";

/** Maximum length of a description, which screen readers read aloud. */
const MAX_TEXT = 1000;

/** Describes a map for screen readers: `Map of 3,376 points and 51 polygons. state: CA, TX, …`. */
export function describeScene(scene: Scene): string {
  const counts = scene.layers.map(countOf);
  const what = counts.length > 0 ? `Map of ${counts.join(" and ")}` : "Map";
  const legends = scene.legends.map(({ title, items, ramp }) => {
    const range = ramp ? [`${ramp.from} – ${ramp.to}`] : [];
    return `${title ? `${title}: ` : ""}${[...range, ...items.map((item) => item.label)].join(", ")}`;
  });
  const titles = (scene.widgets ?? []).map(({ title }) => title);
  const widgets = titles.length > 0 ? [`Widgets: ${titles.join(", ")}`] : [];
  const text = [
    ...(scene.title ? [scene.title] : []),
    `${what}${rangeText(scene)}`,
    ...legends,
    ...widgets,
  ].join(". ");
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

/** Returns ` over time, 1 Feb 2018 – 8 Feb 2018`, or an empty string for a scene without a clock. */
const rangeText = ({ clock }: Scene): string =>
  clock ? ` over time, ${momentText(clock, 0)} – ${momentText(clock, clock.frames - 1)}` : "";

/** Summarizes a map as text: `800×400, 2 layers, 3,376 points`. */
export function summarizeScene(scene: Scene): string {
  const { widthPx, heightPx } = outerSize(scene);
  const { layers } = scene;
  const count = `${layers.length} ${layers.length === 1 ? "layer" : "layers"}`;
  return [`${widthPx}×${heightPx}`, count, ...layers.map(countOf)].join(", ");
}

function countOf({ geometry }: SceneLayer): string {
  const count = geometry.kind === "point" ? pointsOf(geometry) : geometry.features.length - 1;
  return `${count.toLocaleString("en-US")} ${geometry.kind}${count === 1 ? "" : "s"}`;
}

/** Returns the number of points, those that an overview stands for included. */
const pointsOf = ({ x, weights }: PointGeometry): number =>
  weights ? Math.round(weights.reduce((sum, weight) => sum + weight, 0)) : x.length;
