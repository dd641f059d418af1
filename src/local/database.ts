/**
 * Reads the URL of a user's PostgreSQL database, `postgres://user:password@host:port/database?sslmode=…`. As in psql,
 * missing parts are taken from a service file and the environment.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, parse } from "pg-connection-string";
import { InvalidArgumentError } from "../errors";

const DEFAULT_PORT = 5432;
const SOCKET_DIRS = ["/var/run/postgresql", "/tmp"];
const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type TlsMode = (typeof TLS_MODES)[number];

/** Everything a connection needs. Holds secrets: print it with `shownDatabase` only. */
export interface DatabaseAddress {
  /** Host name, IP address, or folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** If absent, the password is looked up in the password file when the server asks for one. */
  readonly password?: string;
  /** Command-line options for the server process, such as `-c statement_timeout=60s`. */
  readonly options?: string;
  readonly tls: {
    readonly mode: TlsMode;
    /** Certificates and key in PEM format. */
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** True for every URL with the scheme `postgres:` or `postgresql:`, even if it is malformed. */
export function isDatabaseUrl(url: unknown): boolean {
  return typeof url === "string" && /^postgres(ql)?:/i.test(url);
}

/**
 * Parses a database URL and completes it.
 * @throws InvalidArgumentError if it is malformed. The message does not repeat the URL, which may hold a password.
 */
export function databaseAddress(url: string): DatabaseAddress {
  const given = parsed(url);
  const service = serviceSettings(given.service ?? process.env.PGSERVICE);
  const { PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGOPTIONS, PGSSLMODE } = process.env;
  const user = given.user || service.user || PGUSER || userInfo().username;
  const port = Number(given.port || service.port || PGPORT || DEFAULT_PORT);
  const mode = (given.sslmode ?? service.sslmode ?? (PGSSLMODE || "prefer")) as TlsMode;
  if (!TLS_MODES.includes(mode)) {
    throw new InvalidArgumentError(`baseUrl: sslmode must be one of ${TLS_MODES.join(", ")}.`);
  }
  return {
    host: given.host || service.host || PGHOST || socketDir(port) || "localhost",
    port,
    user,
    database: given.database || service.dbname || PGDATABASE || user,
    password: given.password || service.password || PGPASSWORD,
    options: given.options || service.options || PGOPTIONS,
    tls: { mode, ...pemTexts(given) },
  };
}

/** Returns the URL with credentials removed, safe to print. */
export function shownDatabase({ host, port, user, database }: DatabaseAddress): string {
  const portPart = port === DEFAULT_PORT ? "" : `:${port}`;
  const [who, what] = [encodeURIComponent(user), encodeURIComponent(database)];
  if (!host.startsWith("/")) return `postgres://${who}@${bracketed(host)}${portPart}/${what}`;
  return `postgres://${who}@${portPart}/${what}?host=${host}`;
}

/** Returns an id that is equal for two URLs of the same database, user and session settings, whatever the password. */
export function databaseId({ host, port, user, database, options, tls }: DatabaseAddress): string {
  const identity = JSON.stringify([host, port, user, database, options ?? "", tls.mode]);
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

type Name = "host" | "port" | "user" | "password" | "database" | "service" | "options" | "sslmode";
type Given = { readonly [name in Name]?: string } & Pick<ConnectionOptions, "ssl">;

function parsed(url: string): Given {
  const [, rest = ""] = /^[^:]*:\/\/(.*)$/s.exec(url) ?? [];
  // An unencoded / ? or # in a password would end the host, and the rest of the password would be printed as the path.
  const isComplete = isDatabaseUrl(url) && rest !== "" && !/#|[/?].*@/s.test(rest);
  const options = isComplete ? parseOrNull(url) : null;
  if (options) return options;
  throw new InvalidArgumentError(
    "baseUrl must be a PostgreSQL URL such as postgres://user:password@host:port/database. Percent-encode characters like / ? # @ in the password.",
  );
}

function parseOrNull(url: string): Given | null {
  const sslmode = /[?&]sslmode=([^&]*)/.exec(url)?.[1];
  try {
    // The certificates are read here; tlsWays in engine/postgres-connection.ts interprets the mode.
    return { ...parse(url.replace(/([?&])sslmode=[^&]*/, "$1")), sslmode } as Given;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (path) throw new InvalidArgumentError(`Cannot read ${path} (${code}), a file named in baseUrl.`);
    return null;
  }
}

function pemTexts(given: Given): { ca?: string; cert?: string; key?: string } {
  const { ca, cert, key } = (given.ssl ?? {}) as { ca?: string; cert?: string; key?: string };
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Returns the folder of the local server's Unix socket, found as PostgreSQL's own programs find it. */
function socketDir(port: number): string | undefined {
  return SOCKET_DIRS.find((dir) => existsSync(join(dir, `.s.PGSQL.${port}`)));
}

/** Reads a section of the connection service file: https://www.postgresql.org/docs/current/libpq-pgservice.html */
function serviceSettings(service: string | undefined): Partial<Record<string, string>> {
  if (!service) return {};
  const file = process.env.PGSERVICEFILE || join(homedir(), ".pg_service.conf");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split(/\r?\n/) : [];
  const start = lines.findIndex((line) => line.trim() === `[${service}]`);
  if (start < 0) throw new InvalidArgumentError(`Service "${service}" is not defined in ${file}.`);
  const settings: Record<string, string> = {};
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith("[")) break;
    const [, name, value = ""] = /^\s*(\w+)\s*=(.*)$/.exec(line) ?? [];
    if (name) settings[name] = value.trim();
  }
  return settings;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
