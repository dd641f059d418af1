import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SqlRequest } from "../../api/schemas/sql";
import type { Engine } from "../engine/engine";
import { abortOnDisconnect, Refusal } from "../guard";
import { sqlResponseJson } from "../sql-json";
import { wrapQuery } from "../sql-text";
import { parameters } from "./parameters";

/** CARTO's formats; those missing from `SERVED` answer with their name instead of wrong data. */
const FORMATS = "json geojson topojson csv shp kml svg gpkg spatialite arraybuffer".split(" ");
const SERVED = ["json"];

/** `GET|POST /api/v2/sql`: any statement, answered as JSON. No other method: a HEAD must not run anything. */
export function sqlRoutes(app: FastifyInstance, engine: Engine): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const parsed = SqlRequest.safeParse(parameters(request));
    if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]!.message);
    const { q, format = "json", skipfields, rows_per_page, page, order_by, sort_order } = parsed.data;
    if (!FORMATS.includes(format)) throw new Refusal(400, `Invalid format: ${format}`);
    if (!SERVED.includes(format)) throw new Refusal(400, `Format ${format} is not available on this server`);
    setHeaders(reply, parsed.data); // before the statement: what fails here must not fail after its effect

    const started = performance.now();
    const sql = wrapQuery(q, { rowsPerPage: rows_per_page, page, orderBy: order_by, sortOrder: sort_order });
    const { statements, notices, warnings } = await engine.query(sql, { signal: abortOnDisconnect(reply) });
    const seconds = (performance.now() - started) / 1000;
    const skipFields = new Set(skipfields);
    const pieces = sqlResponseJson(statements, { seconds, skipFields, notices, warnings });
    return reply.send(Readable.from(inChunks(jsonp(pieces, parsed.data.callback))));
  };
  const health = async (_request: FastifyRequest, reply: FastifyReply) => {
    const started = performance.now();
    const failure = await engine.info().then(
      () => undefined,
      (error: Error) => error.message,
    );
    const elapsed = Math.round(performance.now() - started);
    if (failure === undefined) return { enabled: true, ok: true, elapsed };
    return reply.code(503).send({ enabled: true, ok: false, elapsed, err: failure });
  };
  for (const prefix of ["", "/user/:user", "/u/:user"]) {
    app.route({
      method: ["GET", "POST"],
      url: `${prefix}/api/:version/sql`,
      config: { access: "key may be in the body" },
      handler,
    });
    const config = { access: "everybody" } as const;
    app.get(`${prefix}/api/:version/version`, { config }, async () => ({ cartodb_sql_api: "6.0.0" }));
    app.get(`${prefix}/api/:version/health`, { config }, health);
  }
}

function setHeaders(reply: FastifyReply, request: SqlRequest): void {
  const { callback, cache_policy, client } = request;
  if (client) reply.header("Carto-Client", client);
  reply
    .type(`${callback ? "text/javascript" : "application/json"}; charset=utf-8`)
    .header("Content-Disposition", disposition(request))
    .header(
      "Cache-Control",
      cache_policy === "persist" ? "public,max-age=31536000" : "no-cache,max-age=0,must-revalidate,public",
    );
}

function disposition({ filename, format }: SqlRequest): string {
  const kind = filename || format ? "attachment" : "inline";
  const base = (filename ?? "cartodb-query").replace(/\.[^.]*$/, "").replace(/[;()[\]<>'"\s]/g, "_");
  return `${kind}; filename=${encodeURIComponent(base)}.${format ?? "json"}; modification-date="${new Date().toUTCString()}";`;
}

function* jsonp(pieces: Iterable<string>, callback: string | undefined): Generator<string> {
  if (callback) yield `${callback}(`;
  yield* pieces;
  if (callback) yield ")";
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
