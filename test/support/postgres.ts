import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";

const DEBIAN = "/usr/lib/postgresql";

/** Where the newest installed PostgreSQL keeps its programs, or undefined where there is none. */
export function postgresBin(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => join(DEBIAN, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")));
}

/** A native PostgreSQL with PostGIS of its own, on a socket in its own folder. */
export interface TestPostgres {
  connect(): Promise<Client>;
  stop(): void;
}

/** Starts one in a temporary folder; as root it runs as `postgres`, because PostgreSQL refuses root. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = postgresBin();
  if (!bin) throw new Error("PostgreSQL is not installed: apt-get install postgresql-15-postgis-3");
  const dir = mkdtempSync(join(tmpdir(), "postgres-"));
  const asPostgres = process.getuid?.() === 0;
  if (asPostgres) {
    chmodSync(dir, 0o777);
  }
  const run = (program: string, ...args: string[]) => {
    const command = [join(bin, program), ...args];
    const [file, ...rest] = asPostgres ? ["runuser", "-u", "postgres", "--", ...command] : command;
    execFileSync(file!, rest, { cwd: dir, stdio: "ignore" });
  };
  const data = join(dir, "data");
  run("initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust");
  run("pg_ctl", "-D", data, "-w", "-o", `-k ${dir} -c listen_addresses=''`, "-l", join(dir, "log"), "start");
  const connect = async () => {
    const client = new Client({ host: dir, user: "postgres", database: "postgres" });
    await client.connect();
    return client;
  };
  const client = await connect();
  await client.query("CREATE EXTENSION postgis");
  await client.end();
  return {
    connect,
    stop: () => {
      run("pg_ctl", "-D", data, "-m", "immediate", "stop");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
