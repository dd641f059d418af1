/** What an engine must look at before it runs a statement: COPY, rights, and transactions. */
import { isWord, scanStatements, type Token } from "../../sql-lexer";
import { words } from "../../values";
import { DatabaseError, type Role } from "./engine";

/** @throws DatabaseError if `sql` holds a COPY, which has its own two calls and touches no server file. */
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

// With these a statement can neither change its role nor leave anything behind that would.
const READING_AND_WRITING = words(
  "SELECT WITH VALUES TABLE ( SHOW EXPLAIN INSERT UPDATE DELETE MERGE BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE",
);
/** What a regular key may have been granted in a schema: tables of its own. */
const ON_TABLES = words("CREATE ALTER DROP");
const TABLE_WORDS = words("TABLE UNLOGGED INDEX UNIQUE SEQUENCE VIEW");
const ON_OWN_TABLES = words("TRUNCATE ANALYZE COMMENT");

/**
 * The session of the embedded database belongs to a superuser, whom `SET ROLE` and the like would bring
 * back; what is not known to be harmless is refused, and table rights do the rest.
 * @throws DatabaseError
 */
export function refuseBeyondRole(sql: string, role: Exclude<Role, "master">): void {
  for (const [first, second] of scanStatements(sql)) {
    if (!first || first.kind === "quoted" || first.kind === "string") throw notPermitted(sql, first);
    if (READING_AND_WRITING.has(first.text)) continue;
    const isOnTables = ON_TABLES.has(first.text) && second?.kind === "word" && TABLE_WORDS.has(second.text);
    if (role !== "public" && (isOnTables || ON_OWN_TABLES.has(first.text))) continue;
    throw notPermitted(sql, first);
  }
}

function notPermitted(sql: string, token: Token | undefined): DatabaseError {
  const message = `permission denied for ${token?.text ?? ""}`;
  return new DatabaseError(message, { code: "42501", position: positionOf(sql, token) });
}

// What would change the role from within a statement, or run a text as one. `U&"…"` can spell any of them.
const CHANGES_ROLE = /set_config|pg_settings|_to_xml|ts_stat|ts_rewrite|crosstab|connectby|dblink|U&"/i;

/**
 * A user's database has not taken from everybody what a role needs to leave itself, as the embedded one has: so a
 * statement of `publicuser` is a single one, and names nothing of that kind.
 * @throws DatabaseError
 */
export function refuseChangeOfRole(sql: string): void {
  const found = CHANGES_ROLE.exec(sql)?.[0];
  if (found === undefined && scanStatements(sql).length <= 1) return;
  const what = found === undefined ? "several statements at once" : found;
  throw new DatabaseError(`permission denied for ${what}`, { code: "42501" });
}

const TRANSACTION_COMMANDS = words("BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE CALL");

/** Whether a failure of `sql`, sent as one query, undoes all of it: not if it ends transactions by itself. */
export function isOneTransaction(sql: string): boolean {
  return scanStatements(sql).every(
    ([first]) =>
      !TRANSACTION_COMMANDS.has(first?.text ?? "") &&
      !(isWord(first, "DO") && /\b(commit|rollback)\b/i.test(sql)),
  );
}

export interface CopyRewrite {
  readonly sql: string;
  /** A position in the rewritten text as a position in the original, both 1-based. */
  originalPosition(position: number): number;
}

/**
 * `COPY … TO STDOUT` with `STDOUT` replaced by the file, or `COPY … FROM STDIN` with `STDIN` replaced.
 * @throws DatabaseError if `sql` is anything but one such statement.
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
 * The STDOUT or STDIN of the one `COPY … TO STDOUT` or `COPY … FROM STDIN` that `sql` is.
 * @throws DatabaseError if it is anything else.
 */
export function checkCopy(sql: string, direction: "TO" | "FROM"): Token {
  const [tokens = [], ...more] = scanStatements(sql);
  const wanted = direction === "TO" ? "COPY … TO STDOUT" : "COPY … FROM STDIN";
  if (!isWord(tokens[0], "COPY")) {
    throw new DatabaseError(`expected ${wanted}`, { code: "42601", position: positionOf(sql, tokens[0]) });
  }
  if (more.length > 0) {
    const position = positionOf(sql, more[0]![0]);
    throw new DatabaseError(`expected one ${wanted}, got ${more.length + 1} statements`, {
      code: "42601",
      position,
    });
  }
  const target = copyTarget(tokens);
  // PostgreSQL takes STDIN and STDOUT for each other.
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

/** TO and FROM are reserved, so the first one outside parentheses and quotes is COPY's own. */
function copyTarget(tokens: readonly Token[]): CopyTarget | undefined {
  const at = tokens.findIndex((token) => token.depth === 0 && (isWord(token, "TO") || isWord(token, "FROM")));
  const file = tokens[at + 1];
  if (at < 0 || !file) return undefined;
  return { direction: tokens[at]!.text as "TO" | "FROM", file };
}

function refuseServerFile(sql: string, tokens: readonly Token[], target: CopyTarget | undefined): never {
  const what = isWord(target?.file, "PROGRAM") ? "a program" : "a file";
  throw new DatabaseError(`COPY to or from ${what} on the server is not allowed`, {
    code: "42501",
    hint: "Use COPY … TO STDOUT (copyto) or COPY … FROM STDIN (copyfrom).",
    position: positionOf(sql, target?.file ?? tokens[0]),
  });
}

/** PostgreSQL counts characters from 1, JavaScript UTF-16 units from 0. */
function positionOf(sql: string, token: Token | undefined): number {
  let position = 1;
  for (const _ of sql.slice(0, token?.start ?? 0)) position++;
  return position;
}
