import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SqlRequest } from "../../api/schemas/sql";
import type { Engine } from "../engine/engine";
import { abortOnDisconnect, Refusal } from "../guard";
import { sqlResponseJson } from "../sql-json";
import { wrapQuery } from "../sql-text";

/** CARTO's formats; those missing from `SERVED` answer with their name instead of wrong data. */
const FORMATS = "json geojson topojson csv shp kml svg gpkg spatialite arraybuffer".split(" ");
const SERVED = ["json"];

/** `GET|POST /api/v2/sql`: any statement, answered as JSON. */
export function sqlRoutes(app: FastifyInstance, engine: Engine): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { query, body } = request;
    const parsed = SqlRequest.safeParse({ ...(query as object), ...(isRecord(body) ? body : {}) });
    if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]!.message);
    const { q, format, skipfields, rows_per_page, page, order_by, sort_order, client } = parsed.data;
    if (!FORMATS.includes(format)) throw new Refusal(400, `Invalid format: ${format}`);
    if (!SERVED.includes(format)) throw new Refusal(400, `Format ${format} is not available on this server`);

    const started = performance.now();
    const sql = wrapQuery(q, { rowsPerPage: rows_per_page, page, orderBy: order_by, sortOrder: sort_order });
    const { statements, notices, warnings } = await engine.query(sql, { signal: abortOnDisconnect(reply) });
    const seconds = (performance.now() - started) / 1000;
    if (client) reply.header("Carto-Client", client);
    reply
      .type("application/json; charset=utf-8")
      .header("Content-Disposition", disposition(parsed.data))
      .header("Cache-Control", "no-cache,max-age=0,must-revalidate,public");
    const skipFields = new Set(skipfields);
    const pieces = sqlResponseJson(statements, { seconds, skipFields, notices, warnings });
    return reply.send(Readable.from(inChunks(pieces)));
  };
  for (const prefix of ["", "/user/:user", "/u/:user"]) {
    app.all(`${prefix}/api/:version/sql`, handler);
    app.get(`${prefix}/api/:version/sql/version`, async () => ({ cartodb_sql_api: "6.0.0" }));
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function disposition({ filename, format }: SqlRequest): string {
  const base = (filename ?? "cartodb-query").replace(/\.[^.]*$/, "").replace(/[;()[\]<>'"\s]/g, "_");
  return `${filename ? "attachment" : "inline"}; filename=${encodeURIComponent(base)}.${format}; modification-date="${new Date().toUTCString()}";`;
}

const CHUNK_CHARS = 64 * 1024;

/** Small pieces joined, so that a row does not cost a write of its own. */
function* inChunks(pieces: Iterable<string>): Generator<Buffer> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length >= CHUNK_CHARS) {
      yield Buffer.from(chunk);
      chunk = "";
    }
  }
  if (chunk) yield Buffer.from(chunk);
}
