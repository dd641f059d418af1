/**
 * Decodes Mapbox Vector Tiles as layers: https://github.com/mapbox/vector-tile-spec/tree/master/2.1. `!`: `rows` holds
 * indexes of features, and x and y have the same length.
 */

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { TILE_PX, type TileId } from "../../geometry/mercator";
import { formatNumber } from "../format";
import type { LayerTile } from "../painter";
import {
  type ColorStyle,
  type DetailSource,
  MISSING_CLASS,
  type PathGeometry,
  type PointGeometry,
  type RowColumn,
  type SceneLayer,
  type SizeStyle,
} from "../scene";

const KINDS = { point: 1, line: 2, polygon: 3 } as const;
const ID = "cartodb_id";
/** Number of rows that a point of a thinned layer stands for, section 7.5 of the protocol. */
const ROWS = "_cdb_feature_count";
/** Maximum length of strings, as in the page. */
const MAX_TEXT = 1000;

/** Decodes the part of a layer in a tile, styled like the layer's overview `like`. */
export function decodeTile(
  bytes: Uint8Array,
  tile: TileId,
  like: SceneLayer,
  { layer: name, formats, bufferPx = 0 }: DetailSource,
): LayerTile {
  const found = bytes.length > 0 ? new VectorTile(new PbfReader(bytes)).layers[name] : undefined;
  const all = found ? Array.from({ length: found.length }, (_, i) => found.feature(i)) : [];
  const features = all.filter(({ type }) => type === KINDS[like.geometry.kind]);
  const isIdentified = features.length > 0 && features.every(({ properties }) => ID in properties);
  // neighbouring tiles must paint shared features in the same order
  if (isIdentified) features.sort((a, b) => Number(a.properties[ID]) - Number(b.properties[ID]));
  const cutAt = like.arrow ? bufferPx / TILE_PX : undefined;
  const { geometry, rows } = geometryOf(features, tile, { kind: like.geometry.kind, cutAt });
  const ids = Float64Array.from(features, ({ properties }) => Number(properties[ID]));
  const { explored: _, ...unexplored } = like;
  const layer: SceneLayer = {
    ...unexplored,
    geometry: withWeights(geometry, features),
    rowCount: features.length,
    color: withClasses(like.color, features, "k") as ColorStyle,
    size: withClasses(like.size, features, "s") as SizeStyle,
    columns: columnsOf(features, like, formats),
  };
  if (!isIdentified) return { layer };
  return { layer, ids: rows ? Float64Array.from(rows, (row) => ids[row]!) : ids };
}

function withWeights(
  geometry: PointGeometry | PathGeometry,
  features: readonly VectorTileFeature[],
): PointGeometry | PathGeometry {
  if (geometry.kind !== "point" || !features.some(({ properties }) => ROWS in properties)) return geometry;
  const weightOf = (feature: number) => Number(features[feature]?.properties[ROWS] ?? 1);
  return { ...geometry, weights: Float64Array.from(geometry.x, (_, i) => weightOf(geometry.rows?.[i] ?? i)) };
}

function withClasses(
  style: ColorStyle | SizeStyle,
  features: readonly VectorTileFeature[],
  attribute: string,
): ColorStyle | SizeStyle {
  if (style.kind === "constant") return style;
  const classes = Uint8Array.from(features, ({ properties }) =>
    Number(properties[attribute] ?? MISSING_CLASS),
  );
  return { ...style, classes };
}

/** Returns the columns that the layer shows. A column that the whole tile lacks consists of missing numbers. */
function columnsOf(
  features: readonly VectorTileFeature[],
  { tooltip, popup, label }: SceneLayer,
  formats: DetailSource["formats"],
): readonly RowColumn[] {
  const fields = [...(tooltip?.fields ?? []), ...(popup?.fields ?? []), ...(label ? [label] : [])];
  const count = Math.max(-1, ...fields.map(({ column }) => column)) + 1;
  return Array.from({ length: count }, (_, i) =>
    columnOf(features, `c${i}`, { isText: i === label?.column, format: formats[i] }),
  );
}

function columnOf(
  features: readonly VectorTileFeature[],
  attribute: string,
  { isText, format }: { readonly isText: boolean; readonly format: string | undefined },
): RowColumn {
  const values = features.map(({ properties }) => properties[attribute]);
  if (
    !isText &&
    format === undefined &&
    values.every((value) => value === undefined || typeof value === "number")
  )
    return { kind: "numbers", values: Float64Array.from(values, (value) => (value as number) ?? Number.NaN) };
  const codeOf = new Map<string, number>();
  const codes = Uint32Array.from(values, (value) => {
    if (value === undefined || value === null) return 0;
    const whole = typeof value === "number" ? formatNumber(value, format) : String(value);
    const text = whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}…` : whole;
    const code = codeOf.get(text) ?? codeOf.size + 1;
    codeOf.set(text, code);
    return code;
  });
  return { kind: "texts", texts: [...codeOf.keys()], codes };
}

/**
 * Converts the geometry to world units; `rows` holds the feature of each point. Lines that end `cutAt` tiles beyond the edge
 * are marked as cut.
 */
function geometryOf(
  features: readonly VectorTileFeature[],
  { z, x: column, y: row }: TileId,
  { kind, cutAt }: { readonly kind: SceneLayer["geometry"]["kind"]; readonly cutAt: number | undefined },
): { geometry: PointGeometry | PathGeometry; rows?: Uint32Array } {
  const x: number[] = [];
  const y: number[] = [];
  const rows: number[] = [];
  const paths = [0];
  const ends = [0];
  const side = 2 ** -z;
  for (const [index, feature] of features.entries()) {
    const unit = side / feature.extent;
    for (const path of feature.loadGeometry()) {
      for (const place of path) {
        x.push(column * side + place.x * unit);
        y.push(row * side + place.y * unit);
        if (kind === "point") rows.push(index);
      }
      paths.push(x.length);
      const last = path.at(-1);
      if (cutAt === undefined || !last || !isBeyond(last, feature.extent, cutAt)) continue;
      x.push(x.at(-1)!, x.at(-1)!);
      y.push(y.at(-1)!, y.at(-1)!);
      paths.push(x.length);
    }
    ends.push(paths.length - 1);
  }
  if (kind === "point") {
    const of = Uint32Array.from(rows);
    return { geometry: { kind, x: Float64Array.from(x), y: Float64Array.from(y), rows: of }, rows: of };
  }
  const xy = new Float64Array(2 * x.length);
  for (let i = 0; i < x.length; i++) {
    xy[2 * i] = x[i]!;
    xy[2 * i + 1] = y[i]!;
  }
  return { geometry: { kind, xy, paths: Uint32Array.from(paths), features: Uint32Array.from(ends) } };
}

/** Returns true for a position `margin` tiles, or almost, beyond the edge of a tile. */
function isBeyond(
  { x, y }: { readonly x: number; readonly y: number },
  extent: number,
  margin: number,
): boolean {
  const reach = margin * extent - 1; // positions are rounded to whole numbers
  return [x, y].some((at) => at <= -reach || at >= extent + reach);
}
