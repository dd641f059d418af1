import { DataFrame } from "danfojs-node";
import { expect, test, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { Credentials } from "../../src/context/connection/credentials";
import { BatchJobStatus } from "../../src/context/jobs/batch-job-status";
import { InvalidArgumentError } from "../../src/errors";
import { BaseMap, Layer, QueryLayer } from "../../src/map";
import { MapView } from "../../src/render";

// biome-ignore lint/suspicious/noExplicitAny: cells of JavaScript are not checked
const any = (options: unknown) => options as any;
const frame = new DataFrame({ a: [1] } as never);
/** It is contacted by nothing here: an address where nobody listens. */
const cc = new CartoContext({ baseUrl: "http://127.0.0.1:9", apiKey: "not-asked-for" });
const job = new BatchJobStatus(cc, "0b9c1f0e");
const creds = new Credentials({ username: "ana", key: "secret-key-1" });

const CALLS: Record<string, [call: () => unknown, meant: string | undefined]> = {
  "write, a typo": [() => cc.write(frame, "t", any({ overwite: true })), "overwrite"],
  "write, Python's name": [() => cc.write(frame, "t", any({ encode_geom: true })), "encodeGeom"],
  "write, an import option": [() => cc.write(frame, "t", any({ type_guessing: true })), "typeGuessing"],
  "write, undefined": [() => cc.write(frame, "t", any({ overwrit: undefined })), "overwrite"],
  "write, an option of another call": [() => cc.write(frame, "t", any({ decodeGeom: true })), "encodeGeom"],
  read: [() => cc.read("t", any({ limt: 3 })), "limit"],
  "read, something else": [() => cc.read("t", any({ shared_user: "ana" })), undefined],
  import: [() => cc.import("a.csv", "t", any({ overwite: true })), "overwrite"],
  readFile: [() => cc.readFile("a.csv", any({ decode_geom: true })), "decodeGeom"],
  export: [() => cc.export("t", "a.csv", any({ overwite: true })), "overwrite"],
  query: [() => cc.query("SELECT 1", any({ table_name: "t" })), "tableName"],
  sync: [() => cc.sync(frame, "t", any({ keys: "a" })), "key"],
  delete: [() => cc.delete("t", any({ signals: undefined })), "signal"],
  tables: [() => cc.tables(any({ sgnal: 1 })), "signal"],
  map: [() => cc.map(any({ layer: [] })), "layers"],
  batch: [() => cc.batch("SELECT 1", any({ singal: 1 })), "signal"],
  "a job": [() => cc.batch(any({ query: [{ query: "SELECT 1" }], onsucess: "SELECT 2" })), "onsuccess"],
  "a query of a job": [() => cc.batch(any({ query: [{ query: "SELECT 1", onerorr: "x" }] })), "onerror"],
  context: [() => new CartoContext(any({ base_url: "local:" })), "baseUrl"],
  connect: [() => CartoContext.connect(any({ api_key: "secret-key-1" })), "apiKey"],
  timeouts: [
    () => new CartoContext(any({ baseUrl: "local:", timeouts: { connectMS: 1, idleM: 2 } })),
    "connectMs",
  ],
  credentials: [() => new Credentials(any({ user_name: "ana", key: "secret-key-1" })), "username"],
  "credentials.set": [() => creds.set(any({ keys: "secret-key-1" })), "key"],
  status: [() => job.status(any({ signl: 1 })), "signal"],
  wait: [() => job.wait(any({ timeoutms: 1 })), "timeoutMs"],
  cancel: [() => job.cancel(any({ signl: 1 })), "signal"],
  Layer: [() => new Layer("t", any({ colour: "red" })), "color"],
  QueryLayer: [() => new QueryLayer("SELECT 1", any({ sizes: 1 })), "size"],
  BaseMap: [() => new BaseMap(any({ sourc: "dark" })), "source"],
  MapView: [() => new MapView(any({}), any({ interactiv: false })), "interactive"],
};

test.each(Object.entries(CALLS))("%s: rejects an unknown option", async (_, [call, meant]) => {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  const { message } = error as Error;
  if (meant === undefined) expect(message).not.toContain("Did you mean");
  else expect(message).toContain(`Did you mean "${meant}"?`);
  expect(message).toMatch(/Available options: "/);
  expect(message).not.toContain("secret-key-1");
});

test("error message", async () => {
  await expect(cc.write(frame, "t", any({ overwite: true }))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: write has no option "overwite". Did you mean "overwrite"? Available options: "overwrite", "append", "privacy", "tempDir", "lnglat", "encodeGeom", "geomCol", "signal", "typeGuessing", "quotedFieldsGuessing", "contentGuessing", "collisionStrategy", "compression".]`,
  );
  await expect(cc.write(frame, "t", any(true))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The options of write must be an object, such as { overwrite: … }.]`,
  );
  await expect(cc.read("t", any(null))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The options of read must be an object, such as { decodeGeom: … }.]`,
  );
});

test("accepts the options of every call", () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  expect(new CartoContext({ baseUrl: "local:", timeouts: { idleMs: 1 }, verbose: false })).toBeDefined();
});
