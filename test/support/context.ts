import { DataFrame } from "danfojs-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { removeHome, sharedHome, testAddress } from "./server";

interface Contexts {
  readonly home: string;
  readonly baseUrl: string;
  readonly cc: CartoContext;
}

let cc: CartoContext;

/**
 * A context on a real server for the tests of a file, which prints nothing. A test that leaves uploaded tables behind
 * fails.
 * @param onReady is given the context, and may prepare tables.
 */
export function withContext(onReady: (contexts: Contexts) => unknown): void {
  let home: string;
  beforeAll(async () => {
    home = await sharedHome();
    const baseUrl = await testAddress(home);
    cc = new CartoContext({ baseUrl });
    await onReady({ home, baseUrl, cc });
  });
  afterAll(() => removeHome(home));

  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    const left = await values("SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'");
    expect(left, "uploaded tables are left behind").toEqual([]);
  });
}

/** What the test has printed so far, and its warnings. */
export const printed = () => vi.mocked(console.log).mock.calls.flat().join("\n");
export const warned = () => vi.mocked(console.warn).mock.calls.flat().join("\n");

export const rowsOf = (df: DataFrame) => (df as unknown as { $data: unknown[][] }).$data;
/** The rows of a query in the context of the file. */
export const values = async (sql: string) => rowsOf(await cc.query(sql));
export const frame = (columns: string[], ...rows: unknown[][]) =>
  rows.length > 0
    ? new DataFrame(rows as never, { columns })
    : new DataFrame([], { columns, dtypes: columns.map(() => "string") });
