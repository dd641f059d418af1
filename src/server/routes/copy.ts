import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CopyRequest } from "../../api/schemas/sql";
import type { Engine } from "../engine/engine";
import { abortOnDisconnect, Refusal } from "../guard";

/** `/api/v2/sql/copyto` and `/api/v2/sql/copyfrom`: COPY streamed over HTTP, in any of its formats. */
export function copyRoutes(app: FastifyInstance, engine: Engine): void {
  const copyTo = async (request: FastifyRequest, reply: FastifyReply) => {
    const { q, filename, client } = copyRequest({
      ...(request.query as object),
      ...(request.body as object),
    });
    const { stream } = await engine.copyOut(q, { signal: abortOnDisconnect(reply) });
    if (client) reply.header("Carto-Client", client);
    reply.header(
      "Content-Disposition",
      `attachment; filename=${encodeURIComponent(filename ?? "carto-sql-copyto.dmp")}`,
    );
    return reply.type("application/octet-stream").send(Readable.from(stream, { objectMode: false }));
  };
  const copyFrom = async (request: FastifyRequest, reply: FastifyReply) => {
    const { q, client } = copyRequest(request.query as object);
    const started = performance.now();
    const { rows } = await engine.copyIn(q, uploaded(request), { signal: abortOnDisconnect(reply) });
    if (rows === 0) throw new Refusal(400, "No rows copied");
    if (client) reply.header("Carto-Client", client);
    return { time: Number(((performance.now() - started) / 1000).toFixed(3)), total_rows: rows };
  };
  for (const prefix of ["", "/user/:user", "/u/:user"]) {
    app.route({ method: ["GET", "POST"], url: `${prefix}/api/:version/sql/copyto`, handler: copyTo });
    // The body is the data, whatever its Content-Type says: it is handed on as it arrives, never parsed.
    app.register(async (raw) => {
      raw.removeAllContentTypeParsers();
      raw.addContentTypeParser("*", { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, payload, done) =>
        done(null, payload),
      );
      raw.post(`${prefix}/api/:version/sql/copyfrom`, copyFrom);
    });
  }
}

function copyRequest(parameters: object) {
  const parsed = CopyRequest.safeParse(parameters);
  if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]!.message);
  return parsed.data;
}

async function* uploaded(request: FastifyRequest): AsyncGenerator<Uint8Array> {
  const body = request.body instanceof Readable ? request.body : request.raw;
  if (request.headers["content-encoding"] !== "gzip") {
    yield* body;
    return;
  }
  try {
    yield* body.pipe(createGunzip());
  } catch (error) {
    throw new Refusal(400, `Error while gunzipping: ${(error as Error).message}`);
  }
}
