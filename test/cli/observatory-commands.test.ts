import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ObservatoryCommands, readPublication } from "../../src/cli/observatory-commands";
import { serverForTests } from "../support/server";

const server = serverForTests({ own: true });
let commands: ObservatoryCommands;
const told: string[] = [];

beforeAll(async () => {
  commands = new ObservatoryCommands(server, (line) => told.push(line));
});

test("the first command installs the observatory and says so", async () => {
  const lines = await commands.list();
  expect(told.join("\n")).toMatch(/Installed its starter catalog: us-boundaries/);
  expect(lines.find((line) => line.startsWith("world-boundaries "))).toContain(
    "2 boundary levels, 6 measures, 2018",
  );
});

test("info names the source of each measure", async () => {
  const lines = await commands.info("us-counties");
  expect(lines).toContain("Licence: US Government work (public domain in the United States)");
  expect(lines).toContain(
    "      average; of us.bls.unemployment_weight; by us.census.tiger.county_clipped; 2009",
  );
  await expect(commands.info("'; DROP")).rejects.toThrow(
    'No dataset is named "\'; DROP". Available datasets: cities, ',
  );
});

test("a starter dataset is unchanged after remove and add", async () => {
  const before = await commands.info("us-states");
  await commands.remove("us-states");
  expect((await commands.list()).at(-1)).toMatch(
    /^us-states .*not installed; to add it, run `npx cartoframes observatory add us-states`/,
  );
  await expect(commands.remove("us-states")).rejects.toThrow(
    'No dataset is named "us-states" Available datasets: cities',
  );
  await commands.addStarter("us-states");
  expect(await commands.info("us-states")).toEqual(before);
  await commands.addStarter("us-boundaries"); // what others stand on is replaced under them
  expect(await commands.info("us-states")).toEqual(before);
  await expect(commands.addStarter("us-moon")).rejects.toThrow(
    'The starter catalog has no dataset named "us-moon". It has us-boundaries',
  );
});

test("a removed dataset stays removed", async () => {
  await commands.remove("cities");
  await server.killAndRestart();
  const again = new ObservatoryCommands(server, () => {});
  expect(
    (await again.list()).some((line) => line.startsWith("cities") && line.includes("not installed")),
  ).toBe(true);
});

test("adds a table as its JSON file describes", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "cartoframes-test-")), "seats.json");
  const publication = {
    dataset: "seats",
    timespan: "2024",
    boundary: { id: "us.census.tiger.state_clipped", id_column: "fips" },
    measures: [{ column: "seats", aggregate: "sum" }],
  };
  writeFileSync(file, JSON.stringify(publication));
  await server.sql("CREATE TABLE seats AS SELECT '06' AS fips, 52 AS seats");
  await commands.addTable("seats", await readPublication(file));
  expect(await commands.info("seats")).toContain("  seats.seats  seats.seats");
  await expect(commands.addTable("nothing", publication as never)).rejects.toThrow(
    'relation "nothing" does not exist',
  );
  writeFileSync(file, "[]");
  await expect(readPublication(file)).rejects.toThrow("must contain a JSON object.");
  await expect(readPublication(`${file}.none`)).rejects.toThrow("(ENOENT)");
});
