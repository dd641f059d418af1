import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { ServerError } from "../errors";
import { parseJson } from "../values";
import type { Role } from "./engine/engine";
import { Grants } from "./key-grants";

/** The public key, used for requests without a key. It is not a secret. */
const DEFAULT_TOKEN = "default_public";
const TOKEN_BYTES = 16;

export interface ApiKey {
  readonly name: string;
  readonly type: "master" | "default" | "regular";
  readonly token: string;
  /** Role that runs its statements. */
  readonly role: Role;
  readonly grants: Grants;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const RegularKey = z.object({
  name: z.string(),
  token: z.string(),
  role: z.templateLiteral(["cartoframes_key_", z.string()]),
  grants: Grants,
  createdAt: z.string(),
  updatedAt: z.string(),
});
type RegularKey = z.infer<typeof RegularKey>;

const KeysFile = z.object({ createdAt: z.string(), keys: z.array(RegularKey) });

const EVERYTHING: Grants = [
  { type: "apis", apis: ["sql", "maps"] },
  { type: "database", tables: [], schemas: [], table_metadata: [] },
];

/**
 * The API keys of a home: the master key, `default_public`, and the regular keys, which are kept in a file. The rights
 * of a key are those of its database role: see `key-grants.ts`. Create an instance with `ApiKeys.open`.
 */
export class ApiKeys {
  readonly #file: string;
  readonly #master: ApiKey;
  /** The key of requests without one. */
  readonly default: ApiKey;
  readonly #createdAt: string;
  #regular: readonly RegularKey[];

  constructor(file: string, masterToken: string, { createdAt, keys }: z.infer<typeof KeysFile>) {
    this.#file = file;
    this.#createdAt = createdAt;
    this.#regular = keys;
    const fixed = { grants: EVERYTHING, createdAt, updatedAt: createdAt };
    this.#master = { name: "Master", type: "master", token: masterToken, role: "master", ...fixed };
    this.default = {
      name: "Default public",
      type: "default",
      token: DEFAULT_TOKEN,
      role: "public",
      ...fixed,
    };
  }

  /**
   * Reads the keys from the file.
   * @throws ServerError if the file is damaged, because replacing it would delete keys silently
   */
  static async open(file: string, masterToken: string): Promise<ApiKeys> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) {
      return new ApiKeys(file, masterToken, { createdAt: new Date().toISOString(), keys: [] });
    }
    const parsed = KeysFile.safeParse(parseJson(text));
    if (!parsed.success) throw new ServerError(`${file} is damaged: ${z.prettifyError(parsed.error)}`);
    return new ApiKeys(file, masterToken, parsed.data);
  }

  list(): readonly ApiKey[] {
    return [this.#master, this.default, ...this.#regular.map((key): ApiKey => ({ ...key, type: "regular" }))];
  }

  find(token: string): ApiKey | undefined {
    return this.list().find((key) => sameText(token, key.token));
  }

  /** Finds a key by name. The master key and `default_public` are also found by type, the latter by token, too. */
  named(name: string): ApiKey | undefined {
    const isFixed = ({ type, name: own, token }: ApiKey) =>
      [own.toLowerCase(), type, ...(type === "default" ? [token] : [])].includes(name.toLowerCase());
    return this.list().find((key) => key.name === name) ?? [this.#master, this.default].find(isFixed);
  }

  async add(name: string, role: RegularKey["role"], grants: Grants): Promise<ApiKey> {
    const now = new Date().toISOString();
    const key = { name, token: newToken(), role, grants, createdAt: now, updatedAt: now };
    await this.#write([...this.#regular, key]);
    return { ...key, type: "regular" };
  }

  async remove(name: string): Promise<void> {
    await this.#write(this.#regular.filter((key) => key.name !== name));
  }

  async regenerate(key: ApiKey): Promise<ApiKey> {
    const renewed = { token: newToken(), updatedAt: new Date().toISOString() };
    await this.#write(this.#regular.map((old) => (old.name === key.name ? { ...old, ...renewed } : old)));
    return { ...key, ...renewed };
  }

  async #write(keys: readonly RegularKey[]): Promise<void> {
    const content = JSON.stringify({ createdAt: this.#createdAt, keys }, null, 1);
    await writeFileAtomic(this.#file, `${content}\n`, { mode: 0o600 });
    this.#regular = keys;
  }
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
