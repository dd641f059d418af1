import { describe, expect, test, vi } from "vitest";
import type { CartoContext } from "../../../src/context/carto-context";
import { BatchJobStatus } from "../../../src/context/jobs/batch-job-status";
import {
  ImportError,
  InvalidArgumentError,
  JobError,
  TableExistsError,
  TableNotFoundError,
} from "../../../src/errors";
import { frame, printed, rowsOf, values, withContext } from "../../support/context";
import { runningServer } from "../../support/server";

let home: string;
let cc: CartoContext;
withContext((context) => {
  ({ home, cc } = context);
});

/** What the dataset endpoint says. */
async function privacyOf(table: string): Promise<string> {
  const { baseUrl, key } = (await runningServer(home))!;
  const headers = { Authorization: `Basic ${Buffer.from(`local:${key}`).toString("base64")}` };
  const answer = await fetch(`${baseUrl}/api/v1/viz/${table}`, { headers });
  return ((await answer.json()) as { privacy: string }).privacy;
}

test("says how coordinates become points, if nothing else is a geometry", async () => {
  const coordinates = frame(["Lat", "Lon"], [46.9, 7.4]);
  await cc.write(coordinates, "hinted");
  expect(printed()).toContain(
    'It has no geometry. To make points of "Lon" and "Lat", pass { lnglat: ["Lon","Lat"], overwrite: true }.',
  );
  vi.mocked(console.log).mockClear();
  await cc.write(coordinates, "hinted", { lnglat: ["Lon", "Lat"], overwrite: true });
  await cc.write(frame(["latte"], [1]), "hinted", { overwrite: true });
  expect(printed()).not.toContain("no geometry");
});

describe("privacy", () => {
  test.each(["public", "link", "private"] as const)(
    "sets %s, and keeps it when the table is replaced",
    async (privacy) => {
      const name = `seen_${privacy}`;
      await cc.write(frame(["a"], [1]), name, { privacy });
      expect(await privacyOf(name)).toBe(privacy.toUpperCase());
      await cc.write(frame(["b"], [2]), name, { overwrite: true });
      expect(await privacyOf(name)).toBe(privacy.toUpperCase());
      await cc.query("SELECT 1 AS c", { tableName: name, overwrite: true });
      expect(await privacyOf(name)).toBe(privacy.toUpperCase());
      await cc.write(frame(["b"], [2]), name, { overwrite: true, privacy: "private" });
      expect(await privacyOf(name)).toBe("PRIVATE");
    },
  );

  test("keeps the privileges of others", async () => {
    await cc.write(frame(["a"], [1]), "shared");
    await cc.query(
      "GRANT SELECT, INSERT ON shared TO publicuser; GRANT UPDATE ON shared TO publicuser WITH GRANT OPTION",
    );
    const rights = `SELECT privilege_type, is_grantable FROM information_schema.role_table_grants
      WHERE table_name = 'shared' AND grantee = 'publicuser' ORDER BY 1`;
    const before = await values(rights);
    expect(before).toHaveLength(3);
    await cc.write(frame(["a"], [2]), "shared", { overwrite: true });
    expect(await values(rights)).toEqual(before);
  });

  test("rejects other values before anything is sent", async () => {
    await expect(cc.write(frame(["a"], [1]), "never", { privacy: "open" as never })).rejects.toThrow(
      /"public", "link" or "private"/,
    );
    expect(await values("SELECT to_regclass('never')::text IS NULL")).toEqual([[true]]);
  });
});

