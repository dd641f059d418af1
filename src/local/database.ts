/**
 * The address of a user's PostgreSQL database: `postgres://user:password@host:port/database?sslmode=…`, completed as
 * psql does it, from a service file and the environment.
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

/** Everything that a connection needs. It holds secrets: `shownDatabase` is the form for people. */
export interface DatabaseAddress {
  /** A name, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Absent: the password file decides, or the server needs none. */
  readonly password?: string;
  /** Options for the server process, like `-c statement_timeout=60s`. */
  readonly options?: string;
  readonly tls: {
    readonly mode: TlsMode;
    /** PEM texts. */
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** Whether an address is one of a database, right or wrong. */
export function isDatabaseUrl(url: unknown): boolean {
  return typeof url === "string" && /^postgres(ql)?:/i.test(url);
}

/** @throws InvalidArgumentError, which does not repeat the address: there may be a password in it. */
export function databaseAddress(url: string): DatabaseAddress {
  const given = parsed(url);
  const service = serviceSettings(given.service ?? process.env.PGSERVICE);
  const { PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGOPTIONS, PGSSLMODE } = process.env;
  const user = given.user || service.user || PGUSER || userInfo().username;
  const port = Number(given.port || service.port || PGPORT || DEFAULT_PORT);
  const mode = (given.sslmode ?? service.sslmode ?? (PGSSLMODE || "prefer")) as TlsMode;
  if (!TLS_MODES.includes(mode)) {
    throw new InvalidArgumentError(`baseUrl has no known sslmode; expected ${TLS_MODES.join(", ")}.`);
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

/** The address without anything secret. */
export function shownDatabase({ host, port, user, database }: DatabaseAddress): string {
  const portPart = port === DEFAULT_PORT ? "" : `:${port}`;
  const [who, what] = [encodeURIComponent(user), encodeURIComponent(database)];
  if (!host.startsWith("/")) return `postgres://${who}@${bracketed(host)}${portPart}/${what}`;
  return `postgres://${who}@${portPart}/${what}?host=${host}`;
}

/** The same for two addresses that mean the same database, user and session, whatever the password. */
export function databaseId({ host, port, user, database, options, tls }: DatabaseAddress): string {
  const identity = JSON.stringify([host, port, user, database, options ?? "", tls.mode]);
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

type Name = "host" | "port" | "user" | "password" | "database" | "service" | "options" | "sslmode";
type Given = { readonly [name in Name]?: string } & Pick<ConnectionOptions, "ssl">;

function parsed(url: string): Given {
  const [, rest = ""] = /^[^:]*:\/\/(.*)$/s.exec(url) ?? [];
  // An unencoded / ? or # in a password ends the host, and the rest of it would be shown as something else.
  const isComplete = isDatabaseUrl(url) && rest !== "" && !/#|[/?].*@/s.test(rest);
  const options = isComplete ? parseOrNull(url) : null;
  if (options) return options;
  throw new InvalidArgumentError(
    "baseUrl is no address of a database; expected postgres://user:password@host:port/database, with characters like / ? # @ in the password percent-encoded.",
  );
}

function parseOrNull(url: string): Given | null {
  const sslmode = /[?&]sslmode=([^&]*)/.exec(url)?.[1];
  try {
    // Certificates are read here; what the mode means is decided by who connects.
    return { ...parse(url.replace(/([?&])sslmode=[^&]*/, "$1")), sslmode } as Given;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (path) throw new InvalidArgumentError(`Cannot read ${path} (${code}), which baseUrl names.`);
    return null;
  }
}

function pemTexts(given: Given): { ca?: string; cert?: string; key?: string } {
  const { ca, cert, key } = (given.ssl ?? {}) as { ca?: string; cert?: string; key?: string };
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Where a server on this machine listens, as PostgreSQL's own programs look for it. */
function socketDir(port: number): string | undefined {
  return SOCKET_DIRS.find((dir) => existsSync(join(dir, `.s.PGSQL.${port}`)));
}

/** A section of the connection service file: https://www.postgresql.org/docs/current/libpq-pgservice.html */
function serviceSettings(service: string | undefined): Partial<Record<string, string>> {
  if (!service) return {};
  const file = process.env.PGSERVICEFILE || join(homedir(), ".pg_service.conf");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split(/\r?\n/) : [];
  const start = lines.findIndex((line) => line.trim() === `[${service}]`);
  if (start < 0) throw new InvalidArgumentError(`There is no service "${service}" in ${file}.`);
  const settings: Record<string, string> = {};
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith("[")) break;
    const [, name, value] = /^\s*(\w+)\s*=(.*)$/.exec(line) ?? [];
    if (name) settings[name] = value!.trim();
  }
  return settings;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
