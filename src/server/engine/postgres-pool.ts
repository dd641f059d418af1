import { setImmediate as incoming, setTimeout as sleep } from "node:timers/promises";
import type { DatabaseAddress } from "../../local/database";
import { unlessAborted } from "../../unless-aborted";
import { canceledError, type DatabaseError } from "./engine";
import { PostgresSession } from "./postgres-session";
import { Turns } from "./turns";

/** A connection that was unused for longer is tested before it is used again. */
const TRUST_MS = 1_000;
const ANSWER_MS = 5_000;
const IDLE_CLOSE_MS = 30_000;
/** Maximum wait for a database that is starting, has no free connection, or was reachable before. */
const CONNECT_PATIENCE_MS = 10_000;
const CONNECT_RETRY_MS = 250;
/** SQLSTATEs that pass: cannot_connect_now (the server starts or stops), too_many_connections. */
const PASSING = new Set(["57P03", "53300"]);
/** SQLSTATE class 28: invalid_authorization_specification, invalid_password. */
const REFUSED = /^28/;
const UNREACHABLE = "08001";

interface Idle {
  readonly session: PostgresSession;
  readonly since: number;
  readonly closing: NodeJS.Timeout;
}

export interface PoolOptions {
  readonly maxConnections: number;
  readonly maxResultBytes: number;
  readonly onRefused: () => void;
  /** Brings a new or used session into the state in which every statement starts. */
  readonly prepare: (session: PostgresSession) => Promise<void>;
}

/** Pool of sessions, each for one caller at a time. Callers beyond the limit wait in the order of arrival. */
export class PostgresPool {
  readonly #address: DatabaseAddress;
  readonly #options: PoolOptions;
  readonly #turns: Turns;
  #idle: Idle[] = [];
  #wasReached = false;
  #isClosed = false;

  constructor(address: DatabaseAddress, options: PoolOptions) {
    this.#address = address;
    this.#options = options;
    this.#turns = new Turns(options.maxConnections);
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Resolves to a prepared session and the function that returns it to the pool. */
  async take(
    signal?: AbortSignal,
  ): Promise<{ session: PostgresSession; giveBack: (isUsable: boolean) => void }> {
    const endTurn = await this.#turns.take(signal);
    const finding = this.#find();
    const session = await unlessAborted(finding, signal, canceledError).catch((error) => {
      finding.then((late) => this.#keep(late)).then(endTurn, endTurn);
      throw error;
    });
    const giveBack = (isUsable: boolean) => {
      // The caller does not wait for the reset; the next caller does.
      void this.#clean(session, isUsable).finally(endTurn);
    };
    return { session, giveBack };
  }

  close(): void {
    this.#isClosed = true;
    for (const { session, closing } of this.#idle) {
      clearTimeout(closing);
      session.destroy();
    }
    this.#idle = [];
  }

  async #find(): Promise<PostgresSession> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.closing);
      await incoming(); // a busy process may not have noticed yet that the server closed the connection
      if (idle.session.isLost) continue;
      if (Date.now() - idle.since < TRUST_MS || (await answers(idle.session))) return idle.session;
      idle.session.destroy();
    }
    return this.#open();
  }

  async #open(): Promise<PostgresSession> {
    const deadline = Date.now() + CONNECT_PATIENCE_MS;
    for (;;) {
      try {
        const session = await PostgresSession.open(this.#address, this.#options.maxResultBytes);
        await this.#options.prepare(session);
        this.#wasReached = true;
        return session;
      } catch (error) {
        const { code } = error as DatabaseError;
        if (this.#wasReached && REFUSED.test(code)) this.#options.onRefused();
        const mayPass = PASSING.has(code) || (this.#wasReached && code === UNREACHABLE);
        if (!mayPass || this.#isClosed || Date.now() > deadline) throw error;
        await sleep(CONNECT_RETRY_MS);
      }
    }
  }

  async #clean(session: PostgresSession, isUsable: boolean): Promise<void> {
    try {
      if (!isUsable || session.isLost) throw new Error("The session cannot be used again.");
      await this.#options.prepare(session);
      this.#keep(session);
    } catch {
      session.destroy(); // a session that cannot be reset is not used again
    }
  }

  #keep(session: PostgresSession): void {
    if (this.#isClosed) {
      session.destroy();
      return;
    }
    const closing = setTimeout(() => {
      this.#idle = this.#idle.filter((idle) => idle.session !== session);
      session.destroy();
    }, IDLE_CLOSE_MS);
    closing.unref();
    this.#idle.push({ session, since: Date.now(), closing });
  }
}

/** Tests a session with an empty query. */
async function answers(session: PostgresSession): Promise<boolean> {
  const answer = session.run("").then(
    ({ error }) => error === null,
    () => false,
  );
  return Promise.race([answer, sleep(ANSWER_MS, false, { ref: false })]);
}
