/** Checks before a statement runs: COPY, rights and transactions. */
import { isWord, scanStatements, type Token } from "../../sql-lexer";
import { words } from "../../values";
import { DatabaseError, type Role } from "./engine";

/**
 * Refuses COPY in a query: it has separate calls, and must not read or write files of the server.
 * @throws DatabaseError if `sql` contains a COPY
 */
export function refuseCopy(sql: string): void {
  if (!/\bcopy\b/i.test(sql)) return;
  for (const tokens of scanStatements(sql)) {
    if (!isWord(tokens[0], "COPY")) continue;
    const target = copyTarget(tokens);
    if (target && (target.file.text === "STDOUT" || target.file.text === "STDIN")) {
      const message = `COPY ${target.direction} ${target.file.text} is not possible in a query`;
      const hint = `Send it as ${target.direction === "TO" ? "COPY out (copyto)" : "COPY in (copyfrom)"}.`;
      throw new DatabaseError(message, { code: "0A000", hint, position: positionOf(sql, target.file) });
    }
    refuseServerFile(sql, tokens, target);
  }
}

// Statements that begin with one of these can neither change their role nor create anything that could.
const READING_AND_WRITING = words(
  "SELECT WITH VALUES TABLE ( SHOW EXPLAIN INSERT UPDATE DELETE MERGE BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE",
);
/** Commands for the tables that a regular key may create in a schema granted to it. */
const ON_TABLES = words("CREATE ALTER DROP");
const TABLE_WORDS = words("TABLE UNLOGGED INDEX UNIQUE SEQUENCE VIEW");
const ON_OWN_TABLES = words("TRUNCATE ANALYZE COMMENT");

/**
 * Refuses every command that is not known to be harmless. The session of the embedded database belongs to a superuser,
 * so `RESET ROLE` would give a statement all rights. What remains is decided by the rights of the role in the database.
 * @throws DatabaseError if a statement begins with another command
 */
export function refuseBeyondRole(sql: string, role: Exclude<Role, "master">): void {
  const isWhole = isOneTransaction(sql); // otherwise what it creates would be committed before it is checked
  for (const [first, second] of scanStatements(sql)) {
    if (!first || first.kind === "quoted" || first.kind === "string") throw notPermitted(sql, first);
    if (READING_AND_WRITING.has(first.text)) continue;
    const isOnTables = ON_TABLES.has(first.text) && second?.kind === "word" && TABLE_WORDS.has(second.text);
    if (role !== "public" && ((isOnTables && isWhole) || ON_OWN_TABLES.has(first.text))) continue;
    throw notPermitted(sql, first);
  }
}

function notPermitted(sql: string, token: Token | undefined): DatabaseError {
  const message = `permission denied for ${token?.text ?? ""}`;
  return new DatabaseError(message, { code: "42501", position: positionOf(sql, token) });
}

// Functions and views that change the role inside a statement, or run a text as SQL. `U&"…"` can spell any of them.
const CHANGES_ROLE = /set_config|pg_settings|_to_xml|ts_stat|ts_rewrite|crosstab|connectby|dblink|U&"/i;

/**
 * Refuses what could change the role in a user's database, where the functions for that are not revoked from PUBLIC as
 * in the embedded one: several statements at once, and the names above.
 * @throws DatabaseError if `sql` contains one of them
 */
export function refuseChangeOfRole(sql: string): void {
  const found = CHANGES_ROLE.exec(sql)?.[0];
  if (found === undefined && scanStatements(sql).length <= 1) return;
  const what = found === undefined ? "several statements at once" : found;
  throw new DatabaseError(`permission denied for ${what}`, { code: "42501" });
}

const TRANSACTION_COMMANDS = words("BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE CALL");

/** True if a failure of `sql`, sent as one query, undoes all of it. False if it controls transactions itself. */
export function isOneTransaction(sql: string): boolean {
  return scanStatements(sql).every(
    ([first]) =>
      !TRANSACTION_COMMANDS.has(first?.text ?? "") &&
      !(isWord(first, "DO") && /\b(commit|rollback)\b/i.test(sql)),
  );
}

