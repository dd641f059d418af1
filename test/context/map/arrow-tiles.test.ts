/** Lines in tiles of a real server: each ends in one arrowhead, however many tiles it crosses. */
import { expect, test } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { detailSources } from "../../../src/context/map/map-detail";
import { resolveLayers } from "../../../src/context/map/map-scene";
import { lngLatOf } from "../../../src/geometry/mercator";
import { buildScene, Layer, type LayerOptions } from "../../../src/map";
import { decodeTile } from "../../../src/render/page/decode-tile";
import { isCutAtEnd } from "../../../src/render/painter/arrows";
import type { PathGeometry } from "../../../src/render/scene";
import { progress } from "../../support/nowhere";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const ZOOM = 3;

async function builtFor(style: LayerOptions) {
  const { baseUrl, user, key: apiKey } = server;
  const endpoint = { kind: "local", baseUrl, user, apiKey, label: "the local server" } as const;
  const transport = new Transport(fixedSource(endpoint));
  const layers = await resolveLayers(transport, [new Layer("ways", style)], { progress });
  return { transport, layers, ...buildScene({ layers, projection: "mercator" }) };
}

test("one head per line, where the line ends", async () => {
  const answer = await server.sql(`CREATE TABLE ways AS SELECT 1 AS cartodb_id,
    ST_GeomFromText('LINESTRING (-100 50, 100 -40, 100 60, -20 1)', 4326)::geometry(LineString, 4326) AS the_geom`);
  if (answer.error) throw new Error(answer.error[0]);
  const { transport, layers, scene, tileColumns } = await builtFor({ arrow: true });
  const { sources } = await detailSources(transport, {
    scene,
    layers,
    tileColumns,
    reduced: [0],
    bufferPx: 10,
  });
  const source = sources.get(0)!;
  const ends: string[] = [];
  let cuts = 0;
  for (let x = 0; x < 2 ** ZOOM; x++)
    for (let y = 0; y < 2 ** ZOOM; y++) {
      const url = source.urlTemplate.replace("{z}", `${ZOOM}`).replace("{x}", `${x}`).replace("{y}", `${y}`);
      const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
      const { layer } = decodeTile(bytes, { z: ZOOM, x, y }, scene.layers[0]!, source);
      const geometry = layer.geometry as PathGeometry;
      for (let feature = 0; feature + 1 < geometry.features.length; feature++) {
        const last = geometry.features[feature + 1]!;
        for (let path = geometry.features[feature]!; path < last; path++) {
          const [from, end] = [geometry.paths[path]!, geometry.paths[path + 1]!];
          const [fromX, endX] = [geometry.xy[2 * from]!, geometry.xy[2 * end - 2]!];
          const [fromY, endY] = [geometry.xy[2 * from + 1]!, geometry.xy[2 * end - 1]!];
          if (end - from === 2 && fromX === endX && fromY === endY) continue; // a mark
          if (isCutAtEnd(geometry, path, last)) cuts++;
          else ends.push(lngLatOf([endX, endY]).map(Math.round).join(" "));
        }
      }
    }
  expect(cuts).toBeGreaterThan(5);
  expect(new Set(ends)).toEqual(new Set(["-20 1"]));
});

test("a layer with `curve` has no tiles, whose lines would be straight", async () => {
  expect((await builtFor({ curve: "geodesic" })).tileColumns).toEqual([undefined]);
  expect((await builtFor({})).tileColumns).not.toEqual([undefined]);
});
