import { defineConfig } from "vitest/config";

/** `import text from "./file.sql"`, as the bundles have it. */
const sqlFiles = {
  name: "sql-files",
  transform: (text: string, file: string) =>
    file.endsWith(".sql") ? `export default ${JSON.stringify(text)}` : undefined,
};

export default defineConfig({
  plugins: [sqlFiles],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