export interface CopyRewrite {
  readonly sql: string;
  /** Converts a position in the rewritten text to one in the original, both from 1. */
  originalPosition(position: number): number;
}

/**
 * Replaces `STDOUT` or `STDIN` in a `COPY … TO STDOUT` or `COPY … FROM STDIN` by a file.
 * @throws DatabaseError if `sql` is anything but one such statement
 */
export function copyThroughFile(sql: string, direction: "TO" | "FROM", path: string): CopyRewrite {
  const target = checkCopy(sql, direction);
  const { start, end } = target;
  const file = `'${path.replaceAll("'", "''")}'`;
  const filePosition = positionOf(sql, target);
  return {
    sql: sql.slice(0, start) + file + sql.slice(end),
    originalPosition: (position) =>
      position <= filePosition ? position : Math.max(filePosition, position - file.length + (end - start)),
  };
}

/**
 * Returns the token STDOUT or STDIN of a `COPY … TO STDOUT` or `COPY … FROM STDIN`.
 * @throws DatabaseError if `sql` is anything but one such statement
 */
export function checkCopy(sql: string, direction: "TO" | "FROM"): Token {
  const [tokens = [], ...more] = scanStatements(sql);
  const wanted = direction === "TO" ? "COPY … TO STDOUT" : "COPY … FROM STDIN";
  if (!isWord(tokens[0], "COPY")) {
    throw new DatabaseError(`expected ${wanted}`, { code: "42601", position: positionOf(sql, tokens[0]) });
  }
  if (more.length > 0) {
    const position = positionOf(sql, more[0]?.[0]);
    throw new DatabaseError(`expected one ${wanted}, got ${more.length + 1} statements`, {
      code: "42601",
      position,
    });
  }
  const target = copyTarget(tokens);
  // PostgreSQL accepts STDIN and STDOUT in place of each other.
  if (!target || !(target.file.text === "STDOUT" || target.file.text === "STDIN")) {
    refuseServerFile(sql, tokens, target);
    throw new DatabaseError(`expected ${wanted}`, {
      code: "42601",
      position: positionOf(sql, tokens.at(-1)),
    });
  }
  if (target.direction !== direction) {
    const message = `expected ${wanted}, got COPY ${target.direction} ${target.file.text}`;
    throw new DatabaseError(message, { code: "42601", position: positionOf(sql, target.file) });
  }
  return target.file;
}

interface CopyTarget {
  readonly direction: "TO" | "FROM";
  /** The token after TO or FROM: STDIN, STDOUT, PROGRAM or a file name. */
  readonly file: Token;
}

/** Finds the target of a COPY: TO and FROM are reserved words, so the first one outside parentheses belongs to COPY. */
function copyTarget(tokens: readonly Token[]): CopyTarget | undefined {
  const at = tokens.findIndex((token) => token.depth === 0 && (isWord(token, "TO") || isWord(token, "FROM")));
  const [word, file] = at < 0 ? [] : tokens.slice(at);
  return word && file && { direction: word.text as "TO" | "FROM", file };
}

function refuseServerFile(sql: string, tokens: readonly Token[], target: CopyTarget | undefined): never {
  const what = isWord(target?.file, "PROGRAM") ? "a program" : "a file";
  throw new DatabaseError(`COPY to or from ${what} on the server is not allowed`, {
    code: "42501",
    hint: "Use COPY … TO STDOUT (copyto) or COPY … FROM STDIN (copyfrom).",
    position: positionOf(sql, target?.file ?? tokens[0]),
  });
}

/** Returns the position as PostgreSQL counts it: in characters from 1, not in UTF-16 units from 0. */
function positionOf(sql: string, token: Token | undefined): number {
  let position = 1;
  for (const _ of sql.slice(0, token?.start ?? 0)) position++;
  return position;
}
