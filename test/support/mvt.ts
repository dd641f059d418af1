import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

export interface DecodedFeature {
  /** 1 points, 2 lines, 3 polygons. */
  readonly type: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /** Rings, lines or points, with vertices as [x, y] in units of the extent. */
  readonly parts: readonly (readonly (readonly [number, number])[])[];
}

/** Decodes the features by layer, with a third-party decoder. */
export function decodeMvt(bytes: Uint8Array): Record<string, { extent: number; features: DecodedFeature[] }> {
  const { layers } = new VectorTile(new PbfReader(bytes));
  return Object.fromEntries(
    Object.entries(layers).map(([name, layer]) => [
      name,
      {
        extent: layer.extent,
        features: Array.from({ length: layer.length }, (_, i) => {
          const feature = layer.feature(i);
          const parts = feature.loadGeometry().map((part) => part.map(({ x, y }) => [x, y] as const));
          return {
            type: feature.type,
            properties: feature.properties as DecodedFeature["properties"],
            parts,
          };
        }),
      },
    ]),
  );
}
