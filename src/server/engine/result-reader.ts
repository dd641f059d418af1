import type {
  BackendMessage,
  CommandCompleteMessage,
  DataRowMessage,
  DatabaseError as ErrorMessage,
  NoticeMessage,
  ReadyForQueryMessage,
  RowDescriptionMessage,
} from "pg-protocol/dist/messages";
import { Parser } from "pg-protocol/dist/parser";
import { DatabaseError, type ResultField, type StatementResult } from "./engine";

type MutableStatement = { command: string; fields: RawField[] | null; rows: (string | null)[][] };
type RawField = Omit<ResultField, "typeName">;
export type RawStatement = Omit<StatementResult, "fields"> & { readonly fields: readonly RawField[] | null };

/** `I`: idle; `T`: inside a transaction; `E`: inside a failed transaction. */
export type TransactionStatus = "I" | "T" | "E";

/** Reads the result of one simple query: https://www.postgresql.org/docs/current/protocol-flow.html */
export class ResultReader {
  readonly statements: RawStatement[] = [];
  readonly notices: string[] = [];
  readonly warnings: string[] = [];
  bytes = 0;
  error: DatabaseError | null = null;
  /** Null until ReadyForQuery, the last message, arrives. */
  status: TransactionStatus | null = null;
  /** True once the server waits for the data of a COPY … FROM STDIN. */
  wantsData = false;
  readonly #parser = new Parser();
  #open: MutableStatement = emptyStatement();

  /** The first row; empty if there is none. */
  get row(): readonly (string | null)[] {
    return this.statements[0]?.rows[0] ?? [];
  }

  /** Row count in the command tag of the first statement. */
  get affectedRows(): number {
    return this.statements[0]?.affectedRows ?? 0;
  }

  push(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#parser.parse(buffer, (message) => this.#read(message));
  }

  #read(message: BackendMessage): void {
    switch (message.name) {
      case "rowDescription":
        this.#open.fields = (message as RowDescriptionMessage).fields.map((field) => ({
          name: field.name,
          typeOid: field.dataTypeID >>> 0, // an OID is unsigned, the parser reads it signed
          typeModifier: field.dataTypeModifier,
        }));
        return;
      case "dataRow":
        this.#open.rows.push((message as DataRowMessage).fields);
        return;
      case "commandComplete":
        this.#finish((message as CommandCompleteMessage).text);
        return;
      case "emptyQuery":
        this.#finish("");
        return;
      case "notice":
        this.#notice(message as NoticeMessage);
        return;
      case "error":
        this.error ??= databaseError(message as unknown as ErrorMessage);
        return;
      case "copyInResponse":
        this.wantsData = true;
        return;
      case "readyForQuery":
        this.status = (message as ReadyForQueryMessage).status as TransactionStatus;
        return;
    }
  }

  #finish(command: string): void {
    const count = /(\d+)$/.exec(command);
    this.statements.push({ ...this.#open, command, affectedRows: count ? Number(count[1]) : 0 });
    this.#open = emptyStatement();
  }

  #notice(notice: NoticeMessage): void {
    if (!notice.message) return;
    (notice.severity === "WARNING" ? this.warnings : this.notices).push(notice.message);
  }
}

function emptyStatement(): MutableStatement {
  return { command: "", fields: null, rows: [] };
}

function databaseError(message: ErrorMessage): DatabaseError {
  return new DatabaseError(message.message, {
    severity: message.severity,
    code: message.code ?? "XX000",
    detail: message.detail,
    hint: message.hint,
    position: message.position === undefined ? undefined : Number(message.position),
    where: message.where,
    schema: message.schema,
    table: message.table,
    column: message.column,
    constraint: message.constraint,
  });
}

export function tooLarge(maxBytes: number): DatabaseError {
  return new DatabaseError(`the result is larger than ${Math.round(maxBytes / 1024 ** 2)} MB`, {
    code: "54000",
    hint: "Use COPY … TO STDOUT, which streams, or a LIMIT.",
  });
}
