import { join } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { unlessAborted } from "../../unless-aborted";
import { parseJson } from "../../values";
import { explainFullDisk, leavingRoom, writeNewFile } from "../disk";
import { abortOnDisconnect, callbackOf, checkFieldsKey } from "../guard";
import { asFailure, errorText } from "../imports/errors";
import { charsetOf, type FileToImport } from "../imports/file";
import { type Imports, SLOTS, type Slot } from "../imports/imports";
import { describeLayers } from "../imports/layers";
import { importObject } from "../imports/record";
import { ImportRequest, importOptions } from "../imports/request";
import type { ImportSource } from "../imports/run-import";
import type { ApiKeys } from "../keys";
import { answerError } from "./errors";
import { parameters } from "./parameters";

/** Maximum size of the parameters in a body. `sql` can be long. */
const MAX_FORM_BYTES = 64 * 1024 ** 2;
const MAX_FIELD_BYTES = 1024 ** 2;
const MAX_FIELDS = 100;

const FORMS: readonly (readonly [type: string, parse: (text: string) => unknown])[] = [
  ["application/json", parseJson],
  ["application/x-www-form-urlencoded", (text) => Object.fromEntries(new URLSearchParams(text))],
];

/** Longest time in which an upload need not go on. */
const UPLOAD_IDLE_MS = 60_000;

interface ImportParts {
  readonly imports: Imports;
  readonly keys: ApiKeys;
  /** Time after which an upload that does not go on is given up. @default 60 seconds */
  readonly uploadIdleMs?: number;
}

/** Refuses an import, in the Import API's format for errors. */
class ImportRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Serves `POST /api/v1/imports`, `POST /api/v1/imports/layers`, `GET /api/v1/imports` and `GET /api/v1/imports/{id}`. An uploaded file, in a multipart
 * body (`file` or `filename`) or as the whole body with `?filename=`, is written to disk as it arrives.
 */
export function importRoutes(app: FastifyInstance, parts: ImportParts): void {
  const { imports } = parts;
  app.register(async (routes) => {
    routes.setErrorHandler((error: Error, request, reply) => {
      if (!(error instanceof ImportRefusal)) return answerError(error, request, reply);
      return send(request, reply.code(error.status), { errors: { imports: error.message } });
    });
    // A body with ?filename= is a file, whatever its Content-Type.
    for (const [type, parse] of FORMS) {
      routes.removeContentTypeParser(type);
      routes.addContentTypeParser(type, async (request: FastifyRequest, body: Readable) =>
        namedFile(request) === undefined ? parse(await shortText(body)) : undefined,
      );
    }
    routes.addContentTypeParser("*", { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, _body, done) =>
      done(null),
    );
    for (const prefix of ["", "/user/:user", "/u/:user"]) {
      const url = `${prefix}/api/:version/imports`;
      const config = { access: "key may be in the body", streamsMultipart: true } as const;
      routes.post(`${url}/layers`, { config }, (request, reply) =>
        layers(parts, request, reply).then((answer) => send(request, reply, answer)),
      );
      for (const path of [url, `${url}/`]) {
        routes.post(path, { config }, (request, reply) =>
          create(parts, request, reply).then((answer) => send(request, reply, answer)),
        );
        routes.get(path, async (request, reply) =>
          send(request, reply, { imports: imports.unfinished(), success: true }),
        );
      }
      routes.get(`${url}/:id`, async (request, reply) => {
        const record = imports.get((request.params as { id: string }).id);
        if (!record) throw new ImportRefusal(404, "No import has this id.");
        return send(request, reply, importObject(record));
      });
      // CARTO has no such call. An import that nobody waits for any more need not go on.
      routes.delete(`${url}/:id`, async (request, reply) => {
        const { id } = request.params as { id: string };
        await imports.cancel(id);
        const record = imports.get(id);
        if (!record) throw new ImportRefusal(404, "No import has this id.");
        return send(request, reply, importObject(record));
      });
    }
  });
}

