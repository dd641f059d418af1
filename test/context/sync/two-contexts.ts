import { DataFrame } from "danfojs-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { removeHome, sharedHome, testAddress } from "../../support/server";

interface TwoContexts {
  readonly home: string;
  readonly cc: CartoContext;
  /** Another user of the same data. */
  readonly other: CartoContext;
}

/** Two contexts on the same data for the tests of a file. A test that leaves uploaded tables behind fails. */
export function withTwoContexts(onReady: (contexts: TwoContexts) => void): void {
  let home: string;
  let cc: CartoContext;
  beforeAll(async () => {
    home = await sharedHome();
    const baseUrl = await testAddress(home);
    cc = new CartoContext({ baseUrl });
    onReady({ home, cc, other: new CartoContext({ baseUrl }) });
  });
  afterAll(() => removeHome(home));

  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    const left = await cc.query("SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'");
    expect(left.shape[0], "uploaded tables are left behind").toBe(0);
  });
}

export const rowsOf = (df: DataFrame) => (df as unknown as { $data: unknown[][] }).$data;
export const frame = (columns: string[], ...rows: unknown[][]) =>
  rows.length > 0
    ? new DataFrame(rows as never, { columns })
    : new DataFrame([], { columns, dtypes: columns.map(() => "string") });

export const cities = () =>
  frame(
    ["city", "lng", "lat", "people"],
    ["Madrid", -3.7, 40.4, 3],
    ["Quito", -78.5, -0.2, 2],
    ["Oslo", 10.7, 59.9, 1],
  );
export async function writeCities(cc: CartoContext, name: string): Promise<DataFrame> {
  await cc.write(cities(), name, { lnglat: ["lng", "lat"], overwrite: true });
  return cc.read(name);
}
