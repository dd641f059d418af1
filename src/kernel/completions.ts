/**
 * Completes names of columns and tables in the strings of a cell. tslab itself completes from types, which do not contain
 * these names.
 */
import { isFrame } from "../frame/cells";
import type { FrameLike } from "./frame-view";

/** The parts of tslab's class `ZmqServer` that this file uses. */
interface TslabServer {
  handleComplete(socket: unknown, message: TslabMessage): unknown;
}

interface TslabMessage {
  readonly content: { readonly code: string; readonly cursor_pos: number };
  createReply(): {
    header: { msg_type: string };
    content: unknown;
    signAndSend(key: string, socket: unknown): void;
  };
}

interface Completion {
  readonly start: number;
  readonly matches: readonly string[];
}

/** Time to wait for the names of tables. Jupyter's own limit is longer, but nobody waits that long for a name. */
const TABLES_WITHIN_MS = 1_500;
/** Time for which the names of tables are kept. */
const TABLES_FOR_MS = 10_000;

const TABLE_CALL =
  /(?:\bnew\s+Layer|\b([\w$]+)\.(?:read|write|delete|sync|privacy|rename|describe))\s*\(\s*$/;
const FROM_CLAUSE = /\b(?:from|join|into|update|table)\s+$/i;

/** @param variables the variables of all cells */
export function completeNames(server: TslabServer, variables: Readonly<Record<string, unknown>>): void {
  const handleComplete = server.handleComplete;
  server.handleComplete = async function (this: { connInfo: { key: string } }, socket, message) {
    const completion = await completionOf(message.content.code, message.content.cursor_pos, variables).catch(
      () => undefined,
    );
    if (!completion || completion.matches.length === 0) return handleComplete.call(this, socket, message);
    const reply = message.createReply();
    reply.header.msg_type = "complete_reply";
    const { start, matches } = completion;
    reply.content = {
      status: "ok",
      cursor_start: start,
      cursor_end: message.content.cursor_pos,
      matches,
      metadata: {},
    };
    reply.signAndSend(this.connInfo.key, socket);
  };
}

async function completionOf(
  code: string,
  cursor: number,
  variables: Readonly<Record<string, unknown>>,
): Promise<Completion | undefined> {
  const open = openString(code.slice(0, cursor));
  if (!open) return undefined;
  const { before, text } = open;
  const word = /[^\s,.;()"']*$/.exec(text)![0]; // it matches any text
  const inSql = FROM_CLAUSE.test(text.slice(0, text.length - word.length));
  const call = TABLE_CALL.exec(before);
  const names =
    call || inSql
      ? await tableNames(variables[call?.[1] ?? "cc"] ?? variables.cc)
      : columnNames(code, before, variables);
  const typed = inSql ? word : text;
  const wanted = typed.toLowerCase();
  const matches = names.filter((name) => name.toLowerCase().startsWith(wanted));
  return { start: cursor - typed.length, matches };
}

/** Finds the string at the end of the code, if one is open there. */
function openString(code: string): { readonly before: string; readonly text: string } | undefined {
  let quote: string | undefined;
  let start = 0;
  for (let at = 0; at < code.length; at++) {
    const char = code[at];
    if (char === "\\") at++;
    else if (quote === undefined) {
      if (char === "/" && code[at + 1] === "/")
        at = code.indexOf("\n", at) < 0 ? code.length : code.indexOf("\n", at);
      else if (char === "/" && code[at + 1] === "*")
        at = code.indexOf("*/", at) < 0 ? code.length : code.indexOf("*/", at) + 1;
      else if (char === '"' || char === "'" || char === "`") [quote, start] = [char, at];
    } else if (char === quote || (char === "\n" && quote !== "`")) quote = undefined;
  }
  return quote === undefined ? undefined : { before: code.slice(0, start), text: code.slice(start + 1) };
}

/** Names the columns of the frame that the string indexes, or else of every frame that the cell names. */
function columnNames(code: string, before: string, variables: Readonly<Record<string, unknown>>): string[] {
  const indexed = /([\w$]+)\s*(?:\[|\.\w+\()\s*(?:\{[^}]*|\[[^\]]*)?$/.exec(before)?.[1];
  const one = indexed === undefined ? undefined : variables[indexed];
  if (isFrame(one)) return columnsOf(one);
  const named = new Set(code.match(/[A-Za-z_$][\w$]*/g));
  const frames = [...named].map((name) => variables[name]).filter(isFrame);
  return [...new Set(frames.flatMap(columnsOf))];
}

function columnsOf(frame: object): string[] {
  const { $columns } = frame as FrameLike;
  return typeof $columns === "string" ? [$columns] : $columns.map(String);
}

let tables: { readonly of: object; readonly untilMs: number; readonly names: Promise<string[]> } | undefined;

/** Asks a context for its tables, which are kept for a while: completion asks again with each letter. */
async function tableNames(context: unknown): Promise<string[]> {
  if (typeof context !== "object" || context === null) return [];
  if (tables?.of !== context || performance.now() > tables.untilMs) {
    const names = readTableNames(context as { tables?: () => Promise<object> });
    tables = { of: context, untilMs: performance.now() + TABLES_FOR_MS, names };
    names.catch(() => {
      tables = undefined;
    });
  }
  const late = new Promise<string[]>((done) => setTimeout(done, TABLES_WITHIN_MS, []).unref());
  return Promise.race([tables.names, late]);
}

async function readTableNames(context: { tables?: () => Promise<object> }): Promise<string[]> {
  const frame = await context.tables?.();
  if (!isFrame(frame)) return [];
  return frame.column("name").values.map(String);
}
