import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `test/${name.replaceAll("\\", "/")}`);

/** What a file or its helpers import that starts a process. */
const STARTS_A_PROCESS =
  /support\/(browser|server|engine|context|jupyter|lab|kernel-process|postgres|pglite)"|page\/built"|dist\/|from "\.\.?\/(built|golden)"/;
/**
 * What changes a process for all later files: other modules, clock or environment, or a PostgreSQL that stops with its file; and
 * fingers that are sent to the browser itself.
 */
const CHANGES_ITS_PROCESS =
  /vi\.(mock|useFakeTimers)|process\.env\.\w+ = |onPostgres|ENGINES|sharedPostgres|createTestDatabase|support\/postgres"|CDPSession/;
/** Whether the text of a test file, or of a helper beside it, matches. */
function matches(file: string, pattern: RegExp): boolean {
  const text = readFileSync(file, "utf8");
  const helpers = [...text.matchAll(/ from "(\.\.?\/[^"]+)"/g)]
    .map(([, path]) => join(dirname(file), `${path}.ts`))
    .filter((helper) => helper.startsWith("test") && !helper.startsWith(join("test", "support")));
  return pattern.test(text) || helpers.some((helper) => existsSync(helper) && matches(helper, pattern));
}

const alone = files.filter((file) => matches(file, CHANGES_ITS_PROCESS));
const together = files.filter((file) => !alone.includes(file));
const processes = together.filter((file) => matches(file, STARTS_A_PROCESS));

const SETUP = "test/support/global-setup.ts";

/** The slowest first, so that all workers end together: seconds beside two other workers. */
const SLOW: Record<string, number> = {
  "server/api-on-postgres.test.ts": 400,
  "context/map/map-detail-page.test.ts": 200,
  "docs.test.ts": 195,
  "notebooks.test.ts": 195,
  "imports/oracle.test.ts": 190,
  "imports/hostile.test.ts": 150,
  "failure/kill.test.ts": 145,
  "imports/on-postgres.test.ts": 130,
  "files/reading.test.ts": 130,
  "render/page/page.test.ts": 125,
  "failure/on-postgres.test.ts": 125,
  "render/page/kinds.test.ts": 120,
  "local/daemon.test.ts": 120,
  "kernel/lab-quickstart.test.ts": 115,
  "imports/gdal.test.ts": 110,
  "imports/memory.test.ts": 105,
  "sync/sync-conflicts.test.ts": 90,
  "failure/large-and-slow.test.ts": 75,
  "files/export-formats.test.ts": 70,
  "imports/csv.test.ts": 70,
  "kernel/notebook.test.ts": 70,
  "server/jobs-restart.test.ts": 65,
  "package/package.test.ts": 40,
};

class SlowestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = ({ moduleId }: TestSpecification) =>
      SLOW[Object.keys(SLOW).find((name) => moduleId.endsWith(name)) ?? ""] ?? 0;
    return [...specifications].sort((a, b) => seconds(b) - seconds(a));
  }
}

/** `import text from "./file.sql"`, as the bundles have it. */
const sqlFiles = {
  name: "sql-files",
  transform: (text: string, file: string) =>
    file.endsWith(".sql") ? `export default ${JSON.stringify(text)}` : undefined,
};

export default defineConfig({
  plugins: [sqlFiles],
  test: {
    reporters: ["./test/support/reporter.ts"],
    // Safety nets: what a test waits for is an event, however slow the machine is.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000 } },
    maxWorkers: Math.max(3, availableParallelism()), // some wait for frames of a page, others for a server
    update: "none", // a missing snapshot is a failure; `-u` writes it
    sequence: { sequencer: SlowestFirst },
    env: {
      // the developer's account is not for tests
      XDG_CONFIG_HOME: join(tmpdir(), "cartoframes-test-no-config"),
    },
    // Files share a process where they can, which saves starting it and loading the same modules for each file.
    projects: [
      {
        extends: true,
        test: {
          name: "plain",
          include: together.filter((file) => !processes.includes(file)),
          isolate: false,
        },
      },
      { extends: true, test: { name: "processes", include: processes, isolate: false, globalSetup: SETUP } },
      { extends: true, test: { name: "alone", include: alone, globalSetup: SETUP } },
    ],
  },
});
