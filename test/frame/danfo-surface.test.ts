import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as dfd from "danfojs-node";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { concat, DataFrame, merge, readCSV, readJSON, Series, toCSV, toJSON } from "../../src";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "danfo-"));
  writeFileSync(join(dir, "cities.csv"), "name,people\nBern,134\nRom,2761\n");
  writeFileSync(join(dir, "cities.json"), '[{"name":"Bern","people":134},{"name":"Rom","people":2761}]');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("the classes are danfo's", () => {
  const frame = new DataFrame({ name: ["Bern", "Rom"], people: [134, 2761] });
  expect(frame.shape).toEqual([2, 2]);
  expect(frame.constructor.name).toBe("DataFrame");
  expect([frame instanceof DataFrame, frame instanceof Series]).toEqual([true, false]);
  expect([frame.head(1) instanceof DataFrame, frame.column("name") instanceof Series]).toEqual([true, true]);
  expect(new dfd.DataFrame({ a: [1] }) instanceof DataFrame).toBe(true);
  expect([{}, null, 1].map((value) => (value as unknown) instanceof DataFrame)).toEqual([
    false,
    false,
    false,
  ]);
  class Places extends DataFrame {
    first() {
      return this.head(1);
    }
  }
  const places = new Places({ a: [1, 2] });
  expect(places.first().shape).toEqual([1, 1]);
  expect([places instanceof Places, places instanceof DataFrame, frame instanceof Places]).toEqual([
    true,
    true,
    false,
  ]);
});

test("the functions are danfo's", async () => {
  const frame = new DataFrame({ name: ["Bern", "Rom"], people: [134, 2761] });
  const other = new DataFrame({ name: ["Rom"], country: ["Italy"] });
  expect(merge({ left: frame, right: other, on: ["name"], how: "inner" }).values).toEqual([
    ["Rom", 2761, "Italy"],
  ]);
  expect((concat({ dfList: [frame, frame], axis: 0 }) as DataFrame).shape).toEqual([4, 2]);
  expect(toCSV(frame)).toBe("name,people\nBern,134\nRom,2761\n");
  expect(toJSON(frame)).toEqual([
    { name: "Bern", people: 134 },
    { name: "Rom", people: 2761 },
  ]);
});

test("reads files and URLs", async () => {
  const rows = [
    ["Bern", 134],
    ["Rom", 2761],
  ];
  expect((await readCSV(join(dir, "cities.csv"))).values).toEqual(rows);
  expect((await readJSON(join(dir, "cities.json"))).values).toEqual(rows);
});

test("an error of a reader names the file or URL, and the reason", async () => {
  const missing = join(dir, "citys.csv");
  await expect(readCSV(missing)).rejects.toThrow(`readCSV: the file "${missing}" does not exist.`);
  await expect(readCSV("data/none.csv")).rejects.toThrow(`Relative paths start from ${process.cwd()}.`);
  await expect(readJSON(join(dir, "cities.csv"))).rejects.toThrow(/^readJSON cannot read ".*cities\.csv": /);
  await expect(readCSV(undefined as never)).rejects.toThrow(
    'readCSV needs the path or URL of a file, such as "data/cities.csv".',
  );
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0);
  onTestFinished(() => void server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cities.csv`;
  await expect(readCSV(address)).rejects.toThrow(`readCSV cannot read "${address}": HTTP 404: Not Found`);
  await expect(readJSON(address)).rejects.toThrow(`readJSON cannot read "${address}": HTTP 404: Not Found`);
});
