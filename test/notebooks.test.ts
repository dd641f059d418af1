/** The example notebooks run, and show what is committed: `npm run notebooks` writes their outputs anew. */
import { basename } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { functionsSql } from "../src/server/sql/functions";
import { sharedPostgres } from "./support/engine";
import { needs } from "./support/needs";
import { notebookFiles, runNotebook } from "./support/notebooks";
import { removeHome, temporaryHome } from "./support/server";

const TIMEOUT = { timeout: 600_000 };
const byName = notebookFiles().map((path): [name: string, path: string] => [basename(path), path]);
/** Those that show the same on a PostgreSQL database. */
const onPostgres = byName.filter(([name]) => name === "03-accounts-and-databases.ipynb");

let home: string;
beforeAll(async () => {
  home = await temporaryHome();
});
afterAll(() => removeHome(home));

test.each(byName)("%s", TIMEOUT, async (_, path) => {
  const { problems, differences } = await runNotebook(path, home);
  expect(problems.join("\n")).toBe("");
  expect(differences.join("\n")).toBe("");
});

describe("on a native PostgreSQL", () => {
  needs("PostgreSQL");

  test.each(onPostgres)("%s", TIMEOUT, async (_, path) => {
    const database = await (await sharedPostgres()).createDatabase("notebook", "analyst");
    const analyst = new Client(database);
    await analyst.connect();
    await analyst.query(functionsSql()); // what the first write would install, and announce
    await analyst.end();
    const { problems, differences } = await runNotebook(path, home, database);
    expect(problems.join("\n")).toBe("");
    expect(differences.join("\n")).toBe("");
  });
});
