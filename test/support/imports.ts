import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Header } from "tar";
import { ZipFile } from "yazl";
import { homesIn } from "../../src/local/home";
import type { TestServer } from "./server";

export interface ImportAnswer {
  readonly id: string;
  readonly state: string;
  readonly success?: boolean;
  readonly error_code: number | null;
  readonly get_error_text: { title: string; what_about: string; source: string } | null;
  readonly table_name: string | null;
  readonly tables_created_count: number | null;
  readonly data_type: string;
  readonly warnings: Record<string, unknown> | null;
  readonly [member: string]: unknown;
}

type Parameters = Record<string, string>;
type Content = string | Uint8Array;

/** Uses the Import API of a server with plain HTTP requests, as other programs do. */
export function importer(server: TestServer) {
  const query = (parameters: Parameters) => new URLSearchParams(parameters).toString();

  const post = (parameters: Parameters = {}, init: RequestInit = {}) =>
    server.ask(`/api/v1/imports?${query(parameters)}`, { method: "POST", ...init });

  const upload = (name: string, content: Content, parameters: Parameters = {}) => {
    const form = new FormData();
    form.append("file", new Blob([content as Uint8Array<ArrayBuffer>]), name);
    return post(parameters, { body: form });
  };

  const get = async (id: string) =>
    (await server.ask(`/api/v1/imports/${id}`)).json() as Promise<ImportAnswer>;

  /** Waits until an import has finished; `states` are the states it went through. */
  const finished = async (response: Response, states: string[] = []): Promise<ImportAnswer> => {
    const answer = (await response.json()) as { item_queue_id?: string };
    if (!answer.item_queue_id) throw new Error(JSON.stringify(answer));
    for (;;) {
      const found = await get(answer.item_queue_id);
      if (found.state !== states.at(-1)) states.push(found.state);
      if (found.success !== undefined) return found;
      await sleep(20);
    }
  };

  /** Uploads a file and waits until it is a table or the import has failed. */
  const file = async (name: string, content: Content, parameters?: Parameters) =>
    finished(await upload(name, content, parameters));

  /** Returns the columns of a table and their types, without CARTO's own columns. */
  const columns = async (table: string) => {
    const { rows } = await server.sql(
      `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '${table}'
       AND column_name NOT IN ('cartodb_id', 'the_geom', 'the_geom_webmercator') ORDER BY ordinal_position`,
    );
    return Object.fromEntries(rows.map(({ column_name, data_type }) => [column_name, data_type]));
  };

  /** Returns leftovers, which must not exist after an import, successful or not. */
  const leftovers = async () => {
    const { rows } = await server.sql(
      "SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%' AND relkind = 'r'",
    );
    return rows;
  };

  /** Returns the folders of running uploads and imports, and of those that were not removed. */
  const workDirs = async () => {
    const home = (await homesIn(server.home)).at(-1); // that of the database, if there is one
    return (await readdir(join(home!.dir, "imports"))).filter((name) => name.startsWith("work-"));
  };

  return { post, upload, get, finished, file, columns, leftovers, workDirs };
}

/**
 * Asks for the version until the work ends.
 * @returns the number of answers, and the time of the slowest one as a share of the whole time
 */
export async function answersDuring(server: TestServer, work: Promise<unknown>) {
  const start = performance.now();
  let isOver = false;
  work.finally(() => {
    isOver = true;
  });
  let [count, slowest] = [0, 0];
  while (!isOver) {
    const asked = performance.now();
    await (await server.ask("/api/v1/version")).text();
    slowest = Math.max(slowest, performance.now() - asked);
    count++;
    await sleep(5);
  }
  return { count, slowest: slowest / (performance.now() - start) };
}

/** Returns an uncompressed tar archive; `links` are links and their targets. */
export function tarOf(
  files: Record<string, Content>,
  links: Record<string, string> = {},
  linkType: "SymbolicLink" | "Link" | "SparseFile" = "SymbolicLink",
): Buffer {
  const BLOCK = 512;
  const part = (content: Buffer, fields: ConstructorParameters<typeof Header>[0]) => {
    const head = Buffer.alloc(BLOCK);
    new Header({ mode: 0o644, size: content.length, mtime: new Date(0), ...fields }).encode(head);
    return Buffer.concat([head, content, Buffer.alloc(-content.length & (BLOCK - 1))]);
  };
  return Buffer.concat([
    ...Object.entries(files).map(([path, content]) => part(Buffer.from(content), { path, type: "File" })),
    ...Object.entries(links).map(([path, linkpath]) =>
      part(Buffer.alloc(0), { path, linkpath, type: linkType }),
    ),
    Buffer.alloc(2 * BLOCK),
  ]);
}

export async function zipOf(files: Record<string, Content>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream as never);
}
