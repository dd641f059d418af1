/**
 * Packs the measures of the starter catalog. Usage: `npx tsx scripts/observatory.ts [outFile]`, after the rest of the
 * build.
 *
 * The boundaries come from the gazetteer; this script adds numbers with their description, date, source and licence, as
 * given by the packages they are taken from. docs/observatory.md lists them.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { Topology } from "topojson-specification";
import writeFileAtomic from "write-file-atomic";
import type { StarterDataset } from "../src/server/observatory/starter";
import { unclippedStates, usBoundaries, worldBoundaries } from "./observatory/boundaries";
import { readPlaces } from "./observatory/places";
import { usCounties, usPlaces, usStates } from "./observatory/united-states";
import { cities, worldDevelopment } from "./observatory/world";
import { withPreparedBoundaries } from "./prepare-boundaries";

export async function buildStarter(outFile: string): Promise<void> {
  const unclipped = await unclippedStates();
  const datasets = await starterDatasets(unclipped);
  const catalog = await withPreparedBoundaries({ version: 1, unclipped, datasets });
  const packed = brotliCompressSync(JSON.stringify(catalog), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 },
  });
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, packed);
}

async function starterDatasets(unclipped: Topology): Promise<StarterDataset[]> {
  const places = readPlaces();
  return [
    usBoundaries(unclipped),
    worldBoundaries(places),
    await usStates(),
    await usCounties(places),
    await usPlaces(places),
    await worldDevelopment(places),
    await cities(places),
  ];
}

if (require.main === module) {
  buildStarter(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "observatory.json.br")));
}
