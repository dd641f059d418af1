/** Writes the rows of a layer in areas of the map as SQL. */
import type { Transport } from "../../api/transport";
import { SRID_WEBMERCATOR } from "../../geo";
import { HALF_WORLD_M, WORLD_M } from "../../geometry/mercator";
import type { ResolvedLayer } from "../../map";
import type { SceneLayer } from "../../render/scene";
import { queryText } from "../../sql-lexer";
import { describe } from "../read/describe";
import { geometryOf, inMercator, isDrawn } from "./detail-layer";
import { layerQuery } from "./map-scene";

/** What a reader selects on a map in Web Mercator. */
export interface SelectedAreas {
  /** Polygons in world units, x and y in turn, in any copy of the world. */
  readonly rings: readonly (readonly number[])[];
  /** Filters as a condition; empty for all rows. */
  readonly where: string;
}

/** Returns a query for the rows of a table or query that touch one of the areas and pass the filters. */
export async function rowsInAreas(
  transport: Transport,
  { layer, data }: ResolvedLayer,
  { rings, where, drawn }: SelectedAreas & { readonly drawn: SceneLayer },
  signal: AbortSignal | undefined,
): Promise<string> {
  const query = queryText((await layerQuery(transport, layer, signal))!.sql)!; // `!`: this is a table or a query
  const fields = (await describe(transport, query, { signal }))!;
  const { geometry, srid } = geometryOf(layer, data, fields);
  const touches = rings.flatMap((ring) =>
    polygonsOf(ring).map((polygon) => `ST_Intersects(${inMercator(geometry, srid)}, ${polygon})`),
  );
  const conditions = [
    isDrawn(drawn, { geometry, srid }),
    `(${touches.join(" OR ") || "false"})`,
    ...(where === "" ? [] : [`(${where})`]),
  ];
  return `SELECT q.* FROM (\n${query}\n) AS q WHERE ${conditions.join(" AND ")}`;
}

/** Returns a ring in metres, in each copy of the world in which it can meet the world of longitude 0. A lasso may cross itself. */
function polygonsOf(ring: readonly number[]): string[] {
  const xs = ring.filter((_, i) => i % 2 === 0);
  const ys = ring.filter((_, i) => i % 2 === 1);
  const [first, last] = [Math.floor(Math.min(...xs)), Math.floor(Math.max(...xs))];
  return Array.from({ length: last - first + 1 }, (_, i) => {
    // `!`: x and y in turn
    const points = xs.map(
      (x, at) => `${(x - first - i) * WORLD_M - HALF_WORLD_M} ${HALF_WORLD_M - ys[at]! * WORLD_M}`,
    );
    return `ST_MakeValid(ST_GeomFromText('POLYGON((${[...points, points[0]].join(", ")}))', ${SRID_WEBMERCATOR}))`;
  });
}
