import { afterAll, describe, expect, test } from "vitest";
import { databaseAddress } from "../../../src/local/database";
import type { Engine } from "../../../src/server/engine/engine";
import { openPostgres } from "../../../src/server/engine/postgres";
import { withObservatory } from "../../../src/server/observatory/install";
import { sharedPostgres } from "../../support/engine";
import { needs } from "../../support/needs";

const opened: Engine[] = [];
afterAll(() => Promise.all(opened.map((engine) => engine.close())));

async function open(url: string): Promise<Engine> {
  const engine = await openPostgres(databaseAddress(url));
  opened.push(engine);
  return withObservatory(engine);
}

const PARIS = "ST_SetSRID(ST_MakePoint(2.35, 48.85), 4326)";

describe("a user's database", () => {
  needs("PostgreSQL");
  test("can have PostGIS in its own schema, and two servers installing at once", async () => {
    const postgres = await sharedPostgres();
    const url = await postgres.createDatabase("observatory gis", "ana");
    const admin = await postgres.connect("observatory gis");
    await admin.query(
      "DROP EXTENSION postgis; CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; GRANT USAGE ON SCHEMA gis TO ana",
    );
    const sql = `SELECT OBS_GetBoundaryId(${PARIS}, 'naturalearth.country'), d.data->0->>'value'
      FROM OBS_GetData(ARRAY[(${PARIS}, 7)::geomval], OBS_GetMeta(${PARIS}, '[{"numer_id":"world.gapminder.income"}]')) d`;
    const [one, two] = [await open(url), await open(url)];
    const answers = await Promise.all([one.query(sql), two.query(sql)]);
    for (const { statements } of answers) expect(statements[0]!.rows).toEqual([["FRA", "37599"]]);
    const announced = answers.flatMap(({ warnings }) => warnings);
    expect(announced.filter((text) => text.startsWith("Installed the Data Observatory"))).toHaveLength(1);

    await admin.query("DROP SCHEMA observatory, cdb_observatory CASCADE");
    await expect(one.query(sql), "it is gone").rejects.toThrow("does not exist");
    expect((await one.query(sql)).statements[0]!.rows).toEqual([["FRA", "37599"]]);
    await admin.end();
  });

  test("without the privilege to create schemas gets advice, and other schemas are unchanged", async () => {
    const postgres = await sharedPostgres();
    await postgres.createDatabase("observatory theirs", "owner");
    const admin = await postgres.connect("observatory theirs");
    await admin.query("CREATE ROLE guest LOGIN");
    const guest = await open(postgres.url("observatory theirs", "guest"));
    await expect(guest.query("SELECT OBS_DumpVersion()")).rejects.toMatchObject({
      message: expect.stringContaining('role "guest" does not have the privilege to install it'),
      hint: 'An administrator of the database can run: GRANT CREATE ON DATABASE "observatory theirs" TO "guest".',
      code: "42501",
    });
    await admin.query(
      "CREATE SCHEMA observatory AUTHORIZATION owner; CREATE TABLE observatory.stars AS SELECT 1 AS star; ALTER TABLE observatory.stars OWNER TO owner",
    );
    const owner = await open(postgres.url("observatory theirs", "owner"));
    expect((await owner.query("SELECT * FROM observatory.stars")).statements[0]!.rows).toEqual([["1"]]);
    await expect(owner.query("SELECT OBS_DumpVersion()")).rejects.toMatchObject({
      hint: expect.stringContaining("was not created by cartoframes, so nothing is installed in it"),
    });
    await admin.end();
  });

  test("without PostGIS gets an error that says so", async () => {
    const postgres = await sharedPostgres();
    const url = await postgres.createDatabase("observatory bare", "ana");
    const admin = await postgres.connect("observatory bare");
    await admin.query("DROP EXTENSION postgis");
    await admin.end();
    await expect((await open(url)).query("SELECT OBS_DumpVersion()")).rejects.toThrow(
      "the Data Observatory needs PostGIS",
    );
  });
});