async function create(parts: ImportParts, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const { imports } = parts;
  const disconnected = abortOnDisconnect(reply);
  return withUpload(parts, { request, reply, disconnected }, async ({ slot, parameters, file }) => {
    const id = await imports.start(slot, sourceOf(parameters, file), importOptions(parameters));
    const cancel = () => imports.cancel(id); // nobody knows its id
    if (disconnected.aborted) await cancel();
    else disconnected.addEventListener("abort", cancel);
    return { item_queue_id: id, success: true };
  });
}

/** Answers with the layers, or with the error of an import object. */
async function layers(parts: ImportParts, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const disconnected = abortOnDisconnect(reply);
  return withUpload(parts, { request, reply, disconnected }, async ({ slot, parameters, file }) => {
    try {
      const source = sourceOf(parameters, file);
      if (source.kind === "query" || source.kind === "table")
        throw new ImportRefusal(400, "The request names no file. Send a file or a url.");
      const { reading } = importOptions(parameters);
      return { layers: await describeLayers(source, { dir: slot.dir, reading, signal: disconnected }) };
    } catch (error) {
      if (error instanceof ImportRefusal) throw error;
      const { code, detail } = asFailure(error);
      return { success: false, error_code: code, get_error_text: errorText(code, detail) };
    } finally {
      await slot.release();
    }
  });
}

interface Upload {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly disconnected: AbortSignal;
}

interface Uploaded {
  readonly slot: Slot;
  readonly parameters: ImportRequest;
  readonly file: FileToImport | undefined;
}

/** Calls `work` with a request that has arrived completely. The slot is released if it fails. */
async function withUpload(
  { imports, keys, uploadIdleMs = UPLOAD_IDLE_MS }: ImportParts,
  { request, reply, disconnected }: Upload,
  work: (uploaded: Uploaded) => Promise<object>,
): Promise<object> {
  const slot = await imports.slot();
  if (!slot) {
    throw new ImportRefusal(429, `We're sorry but you're already using your allowed ${SLOTS} import slots`);
  }
  try {
    const stalled = abortOnStall(reply, uploadIdleMs);
    const signal = AbortSignal.any([disconnected, stalled.signal]);
    const { fields, file } = await receive(request, slot.dir, signal)
      .catch((error) => {
        throw stalled.signal.aborted ? giveUp(reply, uploadIdleMs) : error;
      })
      .finally(stalled.end);
    checkFieldsKey(request, keys, fields);
    const parsed = ImportRequest.safeParse({ ...parameters(request), ...fields });
    if (!parsed.success)
      throw new ImportRefusal(400, parsed.error.issues[0]?.message ?? "Invalid parameters");
    return await work({ slot, parameters: parsed.data, file });
  } catch (error) {
    await slot.release();
    throw error;
  }
}

/** The signal is aborted when nothing has arrived for `idleMs`. */
function abortOnStall({ raw }: FastifyReply, idleMs: number): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  raw.setTimeout(idleMs, abort); // with a listener of the answer, Node does not close the connection
  const end = () => {
    raw.setTimeout(0);
    raw.off("timeout", abort);
  };
  return { signal: controller.signal, end };
}

/** Closes the connection after the answer, because the rest of the upload may never come. */
function giveUp({ raw }: FastifyReply, idleMs: number): ImportRefusal {
  raw.once("finish", () => raw.socket?.destroySoon());
  return new ImportRefusal(
    408,
    `The upload was given up because nothing arrived for ${idleMs / 1000} seconds. Send the file again.`,
  );
}

