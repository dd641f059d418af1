import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { serverForTests } from "../../support/server";

const server = serverForTests();
let cc: CartoContext;
beforeAll(async () => {
  cc = new CartoContext({ baseUrl: `${server.baseUrl}/user/local`, apiKey: server.key });
});

const names = async (context = cc) => (await context.tables()).values.map((row) => (row as unknown[])[0]);

test("leaves out tables that cannot be read by name or are still being written", async () => {
  await server.sql(`CREATE TABLE trees (a int); CREATE SCHEMA own; CREATE TABLE own.x (a int);
    CREATE TABLE own.trees (a int); CREATE TABLE "Odd "" name" (the_geom text);
    CREATE TABLE cartoframes_tmp_0123456789abcdef (a int); CREATE TABLE cartoframes_tmp_mine (a int)`);
  expect(await names()).toEqual(['Odd " name', "cartoframes_tmp_mine", "trees"]);
});

test("leaves out a table that is dropped while listing", async () => {
  await server.sql("CREATE TABLE short_lived (a int)");
  let dropped = 0;
  const between = createServer(async (request, response) => {
    const body = await text(request);
    const answer = await fetch(server.baseUrl + request.url, {
      method: request.method,
      headers: {
        Authorization: request.headers.authorization!,
        "Content-Type": request.headers["content-type"]!,
      },
      ...(body && { body }),
    });
    if (body.includes("pg_table_is_visible") && dropped++ === 0) await server.sql("DROP TABLE short_lived");
    response.statusCode = answer.status;
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  try {
    const baseUrl = `http://127.0.0.1:${(between.address() as AddressInfo).port}/user/local`;
    const found = await names(new CartoContext({ baseUrl, apiKey: server.key }));
    expect(found).toContain("trees");
    expect(found).not.toContain("short_lived");
    expect(dropped).toBe(2);
  } finally {
    between.closeAllConnections();
    between.close();
  }
});
