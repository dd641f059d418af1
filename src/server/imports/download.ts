import { join } from "node:path";
import { Readable } from "node:stream";
import fetch, { type Response } from "node-fetch";
import { explainFullDisk, leavingRoom, writeNewFile } from "../disk";
import { asFailure, diskError, ImportFailure } from "./errors";
import { charsetOf, type FileToImport } from "./file";

const MAX_REDIRECTS = 10;
/** Longest wait for the response, and between two pieces of its body. */
const SILENCE_MS = 60_000;

interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Called if the server responds with an error status. */
  readonly onStatus: (status: { code: number; message: string }) => void;
}

/**
 * Downloads to a file in `dir`. Users may pass any address, including this machine's; a redirect from another host must
 * not lead to this machine or its network link.
 * @throws ImportFailure 1001, 1020, 1100, 1101, 1102, 1103
 */
export async function download(
  address: string,
  dir: string,
  options: DownloadOptions,
): Promise<FileToImport> {
  const silence = new Silence(options.signal);
  let isAnswered = false;
  try {
    const { response, url } = await follow(new URL(address), silence.signal);
    isAnswered = true;
    if (!response.ok) throw refused(response, url, options);
    const path = join(dir, "download");
    const body = silence.watched(response.body ?? Readable.from([]));
    const guarded = leavingRoom(body, { dir, what: "file" }, diskError);
    await writeNewFile(path, guarded, silence.signal);
    return { path, name: nameOf(response, url), ...charsetOf(response.headers.get("content-type")) };
  } catch (error) {
    options.signal.throwIfAborted();
    throw downloadFailure(await explainFullDisk(error, dir), { isSilent: silence.isBroken, isAnswered });
  } finally {
    silence.end();
  }
}

async function follow(first: URL, signal: AbortSignal): Promise<{ response: Response; url: URL }> {
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { username, password } = url;
    const headers = {
      "User-Agent": "cartoframes",
      ...(username && {
        Authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`,
      }),
    };
    const plain = new URL(url);
    plain.username = plain.password = "";
    const response = await fetch(plain.href, { redirect: "manual", headers, signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return { response, url: plain };
    (response.body as Readable | null)?.destroy();
    url = new URL(location, plain);
    if (!/^https?:$/.test(url.protocol))
      throw new ImportFailure(
        1001,
        `${first.host} redirects to a ${url.protocol} address. Only http: and https: are allowed.`,
      );
    if (isLocal(url) && !isLocal(first))
      throw new ImportFailure(1001, `${first.host} redirects to this machine, which is not allowed.`);
  }
  throw new ImportFailure(1001, `${first.host} redirects more than ${MAX_REDIRECTS} times.`);
}

const isLocal = ({ hostname }: URL) =>
  /^(localhost|.*\.localhost|127\..*|0\.0\.0\.0|169\.254\..*|\[::1?\]|\[fe80:.*|\[::ffff:.*)$/i.test(
    hostname,
  );

function refused(
  { status, statusText }: Response,
  { host }: URL,
  { onStatus }: DownloadOptions,
): ImportFailure {
  onStatus({ code: status, message: statusText });
  const what = `${host} answered ${status} ${statusText}.`;
  if (status === 404 || status === 410) return new ImportFailure(1100, `${what} Check the address.`);
  if (status === 401 || status === 403)
    return new ImportFailure(1101, `${what} The file must be readable without signing in.`);
  return new ImportFailure(1001, what);
}

function downloadFailure(
  error: unknown,
  { isSilent, isAnswered }: { isSilent: boolean; isAnswered: boolean },
): ImportFailure {
  if (isSilent)
    return new ImportFailure(
      1020,
      `The server sent no data for ${SILENCE_MS / 1000} seconds. Try again later.`,
      {
        cause: error,
      },
    );
  const { code, message } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new ImportFailure(
      1102,
      "The server name cannot be resolved. Check the address and the network.",
      options,
    );
  const isCut = code === "ERR_STREAM_PREMATURE_CLOSE" || /premature close/i.test(message);
  if (isCut || (isAnswered && code === "ECONNRESET"))
    return new ImportFailure(1103, "The download ended before the file was complete. Try again.", options);
  if (code === "ETIMEDOUT")
    return new ImportFailure(1020, "The server did not respond in time. Try again later.", options);
  if (code === "ECONNREFUSED" || code === "ECONNRESET")
    return new ImportFailure(
      1001,
      `The server refused or closed the connection (${code}). Check the address.`,
      options,
    );
  return asFailure(error, 1001);
}

/** Aborts a download that has received nothing for a while. */
class Silence {
  isBroken = false;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#timer = this.#start();
  }

  async *watched(chunks: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      clearTimeout(this.#timer);
      this.#timer = this.#start();
      yield chunk as Uint8Array;
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.isBroken = true;
      this.#controller.abort();
    }, SILENCE_MS);
  }
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/csv": ".csv",
  "text/tab-separated-values": ".tsv",
  "text/plain": ".txt",
  "application/json": ".json",
  "application/geo+json": ".geojson",
  "application/vnd.geo+json": ".geojson",
  "application/vnd.google-earth.kml+xml": ".kml",
  "application/vnd.google-earth.kmz": ".kmz",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
  "application/vnd.ms-excel": ".xls",
  "application/vnd.oasis.opendocument.spreadsheet": ".ods",
  "application/zip": ".zip",
  "application/gzip": ".gz",
  "application/x-7z-compressed": ".7z",
  "application/x-bzip2": ".bz2",
  "application/x-xz": ".xz",
};
const KNOWN_EXTENSION =
  /\.(csv|tsv|txt|json|geojson|kml|kmz|xlsx|xls|ods|zip|gz|tgz|tar|7z|bz2|tbz2?|xz|txz|shp)$/i;

/** Returns the file name from the response, or else from the address. A missing extension is derived from the content type. */
function nameOf({ headers }: Response, url: URL): string {
  const disposition = headers.get("content-disposition") ?? "";
  const encoded = /filename\*=(?:UTF-8'')?([^;]+)/i.exec(disposition)?.[1];
  const plain = /filename="?([^";]+)"?/i.exec(disposition)?.[1];
  const last = url.pathname.split("/").filter(Boolean).at(-1) ?? url.hostname;
  const name = (decoded(encoded) ?? plain ?? decoded(last) ?? last).replace(/^.*[\\/]/s, "").trim();
  if (KNOWN_EXTENSION.test(name)) return name;
  const type = (headers.get("content-type") ?? "").replace(/;.*/s, "").trim().toLowerCase();
  return name + (EXTENSIONS[type] ?? "");
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
