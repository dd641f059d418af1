/** Connects to a user's database, and cancels statements there. */
import { isIP } from "node:net";
import { Client, type ClientConfig, Connection } from "pg";
import pgpass from "pgpass";
import type { DatabaseAddress } from "../../local/database";
import { DatabaseError } from "./engine";

const CONNECT_TIMEOUT_MS = 10_000;
const CANCEL_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_AFTER_MS = 30_000;
const NO_TLS = "The server does not support SSL connections";

type Tls = Exclude<ClientConfig["ssl"], undefined>;

/** Members of node-postgres' class that its types lack. */
interface RawConnection extends Connection {
  connect(portOrSocket: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** An open connection and its encryption. */
export interface Connected {
  readonly client: Client;
  readonly tls: Tls;
}

/**
 * Connects as psql does: with the password of the address or of the password file and, by default, with or without
 * encryption, whichever the server accepts.
 * @throws DatabaseError that names host and cause, but no secret
 */
export async function connect(address: DatabaseAddress): Promise<Connected> {
  const ways = tlsWays(address);
  for (const [nth, tls] of ways.entries()) {
    try {
      return { client: await connectBy(address, tls), tls };
    } catch (error) {
      if (nth === ways.length - 1 || !mayTakeAnotherWay(error as Error)) {
        throw connectionError(error as NodeJS.ErrnoException, address);
      }
    }
  }
  throw new Error("unreachable");
}

async function connectBy(address: DatabaseAddress, tls: Tls): Promise<Client> {
  const { host, port, user, database, options } = address;
  const client = new Client({
    host,
    port,
    user,
    database,
    options,
    ssl: tls,
    application_name: "cartoframes",
    password: () => passwordOf(address),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true, // a firewall may drop a connection that is silent during a long statement
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  });
  client.on("error", () => {}); // the user of the connection receives it; without a listener it would end the process
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => {});
    throw error;
  }
}

async function passwordOf(address: DatabaseAddress): Promise<string> {
  const password =
    address.password ?? (await new Promise<string | undefined>((found) => pgpass(address, found)));
  if (password !== undefined) return password;
  throw new DatabaseError("the server asks for a password, but none was given", { code: "28P01" });
}

/**
 * Translates libpq's sslmode to TLS options, in the order to try:
 * https://www.postgresql.org/docs/current/libpq-ssl.html
 */
function tlsWays({ host, tls: { mode, ...pem } }: DatabaseAddress): Tls[] {
  if (host.startsWith("/")) return [false];
  const unchecked: Tls = { ...pem, rejectUnauthorized: false };
  const anyName: Tls = { ...pem, checkServerIdentity: () => undefined };
  switch (mode) {
    case "disable":
      return [false];
    case "allow":
      return [false, unchecked];
    case "prefer": // loopback traffic cannot be intercepted, and encrypting a million rows takes time
      return isLoopback(host) ? [false, unchecked] : [unchecked, false];
    case "require":
      return [pem.ca ? anyName : unchecked];
    case "verify-ca":
      return [anyName];
    case "verify-full":
      return [{ ...pem }];
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** True if the server does not support TLS, or its pg_hba.conf asks for the other kind of connection. */
function mayTakeAnotherWay(error: Error & { code?: string }): boolean {
  return error.message === NO_TLS || (error.code === "28000" && /pg_hba\.conf/.test(error.message));
}

/**
 * Cancels the running statement through a second connection. Never fails, because the statement may have ended already.
 */
export async function cancel({ client, tls }: Connected, { host, port }: DatabaseAddress): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const connection = new Connection({ ssl: tls } as ClientConfig) as RawConnection;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(), CANCEL_TIMEOUT_MS);
    const send = () => connection.cancel(processID, secretKey);
    connection.on("error", () => connection.stream.destroy());
    connection.once("connect", () => (tls ? connection.requestSsl() : send()));
    connection.once("sslconnect", send);
    connection.once("end", () => {
      clearTimeout(timer);
      resolve();
    });
    if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
}

/** Network failures, by error code or node-postgres' message. */
const UNREACHABLE = /^(E(?!RR_)[A-Z_]+|timeout expired|Connection terminated.*)$/;

function connectionError(error: NodeJS.ErrnoException, address: DatabaseAddress): DatabaseError {
  const { host, port, user } = address;
  const place = host.startsWith("/") ? `${host}, port ${port}` : `${host}:${port}`;
  const reason = error.code ?? error.message;
  if (UNREACHABLE.test(reason)) {
    const fields = {
      code: "08001",
      hint: "Check that PostgreSQL is running there and accepts connections from this machine.",
    };
    return new DatabaseError(`cannot reach the database at ${place} (${reason})`, fields, { cause: error });
  }
  if (/^28/.test(reason)) {
    const hint = "The password is taken from the URL, PGPASSWORD or the password file (~/.pgpass).";
    const message = `the database at ${place} refused "${user}": ${error.message}`;
    return new DatabaseError(message, { code: reason, hint }, { cause: error });
  }
  const code = /^[0-9A-Z]{5}$/.test(reason) ? reason : "08001";
  const { hint, detail } = error as { hint?: string; detail?: string };
  return new DatabaseError(
    `the database at ${place} cannot be used: ${error.message}`,
    { code, hint, detail },
    { cause: error },
  );
}