describe("the Import API", () => {
  const places = () =>
    frame(
      ["country", "n", "when", "ok", "doc", "note"],
      ["Spain", 1.5, new Date("2020-01-02T03:04:05.678Z"), true, { a: [1, "x,y"] }, 'it\'s "q", ;\nnew'],
      ["France", null, null, null, null, ""],
      ["Peru", -3, new Date("0001-01-01T00:00:00Z"), false, [], "  blank "],
    );

  test("contentGuessing makes geometry from names and keeps the frame's types", async () => {
    expect(await cc.write(places(), "Places of", { contentGuessing: true })).toBeNull();
    expect(printed()).toContain('The table is named "places_of".');
    expect(printed()).toContain('Wrote 3 rows to "places_of".');
    expect(vi.mocked(console.warn).mock.calls).toEqual([]);
    expect(await values("SELECT GeometryType(the_geom), count(*)::int FROM places_of GROUP BY 1")).toEqual([
      ["MULTIPOLYGON", 3],
    ]);
    const types = await values(
      "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'places_of'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT LIKE 'the_geom%' ORDER BY 1",
    );
    expect(Object.fromEntries(types as [string, string][])).toMatchObject({
      country: "text",
      n: "double precision",
      _when: "timestamp with time zone",
      ok: "boolean",
      doc: "jsonb",
      note: "text",
    });
    expect(
      await values("SELECT country, n, _when, ok, doc, note FROM places_of ORDER BY cartodb_id"),
    ).toEqual(
      rowsOf(places()).map((row) => row.map((value, i) => (value === null && i === 1 ? Number.NaN : value))),
    );
    expect(await values("SELECT indexname FROM pg_indexes WHERE tablename = 'places_of' ORDER BY 1")).toEqual(
      [["places_of_pkey"], ["places_of_the_geom_idx"], ["places_of_the_geom_webmercator_idx"]],
    );
  });

  test("gzip and lnglat, replacing a table that was public", async () => {
    await cc.write(frame(["a"], [1]), "packed", { privacy: "public" });
    const df = frame(["lng", "lat"], [1.5, 2.5], [null, 1]);
    await expect(cc.write(df, "packed", { compression: "gzip" })).rejects.toThrow(TableExistsError);
    await cc.write(df, "packed", { compression: "gzip", lnglat: ["lng", "lat"], overwrite: true });
    expect(await values("SELECT lng, ST_AsText(the_geom) FROM packed ORDER BY cartodb_id")).toEqual([
      [1.5, "POINT(1.5 2.5)"],
      [Number.NaN, null],
    ]);
    expect(await privacyOf("packed")).toBe("PUBLIC");
  });

  test("typeGuessing lets the server infer the types", async () => {
    await cc.write(frame(["code", "day"], ["17", "2020-01-02"], ["18", "2020-01-03"]), "guessed", {
      typeGuessing: true,
    });
    const [row] = await values(
      "SELECT pg_typeof(code)::text AS c, pg_typeof(day)::text AS d FROM guessed LIMIT 1",
    );
    expect(row).toEqual([expect.stringMatching(/integer|bigint/), expect.stringMatching(/timestamp|date/)]);
  });

  test("collisionStrategy skips, overwrites, or throws", async () => {
    await cc.write(frame(["a", "b"], ["1", "2"]), "collided");
    await cc.write(frame(["a"], ["3"]), "collided", { collisionStrategy: "skip" });
    expect(printed()).toContain('Table "collided" already exists and was kept');
    expect(await values("SELECT a FROM collided")).toEqual([["1"]]);
    const error = await cc
      .write(frame(["a"], ["3"]), "collided", { collisionStrategy: "overwrite" })
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ImportError);
    expect(error.code).toBe(2012);
    expect(error.message).toContain("The columns do not match those of the table to overwrite.");
    await cc.write(frame(["a", "b", "c"], ["3", "4", "5"]), "collided", { collisionStrategy: "overwrite" });
    expect(await values("SELECT a, b, c FROM collided")).toEqual([["3", "4", "5"]]);
  });

  test("20,000 rows of all types equal those written by COPY", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => [
      i,
      i / 7,
      `n"${i}, ;`,
      i % 2 === 0,
      new Date(i * 1e9 + 1),
    ]);
    const df = frame(["i", "f", "t", "b", "at"], ...rows);
    await cc.write(df, "by_copy");
    await cc.write(df, "by_import", { compression: "gzip" });
    const hash = (table: string) =>
      values(
        `SELECT md5(string_agg((i, f, t, b, at)::text, '|' ORDER BY i)) AS h, count(*)::int FROM ${table}`,
      );
    expect(await hash("by_import")).toEqual(await hash("by_copy"));
  });

  test.each<[string, object, RegExp]>([
    ["typeGuessing", { typeGuessing: "yes" }, /`typeGuessing` must be true or false; got "yes"/],
    ["compression", { compression: "zip" }, /must be "gzip"; got "zip"/],
    ["collisionStrategy", { collisionStrategy: "rename" }, /"skip" or "overwrite"/],
    ["both", { collisionStrategy: "skip", overwrite: true }, /not both/],
  ])("rejects options: %s", async (_, options, message) => {
    await expect(cc.write(frame(["a"], [1]), "never", options)).rejects.toThrow(InvalidArgumentError);
    await expect(cc.write(frame(["a"], [1]), "never", options)).rejects.toThrow(message);
  });

  test("an abort leaves nothing, although the import continues", async () => {
    const df = frame(["a", "b"], ...Array.from({ length: 30_000 }, (_, i) => [i, `text ${i}`]));
    for (const afterMs of [50, 400, 1200]) {
      const signal = AbortSignal.timeout(afterMs);
      const outcome = await cc
        .write(df, "given_up", { compression: "gzip", overwrite: true, signal })
        .catch((error) => error);
      expect(outcome === null || outcome instanceof Error).toBe(true);
    }
    await expect
      .poll(() => values("SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'"), {
        interval: 500,
      })
      .toEqual([]);
  });
});

