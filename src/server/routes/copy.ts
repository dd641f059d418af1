import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CopyRequest } from "../../api/schemas/sql";
import { freeBytes, leavingRoom } from "../disk";
import { type Engine, lastRows } from "../engine/engine";
import { abortOnDisconnect, Refusal, STATEMENT_TIMEOUT_MS, statementOptions } from "../guard";
import { copiedQuery, refuseSystemTables } from "../tables-used";
import { errorAnswer } from "./errors";
import { parameters } from "./parameters";

/**
 * Serves `/api/v2/sql/copyto` and `/api/v2/sql/copyfrom`: COPY streamed over HTTP, in any of its formats.
 * @param dataDir folder whose disk uploads must not fill
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
    // Refused early: otherwise the public key could fill the disk with data that the database then refuses.
    if (request.apiKey!.type === "default") throw new Refusal(403, "permission denied");
    const { q, client } = copyRequest(request.query as object);
    if (client) reply.header("Carto-Client", client);
    const started = performance.now();
    const { kind } = await engine.info();
    const data = uploadedBytes(request.raw, {
      encoding: request.headers["content-encoding"],
      dir: dataDir,
      // A user's database has its own disk and reads the data as a stream.
      freeBytes: async () => (kind === "pglite" ? freeBytes(dataDir) : Number.POSITIVE_INFINITY),
      // A user's database has no quota, unless CARTO's functions are installed.
      quotaBytes: kind === "pglite" ? quotaLeft(engine) : undefined,
    });
    const { role } = request.apiKey!;
    const signal = abortOnDisconnect(reply); // without a time limit: uploads may be slow
    const limited = role === "master" ? undefined : limitWork(data, signal, STATEMENT_TIMEOUT_MS);
    const { rows } = await engine
      .copyIn(q, limited?.data ?? data, { role, signal: limited?.signal ?? signal })
      .finally(limited?.end);
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
    // The body is the data, whatever its Content-Type: it is passed on as it arrives and never parsed.
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

/**
 * Returns the data, and a signal that aborts with `signal`, or after the database has worked on the data for `limitMs`. The
 * time in which the database waits for the sender does not count.
 */
function limitWork(source: AsyncIterable<Uint8Array>, signal: AbortSignal, limitMs: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  let leftMs = limitMs;
  let since = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const pause = () => {
    clearTimeout(timer);
    leftMs -= performance.now() - since;
  };
  const resume = () => {
    since = performance.now();
    timer = setTimeout(() => controller.abort(), Math.max(0, leftMs));
  };
  async function* data() {
    for await (const chunk of source) {
      resume();
      yield chunk;
      pause();
    }
    resume();
  }
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  };
  return { data: data(), signal: controller.signal, end };
}

function copyRequest(given: object) {
  const parsed = CopyRequest.safeParse(given);
  if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]?.message ?? "Invalid parameters");
  return parsed.data;
}

/** Appends the error object to the bytes of a COPY that fails midway, after the status was sent (carto-api §3.3). */
async function* withErrorAtEnd(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    yield Buffer.from(JSON.stringify(errorAnswer(error).body));
  }
}

/** Closes the stream when the client disconnects: the engine then deletes the file behind it. */
function destroyOnDisconnect(stream: Readable, { raw }: FastifyReply): void {
  if (raw.closed) stream.destroy();
  else raw.once("close", () => stream.destroy());
}

/**
 * Returns the bytes left of the quota of the account's schema; infinite without a quota or without CARTO's functions.
 */
async function quotaLeft(engine: Engine): Promise<number> {
  const sql = `SELECT CASE WHEN quota > 0 THEN greatest(quota - cartodb.CDB_UserDataSize(), 0) END
    FROM cartodb._CDB_UserQuotaInBytes() AS quota`;
  const left = await engine.query(sql).then(
    (result) => lastRows(result)[0]?.[0] ?? null,
    () => null,
  );
  return left === null ? Number.POSITIVE_INFINITY : Number(left);
}

/**
 * Streams the decompressed bytes of an upload. CARTO limits uploads to 2 GB as sent; here the disk is the limit for the
 * decompressed size, which can be a thousand times larger. The bytes are spooled to disk before the database reads
 * them, so the disk must have space for them twice, and for a reserve.
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
    /** Needed only at the end, because the database may be busy and the upload does not wait for it. */
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
    yield* body.iterator({ destroyOnReturn: false }); // destroying it would close the connection
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