/** Chooses the source of the table. As in CARTO, a query takes precedence over everything else. */
function sourceOf(request: ImportRequest, file: FileToImport | undefined): ImportSource {
  const { sql, table_copy, table_name = "", url } = request;
  if (sql) return { kind: "query", sql, tableName: table_name, displayName: table_name };
  if (table_copy) {
    const tableName = table_name || `${table_copy}_copy`;
    return { kind: "table", from: table_copy, tableName, displayName: tableName };
  }
  if (url)
    return { kind: "url", url: webAddress(url), displayName: url.split(/[?#]/)[0]!.split("/").at(-1)! };
  if (request.connector !== undefined || request.remote_visualization_id) {
    throw new ImportRefusal(400, "This server imports files, URLs and queries, but has no connectors.");
  }
  if (file) return { kind: "file", file, displayName: file.name };
  if (table_name) {
    return { kind: "table", from: table_name, tableName: `${table_name}_copy`, displayName: table_name };
  }
  throw new ImportRefusal(400, "The request names nothing to import. Send a file, url, sql or table_copy.");
}

function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url.href;
  throw new ImportRefusal(400, "url must be a complete URL that begins with http:// or https://.");
}

interface Received {
  readonly fields: Record<string, unknown>;
  readonly file?: FileToImport;
}

async function receive(request: FastifyRequest, dir: string, signal: AbortSignal): Promise<Received> {
  if (request.isMultipart()) return receiveMultipart(request, dir, signal);
  const name = namedFile(request);
  if (name === undefined) return { fields: {} };
  const body = request.raw.iterator({ destroyOnReturn: false }); // destroying it would close the connection
  const file = await store(Readable.from(body), name, dir, signal);
  return { fields: {}, file: { ...file, ...charsetOf(request.headers["content-type"]) } };
}

/** Returns the file name if the whole body is a file; otherwise undefined. */
function namedFile({ query, headers }: FastifyRequest): string | undefined {
  const { filename } = query as { filename?: unknown };
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return typeof filename === "string" && filename && hasBody ? filename : undefined;
}

async function receiveMultipart(
  request: FastifyRequest,
  dir: string,
  signal: AbortSignal,
): Promise<Received> {
  const fields: Record<string, unknown> = {};
  let file: FileToImport | undefined;
  const limits = { fieldSize: MAX_FIELD_BYTES, fields: MAX_FIELDS, fileSize: Number.POSITIVE_INFINITY };
  const parts = request.parts({ limits })[Symbol.asyncIterator]();
  try {
    // The parser would wait forever for the rest of a truncated body.
    for (let next = await unlessAborted(parts.next(), signal, cutOff); !next.done; ) {
      const part = next.value;
      if (part.type === "field") {
        if (part.valueTruncated)
          throw new ImportRefusal(400, `The field ${part.fieldname} is longer than 1 MB.`);
        fields[part.fieldname] = part.value;
      } else {
        if (file)
          throw new ImportRefusal(400, "An import takes one file. Pack several files into a .zip archive.");
        file = await store(part.file, part.filename ?? "", dir, signal);
      }
      next = await unlessAborted(parts.next(), signal, cutOff);
    }
  } catch (error) {
    if (error instanceof ImportRefusal) throw error;
    throw new ImportRefusal(400, `The multipart body cannot be read: ${(error as Error).message}`);
  }
  return { fields, file };
}

async function store(body: Readable, name: string, dir: string, signal: AbortSignal): Promise<FileToImport> {
  const path = join(dir, "upload");
  const refuse = (message: string) => new ImportRefusal(400, message);
  const guarded = leavingRoom(body, { dir, what: "file" }, refuse);
  await writeNewFile(path, guarded, signal).catch(async (error) => {
    const explained = (await explainFullDisk(error, dir)) as Error;
    throw explained === error ? error : refuse(explained.message);
  });
  return { path, name: plainName(name) };
}

/** Removes folders from a file name and replaces spaces with `_`, as CARTO does. */
const plainName = (name: string) => name.split(/[\\/]/).at(-1)!.replaceAll(" ", "_");

async function shortText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES)
      throw new ImportRefusal(413, "The parameters of an import must not exceed 64 MB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const cutOff = () => new ImportRefusal(400, "The upload ended before it was complete.");

/** Sends the answer as JSON, or as JSONP if `callback` is given. */
function send(request: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  const callback = callbackOf(request, parameters(request));
  if (callback === undefined) return reply.type("application/json; charset=utf-8").send(answer);
  return reply
    .code(200)
    .type("text/javascript; charset=utf-8")
    .send(`${callback}(${JSON.stringify(answer)})`);
}
