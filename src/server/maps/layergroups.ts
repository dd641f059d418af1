/** Instantiated maps by token. They outlive the server, and expire when they are not used. */
import { mkdir, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { LOCAL_USER } from "../../local/home";
import { parseJson } from "../../values";
import type { DataviewFilters } from "./dataviews/filters";
import { MapsRefusal } from "./errors";
import { fingerprint, type MapConfig, parseMapConfig } from "./map-config";
import { type Template, templateHash } from "./templates";

const UNUSED_MS = 2 * 60 * 60_000;
const TOUCH_AFTER_MS = 60_000;
/** Maximum number of maps. The oldest are removed. */
const MAX_KEPT = 2_000;

const Record = z.object({
  /** Set for a named map. */
  template: z.object({ name: z.string(), hash: z.string() }).optional(),
  aggregation: z.boolean(),
  /** Filters of dataviews, if there are any. */
  filters: z.record(z.string(), z.unknown()).optional(),
  config: z.unknown(),
});
type Record = z.infer<typeof Record>;

export interface Layergroup {
  /** Token without the time of the last change. */
  readonly id: string;
  readonly template?: { readonly name: string; readonly hash: string };
  readonly map: MapConfig;
}

interface LayergroupToken {
  readonly id: string;
  /** Time of the last change of the tables that the client knows of, in milliseconds since 1970. */
  readonly changedAt: number;
}

export class Layergroups {
  readonly #dir: string;
  readonly #known = new Map<string, { readonly layergroup: Layergroup; touchedAt: number }>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Stores a map, once if it is added again. @throws MapsRefusal if it cannot be served */
  async add(
    config: unknown,
    {
      template,
      aggregation,
      filters = {},
    }: { template?: Template; aggregation: boolean; filters?: DataviewFilters },
  ): Promise<Layergroup> {
    const named = template && { name: template.name, hash: templateHash(template) };
    const record: Record = {
      ...(named && { template: named }),
      aggregation,
      ...(Object.keys(filters).length > 0 && { filters }),
      config,
    };
    const md5 = fingerprint(record);
    const layergroup = layergroupOf(named ? `${LOCAL_USER}@${named.hash}@${md5}` : md5, record);
    if (this.#fresh(layergroup.id)) return layergroup;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    await writeFileAtomic(this.#file(layergroup.id), JSON.stringify(record), { mode: 0o600 });
    this.#known.set(layergroup.id, { layergroup, touchedAt: Date.now() });
    return layergroup;
  }

  /** @throws MapsRefusal if the token is unknown or has expired */
  async get(token: string): Promise<Layergroup> {
    const { id } = parseToken(token);
    const known = this.#fresh(id) ?? (await this.#read(id));
    if (!known) throw unknownToken(token);
    if (Date.now() - known.touchedAt > TOUCH_AFTER_MS) {
      known.touchedAt = Date.now();
      await utimes(this.#file(id), new Date(), new Date()).catch(() => {});
    }
    return known.layergroup;
  }

  #fresh(id: string) {
    const known = this.#known.get(id);
    return known && Date.now() - known.touchedAt < UNUSED_MS ? known : undefined;
  }

  async #read(id: string) {
    const file = this.#file(id);
    const mtimeMs = await modifiedMs(file);
    if (Date.now() - mtimeMs > UNUSED_MS) return undefined;
    const { data } = Record.safeParse(parseJson(await readFile(file, "utf8").catch(() => "")));
    if (!data) return undefined;
    const known = { layergroup: layergroupOf(id, data), touchedAt: mtimeMs };
    this.#known.set(id, known);
    return known;
  }

  async #removeOld(): Promise<void> {
    const names = await readdir(this.#dir);
    const files = await Promise.all(
      names.map(async (name) => {
        const file = join(this.#dir, name);
        return { file, name, mtimeMs: await modifiedMs(file) };
      }),
    );
    files.sort((a, b) => b.mtimeMs - a.mtimeMs);
    const old = files.filter(({ mtimeMs }, i) => i >= MAX_KEPT - 1 || Date.now() - mtimeMs > UNUSED_MS);
    for (const { file, name } of old) {
      this.#known.delete(name.replace(/\.json.*$/, ""));
      await rm(file, { force: true });
    }
  }

  #file(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

/** @throws MapsRefusal if the text is not a token, so that only hexadecimal digits become part of a file name */
function parseToken(token: string): LayergroupToken {
  const [, user, id, changedAt] =
    /^(?:([^@:]+)@(?=[0-9a-f]{8}@))?((?:[0-9a-f]{8}@)?[0-9a-f]{32})(?::(\d{1,16}))?$/.exec(token) ?? [];
  if (id === undefined) throw unknownToken(token);
  if (user !== undefined && user !== LOCAL_USER) {
    const message = `Cannot use map signature of user "${user}" on db of user "${LOCAL_USER}"`;
    throw new MapsRefusal(403, message, { type: "auth" });
  }
  return { id: user === undefined ? id : `${user}@${id}`, changedAt: Number(changedAt ?? 0) };
}

/** Returns 0 if the file does not exist. */
async function modifiedMs(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

function layergroupOf(id: string, { template, aggregation, filters = {}, config }: Record): Layergroup {
  return { id, ...(template && { template }), map: parseMapConfig(config, { aggregation, filters }) };
}

function unknownToken(token: string): MapsRefusal {
  return new MapsRefusal(400, `Invalid or nonexistent map configuration token '${token.slice(0, 200)}'`);
}
