/**
 * Lets Node import a .sql file as text, for programs that run from the sources: `tsx --require ./scripts/sql-files.cjs FILE`.
 * The bundles (scripts/bundles.ts) and the tests (vitest.config.mts) do the same in their own way.
 */
const { readFileSync } = require("node:fs");

require.extensions[".sql"] = (module, file) => {
  module.exports = { __esModule: true, default: readFileSync(file, "utf8") };
};
