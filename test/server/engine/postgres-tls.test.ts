import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { databaseAddress } from "../../../src/local/database";
import type { Engine } from "../../../src/server/engine/engine";
import { openPostgres } from "../../../src/server/engine/postgres";
import { sharedPostgres, temporaryDir } from "../../support/engine";
import { freePort, isRoot, opensslPath } from "../../support/machine";
import { needs } from "../../support/needs";

const dir = temporaryDir();
const certificate = join(dir, "server.crt");
let port = 0;
let engine: Engine | undefined;

/** Over the network only encrypted for `secure`, only in clear for `clear`. */
async function listen(): Promise<void> {
  const postgres = await sharedPostgres();
  const key = join(dir, "server.key");
  // biome-ignore format: as on the command line
  execFileSync(opensslPath!, ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const data = join(postgres.dir, "data");
  writeFileSync(join(data, "server.crt"), readFileSync(certificate));
  writeFileSync(join(data, "server.key"), readFileSync(key), { mode: 0o600 });
  if (isRoot) execFileSync("chown", ["postgres", join(data, "server.key")]);
  port = await freePort();
  const hba = join(data, "pg_hba.conf");
  const rules = "hostssl all secure 127.0.0.1/32 trust\nhostnossl all clear 127.0.0.1/32 trust\n";
  writeFileSync(hba, `${rules}local all all trust\n`);
  const admin = await postgres.connect();
  await admin.query("CREATE ROLE secure LOGIN; CREATE ROLE clear LOGIN");
  for (const [name, value] of [
    ["ssl", "on"],
    ["listen_addresses", "127.0.0.1"],
    ["port", port],
  ])
    await admin.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  await admin.end();
  postgres.halt();
  postgres.startByFile();
}

describe("encryption", () => {
  needs("PostgreSQL", "certificate");
  beforeAll(listen);
  afterEach(() => engine?.close());

  const encrypted = async (user: string, host: string, parameters: string) => {
    engine = await openPostgres(databaseAddress(`postgres://${user}@${host}:${port}/postgres?${parameters}`));
    const { statements } = await engine.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    return statements[0]!.rows[0]![0] === "t";
  };

  test.each([
    ["secure", "127.0.0.1", "", true],
    ["secure", "localhost", "sslmode=require", true],
    ["secure", "127.0.0.1", "sslmode=allow", true],
    ["clear", "127.0.0.1", "", false],
    ["clear", "127.0.0.1", "sslmode=disable", false],
    ["secure", "localhost", "sslmode=verify-full&sslrootcert=CERT", true],
    ["secure", "127.0.0.1", "sslmode=verify-ca&sslrootcert=CERT", true],
  ])("%s at %s with %s", async (user, host, parameters, isEncrypted) => {
    expect(await encrypted(user, host, parameters.replace("CERT", certificate))).toBe(isEncrypted);
  });

  test.each([
    ["secure", "127.0.0.1", "sslmode=disable", /refused "secure": no pg_hba\.conf entry/],
    ["clear", "127.0.0.1", "sslmode=require", /refused "clear": no pg_hba\.conf entry/],
    ["secure", "localhost", "sslmode=verify-full", /cannot be used: self-signed certificate/],
    ["secure", "127.0.0.1", "sslmode=verify-full&sslrootcert=CERT", /cannot be used: .*does not match/],
  ])("rejects %s at %s with %s", async (user, host, parameters, message) => {
    await expect(encrypted(user, host, parameters.replace("CERT", certificate))).rejects.toThrow(message);
  });

  test("a cancel request is encrypted, too", async () => {
    await encrypted("secure", "127.0.0.1", "sslmode=require");
    const signal = AbortSignal.timeout(200);
    await expect(
      engine!.query("SELECT count(*) FROM generate_series(1, 1e10)", { signal }),
    ).rejects.toMatchObject({
      code: "57014",
    });
  });
});
