import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Engine, StatementOptions } from "../../src/server/engine/engine";
import { openPglite, type PgliteOptions } from "../../src/server/engine/pglite";

/** A directory that is removed after the tests of the file. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "cartoframes-test-"));
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export interface TestEngine {
  readonly dataDir: string;
  get(): Engine;
  /** Rows of the last statement. */
  rows(sql: string, options?: StatementOptions): Promise<readonly (readonly (string | null)[])[]>;
}

/** A real database from the template for the tests of one file. */
export function useEngine(options: Partial<PgliteOptions> = {}): TestEngine {
  const dataDir = join(temporaryDir(), "data");
  let engine: Engine;
  beforeAll(async () => {
    engine = await openPglite({ dataDir, ...options });
  });
  afterAll(() => engine?.close());
  return {
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
