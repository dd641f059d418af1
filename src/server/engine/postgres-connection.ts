/** How one connection to a user's database is made, and cancelled. */
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

/** What node-postgres' class has and its types do not say. */
interface RawConnection extends Connection {
  connect(portOrSocket: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** A connection that is ready, and how it was encrypted. */
export interface Connected {
  readonly client: Client;
  readonly tls: Tls;
}

/**
 * Connects as psql does: the password of the address, else of the password file; without a word about encryption,
 * whichever way the server takes.
 * @throws DatabaseError that says where it went and what to do, and no secret
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
    keepAlive: true, // a firewall may forget a connection that is silent during a long statement
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  });
  client.on("error", () => {}); // whoever uses it is told; unheard it would end the process
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
  throw new DatabaseError("it asks for a password, and there is none", { code: "28P01" });
}

/** libpq's modes as what Node's TLS does, in the order to try: https://www.postgresql.org/docs/current/libpq-ssl.html */
function tlsWays({ host, tls: { mode, ...pem } }: DatabaseAddress): Tls[] {
  if (host.startsWith("/")) return [false];
  const unchecked: Tls = { ...pem, rejectUnauthorized: false };
  const anyName: Tls = { ...pem, checkServerIdentity: () => undefined };
  switch (mode) {
    case "disable":
      return [false];
    case "allow":
      return [false, unchecked];
    case "prefer": // nobody listens on the way to one's own machine, and encrypting a million rows takes its time
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

/** The server does no TLS, or its pg_hba.conf wants the other way. */
function mayTakeAnotherWay(error: Error & { code?: string }): boolean {
  return error.message === NO_TLS || (error.code === "28000" && /pg_hba\.conf/.test(error.message));
}

/** Asks the server to cancel what that connection runs, over a connection of its own. Never fails: it may be too late. */
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

/** Failures of the network, by their code or node-postgres' message: what to look at. */
const UNREACHABLE = /^(E(?!RR_)[A-Z_]+|timeout expired|Connection terminated.*)$/;

function connectionError(error: NodeJS.ErrnoException, address: DatabaseAddress): DatabaseError {
  const { host, port, user } = address;
  const place = host.startsWith("/") ? `${host}, port ${port}` : `${host}:${port}`;
  const reason = error.code ?? error.message;
  if (UNREACHABLE.test(reason)) {
    const fields = {
      code: "08001",
      hint: "Is PostgreSQL running there, and may this machine connect to it?",
    };
    return new DatabaseError(`cannot reach the database at ${place} (${reason})`, fields, { cause: error });
  }
  if (/^28/.test(reason)) {
    const hint = "The password comes from the address, PGPASSWORD or the password file (~/.pgpass).";
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
