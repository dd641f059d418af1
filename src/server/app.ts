import formBody from "@fastify/formbody";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance } from "fastify";
import type { Engine } from "./engine/engine";
import { checkBodyKey, checkKey, checkOrigin, Refusal } from "./guard";
import type { LocalHome } from "./home";
import type { Imports } from "./imports/imports";
import type { JobQueue } from "./jobs/queue";
import { adminRoutes, type ServerControl } from "./routes/admin";
import { copyRoutes } from "./routes/copy";
import { answerError } from "./routes/errors";
import { importRoutes } from "./routes/imports";
import { jobRoutes } from "./routes/jobs";
import { readMultipart } from "./routes/parameters";
import { sqlRoutes } from "./routes/sql";

/** A statement is at most this long; data travels by COPY, which has no such limit. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;
/** PostgreSQL's 1,600 columns with names of 63 characters that take six bytes each in an address. */
const MAX_URL_BYTES = 1024 * 1024;

/** What one server is made of. */
export interface ServerParts {
  readonly engine: Engine;
  /** The master API key. */
  readonly key: string;
  /** Where everything lies that is not in the database. */
  readonly home: LocalHome;
  readonly control: ServerControl;
  readonly jobs: JobQueue;
  readonly imports: Imports;
}

/**
 * CARTO's HTTP APIs over an engine. Host, Origin, account and a key in the header or the address are checked
 * before a body is read; a key in the body is checked before anything else is done with it. Only OPTIONS, version
 * and health need no key. `control` is what the server's own process offers to the command line (status, stop).
 */
export async function createApp({
  engine,
  key,
  home,
  control,
  jobs,
  imports,
}: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: MAX_STATEMENT_BYTES,
    http: { maxHeaderSize: MAX_URL_BYTES }, // copyfrom's statement names its columns, in the address
    forceCloseConnections: "idle",
    exposeHeadRoutes: false, // a HEAD would run the statement of a GET
    frameworkErrors: answerError,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new Refusal(404, `There is no ${method} ${url.split("?", 1)[0]!.slice(0, 200)}`);
  });
  await app.register(formBody);
  await app.register(multipart);
  app.addHook("onRequest", async (request, reply) => {
    checkOrigin(request);
    if (request.method === "OPTIONS") return reply.code(200).send("");
    checkKey(request, key);
  });
  app.addHook("preValidation", async (request) => {
    if (request.isMultipart() && !request.routeOptions.config.streamsMultipart)
      request.body = await readMultipart(request, MAX_STATEMENT_BYTES);
  });
  app.addHook("preHandler", async (request) => checkBodyKey(request, key));
  app.addHook("onSend", async (_request, reply) => {
    // CARTO adds Access-Control-* headers to every answer. Not here: this server answers pages of its own
    // origin only (checkOrigin), and those need none.
    reply.header("Carto-User", "local").header("vary", "Authorization");
  });
  sqlRoutes(app, engine);
  copyRoutes(app, engine, home.dir);
  jobRoutes(app, jobs);
  importRoutes(app, imports);
  adminRoutes(app, control);
  return app;
}
