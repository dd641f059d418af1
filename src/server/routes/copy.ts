import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CopyRequest } from "../../api/schemas/sql";
import { freeBytes, leavingRoom } from "../disk";
import type { Engine } from "../engine/engine";
import { abortOnDisconnect, Refusal, statementOptions } from "../guard";
import { copiedQuery, refuseSystemTables } from "../tables-used";
import { errorAnswer } from "./errors";
import { parameters } from "./parameters";

/**
 * `/api/v2/sql/copyto` and `/api/v2/sql/copyfrom`: COPY streamed over HTTP, in any of its formats. `dataDir` is
 * the folder whose disk an upload must not fill.
 */
export function copyRoutes(app: FastifyInstance, engine: Engine, dataDir: string): void {
  const copyTo = async (request: FastifyRequest, reply: FastifyReply) => {
    const { q, filename, client } = copyRequest(parameters(request));
    if (client) reply.header("Carto-Client", client);
    reply.header(
      "Content-Disposition",
      `attachment; filename=${encodeURIComponent(filename ?? "carto-sql-copyto.dmp")}`,
    );
    const options = statementOptions(request, reply);
    const copied = options.role === "master" ? undefined : copiedQuery(q);
    if (copied !== undefined) await refuseSystemTables(engine, copied, options);
    const { stream, bytes } = await engine.copyOut(q, options);
    destroyOnDisconnect(stream, reply);
    if (bytes !== undefined) reply.header("Content-Length", bytes);
    const answer =
      bytes === undefined ? Readable.from(withErrorAtEnd(stream), { objectMode: false }) : stream;
    return reply.type("application/octet-stream").send(answer);
  };
  const copyFrom = async (request: FastifyRequest, reply: FastifyReply) => {
    // Everybody's key must not fill the disk with what the database will refuse then.
    if (request.apiKey!.type === "default") throw new Refusal(403, "permission denied");
    const { q, client } = copyRequest(request.query as object);
    if (client) reply.header("Carto-Client", client);
    const started = performance.now();
    const { kind } = await engine.info();
    const data = uploadedBytes(request.raw, {
      encoding: request.headers["content-encoding"],
      dir: dataDir,
      // A user's database has its own disk, and streams.
      freeBytes: async () => (kind === "pglite" ? freeBytes(dataDir) : Number.POSITIVE_INFINITY),
      // Nor has it a quota of ours, unless it has our functions.
      quotaBytes: kind === "pglite" ? quotaLeft(engine) : undefined,
    });
    const { rows } = await engine.copyIn(q, data, {
      role: request.apiKey!.role,
      signal: abortOnDisconnect(reply), // an upload takes its time
    });
    if (rows === 0) throw new Refusal(400, "No rows copied");
    return { time: Number(((performance.now() - started) / 1000).toFixed(3)), total_rows: rows };
  };
  for (const prefix of ["", "/user/:user", "/u/:user"]) {
    app.route({
      method: ["GET", "POST"],
      url: `${prefix}/api/:version/sql/copyto`,
      config: { access: "any key" },
      handler: copyTo,
    });
    // The body is the data, whatever its Content-Type says: it is handed on as it arrives, never parsed.
    app.register(async (raw) => {
      raw.removeAllContentTypeParsers();
      raw.addContentTypeParser("*", { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, _payload, done) =>
        done(null),
      );
      const config = { access: "any key before the data" } as const;
      raw.post(`${prefix}/api/:version/sql/copyfrom`, { config }, copyFrom);
    });
  }
}

function copyRequest(given: object) {
  const parsed = CopyRequest.safeParse(given);
  if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]!.message);
  return parsed.data;
}

/** The status is sent already when a COPY fails midway: the error object becomes the last of its bytes (carto-api §3.3). */
async function* withErrorAtEnd(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    yield Buffer.from(JSON.stringify(errorAnswer(error).body));
  }
}

/** The engine deletes the file behind a stream when the stream closes, so each must close. */
function destroyOnDisconnect(stream: Readable, { raw }: FastifyReply): void {
  if (raw.closed) stream.destroy();
  else raw.once("close", () => stream.destroy());
}

/** What the quota of the account's schema leaves. There is none unless somebody set one, or without our functions. */
async function quotaLeft(engine: Engine): Promise<number> {
  const sql = `SELECT CASE WHEN quota > 0 THEN greatest(quota - cartodb.CDB_UserDataSize(), 0) END
    FROM cartodb._CDB_UserQuotaInBytes() AS quota`;
  const left = await engine.query(sql).then(
    ({ statements }) => statements[0]!.rows[0]![0],
    () => null,
  );
  return left === null ? Number.POSITIVE_INFINITY : Number(left);
}

/**
 * The bytes of an upload, unpacked. CARTO takes 2 GB as they were sent; here the disk is the limit, and what
 * counts is their size unpacked (a gzip can be a thousand times smaller): the bytes lie on the disk before the
 * database reads them, so it must have room for them once more, and something must be left.
 * @internal exported for its test
 */
export async function* uploadedBytes(
  body: Readable,
  {
    encoding,
    dir,
    freeBytes: free,
    quotaBytes = Promise.resolve(Number.POSITIVE_INFINITY),
  }: {
    readonly encoding?: string;
    readonly dir: string;
    readonly freeBytes: () => Promise<number>;
    /** Known at the end at the latest: the database may be busy, and the upload does not wait for it. */
    readonly quotaBytes?: Promise<number>;
  },
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const refuse = (message: string) => new Refusal(400, message);
  for await (const chunk of leavingRoom(unpacked(body, encoding), { dir, what: "table", free }, refuse)) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes > (await quotaBytes)) throw new Refusal(400, "DB Quota exceeded");
}

async function* unpacked(body: Readable, encoding = ""): AsyncGenerator<Uint8Array> {
  if (!/^(x-)?gzip$/i.test(encoding.trim())) {
    yield* body.iterator({ destroyOnReturn: false }); // destroyed, it would take the connection with it
    return;
  }
  const gunzip = createGunzip();
  body.once("error", (error) => gunzip.destroy(error));
  try {
    yield* body.pipe(gunzip);
  } catch (error) {
    throw new Refusal(400, `Error while gunzipping: ${(error as Error).message}`);
  } finally {
    body.unpipe(gunzip);
  }
}
