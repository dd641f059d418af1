import formBody from "@fastify/formbody";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance } from "fastify";
import type { Engine } from "./engine/engine";
import { checkKey, checkOrigin } from "./guard";
import { adminRoutes, type ServerControl } from "./routes/admin";
import { copyRoutes } from "./routes/copy";
import { answerError } from "./routes/errors";
import { sqlRoutes } from "./routes/sql";

/** A statement is at most this long; data travels by COPY, which has no such limit. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;

/**
 * CARTO's HTTP APIs over an engine. Nothing is answered before Host, Origin, account and key are checked.
 * `control` is what the server's own process offers to the command line (status, stop).
 */
export async function createApp(
  engine: Engine,
  key: string,
  control: ServerControl,
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: MAX_STATEMENT_BYTES,
    forceCloseConnections: "idle",
    exposeHeadRoutes: false,
  });
  app.setErrorHandler(answerError);
  await app.register(formBody);
  await app.register(multipart, { attachFieldsToBody: "keyValues" });
  app.addHook("onRequest", async (request) => checkOrigin(request));
  app.addHook("preHandler", async (request) => checkKey(request, key));
  app.addHook("onSend", async (_request, reply) => {
    reply.header("Carto-User", "local").header("vary", "Authorization");
  });
  sqlRoutes(app, engine);
  copyRoutes(app, engine);
  adminRoutes(app, control);
  return app;
}
