import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SqlRequest } from "../../api/schemas/sql";
import { ident } from "../../sql";
import { queryText, scanStatements } from "../../sql-lexer";
import { cacheHeaders } from "../cache-headers";
import type { Engine, StatementOptions } from "../engine/engine";
import { FORMATS, JSON_TYPE } from "../formats";
import { Refusal, statementOptions } from "../guard";
import { sqlResponseJson } from "../sql-json";
import { refuseSystemTables } from "../tables-used";
import { parameters } from "./parameters";

/**
 * Serves `/api/v2/sql`: runs any statement, with any method except HEAD.
 * @param dir folder for temporary files
 */
export function sqlRoutes(app: FastifyInstance, engine: Engine, dir: string): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const parsed = SqlRequest.safeParse(parameters(request));
    if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]?.message ?? "Invalid parameters");
    const parameter = parsed.data;
    const { q, format = "json", callback } = parameter;
    if (format !== "json" && !Object.hasOwn(FORMATS, format)) {
      throw new Refusal(400, `Invalid format: ${format}`);
    }
    setHeaders(reply, parameter); // before the statement runs, so that a failure here has no effect

    const options = statementOptions(request, reply);
    const tables = options.role === "master" ? undefined : await refuseSystemTables(engine, q, options);
    if (parameter.cache_policy !== "persist") reply.headers(await cacheHeaders(engine, q, tables));
    const wrapped = wrapQuery(q, parameter);
    const pieces =
      format === "json"
        ? await jsonAnswer(engine, wrapped, parameter, options)
        : await exportAnswer(engine, wrapped, parameter, { reply, options, dir });
    const isJsonp = callback && (format === "json" || FORMATS[format]?.isJson);
    return reply.send(Readable.from(inChunks(isJsonp ? jsonp(pieces, callback) : pieces)));
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
    for (const suffix of ["", ...Object.keys(FORMATS).map((format) => `.${format}`), ".json"]) {
      app.route({
        method: ["GET", "POST", "PUT", "PATCH", "DELETE"], // CARTO accepts any method
        url: `${prefix}/api/:version/sql${suffix}`,
        config: { access: "any key" },
        handler,
      });
    }
    const config = { access: "everybody" } as const;
    app.get(`${prefix}/api/:version/version`, { config }, async () => ({ cartodb_sql_api: "6.0.0" }));
    app.get(`${prefix}/api/:version/health`, { config }, health);
  }
}

/**
 * Wraps a query for paging and ordering, as CARTO does. Paging needs both parameters, and an unknown sort order is
 * ignored. Only queries are wrapped; several statements are wrapped, too, so that PostgreSQL refuses them.
 */
function wrapQuery(sql: string, { rows_per_page, page, order_by, sort_order = "" }: SqlRequest): string {
  const isPaged = rows_per_page !== undefined && page !== undefined;
  if (!isPaged && !order_by) return sql;
  const query = scanStatements(sql).length > 1 ? sql : queryText(sql);
  if (query === undefined) return sql;
  const direction = /^(asc|desc)$/i.test(sort_order) ? ` ${sort_order}` : "";
  const order = order_by ? ` ORDER BY ${ident(order_by)}${direction}` : "";
  const limit = isPaged ? ` LIMIT ${rows_per_page} OFFSET ${page * rows_per_page}` : "";
  return `SELECT * FROM (${query}\n) AS cdbq_1${order}${limit}`;
}

/** Either texts or bytes. */
type Pieces = Iterable<string> | AsyncIterable<string | Uint8Array>;

async function jsonAnswer(
  engine: Engine,
  sql: string,
  { skipfields }: SqlRequest,
  options: StatementOptions,
): Promise<Pieces> {
  const started = performance.now();
  const { statements, notices, warnings } = await engine.query(sql, options);
  const seconds = (performance.now() - started) / 1000;
  return joined(sqlResponseJson(statements, { seconds, skipFields: new Set(skipfields), notices, warnings }));
}

async function exportAnswer(
  engine: Engine,
  sql: string,
  { format, filename, skipfields, dp }: SqlRequest,
  {
    reply,
    options,
    dir,
  }: { readonly reply: FastifyReply; readonly options: StatementOptions; readonly dir: string },
): Promise<Pieces> {
  const [statement, ...more] = scanStatements(sql);
  if (more.length > 0)
    throw new Refusal(400, `Format ${format} takes a single query; got ${more.length + 1}`);
  return FORMATS[format!]!.write({
    engine,
    query: statement ? sql.slice(0, statement.at(-1)!.end) : sql,
    skipFields: new Set(skipfields),
    decimals: dp,
    title: baseName(filename),
    options,
    dir,
    onEnd: (free) => {
      if (reply.raw.closed) free();
      else reply.raw.once("close", free);
    },
  });
}

function setHeaders(reply: FastifyReply, request: SqlRequest): void {
  const { callback, cache_policy, client, format = "json" } = request;
  if (client) reply.header("Carto-Client", client);
  const { contentType, isJson } = FORMATS[format] ?? { contentType: JSON_TYPE, isJson: true };
  reply
    .type(callback && isJson ? "text/javascript; charset=utf-8" : contentType)
    .header("Content-Disposition", disposition(request))
    .header(
      "Cache-Control",
      cache_policy === "persist" ? "public,max-age=31536000" : "no-cache,max-age=0,must-revalidate,public",
    );
}

function disposition({ filename, format }: SqlRequest): string {
  const kind = filename || format ? "attachment" : "inline";
  const extension = FORMATS[format ?? "json"]?.extension ?? "json";
  const base = encodeURIComponent(baseName(filename));
  return `${kind}; filename=${base}.${extension}; modification-date="${new Date().toUTCString()}";`;
}

function baseName(filename = "cartodb-query"): string {
  return filename.replace(/\.[^.]*$/, "").replace(/[;()[\]<>'"\s]/g, "_");
}

async function* jsonp(pieces: Pieces, callback: string): AsyncGenerator<string | Uint8Array> {
  yield `${callback}(`;
  yield* pieces;
  yield ")";
}

const CHUNK_CHARS = 64 * 1024;

/** Joins small pieces, so that a row costs neither a write nor an `await`. */
function* joined(pieces: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}

async function* inChunks(pieces: Pieces): AsyncGenerator<Uint8Array> {
  let chunk = "";
  for await (const piece of pieces) {
    if (typeof piece !== "string") {
      yield piece;
      continue;
    }
    chunk += piece;
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk) yield Buffer.from(chunk);
}
