import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import envPaths from "env-paths";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { InvalidArgumentError } from "../../errors";
import { databaseAddress, isDatabaseUrl, shownDatabase } from "../../local/database";
import { OPTION_NAMES } from "../../option-names";
import { checkOptions } from "../../options";
import { parseJson } from "../../values";

export interface CredentialsOptions {
  /** Name of the account. Its address is `https://{username}.carto.com`, unless `baseUrl` is given. */
  readonly username?: string;
  /** Alias of `username`. */
  readonly user?: string;
  /** Address of the account. @default `https://{username}.carto.com` */
  readonly baseUrl?: string;
  /** API key. */
  readonly key?: string;
  /** File with credentials, written by `save` or by cartoframes for Python. */
  readonly credFile?: string;
  /** Credentials to copy. The other options are then ignored. */
  readonly creds?: Credentials;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const FILE_NAME = "cartocreds.json";

/** Format of the file, the same as in cartoframes for Python. */
const CredentialsFile = z.object({
  key: z.string().nullish(),
  base_url: z.string().nullish(),
  username: z.string().nullish(),
});

const SETTABLE = OPTION_NAMES.CredentialsOptions.filter((name) => name !== "creds" && name !== "credFile");

/**
 * Name, address and API key of an account, which can be saved in a file.
 *
 * They are taken from the first of these that is complete: `creds`; `key` with `username` or `baseUrl`; `credFile`; the
 * environment variables `CARTO_BASE_URL` and `CARTO_API_KEY`; the saved file.
 *
 * ```ts
 * new Credentials({ username: "ana", key: "…" }).save();   // once; `cartoframes login` does the same without showing the key
 * await cc.read("trees");                                  // cc uses the saved credentials
 * ```
 *
 * Printing credentials never shows the key. `credentials.key` returns it.
 */
export class Credentials {
  #key: string | undefined;
  #username: string | undefined;
  #baseUrl: string;

  /** @throws InvalidArgumentError if no credentials are found, a part is missing, or a file is invalid */
  constructor(options: CredentialsOptions = {}) {
    checkOptions("Credentials", options, OPTION_NAMES.CredentialsOptions);
    const found = partsOf(options);
    this.#key = found.key;
    this.#username = found.username;
    this.#baseUrl = found.baseUrl;
  }

  /** API key; undefined for an address that needs none, such as `local:`. */
  get key(): string | undefined {
    return this.#key;
  }

  set key(key: string | undefined) {
    this.#key = key;
  }

  /** Name of the account, if it was given. Requests go to `baseUrl`. */
  get username(): string | undefined {
    return this.#username;
  }

  set username(username: string | undefined) {
    this.#username = username;
  }

  /** Address of the account, without a trailing slash. */
  get baseUrl(): string {
    return this.#baseUrl;
  }

  set baseUrl(baseUrl: string) {
    this.#baseUrl = trimmed(baseUrl);
  }

