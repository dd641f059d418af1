import { expect, test } from "vitest";
import { importer } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const { upload, finished, file, leftovers } = importer(server);

const guessed = async (csv: string) => {
  const { table_name, content_guessing, error_code } = await file("guess.csv", csv, {
    content_guessing: "true",
  });
  expect([content_guessing, error_code]).toEqual([true, null]);
  const { rows } = await server.sql(
    `SELECT GeometryType(the_geom) AS kind, ST_X(ST_PointOnSurface(the_geom))::int AS lng, ST_Y(ST_PointOnSurface(the_geom))::int AS lat,
       ST_IsValid(the_geom) AS valid, ST_XMax(the_geom) <= 180 AND ST_XMin(the_geom) >= -180 AS within
     FROM ${table_name} ORDER BY cartodb_id`,
  );
  await server.sql(`DROP TABLE ${table_name}`);
  expect(rows.every(({ valid, within, kind }) => kind === null || (valid && within))).toBe(true);
  return rows.map(({ kind, lng, lat }) => kind && [kind, lng, lat]);
};

test.each<[string, string, unknown[]]>([
  [
    "countries, also across the date line",
    "name,v\nSpain,1\nFrance,2\nAntarctica,3\nFiji,4\nRussia,5\n",
    ["MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON"],
  ],
  ["country codes", "c,v\nESP,1\nFRA,2\nPRT,3\n", ["MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON"]],
  ["states", "where,v\nNevada,1\nTX,2\nOregon,3\n", ["MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON"]],
  ["counties by code", "fips,v\n48001,1\n48003,2\n", ["MULTIPOLYGON", "MULTIPOLYGON"]],
  [
    "counties with their state",
    "county,state\nWashington,Oregon\nWashington,Utah\nLake,Oregon\n",
    ["MULTIPOLYGON", "MULTIPOLYGON", "MULTIPOLYGON"],
  ],
  ["cities", "city,v\nMadrid,1\nBerlin,2\n,3\n", ["POINT", "POINT", null]],
])("%s", async (_, csv, kinds) => {
  expect((await guessed(csv)).map((place) => (place ? (place as unknown[])[0] : null))).toEqual(kinds);
});

test("cities in the country named by another column", async () => {
  expect(await guessed("city,country\nMadrid,Colombia\nMadrid,Spain\nParis,France\n")).toEqual([
    ["POINT", -74, 5],
    ["POINT", -4, 40],
    ["POINT", 2, 49],
  ]);
});

test("tolerates one row in ten that is not a place, but not two", async () => {
  const cities = ["Madrid", "Berlin", "Paris", "London", "Rome", "Vienna", "Lisbon", "Athens"];
  const csv = (...others: string[]) =>
    `town,v\n${[...cities, ...others].map((name) => `${name},1`).join("\n")}\n`;
  expect((await guessed(csv("Dublin", "qwxyz"))).filter(Boolean)).toHaveLength(9);
  expect((await guessed(csv("nowhere at all", "qwxyz"))).filter(Boolean)).toEqual([]);
});

test("only on request, and only without geometry", async () => {
  const csv = "city,lat,lng\nMadrid,1,2\nBerlin,3,4\n";
  expect(await guessed(csv)).toEqual([
    ["POINT", 2, 1],
    ["POINT", 4, 3],
  ]);
  const { table_name } = await file("plain.csv", "city\nMadrid\nBerlin\n");
  expect((await server.sql(`SELECT count(the_geom)::int AS n FROM ${table_name}`)).rows).toEqual([{ n: 0 }]);
});

test("reports the guessing state", async () => {
  const states: string[] = [];
  await finished(await upload("states.csv", "city\nMadrid\nBerlin\n", { content_guessing: "true" }), states);
  // Whoever asks now and then may miss some, but never sees them in another order.
  const order = [
    "pending",
    "uploading",
    "unpacking",
    "importing",
    "guessing",
    "geocoding",
    "importing",
    "complete",
  ];
  let at = -1;
  for (const state of states.filter((state, i) => state !== states[i - 1])) {
    at = order.indexOf(state, at + 1);
    expect(at, `${state} in ${states.join(", ")}`).toBeGreaterThanOrEqual(0);
  }
  expect(states.at(-1)).toBe("complete");
  expect(await leftovers()).toEqual([]);
});
