import { afterAll, beforeAll, expect, test } from "vitest";
import { Kernel } from "../support/jupyter";
import { createWorkspace, removeWorkspace } from "./workspace";

let cwd: string;
let kernel: Kernel;
beforeAll(async () => {
  cwd = await createWorkspace();
  kernel = await Kernel.start({ cwd });
  const setup = await kernel.execute(`import { CartoError } from "notebook-support";
import * as dfd from "danfojs-node";
const df = new dfd.DataFrame({ name: ["Bern", "Rom"], n: [134, 2761] });
const list = { merge: undefined as any };`);
  expect(setup.outputs).toEqual([]);
});
afterAll(async () => {
  await kernel?.shutdown();
  if (cwd) removeWorkspace(cwd);
});

test.each([
  ["df.to_file('a.gpkg')", "is not a function", "To write a file, use `await cc.export(df, "],
  ["df.to_csv('a.csv')", "is not a function", 'use `await cc.export(df, "places.csv")`'],
  ["df.to_crs(3857)", "is not a function", "ST_Transform(the_geom, 3857)"],
  ["df['name'].sum()", "does not support sum", 'Convert it first: `df["column"].asType("float32").sum()`'],
  ["df.plot('chart')", "Not supported in NodeJS", "await cc.map({ layers: new Layer(df"],
  ["df['n'].hist()", "is not a function", "await cc.map({ layers: new Layer(df"],
  ["df.groupby('name' as any).mean()", "col.map is not a function", 'df.groupby(["column"])'],
  ["df.sort_values('n')", "is not a function", 'df.sortValues("column"'],
  ["df['name'].value_counts()", "is not a function", 'df["column"].valueCounts()'],
  ["df['name'].str.upper()", "is not a function", "`.str.toUpperCase()`"],
  ["df.drop('n' as any)", "Must specify", 'df.drop({ columns: ["column"] })'],
  ["df.query('n > 1' as any)", "must be an Array", 'df.query(df["column"].gt(1))'],
  ["df.merge(df)", "is not a function", "`merge({ left: df, right: other"],
  ["for (const row of df.iterrows()) {}", "is not a function", "`for (const row of toJSON(df))`"],
])("%s: the error ends with what to write here", async (code, error, advice) => {
  const { status, stderr } = await kernel.execute(code);
  expect(status).toBe("error");
  expect(stderr).toContain(error);
  expect(stderr.trim().split("\n").at(-1)).toContain(advice);
});

test.each([
  ["df[['name', 'n'] as any]", 'df.loc({ columns: ["name","n"] })'],
  ["df.crs", "EPSG:4326"],
  ["df[(df['n'] as any) > 1 as any]", 'df.query(df["column"].gt(1))'],
])("%s, which is undefined", async (code, advice) => {
  expect((await kernel.execute(code)).stderr).toContain(advice);
});

test("other objects and other errors get no advice", async () => {
  expect((await kernel.execute("list.merge()")).stderr).not.toContain("To join");
  expect((await kernel.execute("df.nonsense()")).stderr.trim().split("\n").at(-1)).not.toMatch(/use|`/);
});
