/** Skips tests that need a program the machine lacks; the reporter lists the missing programs at the end. */
import { existsSync } from "node:fs";
import { type TestContext, TestRunner } from "vitest";
import { chromePath, ogr2ogrPath, opensslPath, postgresBin } from "./machine";

const PROGRAMS = {
  browser: {
    isHere: chromePath !== undefined,
    missing: "no Chrome or Chromium found (set CHROME_PATH, or apt-get install chromium)",
  },
  PostgreSQL: {
    isHere: postgresBin !== undefined,
    missing:
      "no PostgreSQL with PostGIS found (put its pg_config on PATH, or apt-get install postgresql-15-postgis-3)",
  },
  certificate: {
    isHere: opensslPath !== undefined,
    missing: "no openssl found (apt-get install openssl)",
  },
  GDAL: {
    isHere: ogr2ogrPath !== undefined,
    missing: "no ogr2ogr found (apt-get install gdal-bin)",
  },
  memory: {
    isHere: existsSync("/proc/self/status"),
    missing: "no /proc with the memory of processes (run these tests on Linux)",
  },
} as const;

export type Need = keyof typeof PROGRAMS;

/** Reason for skipping tests. The reporter prints it: "5 browser tests skipped: no Chrome …". */
export interface Skipped {
  readonly kind: string;
  readonly why: string;
}

declare module "vitest" {
  interface TaskMeta {
    skipped?: Skipped;
  }
}

/** Skips the tests of the file, or of the `describe` that calls it, if the machine lacks one of these. */
export function needs(...kinds: Need[]): void {
  const kind = kinds.find((name) => !PROGRAMS[name].isHere);
  if (kind) skipAll({ kind, why: PROGRAMS[kind].missing });
}

/** Skips the tests of the file, or of the `describe` that calls it. */
export function skipAll(skipped: Skipped): void {
  Object.assign(TestRunner.getCurrentSuite().options ?? {}, { skip: true, meta: { skipped } });
}

/** Skips the running test. */
export function skipTest({ task, skip }: TestContext, skipped: Skipped): never {
  task.meta.skipped = skipped;
  return skip(skipped.why);
}
