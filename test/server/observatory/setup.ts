import { beforeAll, expect } from "vitest";
import type { Engine } from "../../../src/server/engine/engine";
import { withObservatory } from "../../../src/server/observatory/install";
import { literal } from "../../../src/sql";
import { type TestEngine, useEngine } from "../../support/engine";

export const STATE = "us.census.tiger.state_clipped";
export const STATE_UNCLIPPED = "us.census.tiger.state";
export const COUNTY = "us.census.tiger.county_clipped";
export const COUNTRY = "naturalearth.country";

/** The database of the test file that runs, without the observatory's wrapper. */
export let db: TestEngine;
export let engine: Engine;
/** The warnings that came with the first statements, which installed the observatory. */
export let announced: readonly string[];

/** Opens a database whose first statements install the observatory. */
export function useObservatory(): void {
  const own = useEngine();
  beforeAll(async () => {
    db = own;
    engine = withObservatory(db.get());
    const isThere = async () =>
      (await db.rows("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'observatory'"))[0]![0];
    expect(await isThere()).toBe("0");
    await expect(
      engine.query("SELECT OBS_DumpVersion()", { role: "public" }),
      "who may not install gets what there is: nothing",
    ).rejects.toThrow();
    expect(await isThere()).toBe("0");
    const answers = await Promise.all([
      engine.query("SELECT OBS_DumpVersion()"),
      engine.query("SELECT count(*) FROM observatory.obs_table"),
    ]);
    announced = answers.flatMap(({ warnings }) => warnings);
  });
}

export async function rows(sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await engine.query(sql)).statements.at(-1)!.rows;
}

export async function value(sql: string): Promise<string | null> {
  return (await rows(sql))[0]?.[0] ?? null;
}

/** Values of measures for one geometry, as the client asks for them. */
export async function values(geometry: string, entries: object[]): Promise<unknown[] | null> {
  const meta = await value(`SELECT OBS_GetMeta(${geometry}, ${literal(JSON.stringify(entries))}, 1, 1, 500)`);
  const data = await value(
    `SELECT data FROM OBS_GetData(ARRAY[(${geometry}, 1)::geomval], ${literal(meta!)}::json)`,
  );
  return data === null ? null : JSON.parse(data).map((entry: { value: unknown }) => entry.value);
}

export const point = (lng: number, lat: number) => `ST_SetSRID(ST_MakePoint(${lng}, ${lat}), 4326)`;
export const box = (...edges: number[]) => `ST_MakeEnvelope(${edges.join(", ")}, 4326)`;
