/**
 * Computes the validity, extent and area of the starter catalog's boundaries, which installing it would otherwise have to
 * do. Uses the functions of the observatory itself, in a database created from `dist/template`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../src/server/engine/engine";
import { openPglite } from "../src/server/engine/pglite";
import { readGazetteer } from "../src/server/imports/gazetteer";
import { installSql, inTransaction, observatoryPath } from "../src/server/observatory/observatory-sql";
import {
  areaReader,
  type StarterCatalog,
  type StarterPublication,
  starterSql,
} from "../src/server/observatory/starter";
import { literal } from "../src/sql";

export async function withPreparedBoundaries(catalog: StarterCatalog): Promise<StarterCatalog> {
  const rowsOf = areaReader(await readGazetteer(), catalog.unclipped);
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-observatory-"));
  const engine = await openPglite({ dataDir: join(dir, "data") });
  try {
    const starter = await starterSql(catalog, "public");
    const install = installSql({ postgisSchema: "public", isFirst: true });
    await engine.query(inTransaction("preparing boundaries", install, starter));
    const datasets = [];
    for (const dataset of catalog.datasets) {
      const publications = [];
      for (const publication of dataset.publications) {
        publications.push({
          ...publication,
          areas: await prepared(engine, publication, rowsOf(publication)),
        });
      }
      datasets.push({ ...dataset, publications });
    }
    return { ...catalog, datasets };
  } finally {
    await engine.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** `rows` holds identifier, name and geometry. */
async function prepared(
  engine: Engine,
  { boundary, areas }: StarterPublication,
  rows: ReturnType<ReturnType<typeof areaReader>>,
): Promise<StarterPublication["areas"]> {
  if (!areas) return undefined;
  const select = async (sql: string) => {
    const path = `SET search_path = ${observatoryPath("public")}`;
    return (await engine.query(`${path}; ${sql}`)).statements.at(-1)!.rows;
  };
  const [[table, coverage] = []] = await select(
    `SELECT tablename, the_geom FROM obs_geometry WHERE id = ${literal(boundary.id)}`,
  );
  const computed = await select(`
    SELECT o.geoid, ST_AsEWKB(_obs_plain_area((r->>2)::geometry)) = ST_AsEWKB(o.the_geom), b.footprint, b.deg2, b.km2
    FROM json_array_elements(${literal(JSON.stringify(rows))}) WITH ORDINALITY AS given(r, at)
    JOIN ${table} o ON o.geoid = r->>0
    JOIN obs_boundary b ON b.tablename = ${literal(table!)} AND b.geomref = o.geoid
    ORDER BY at`);
  const known = new Set(computed.map(([geoid]) => geoid));
  return {
    object: areas.object,
    list: areas.list.filter(([geoid]) => known.has(geoid)), // the others contain no polygon
    prepared: {
      coverage: coverage!,
      areas: computed.map(([, isPlain, footprint, deg2, km2]) => [
        isPlain === "t",
        footprint!,
        Number(deg2),
        Number(km2),
      ]),
    },
  };
}
