import type { PathGeometry, PointGeometry, SceneLayer } from "../scene";

/** The points at these indexes, each still of its row. */
export function pickPoints({ x, y, rows }: PointGeometry, indexes: Uint32Array): PointGeometry {
  const picked = {
    x: new Float64Array(indexes.length),
    y: new Float64Array(indexes.length),
    rows: new Uint32Array(indexes.length),
  };
  for (let i = 0; i < indexes.length; i++) {
    const from = indexes[i]!;
    picked.x[i] = x[from]!;
    picked.y[i] = y[from]!;
    picked.rows[i] = rows ? rows[from]! : from;
  }
  return { kind: "point", ...picked };
}

/** The features at these indexes, each still of its row. */
export function pickFeatures(
  { kind, xy, paths, features, rows }: PathGeometry,
  indexes: Uint32Array,
): PathGeometry {
  const picked: number[] = [0];
  const ends = [0];
  const vertices: Float64Array[] = [];
  let count = 0;
  for (const feature of indexes) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const part = xy.subarray(2 * paths[path]!, 2 * paths[path + 1]!);
      vertices.push(part);
      count += part.length;
      ends.push(count / 2);
    }
    picked.push(ends.length - 1);
  }
  const all = new Float64Array(count);
  let at = 0;
  for (const part of vertices) {
    all.set(part, at);
    at += part.length;
  }
  return {
    kind,
    xy: all,
    paths: Uint32Array.from(ends),
    features: Uint32Array.from(picked),
    rows: rows ? indexes.map((feature) => rows[feature]!) : indexes,
  };
}

/** A layer of points with those at these indexes, which ascend where the layer has times. */
export function pickLayerPoints(
  layer: SceneLayer,
  geometry: PointGeometry,
  indexes: Uint32Array,
): SceneLayer {
  const picked = { ...layer, geometry: pickPoints(geometry, indexes) };
  if (!layer.time) return picked;
  let at = 0;
  const starts = layer.time.starts.map((start) => {
    while (at < indexes.length && indexes[at]! < start) at++;
    return at;
  });
  return { ...picked, time: { ...layer.time, starts } };
}
