import { loadModule, type ScanToken, scanSync } from "libpg-query";
import { expect, test } from "vitest";
import { queryText, scanStatements } from "../src/sql-lexer";
import { mulberry32 } from "./support/seeded";

test.each<[string, string | undefined]>([
  ["SELECT 1", "SELECT 1"],
  ["  /* a /* nested */ */ -- b\n select 1 ; -- it's\n ;", "  /* a /* nested */ */ -- b\n select 1"],
  ["(SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)"],
  [
    "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a, b",
    "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a, b",
  ],
  ["WITH w AS (SELECT ')') UPDATE t SET a = 1", undefined],
  ["SELECT 'INTO' AS \"INTO\", $$ INTO ; $$", "SELECT 'INTO' AS \"INTO\", $$ INTO ; $$"],
  ["SELECT 1 INTO t", undefined],
  ["SELECT (SELECT 1); SELECT 2", undefined],
  ["INSERT INTO t SELECT 1", undefined],
  ["TABLE t", "TABLE t"],
  ["", undefined],
  ["-- nothing", undefined],
])("finds the query in %j", (sql, query) => {
  expect(queryText(sql)).toBe(query);
});

test.each([
  ["quotes", `SELECT ';' || "a;b" || E'\\';' || ''';'; SELECT 2`, 2],
  ["dollar quotes", "DO $$ BEGIN; END $$; DO $a_1$ ;$$; $a_1$", 2],
  ["comments, nested too", "SELECT 1 -- ; no\n; /* ; /* ; */ ; */ SELECT 2 /* ;", 2],
  ["parentheses", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", 2],
  ["a parameter, which is not a dollar quote", "SELECT $1; SELECT a$b$c", 2],
  ["empty statements", ";; /* nothing */ ; -- nothing", 0],
  ["an open quote", "SELECT 'a; SELECT 2", 1],
  // Where PostgreSQL's scanner is not what one thinks; each of these was a statement that could hide.
  ["a dollar quote with an emoji for a tag", "SELECT $😀$ ' $😀$; SELECT 2 --'", 2],
  ["a name that begins with a no-break space", "SELECT 1 AS \u00a0$x$; SELECT $y$ $x$ $y$", 2],
  ["a line separator, which does not end a comment", "SELECT 1 --\u2028; SELECT 2", 1],
  ["a literal continued on the next line", "SELECT E'a'\n'b\\''; SELECT 2 --'", 2],
  ["one continued behind a comment", "SELECT E'a' -- c\n -- d\n 'b\\''; SELECT 2 --'", 2],
  ["two literals on one line", "SELECT E'a' 'b\\'; SELECT 2 --'", 2],
  ["a plain literal continued", "SELECT 'a'\n'b\\'; SELECT 2", 2],
])("finds the ends of statements: %s", (_name, sql, count) => {
  expect(scanStatements(sql)).toHaveLength(count);
});

test("scans a literal of several megabytes", () => {
  const literal = `'${"it''s ".repeat(1_000_000)}'`;
  expect(scanStatements(`SELECT ${literal}, E${literal}; SELECT 2`)).toHaveLength(2);
});

test("scans a comment of several megabytes after a literal", () => {
  expect(scanStatements(`SELECT E'a' ${"-- ".repeat(500_000)}`)).toHaveLength(1);
  expect(scanStatements(`SELECT E'a'${"\n-- ".repeat(200_000)}`)).toHaveLength(1);
});

/** Pieces that begin, end, hide or split statements, to be put together at random. */
const PIECES = [
  ..."; ' '' \" \"\" $$ $a$ $1 -- /* */ ( ) [ ] \\ \\' E' e' U&' U&\" B' N' X' :: @ 1.5 _a a$b 😀 é".split(
    " ",
  ),
  ...[
    "\n",
    "\r",
    "\t",
    "\f",
    "\v",
    " ",
    "\u00a0",
    "\u2028",
    "--\n",
    "'\n'",
    "SELECT",
    "RESET ROLE",
    "a",
    "$😀$",
  ],
];

test("statements begin where PostgreSQL's scanner begins them", async () => {
  await loadModule();
  const random = mulberry32(20_241_129);
  let compared = 0;
  const wrong: string[] = [];
  for (let i = 0; i < 32_000; i++) {
    const length = 1 + Math.floor(random() * 14);
    const sql = Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join("");
    const expected = statementStarts(sql);
    if (expected === undefined) continue; // PostgreSQL refuses the whole text
    compared++;
    const found = scanStatements(sql).map(([first]) => first!.start);
    if (found.join() !== expected.join()) wrong.push(sql);
  }
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(5_000);
});

/** Where each statement begins; undefined if the text has no tokens for PostgreSQL. */
function statementStarts(sql: string): number[] | undefined {
  let tokens: ScanToken[];
  try {
    ({ tokens } = scanSync(sql));
  } catch {
    return undefined;
  }
  const bytes = Buffer.from(sql);
  const starts: number[] = [];
  let depth = 0;
  let isOpen = false;
  for (const { start, text, tokenName } of tokens) {
    if (/COMMENT/.test(tokenName)) continue;
    if (text === ";" && depth === 0) {
      isOpen = false;
      continue;
    }
    if (!isOpen) starts.push(bytes.subarray(0, start).toString().length);
    isOpen = true;
    if (text === "(" || text === "[") depth++;
    if (text === ")" || text === "]") depth = Math.max(0, depth - 1);
  }
  return starts;
}
