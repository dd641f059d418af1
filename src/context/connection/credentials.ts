import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import envPaths from "env-paths";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { InvalidArgumentError } from "../../errors";
import { parseJson } from "../../json";
import { OPTION_NAMES } from "../../option-names";
import { checkOptions } from "../../options";
import { shownUrl } from "./address";

export interface CredentialsOptions {
  /** Name of the account: its address is then `https://{username}.carto.com`. */
  readonly username?: string;
  /** The same as `username`. */
  readonly user?: string;
  /** Address of the account, where it is not `https://{username}.carto.com`. */
  readonly baseUrl?: string;
  /** The API key. */
  readonly key?: string;
  /** A file to read them from: one that `save` wrote, or cartoframes for Python. */
  readonly credFile?: string;
  /** Others to copy; then nothing else counts. */
  readonly creds?: Credentials;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const FILE_NAME = "cartocreds.json";

/** As cartoframes for Python wrote it. */
const CredentialsFile = z.object({
  key: z.string().nullish(),
  base_url: z.string().nullish(),
  username: z.string().nullish(),
});

const SETTABLE = OPTION_NAMES.CredentialsOptions.filter((name) => name !== "creds" && name !== "credFile");

/**
 * Name, address and API key of an account, and the file in which they are kept for the next time.
 *
 * They are taken from the first of these that has them: `creds`; `key` with `username` or `baseUrl`; `credFile`;
 * `CARTO_BASE_URL` and `CARTO_API_KEY` of the environment; the saved default.
 *
 * ```ts
 * new Credentials({ username: "ana", key: "…" }).save();   // once; `cartoframes login` does it without showing the key
 * await cc.read("trees");                                  // cc finds them
 * ```
 *
 * Their text never shows the key; `credentials.key` does.
 */
export class Credentials {
  #key: string | undefined;
  #username: string | undefined;
  #baseUrl: string;

  /** @throws InvalidArgumentError if there are none, or a part is missing, or a file cannot be understood */
  constructor(options: CredentialsOptions = {}) {
    checkOptions("Credentials", options, OPTION_NAMES.CredentialsOptions);
    const found = partsOf(options);
    this.#key = found.key;
    this.#username = found.username;
    this.#baseUrl = found.baseUrl;
  }

  /** The API key; undefined for an address that needs none (`local:`). */
  get key(): string | undefined {
    return this.#key;
  }

  set key(key: string | undefined) {
    this.#key = key;
  }

  /** Name of the account, as far as it was given: the address decides. */
  get username(): string | undefined {
    return this.#username;
  }

  set username(username: string | undefined) {
    this.#username = username;
  }

  /** Address of the account, without a slash at its end. */
  get baseUrl(): string {
    return this.#baseUrl;
  }

  set baseUrl(baseUrl: string) {
    this.#baseUrl = trimmed(baseUrl);
  }

