import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { databaseAddress } from "../../src/local/database";
import type { DatabaseError, Engine, StatementOptions } from "../../src/server/engine/engine";
import { openPglite, type PgliteOptions } from "../../src/server/engine/pglite";
import { openPostgres, type PostgresOptions } from "../../src/server/engine/postgres";
import { needs } from "./needs";
import { startPostgres, type TestPostgres } from "./postgres";

export type EngineKind = "pglite" | "postgres";

export const ENGINES: readonly EngineKind[] = ["pglite", "postgres"];

/** The default engine of tests, see `onPostgres`. */
export function defaultEngine(): EngineKind {
  return process.env.TEST_ENGINE === "postgres" ? "postgres" : "pglite";
}

/** Runs test files of the embedded database a second time, on PostgreSQL. */
export function onPostgres(files: Record<string, () => Promise<unknown>>): void {
  process.env.TEST_ENGINE = "postgres";
  describe.each(Object.entries(files))("%s", async (_, load) => {
    needs("PostgreSQL");
    await load();
  });
}

/** Creates a directory that is removed after the tests of the file. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "cartoframes-test-"));
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

let cluster: Promise<TestPostgres> | undefined;
let databases = 0;
afterAll(async () => (await cluster?.catch(() => undefined))?.stop());

/** The native PostgreSQL of a test file, started on first use and stopped after its tests. */
export function sharedPostgres(): Promise<TestPostgres> {
  cluster ??= startPostgres();
  return cluster;
}

/** Returns the URL of an empty database with PostGIS. Its owner `carto` may switch to the role `publicuser`. */
export async function createTestDatabase(): Promise<string> {
  const postgres = await sharedPostgres();
  const url = await postgres.createDatabase(`test ${++databases}`, "carto");
  const admin = await postgres.connect();
  const { rowCount } = await admin.query("SELECT FROM pg_roles WHERE rolname = 'publicuser'");
  if (rowCount === 0) await admin.query("CREATE ROLE publicuser; GRANT publicuser TO carto");
  await admin.end();
  return url;
}

export interface TestEngine {
  readonly kind: EngineKind;
  /** Options of the embedded database. */
  readonly dataDir: string;
  get(): Engine;
  /** Rows of the last statement. */
  rows(sql: string, options?: StatementOptions): Promise<readonly (readonly (string | null)[])[]>;
}

/** A real database for the tests of one file or block: a copy of the template, or a new one on a native PostgreSQL. */
export function useEngine({
  kind = defaultEngine(),
  ...options
}: Partial<PgliteOptions> & PostgresOptions & { kind?: EngineKind } = {}): TestEngine {
  if (kind === "postgres") needs("PostgreSQL");
  const dataDir = join(temporaryDir(), "data");
  let engine: Engine;
  beforeAll(async () => {
    engine =
      kind === "pglite"
        ? await openPglite({ dataDir, ...options })
        : await openPostgres(databaseAddress(await createTestDatabase()), options);
  });
  afterAll(() => engine?.close());
  return {
    kind,
    dataDir,
    get: () => engine,
    async rows(sql, statementOptions) {
      const { statements } = await engine.query(sql, statementOptions);
      return statements.at(-1)!.rows;
    },
  };
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** The error of a statement that must fail. */
export async function failure(promise: Promise<unknown>): Promise<DatabaseError> {
  const result = await promise.then(
    () => null,
    (error: DatabaseError) => error,
  );
  if (!result) throw new Error("it did not fail");
  return result;
}
