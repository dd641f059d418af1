import { describe, expect, test } from "vitest";
import { copyThroughFile, refuseBeyondRole, refuseCopy } from "../../../src/server/engine/sql-scan";

describe("the target of a COPY", () => {
  test.each([
    ["COPY t TO STDOUT", "COPY t TO '/s/1'"],
    ["copy t to stdout with (format csv)", "copy t to '/s/1' with (format csv)"],
    ["COPY (SELECT ' TO STDOUT ') TO STDOUT", "COPY (SELECT ' TO STDOUT ') TO '/s/1'"],
    ['COPY "to stdout" TO STDOUT', `COPY "to stdout" TO '/s/1'`],
    ["COPY (SELECT a FROM t) TO STDOUT", "COPY (SELECT a FROM t) TO '/s/1'"],
    [
      "COPY t /* TO STDOUT */ TO -- STDOUT\n STDOUT -- end",
      "COPY t /* TO STDOUT */ TO -- STDOUT\n '/s/1' -- end",
    ],
    ["/* first */ COPY t(a, b) TO STDOUT;", "/* first */ COPY t(a, b) TO '/s/1';"],
    ["COPY (SELECT $x$ ) TO STDOUT $x$) TO STDOUT", "COPY (SELECT $x$ ) TO STDOUT $x$) TO '/s/1'"],
    ["COPY (SELECT E'\\') TO STDOUT') TO STDOUT", "COPY (SELECT E'\\') TO STDOUT') TO '/s/1'"],
    ["COPY t TO STDOUT WITH (DELIMITER 'STDOUT')", "COPY t TO '/s/1' WITH (DELIMITER 'STDOUT')"],
  ])("%s", (sql, rewritten) => {
    expect(copyThroughFile(sql, "TO", "/s/1").sql).toBe(rewritten);
  });

  test("FROM STDIN with a condition", () => {
    const sql = "COPY s.t (a) FROM STDIN WITH (FORMAT csv) WHERE a NOT IN (SELECT b FROM stdin)";
    expect(copyThroughFile(sql, "FROM", "/s/1").sql).toBe(sql.replace("STDIN", "'/s/1'"));
  });

  test.each([
    ["COPY t TO '/etc/passwd'", "COPY to or from a file on the server is not allowed"],
    ["COPY t TO PROGRAM 'cat'", "COPY to or from a program on the server is not allowed"],
    ["COPY t TO 'STDOUT'", "COPY to or from a file on the server is not allowed"],
    ["COPY t FROM STDIN", "expected COPY … TO STDOUT, got COPY FROM STDIN"],
    ["COPY t TO STDOUT; DROP TABLE t", "expected one COPY … TO STDOUT, got 2 statements"],
    ["SELECT 1", "expected COPY … TO STDOUT"],
    ["", "expected COPY … TO STDOUT"],
  ])("rejects %s", (sql, message) => {
    expect(() => copyThroughFile(sql, "TO", "/s/1")).toThrow(message);
  });

  test("positions count characters of the statement as written", () => {
    const sql = "COPY (SELECT '🌳' AS a) TO STDOUT WITH (FORMAT nope)";
    const copy = copyThroughFile(sql, "TO", "/pglite/data/spool/17");
    const characters = (text: string, at: number) => [...text.slice(0, at)].length + 1;
    const at = (text: string, part: string) => characters(text, text.indexOf(part));
    for (const part of ["SELECT", "AS a", "TO", "WITH", "nope"]) {
      expect(copy.originalPosition(at(copy.sql, part)), part).toBe(at(sql, part));
    }
  });
});

test.each([
  [
    "SELECT 1; COPY t TO STDOUT",
    "COPY TO STDOUT is not possible in a query",
    "Send it as COPY out (copyto).",
  ],
  ["copy t from stdin", "COPY FROM STDIN is not possible in a query", "Send it as COPY in (copyfrom)."],
  ["COPY t FROM '/etc/passwd'", "COPY to or from a file on the server is not allowed", expect.any(String)],
  ["COPY t FROM PROGRAM 'id'", "COPY to or from a program on the server is not allowed", expect.any(String)],
])("a query cannot contain COPY: %s", (sql, message, hint) => {
  expect(() => refuseCopy(sql)).toThrow(expect.objectContaining({ message, hint }));
});

test("a query can mention copy", () => {
  refuseCopy("SELECT copy, 'COPY t TO STDOUT' FROM \"COPY\" -- COPY");
});

test.each([
  "RESET ROLE",
  "SET ROLE postgres",
  "DISCARD ALL",
  "DO $$ BEGIN END $$",
  "SELECT 1; set session authorization x",
  '"SELECT"',
])("the public role cannot run %s", (sql) => {
  expect(() => refuseBeyondRole(sql, "public")).toThrow(expect.objectContaining({ code: "42501" }));
});

test("the public role can read", () => {
  refuseBeyondRole(
    "SELECT 1; (SELECT 2) UNION SELECT 3; WITH a AS (SELECT 1) TABLE a; SHOW search_path; EXPLAIN SELECT 1",
    "public",
  );
});

test("a key can own tables, but not code or roles", () => {
  const role = "cartoframes_key_0";
  refuseBeyondRole("CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); DROP TABLE t; TRUNCATE t", role);
  for (const sql of [
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TEMP TABLE t (a int)",
    'CREATE "TABLE" t (a int)',
    "ALTER ROLE carto SUPERUSER",
    "DROP OWNED BY carto",
    "RESET ROLE",
  ]) {
    expect(() => refuseBeyondRole(sql, role), sql).toThrow(expect.objectContaining({ code: "42501" }));
  }
});
