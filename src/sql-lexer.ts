/**
 * A lexer of PostgreSQL's SQL, as far as needed to find where statements begin and end and what is outside parentheses:
 * quotes, dollar quotes, nested comments and parentheses. It assumes standard_conforming_strings. A security boundary
 * (server/engine/sql-scan.ts) relies on it: test/sql-lexer.test.ts compares it with PostgreSQL's own scanner.
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */

export interface Token {
  /** `word` is an unquoted identifier or keyword, `quoted` a "quoted identifier". */
  readonly kind: "word" | "quoted" | "string" | "other";
  /** Words are in upper case, everything else as written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Number of parentheses and brackets open before this token. */
  readonly depth: number;
}

// Character classes as in PostgreSQL, not as in JavaScript. PostgreSQL's scanner sees bytes, so every character beyond
// ASCII, even a no-break space or an emoji, is part of a name. A difference here could hide a statement from the
// checks.
const BLANK = /[ \t\n\r\f\v]+|--[^\n\r]*/y;
const WORD = /[A-Za-z_\u{80}-\u{10ffff}][\w$\u{80}-\u{10ffff}]*/uy;
const NUMBER = /\d[\w.]*/y;
const QUOTED_START = /(?:[uU]&)?"/y;
const ESCAPE_STRING_START = /[eE]'/y;
const STRING_START = /(?:[bBxXnN]|[uU]&)?'/y;
/** Two literals with a line break between them are one literal, read by the rules of the first. */
const CONTINUED_STRING = /[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u{80}-\u{10ffff}][\w\u{80}-\u{10ffff}]*)?\$/uy;

/** Splits `sql` into statements, each a list of tokens without the semicolon. Empty statements are left out. */
export function scanStatements(sql: string): Token[][] {
  const statements: Token[][] = [];
  let statement: Token[] = [];
  for (const token of scan(sql)) {
    if (token.text !== ";" || token.depth > 0 || token.kind !== "other") {
      statement.push(token);
      continue;
    }
    if (statement.length > 0) statements.push(statement);
    statement = [];
  }
  if (statement.length > 0) statements.push(statement);
  return statements;
}

/**
 * Returns the text of a query that can be used as a subquery, without trailing semicolons and comments. Undefined if
 * `sql` is not a single query, such as INSERT … RETURNING, SHOW or SELECT … INTO. A query whose WITH writes data is not
 * detected; the database refuses it as a subquery.
 */
export function queryText(sql: string): string | undefined {
  const [tokens, ...more] = scanStatements(sql);
  if (!tokens || more.length > 0) return undefined;
  const first = tokens.find(({ text }) => text !== "(");
  const verb = isWord(first, "WITH") ? verbAfterWith(tokens) : first;
  const isQuery = verb?.kind === "word" && QUERY_VERBS.has(verb.text);
  if (!isQuery || tokens.some((token) => token.depth === 0 && isWord(token, "INTO"))) return undefined;
  return sql.slice(0, tokens.at(-1)!.end); // there is a token
}

/** True if `sql` is one expression, so that nothing of it is outside when it is put in parentheses. */
export function isCondition(sql: string): boolean {
  const [tokens = [], ...more] = scanStatements(`(${sql}\n)`);
  const inside = tokens.slice(1, -1);
  const isClosed = more.length === 0 && tokens.at(-1)?.text === ")" && tokens.at(-1)?.depth === 0;
  return isClosed && inside.length > 0 && inside.every(({ depth, text }) => depth > 0 && text !== ";");
}

const QUERY_VERBS = new Set(["SELECT", "VALUES", "TABLE"]);

/** Finds the first verb after a closing parenthesis: the names in the WITH list never follow one. */
function verbAfterWith(tokens: readonly Token[]): Token | undefined {
  const verbs = /^(SELECT|VALUES|TABLE|INSERT|UPDATE|DELETE|MERGE)$/;
  return tokens.find(
    ({ kind, text, depth }, at) =>
      kind === "word" && depth === 0 && verbs.test(text) && tokens[at - 1]?.text === ")",
  );
}

/** True if a token is the keyword `text`, given in upper case. */
export function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === "word" && token.text === text;
}

function* scan(sql: string): Generator<Token> {
  let at = 0;
  let depth = 0;
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(sql) ? pattern.lastIndex : -1;
  };
  const rules: readonly [Token["kind"], () => number][] = [
    ["string", () => escapeStringEnd(sql, match(ESCAPE_STRING_START))],
    ["string", () => quoteEnd(sql, match(STRING_START), "'")],
    ["quoted", () => quoteEnd(sql, match(QUOTED_START), '"')],
    ["string", () => dollarQuoteEnd(sql, match(DOLLAR_TAG), at)],
    ["word", () => match(WORD)],
    ["other", () => match(NUMBER)],
  ];
  while (at < sql.length) {
    const start = at;
    const blankEnd = match(BLANK);
    if (blankEnd > 0) {
      at = blankEnd;
      continue;
    }
    if (sql.startsWith("/*", at)) {
      at = blockCommentEnd(sql, at);
      continue;
    }
    let kind: Token["kind"] = "other";
    let end = at + 1;
    for (const [candidate, tokenEnd] of rules) {
      const found = tokenEnd();
      if (found < 0) continue;
      kind = candidate;
      end = found;
      break;
    }
    const raw = sql.slice(start, end);
    if (kind === "other" && (raw === ")" || raw === "]")) depth = Math.max(0, depth - 1);
    yield { kind, text: kind === "word" ? raw.toUpperCase() : raw, start, end, depth };
    if (kind === "other" && (raw === "(" || raw === "[")) depth++;
    at = end;
  }
}

// The functions below search instead of matching a pattern, because a literal of megabytes overflows a regular
// expression.

function quoteEnd(sql: string, from: number, quote: string): number {
  if (from < 0) return -1;
  for (let at = sql.indexOf(quote, from); at >= 0; at = sql.indexOf(quote, at + 2)) {
    if (sql[at + 1] !== quote) return at + 1;
  }
  return sql.length;
}

function escapeStringEnd(sql: string, from: number): number {
  if (from < 0) return -1;
  for (let at = from; at < sql.length; at++) {
    if (sql[at] === "\\") at++;
    else if (sql[at] === "'" && sql[at + 1] === "'") at++;
    else if (sql[at] === "'") {
      CONTINUED_STRING.lastIndex = at + 1;
      if (!CONTINUED_STRING.test(sql)) return at + 1;
      at = CONTINUED_STRING.lastIndex - 1;
    }
  }
  return sql.length;
}

function dollarQuoteEnd(sql: string, tagEnd: number, start: number): number {
  if (tagEnd < 0) return -1;
  const tag = sql.slice(start, tagEnd);
  const close = sql.indexOf(tag, tagEnd);
  return close < 0 ? sql.length : close + tag.length;
}

function blockCommentEnd(sql: string, start: number): number {
  let open = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith("/*", at)) {
      open++;
      at++;
    } else if (sql.startsWith("*/", at)) {
      open--;
      at++;
      if (open === 0) return at + 1;
    }
  }
  return sql.length;
}