  /** Replaces the given parts and keeps the others. Without `baseUrl`, the address is derived from the user name. */
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
   * Saves the credentials in a file that only the current user of the machine can read.
   * @param file path of the file; by default `cartocreds.json` in the platform's configuration folder for `cartoframes`
   * @returns the path of the file
   */
  save(file: string = savedFile()): string {
    const content = { key: this.#key, base_url: this.#baseUrl, username: this.#username };
    const path = resolve(file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(path, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600 });
    warned.delete(path);
    return path;
  }

  /**
   * Replaces the credentials by those in a file.
   * @param file path of the file; by default the one that `save` writes, or else that of cartoframes for Python
   * @throws InvalidArgumentError if the file does not exist or is invalid
   */
  retrieve(file?: string): void {
    const saved = file === undefined ? savedCredentials() : readCredentials(file);
    if (saved === undefined) throw new InvalidArgumentError(NOTHING_SAVED);
    this.#key = saved.key;
    this.#username = saved.username;
    this.#baseUrl = saved.baseUrl;
  }

  /**
   * Deletes a file with credentials, and prints its path.
   * @param file path of the file; by default the one that `save` writes, and that of cartoframes for Python
   */
  delete(file?: string): void {
    const deleted = deleteCredentials(file);
    for (const path of deleted) console.log(`Credentials at ${path} removed.`);
    if (deleted.length === 0) console.warn(`No credential file found at ${resolve(file ?? savedFile())}.`);
  }

  /** Returns the credentials as text, without the key. */
  toString(): string {
    const parts = [
      this.#username !== undefined && `username=${this.#username}`,
      this.#key !== undefined && "key=***",
      `baseUrl=${shownUrl(this.#baseUrl)}`,
    ];
    return `Credentials(${parts.filter(Boolean).join(", ")})`;
  }

  /** Returns the credentials without the key. Use `save` to store them. */
  toJSON(): { username?: string; baseUrl: string } {
    return { username: this.#username, baseUrl: shownUrl(this.#baseUrl) };
  }

  [INSPECT](): string {
    return this.toString();
  }
}

const NOTHING_SAVED =
  "No credentials are saved. Save them with `npx cartoframes login`, or pass `username` and `key`.";

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
    throw new InvalidArgumentError(
      "`key` needs the account it belongs to. Pass `username` or `baseUrl` with it.",
    );
  }
  if (user !== undefined || baseUrl !== undefined)
    throw new InvalidArgumentError("`key` is missing. Pass the API key of the account.");
  const found = environmentCredentials() ?? savedCredentials();
  if (found === undefined) {
    throw new InvalidArgumentError(
      `No credentials were found. Pass username (or baseUrl) and key, set CARTO_BASE_URL and CARTO_API_KEY, or run: npx cartoframes login.`,
    );
  }
  return found;
}

/** True for the local server and for a database, whose URL contains its password. */
function needsNoKey(baseUrl = ""): boolean {
  return /^(local|postgres|postgresql):/.test(baseUrl);
}

function checkedParts({ username, baseUrl, key }: Partial<Parts>): Parts {
  for (const [name, value] of Object.entries({ username, baseUrl, key })) {
    if (value !== undefined && (typeof value !== "string" || value.trim() === "")) {
      throw new InvalidArgumentError(`${name} must be a non-empty string.`); // the value may be a key
    }
  }
  if (username !== undefined && baseUrl === undefined)
    return { username, key, baseUrl: cloudAddress(username) };
  if (baseUrl === undefined) throw new InvalidArgumentError("Pass username or baseUrl.");
  return { username, key, baseUrl: trimmed(baseUrl) };
}

/** Returns the address of an account in CARTO's cloud. */
export function cloudAddress(username: string): string {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(username)) {
    throw new InvalidArgumentError(
      `"${username.slice(0, 60)}" is not a valid account name. Expected letters, digits and hyphens. Pass an address as baseUrl, or as --url on the command line.`,
    );
  }
  return `https://${username.toLowerCase()}.carto.com`;
}

function trimmed(baseUrl: string): string {
  return baseUrl.startsWith("local:") ? baseUrl : baseUrl.replace(/\/+$/, "");
}

/** Returns the credentials in the environment, if it has an address. The key may be missing. */
export function environmentCredentials(): Parts | undefined {
  const { CARTO_BASE_URL, CARTO_API_KEY } = process.env;
  if (!CARTO_BASE_URL) return undefined;
  return { baseUrl: trimmed(CARTO_BASE_URL), key: CARTO_API_KEY || undefined };
}

/** Path of the file that `save` writes. */
export function savedFile(): string {
  return join(envPaths("cartoframes", { suffix: "" }).config, FILE_NAME);
}

/** Paths of the saved files: ours, and that of cartoframes for Python (`appdirs.user_config_dir("cartoframes")`). */
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

/** Returns the saved credentials with their file, or undefined if none are saved. */
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
  if (text === undefined) throw new InvalidArgumentError(`No file with credentials exists at ${path}.`);
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
    throw new InvalidArgumentError(`The credentials file ${file} cannot be read (${code}).`);
  }
}

/**
 * Parses a file with credentials. Errors do not quote the file, so they leave out the message of JSON.parse.
 */
function parseCredentials(text: string, file: string): Parts {
  const parsed = CredentialsFile.safeParse(parseJson(text.replace(/^\uFEFF/, "")));
  const { key, base_url: baseUrl, username } = parsed.success ? parsed.data : {};
  if ((!baseUrl && !username) || (!key && !needsNoKey(baseUrl ?? undefined))) {
    throw new InvalidArgumentError(
      `${file} contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.`,
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
    `${file} contains an API key and can be read by other users of this machine. Protect it with: chmod 600 "${file}"`,
  );
}

/** Deletes a file with credentials; without a path, both saved ones, because the other would be found the next time. */
export function deleteCredentials(file?: string): string[] {
  const files = file === undefined ? savedFiles() : [resolve(file)];
  return files.filter((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) return false;
    rmSync(path);
    return true;
  });
}

/** Returns the address with credentials removed, safe to print. */
export function shownUrl(address: unknown): string {
  if (typeof address !== "string") return "?";
  if (address.startsWith("local:")) return address;
  if (isDatabaseUrl(address)) return shownDatabaseUrl(address);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.host ? `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}` : "?";
}

function shownDatabaseUrl(url: string): string {
  try {
    return shownDatabase(databaseAddress(url));
  } catch {
    return "?"; // the first call reports the error
  }
}
