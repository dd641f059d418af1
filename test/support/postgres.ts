import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { ident, literal } from "../../src/sql";
import { isRoot, postgresBin } from "./machine";

/** A native PostgreSQL with PostGIS for tests only, on a socket in its own folder. */
export interface TestPostgres {
  /** Folder of its socket and data files. */
  readonly dir: string;
  /** Connects as the superuser. */
  connect(database?: string): Promise<Client>;
  /** Creates a database with PostGIS and its `owner`, who is not a superuser. Returns its URL. */
  createDatabase(name: string, owner: string): Promise<string>;
  url(database: string, user: string): string;
  /** Requires a password from this role. */
  requirePassword(user: string, password: string): Promise<void>;
  restart(mode: "fast" | "immediate"): void;
  halt(): void;
  start(): void;
  /** Starts it on the addresses in its configuration. */
  startByFile(): void;
  stop(): void;
}

/** Starts PostgreSQL in a temporary folder; for root, as user `postgres`, because PostgreSQL refuses to run as root. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = postgresBin;
  if (!bin) throw new Error('A test that starts PostgreSQL calls needs("PostgreSQL") first.');
  const dir = mkdtempSync(join(tmpdir(), "postgres-"));
  if (isRoot) chmodSync(dir, 0o777);
  const run = (program: string, ...args: string[]) => {
    const command = [join(bin, program), ...args];
    const [file, ...rest] = isRoot ? ["runuser", "-u", "postgres", "--", ...command] : command;
    execFileSync(file!, rest, { cwd: dir, stdio: "ignore" });
  };
  const data = join(dir, "data");
  const pgCtl = (...args: string[]) => run("pg_ctl", "-D", data, "-w", "-l", join(dir, "log"), ...args);
  run("initdb", "-N", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust");
  // Processes are killed in tests, not machines: what the system has written is there afterwards.
  const options = `-k ${dir} -c fsync=off -c full_page_writes=off`;
  const start = () => pgCtl("-o", `${options} -c listen_addresses=''`, "start");
  start();
  const connect = async (database = "postgres") => {
    const client = new Client({ host: dir, user: "postgres", database });
    client.on("error", () => {}); // it is restarted now and then
    await client.connect();
    return client;
  };
  const client = await connect();
  await client.query("CREATE EXTENSION postgis");
  await client.end();
  const url = (database: string, user: string) =>
    `postgres://${user}@/${encodeURIComponent(database)}?host=${dir}`;
  return {
    dir,
    connect,
    url,
    createDatabase: async (name, owner) => {
      const admin = await connect("template1");
      const { rowCount } = await admin.query("SELECT FROM pg_roles WHERE rolname = $1", [owner]);
      if (rowCount === 0) await admin.query(`CREATE ROLE ${ident(owner)} LOGIN`);
      await admin.query(`CREATE DATABASE ${ident(name)} TEMPLATE postgres OWNER ${ident(owner)}`);
      await admin.end();
      return url(name, owner);
    },
    requirePassword: async (user, password) => {
      const admin = await connect();
      await admin.query(`ALTER ROLE ${ident(user)} PASSWORD ${literal(password)}`);
      await admin.end();
      const file = join(data, "pg_hba.conf");
      writeFileSync(file, `local all ${user} scram-sha-256\n${readFileSync(file, "utf8")}`);
      pgCtl("reload");
    },
    restart: (mode) => pgCtl("-m", mode, "restart"),
    halt: () => pgCtl("-m", "fast", "stop"),
    start,
    startByFile: () => pgCtl("-o", options, "start"),
    stop: () => {
      pgCtl("-m", "immediate", "stop");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
