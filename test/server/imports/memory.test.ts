import { expect, test } from "vitest";
import { localHome } from "../../../src/local/home";
import { findServer } from "../../../src/local/launcher";
import { answersDuring, type ImportAnswer, importer } from "../../support/imports";
import { growthMb } from "../../support/memory";
import { needs } from "../../support/needs";
import { serverForTests } from "../../support/server";

const ROWS = 700_000;
const KML_PLACEMARKS = 80_000;

needs("memory");
const server = serverForTests({ own: true });
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

/** A KML of about 500 bytes per placemark, made while it is sent. */
function kml(placemarks: number): ReadableStream {
  const ring = (x: number) => `${x},0,0 ${x + 1},0,0 ${x + 1},1,0 ${x},1,0 ${x},0,0`;
  const placemark = (i: number) => `<Placemark id="p${i}"><name>Parcel ${i}</name><styleUrl>#parcel</styleUrl>
<description><![CDATA[<table><tr><td>Owner</td><td>number ${i}</td></tr></table>]]></description>
<ExtendedData><Data name="code"><value>${i}</value></Data><Data name="kind"><value>kind ${i % 7}</value></Data></ExtendedData>
<Polygon><outerBoundaryIs><LinearRing><coordinates>${ring((i % 3000) / 20)}</coordinates></LinearRing></outerBoundaryIs></Polygon>
</Placemark>`;
  let row = 0;
  return new ReadableStream({
    start: (stream) => stream.enqueue(Buffer.from('<?xml version="1.0"?><kml><Document>')),
    pull(stream) {
      let text = "";
      for (const end = Math.min(placemarks, row + 500); row < end; row++) text += placemark(row);
      stream.enqueue(Buffer.from(text));
      if (row < placemarks) return;
      stream.enqueue(Buffer.from("</Document></kml>"));
      stream.close();
    },
  });
}

test("a KML of 40 MB takes far less than its size in memory, and the server keeps answering", async () => {
  const send = async (placemarks: number) =>
    finished(await post({ filename: "large.kml" }, { body: kml(placemarks), duplex: "half" } as RequestInit));
  await send(2000); // code and caches that any import needs
  const { pid } = (await findServer(localHome(server.home)))!.status;
  let answer: ImportAnswer | undefined;
  let slowest = 0;
  const growth = await growthMb(pid, async () => {
    const importing = send(KML_PLACEMARKS);
    ({ slowest } = await answersDuring(server, importing));
    answer = await importing;
  });
  expect(answer).toMatchObject({ success: true, error_code: null });
  const { rows } = await server.sql(
    `SELECT count(*)::int AS n, count(the_geom)::int AS g FROM ${answer!.table_name}`,
  );
  expect(rows).toEqual([{ n: KML_PLACEMARKS, g: KML_PLACEMARKS }]);
  expect(growth).toBeLessThan(500); // a tree of the document takes 2 GB
  expect(slowest).toBeLessThan(1 / 4);
});

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
