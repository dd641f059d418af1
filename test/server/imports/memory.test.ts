import { expect, test } from "vitest";
import { localHome } from "../../../src/local/home";
import { findServer } from "../../../src/local/launcher";
import { type ImportAnswer, importer } from "../../support/imports";
import { growthMb } from "../../support/memory";
import { needs } from "../../support/needs";
import { serverForTests } from "../../support/server";

const ROWS = 700_000;

needs("memory");
const server = serverForTests();
const { post, finished } = importer(server);

/** Made while it is sent: this process does not hold it either. */
function csv(rows: number): ReadableStream {
  let row = 0;
  return new ReadableStream({
    start: (stream) => stream.enqueue(Buffer.from("n,word,x,at,latitude,longitude\n")),
    pull(stream) {
      let lines = "";
      for (const end = Math.min(rows, row + 2000); row < end; row++) {
        lines += `${row},"word number ${row}, ${row % 8}",${row / 7},2017-03-04 10:11:12,${row % 90},${row % 180}\n`;
      }
      stream.enqueue(Buffer.from(lines));
      if (row === rows) stream.close();
    },
  });
}

test("a file of 60 MB takes far less than its size in memory", async () => {
  const send = async (rows: number) =>
    finished(await post({ filename: "large.csv" }, { body: csv(rows), duplex: "half" } as RequestInit));
  await send(50_000); // code and caches that any import needs
  const { pid } = (await findServer(localHome(server.home)))!.status;
  let answer: ImportAnswer | undefined;
  const growth = await growthMb(pid, async () => {
    answer = await send(ROWS);
  });
  expect(answer).toMatchObject({ success: true, error_code: null });
  const { rows } = await server.sql(
    `SELECT count(*)::int AS n, count(the_geom)::int AS g, pg_typeof(max(at))::text AS t FROM ${answer!.table_name}`,
  );
  expect(rows).toEqual([{ n: ROWS, g: ROWS, t: "timestamp with time zone" }]);
  expect(growth).toBeLessThan(150);
});
