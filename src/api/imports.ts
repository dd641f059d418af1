import { ImportError, InvalidArgumentError, RateLimitError, ServerError, SqlError } from "../errors";
import type { Bbox } from "../geo";
import { importErrorSentence } from "./import-errors";
import { Pauses } from "./pauses";
import {
  ImportCreated,
  type ImportedTable,
  type ImportFailed,
  ImportResponse,
  type LayerDescription,
  LayersResponse,
} from "./schemas/imports";
import type { Transport } from "./transport";

/** Options of the Import API; see `docs/imports.md`. */
export interface ImportParameters {
  readonly typeGuessing?: boolean;
  readonly quotedFieldsGuessing?: boolean;
  readonly contentGuessing?: boolean;
  readonly collisionStrategy?: "skip" | "overwrite";
  readonly privacy?: string;
  readonly reading?: ReadingParameters;
}

/** Which part of a file to read, and how. Accounts do not know these parameters. */
export interface ReadingParameters {
  readonly layer?: readonly (string | number)[];
  readonly encoding?: string;
  readonly srid?: number;
  readonly columns?: readonly string[];
  readonly where?: string;
  readonly bbox?: Bbox;
  readonly limit?: number;
}

interface ImportOptions extends ImportParameters {
  readonly signal?: AbortSignal;
}

/** Longest pause between requests for the state of an import. */
const LONGEST_PAUSE_MS = 1_000;
/** Wait for the id of an import that was given up after its upload. */
const ID_MS = 10_000;

/** A file to upload, or the URL of one that the server downloads. */
export type ImportSource =
  | { readonly name: string; readonly bytes: () => AsyncIterable<Uint8Array> }
  | { readonly url: string };

/**
 * Uploads a file, starts its import and returns the import's id. Also returns it when `signal` aborts after the upload:
 * without the id, nobody could stop the import.
 */
export async function startImport(
  transport: Transport,
  source: ImportSource,
  { signal, ...parameters }: ImportOptions = {},
): Promise<string> {
  signal?.throwIfAborted();
  const query = queryOf(source, parameters);
  const request = { path: IMPORTS, query, ...abortedWhileSent(source, signal) };
  const { value } = await transport.sendForJson(request, ImportCreated, API).catch(explainRefusal);
  if (value.success === false) throw new ServerError("The server refused to import the file.");
  return value.item_queue_id;
}

const IMPORTS = "/api/v1/imports";
const API = "an Import API";

function queryOf(
  source: ImportSource,
  { reading = {}, ...parameters }: ImportParameters,
): Record<string, string> {
  const { layer, columns, encoding, srid, where, bbox, limit } = reading;
  const all = {
    filename: "url" in source ? undefined : source.name,
    type_guessing: parameters.typeGuessing,
    quoted_fields_guessing: parameters.quotedFieldsGuessing,
    content_guessing: parameters.contentGuessing,
    collision_strategy: parameters.collisionStrategy,
    privacy: parameters.privacy,
    layer: layer && JSON.stringify(layer),
    columns: columns && JSON.stringify(columns),
    ...{ encoding, srid, where, bbox, limit },
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function explainRefusal(error: unknown): never {
  // without Retry-After, all slots for imports are taken
  if (error instanceof RateLimitError && error.retryAfterS === undefined)
    throw new ImportError(importErrorSentence(6669), { code: 6669 }, { cause: error });
  // no statement ran: a parameter is wrong
  if (error instanceof SqlError && error.sqlState === undefined)
    throw new InvalidArgumentError(error.message, { cause: error });
  throw error;
}

/**
 * Uploads a file to the local server, which describes its layers. Accounts have no such call.
 * @throws ImportError
 */
export async function fetchLayers(
  transport: Transport,
  source: ImportSource,
  { signal, ...reading }: ReadingParameters & { readonly signal?: AbortSignal },
): Promise<LayerDescription[]> {
  const content = "url" in source ? { form: { url: source.url } } : { body: source.bytes };
  const request = { path: `${IMPORTS}/layers`, query: queryOf(source, { reading }), ...content, signal };
  const { value } = await transport.sendForJson(request, LayersResponse, API).catch(explainRefusal);
  if (value.layers === undefined) throw importError(value);
  return value.layers;
}

/** Content of the request, and a signal that lets the answer arrive after the content. */
function abortedWhileSent(source: ImportSource, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const giveUp = () => controller.abort(signal?.reason);
  let isSent = "url" in source;
  signal?.addEventListener("abort", () => (isSent ? setTimeout(giveUp, ID_MS).unref() : giveUp()));
  if ("url" in source) return { form: { url: source.url }, signal: controller.signal };
  async function* body(bytes: AsyncIterable<Uint8Array>) {
    isSent = false;
    yield* bytes;
    isSent = true;
  }
  return { body: () => body(source.bytes()), signal: controller.signal };
}

export interface FinishedImport {
  /** The new tables; none if `collisionStrategy: "skip"` left an existing one. */
  readonly tables: readonly ImportedTable[];
  /** Files and layers that were not imported, as far as the server tells. */
  readonly leftOut: readonly string[];
}

/**
 * Waits until an import has ended, and calls `onState` with each new state.
 * @throws ImportError with the code and its meaning
 */
export async function finishedImport(
  transport: Transport,
  id: string,
  {
    signal,
    onState,
    keepsRunning = true /* false lets the program end while this waits */,
  }: {
    readonly signal?: AbortSignal;
    readonly onState?: (state: string) => void;
    readonly keepsRunning?: boolean;
  } = {},
): Promise<FinishedImport> {
  const path = pathOf(id);
  const pauses = new Pauses(LONGEST_PAUSE_MS);
  for (;;) {
    const request = { path, signal, repeatable: true };
    const { value } = await transport.sendForJson(request, ImportResponse, "an Import API");
    const { state, success, error_code } = value;
    const failed = success === false || state === "failure" || state === "stuck";
    if (failed) throw importError(value);
    if (success === true || state === "complete") {
      const { tables, table_name: name, left_out: leftOut = [] } = value;
      if (error_code === 1022) return { tables: [], leftOut };
      return { tables: tables ?? (name ? [{ name, renamed: [], unread: [] }] : []), leftOut };
    }
    onState?.(state);
    await pauses.next({ signal, keepsRunning });
  }
}

const pathOf = (id: string) => `/api/v1/imports/${encodeURIComponent(id)}`;

/** Stops an import of the local server. Accounts have no such call. */
export async function cancelImport(transport: Transport, id: string): Promise<void> {
  await transport.sendForJson({ path: pathOf(id), method: "DELETE" }, ImportResponse, "an Import API");
}

function importError({
  id,
  error_code,
  get_error_text,
}: ImportFailed & { readonly id?: string }): ImportError {
  const code = error_code ?? 99999;
  const said = typeof get_error_text === "string" ? get_error_text : get_error_text?.what_about;
  const detail = said ? plainText(said) : "";
  const sentence = importErrorSentence(code);
  const message = detail === "" || sentence.includes(detail) ? sentence : `${sentence}\n  Detail: ${detail}`;
  return new ImportError(message, { code, importId: id });
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: " ",
};

/** Converts the HTML of a server's explanation to text. */
function plainText(html: string): string {
  return html
    .replace(/<[^>]*>/g, " ")
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replace(/\s+/g, " ")
    .trim();
}
