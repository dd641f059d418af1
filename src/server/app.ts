import { rm } from "node:fs/promises";
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

/** Maximum size of a statement. Data travels by COPY, which is not limited. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;
/** Enough for PostgreSQL's 1,600 columns with names of 63 characters, which take up to six bytes each in a URL. */
const MAX_URL_BYTES = 1024 * 1024;

/** Functions of the server process for the launcher and the command line. */
export interface ServerControl {
  status(): ServerStatus;
  stop(): void;
}

export interface ServerParts {
  readonly engine: Engine;
  /** The master API key. */
  readonly key: string;
  /** Folder of everything that is not in the database. */
  readonly home: LocalHome;
  readonly control: ServerControl;
  readonly jobs: JobQueue;
  readonly imports: Imports;
  /** Time after which an upload that does not go on is given up. */
  readonly uploadIdleMs?: number;
}

/** Enough for a schema and a table with names of 63 bytes each, three characters per byte. */
const MAX_PARAM_CHARS = 512;

/**
 * Serves CARTO's HTTP APIs over an engine. Host, Origin, account and a key in the header or the URL are checked before
 * the body is read; a key in the body is checked before the body is used. Only OPTIONS, version, health and public data
 * need no key.
 */
export async function createApp({
  engine,
  key,
  home,
  control,
  jobs,
  imports,
  uploadIdleMs,
}: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: MAX_STATEMENT_BYTES,
    http: { maxHeaderSize: MAX_URL_BYTES }, // the statement of copyfrom is in the URL and names its columns
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    rewriteUrl: ({ url = "/" }) => url.replace(/^([^?]+)\/(?=\?|$)/, "$1"), // paths may end with a slash
    forceCloseConnections: "idle",
    exposeHeadRoutes: false, // HEAD would run the statement of a GET
    frameworkErrors: answerError,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new Refusal(
      404,
      `This server does not support ${method} ${url.replace(/\?.*/s, "").slice(0, 200)}`,
    );
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
    // Handlers that read the fields themselves check the key with checkFieldsKey.
    if (!(request.isMultipart() && request.routeOptions.config.streamsMultipart)) checkBodyKey(request, keys);
  });
  app.addHook("onSend", async (_request, reply) => {
    // Fastify closes the connection when it refuses a body. A client that is still sending would then get a reset
    // instead of the answer; Node reads the rest and drops it.
    reply.removeHeader("connection");
    // CARTO adds Access-Control-* headers to every answer. Here only named maps, their tiles and their dataviews have them:
    // everything else is answered only to pages of the same origin (checkOrigin), which do not need them.
    reply
      .header("Carto-User", LOCAL_USER)
      .header("Carto-User-Id", LOCAL_USER_ID)
      .header("X-Served-By-Host", "localhost")
      .header("X-Served-By-DB-Host", "localhost")
      .header("vary", "Authorization")
      // Complements checkOrigin: browsers do not pass the answer to a page of another site.
      .header("Cross-Origin-Resource-Policy", "same-origin")
      .header("X-Content-Type-Options", "nosniff");
  });
  const exportsDir = join(home.dir, "exports");
  await rm(exportsDir, { recursive: true, force: true }); // of a server that was killed
  sqlRoutes(app, engine, exportsDir);
  copyRoutes(app, engine, home.dir);
  datasetRoutes(app, engine);
  apiKeyRoutes(app, engine, keys);
  jobRoutes(app, jobs);
  importRoutes(app, { imports, keys, uploadIdleMs });
  await mapRoutes(app, engine, home.dir);
  app.get("/cartoframes/status", async () => control.status());
  app.post("/cartoframes/stop", async () => {
    setImmediate(() => control.stop());
    return { stopping: true };
  });
  return app;
}