describe("more than 100,000 points", () => {
  const points = () =>
    frame(["lng", "lat"], ...Array.from({ length: 100_001 }, (_, i) => [(i % 360) - 180, (i % 170) - 85]));

  test("are registered by a batch job", async () => {
    const job = (await cc.write(points(), "by_job", { lnglat: ["lng", "lat"] }))!;
    expect(job).toBeInstanceOf(BatchJobStatus);
    expect(printed()).toBe(
      'Uploaded 100,001 rows. A batch job is creating the table "by_job". Wait for it with `await job.wait()` on the result of write.',
    );
    await job.wait();
    expect(await values("SELECT count(*)::int, count(the_geom_webmercator)::int AS m FROM by_job")).toEqual([
      [100_001, 100_001],
    ]);
    expect(await values("SELECT indexname FROM pg_indexes WHERE tablename = 'by_job' ORDER BY 1")).toEqual([
      ["by_job_pkey"],
      ["by_job_the_geom_idx"],
      ["by_job_the_geom_webmercator_idx"],
    ]);
    await expect(cc.write(points(), "by_job", { lnglat: ["lng", "lat"] })).rejects.toThrow(TableExistsError);
  });

  test("replace a table when the job ends; a failed job leaves only the old table", async () => {
    await cc.write(frame(["a"], [1]), "replaced");
    await cc.query("CREATE VIEW depends AS SELECT * FROM replaced");
    const failing = (await cc.write(points(), "replaced", { lnglat: ["lng", "lat"], overwrite: true }))!;
    await expect(failing.wait()).rejects.toThrow(JobError);
    expect(await values("SELECT a FROM replaced")).toEqual([[1]]);
    await cc.query("DROP VIEW depends");
    const job = (await cc.write(points(), "replaced", { lnglat: ["lng", "lat"], overwrite: true }))!;
    await job.wait();
    expect((await cc.read("replaced", { limit: 1 })).columns).toContain("lng");
  });

  test("with a privacy or without lnglat, are complete when write returns", async () => {
    await expect(cc.read("direct")).rejects.toThrow(TableNotFoundError);
    expect(await cc.write(points(), "direct", { lnglat: ["lng", "lat"], privacy: "link" })).toBeNull();
    expect(await privacyOf("direct")).toBe("LINK");
    expect(await cc.write(points(), "direct", { lnglat: ["lng", "lat"], overwrite: true })).toBeNull();
    expect(await privacyOf("direct")).toBe("LINK");
    expect(await cc.write(points(), "direct", { overwrite: true })).toBeNull();
  });
});
