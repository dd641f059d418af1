import { join } from "node:path";
import formBody from "@fastify/formbody";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance } from "fastify";
import { LOCAL_USER, type LocalHome, type ServerStatus } from "../local/home";
import type { Engine } from "./engine/engine";
import { CROSS_ORIGIN_HEADERS, checkBodyKey, checkKey, checkOrigin, LOCAL_USER_ID, Refusal } from "./guard";
import type { Imports } from "./imports/imports";
import type { JobQueue } from "./jobs/queue";
import { ApiKeys } from "./keys";
import { apiKeyRoutes } from "./routes/api-keys";
import { copyRoutes } from "./routes/copy";
import { datasetRoutes } from "./routes/datasets";
import { answerError } from "./routes/errors";
import { importRoutes } from "./routes/imports";
import { jobRoutes } from "./routes/jobs";
import { mapRoutes } from "./routes/maps";
import { readMultipart } from "./routes/parameters";
import { sqlRoutes } from "./routes/sql";

/** A statement is at most this long; data travels by COPY, which has no such limit. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;
/** PostgreSQL's 1,600 columns with names of 63 characters that take six bytes each in an address. */
const MAX_URL_BYTES = 1024 * 1024;

/** What the process of a server offers to the launcher and the command line. */
export interface ServerControl {
  status(): ServerStatus;
  stop(): void;
}

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

/** A schema and a table, names of 63 bytes each, three characters a byte. */
const MAX_PARAM_CHARS = 512;

/**
 * CARTO's HTTP APIs over an engine. Host, Origin, account and a key in the header or the address are checked
 * before a body is read; a key in the body is checked before anything else is done with it. Only OPTIONS, version
 * and health, and reading what is public, need no key. `control` is what the server's own process offers to the
 * command line (status, stop).
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
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    rewriteUrl: ({ url = "/" }) => url.replace(/^([^?]+)\/(?=\?|$)/, "$1"), // clients end paths with a slash or not
    forceCloseConnections: "idle",
    exposeHeadRoutes: false, // a HEAD would run the statement of a GET
    frameworkErrors: answerError,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new Refusal(404, `There is no ${method} ${url.split("?", 1)[0]!.slice(0, 200)}`);
  });
  const keys = await ApiKeys.open(join(home.dir, "api-keys.json"), key);
  app.decorateRequest("apiKey", null);
  await app.register(formBody);
  await app.register(multipart);
  app.addHook("onRequest", async (request, reply) => {
    checkOrigin(request);
    if (request.routeOptions.config?.crossOrigin) reply.headers(CROSS_ORIGIN_HEADERS);
    if (request.method === "OPTIONS") return reply.code(200).send("");
    checkKey(request, keys);
  });
  app.addHook("preValidation", async (request) => {
    if (request.isMultipart() && !request.routeOptions.config.streamsMultipart)
      request.body = await readMultipart(request, MAX_STATEMENT_BYTES);
  });
  app.addHook("preHandler", async (request) => {
    // A handler that reads the fields itself checks a key among them: checkFieldsKey.
    if (!(request.isMultipart() && request.routeOptions.config.streamsMultipart)) checkBodyKey(request, keys);
  });
  app.addHook("onSend", async (_request, reply) => {
    // CARTO adds Access-Control-* headers to every answer. Here only tiles have them: all else is answered to pages
    // of its own origin only (checkOrigin), and those need none.
    reply
      .header("Carto-User", LOCAL_USER)
      .header("Carto-User-Id", LOCAL_USER_ID)
      .header("X-Served-By-Host", "localhost")
      .header("X-Served-By-DB-Host", "localhost")
      .header("vary", "Authorization")
      // The other half of checkOrigin: a browser does not hand an answer to a page of another site.
      .header("Cross-Origin-Resource-Policy", "same-origin")
      .header("X-Content-Type-Options", "nosniff");
  });
  sqlRoutes(app, engine);
  copyRoutes(app, engine, home.dir);
  datasetRoutes(app, engine);
  apiKeyRoutes(app, engine, keys);
  jobRoutes(app, jobs);
  importRoutes(app, imports, keys);
  await mapRoutes(app, engine, home.dir);
  app.get("/cartoframes/status", async () => control.status());
  app.post("/cartoframes/stop", async () => {
    setImmediate(() => control.stop());
    return { stopping: true };
  });
  return app;
}
