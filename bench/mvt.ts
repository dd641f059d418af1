/** Compares the time of our encoder for one vector tile with that of `vt-pbf`. Usage: `npx tsx bench/mvt.ts` */
// @ts-expect-error vt-pbf has no declarations
import { fromVectorTileJs } from "vt-pbf";
import { encodeMvt, type MvtLayer, type Value } from "../src/server/maps/mvt";
import { compare, printHeader } from "./support";

const POINTS_PER_TILE = 65_536; // a point in each pixel of 256 × 256

interface PointFeature {
  readonly geometry: { readonly kind: "points"; readonly points: number[] };
  readonly values: [string, Value][];
}

const features = Array.from(
  { length: POINTS_PER_TILE },
  (_, i): PointFeature => ({
    geometry: { kind: "points", points: [(i * 7919) % 4096, (i * 104729) % 4096] },
    values: [
      ["cartodb_id", i],
      ["kind", `kind ${i % 7}`],
      ["_cdb_feature_count", 1 + (i % 40)],
    ],
  }),
);
const layer: MvtLayer = { name: "layer0", extent: 4096, features };

/** The layer as vt-pbf reads it, with objects for positions and properties. */
const reference = {
  layers: {
    layer0: {
      version: 2,
      name: layer.name,
      extent: layer.extent,
      length: features.length,
      feature: (i: number) => {
        const { geometry, values } = features[i]!;
        const [x, y] = geometry.points as [number, number];
        return { type: 1, properties: Object.fromEntries(values), loadGeometry: () => [[{ x, y }]] };
      },
    },
  },
};

async function main(): Promise<void> {
  printHeader();
  let sink = 0;
  await compare(
    `tile of ${POINTS_PER_TILE.toLocaleString("en")} points`,
    async () => {
      sink += encodeMvt([layer]).length;
    },
    {
      name: "`vt-pbf`",
      run: async () => {
        sink -= fromVectorTileJs(reference).length;
      },
    },
    15,
  );
  if (sink !== 0) throw new Error("The two encoders write tiles of different sizes.");
}

void main();