  /** Replaces what is given, and keeps the rest; but the address is that of the user name, unless it is given. */
  set(options: Omit<CredentialsOptions, "creds" | "credFile">): void {
    checkOptions("set", options, SETTABLE);
    const { username, user = username, key, baseUrl } = options;
    const name = user ?? this.#username;
    const address = baseUrl ?? (name === undefined ? this.#baseUrl : undefined);
    const parts = checkedParts({ username: name, key: key ?? this.#key, baseUrl: address });
    this.#key = parts.key;
    this.#username = parts.username;
    this.#baseUrl = parts.baseUrl;
  }

  /**
   * Saves them for the next time, in a file that only this user of the machine can read.
   * @param file instead of the default, `cartocreds.json` in the platform's configuration folder for `cartoframes`
   * @returns the file's path
   */
  save(file: string = savedFile()): string {
    const content = { key: this.#key, base_url: this.#baseUrl, username: this.#username };
    const path = resolve(file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(path, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600 });
    warned.delete(path);
    return path;
  }

  /** Takes what a file holds, by default the saved one. */
  retrieve(file?: string): void {
    const saved = file === undefined ? savedCredentials() : readCredentials(file);
    if (saved === undefined) throw new InvalidArgumentError(NOTHING_SAVED);
    this.#key = saved.key;
    this.#username = saved.username;
    this.#baseUrl = saved.baseUrl;
  }

  /** Deletes the saved file, or the one given, and says so. */
  delete(file?: string): void {
    const deleted = deleteCredentials(file);
    for (const path of deleted) console.log(`Credentials at ${path} removed.`);
    if (deleted.length === 0) console.warn(`No credential file found at ${resolve(file ?? savedFile())}.`);
  }

  toString(): string {
    const parts = [
      this.#username !== undefined && `username=${this.#username}`,
      this.#key !== undefined && "key=***",
      `baseUrl=${shownUrl(this.#baseUrl)}`,
    ];
    return `Credentials(${parts.filter(Boolean).join(", ")})`;
  }

  /** Without the key: what is meant to be kept is kept by `save`. */
  toJSON(): { username?: string; baseUrl: string } {
    return { username: this.#username, baseUrl: shownUrl(this.#baseUrl) };
  }

  [INSPECT](): string {
    return this.toString();
  }
}

const NOTHING_SAVED =
  "No credentials are saved. Save them with: npx cartoframes login, or pass username and key.";

interface Parts {
  readonly key?: string;
  readonly username?: string;
  readonly baseUrl: string;
}

function partsOf({ creds, credFile, username, user = username, baseUrl, key }: CredentialsOptions): Parts {
  if (creds !== undefined) return { key: creds.key, username: creds.username, baseUrl: creds.baseUrl };
  const complete =
    (user !== undefined || baseUrl !== undefined) && (key !== undefined || needsNoKey(baseUrl));
  if (complete) return checkedParts({ username: user, baseUrl, key });
  if (credFile !== undefined) return readCredentials(credFile);
  if (key !== undefined) {
    throw new InvalidArgumentError("The key belongs to an account: pass username or baseUrl with it.");
  }
  if (user !== undefined || baseUrl !== undefined)
    throw new InvalidArgumentError("The key is missing: pass key.");
  const found = environmentCredentials() ?? savedCredentials();
  if (found === undefined) {
    throw new InvalidArgumentError(
      `There are no credentials: pass username (or baseUrl) and key, set CARTO_BASE_URL and CARTO_API_KEY, or save them with: npx cartoframes login.`,
    );
  }
  return found;
}

/** A server of this machine, and a database whose address has its own password. */
function needsNoKey(baseUrl = ""): boolean {
  return /^(local|postgres|postgresql):/.test(baseUrl);
}

function checkedParts({ username, baseUrl, key }: Partial<Parts>): Parts {
  for (const [name, value] of Object.entries({ username, baseUrl, key })) {
    if (value !== undefined && (typeof value !== "string" || value.trim() === "")) {
      throw new InvalidArgumentError(`${name} is empty or no text.`); // the value may be a key
    }
  }
  if (username !== undefined && baseUrl === undefined)
    return { username, key, baseUrl: cloudAddress(username) };
  if (baseUrl === undefined) throw new InvalidArgumentError("username or baseUrl is missing.");
  return { username, key, baseUrl: trimmed(baseUrl) };
}

/** The address of an account of CARTO's cloud. */
export function cloudAddress(username: string): string {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(username)) {
    throw new InvalidArgumentError(
      `"${username.slice(0, 60)}" is no name of an account; expected letters, digits and hyphens. An address is given as baseUrl, or as --url on the command line.`,
    );
  }
  return `https://${username.toLowerCase()}.carto.com`;
}

function trimmed(baseUrl: string): string {
  return baseUrl.startsWith("local:") ? baseUrl : baseUrl.replace(/\/+$/, "");
}

/** Those of the environment, if it has an address; the key may be missing. */
export function environmentCredentials(): Parts | undefined {
  const { CARTO_BASE_URL, CARTO_API_KEY } = process.env;
  if (!CARTO_BASE_URL) return undefined;
  return { baseUrl: trimmed(CARTO_BASE_URL), key: CARTO_API_KEY || undefined };
}

/** The saved default: the file that `save` writes. */
export function savedFile(): string {
  return join(envPaths("cartoframes", { suffix: "" }).config, FILE_NAME);
}

/** Ours, and where cartoframes for Python kept its own (`appdirs.user_config_dir("cartoframes")`). */
function savedFiles(): string[] {
  const { platform, env } = process;
  const local = env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  const python =
    platform === "darwin"
      ? join(homedir(), "Library", "Application Support", "cartoframes")
      : platform === "win32"
        ? join(local, "cartoframes", "cartoframes")
        : join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "cartoframes");
  return [...new Set([savedFile(), join(python, FILE_NAME)])];
}

/** The saved default with the file it is from, or undefined where none is saved. */
export function savedCredentials(): (Parts & { readonly file: string }) | undefined {
  for (const file of savedFiles()) {
    const text = readIfThere(file);
    if (text !== undefined) return { ...parseCredentials(text, file), file };
  }
  return undefined;
}

function readCredentials(file: string): Parts {
  const path = resolve(file);
  const text = readIfThere(path);
  if (text === undefined) throw new InvalidArgumentError(`There is no file of credentials at ${path}.`);
  return parseCredentials(text, path);
}

function readIfThere(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8");
    warnIfOpen(file);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new InvalidArgumentError(`The file of credentials ${file} cannot be read (${code}).`);
  }
}

/** The file's text stays out of the errors, and with it what JSON.parse says, which quotes it. */
function parseCredentials(text: string, file: string): Parts {
  const parsed = CredentialsFile.safeParse(parseJson(text.replace(/^\uFEFF/, "")));
  const { key, base_url: baseUrl, username } = parsed.success ? parsed.data : {};
  if ((!baseUrl && !username) || (!key && !needsNoKey(baseUrl ?? undefined))) {
    throw new InvalidArgumentError(
      `${file} holds no usable credentials: expected JSON with "key" and "base_url" or "username". Save them again with: npx cartoframes login, or delete the file.`,
    );
  }
  return checkedParts({
    key: key || undefined,
    baseUrl: baseUrl || undefined,
    username: username || undefined,
  });
}

const warned = new Set<string>();

function warnIfOpen(file: string): void {
  if (process.platform === "win32" || warned.has(file)) return;
  if ((statSync(file).mode & 0o077) === 0) return;
  warned.add(file);
  console.warn(
    `${file} holds an API key and can be read by other users of this machine. Close it: chmod 600 "${file}"`,
  );
}

/** Deletes a file of credentials, or every saved default: one that is left would be found the next time. */
export function deleteCredentials(file?: string): string[] {
  const files = file === undefined ? savedFiles() : [resolve(file)];
  return files.filter((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) return false;
    rmSync(path);
    return true;
  });
}
