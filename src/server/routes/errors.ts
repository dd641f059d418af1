import type { FastifyReply, FastifyRequest } from "fastify";
import { shortLived } from "../cache-headers";
import { DatabaseError } from "../engine/engine";
import { callbackOf, Refusal } from "../guard";
import { parameters } from "./parameters";

const TIMEOUT_MESSAGE =
  "You are over platform's limits: SQL query timeout error. Refactor your query before running again or contact CARTO support for more details.";

interface ErrorAnswer {
  readonly status: number;
  readonly body: object;
}

/**
 * Answers with an error as CARTO's SQL API does: as JSON or, for JSONP, with status 200 as a call of `callback`.
 * SQLSTATE and position of a DatabaseError are sent in headers.
 */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.header("Content-Disposition", "inline");
  if (error instanceof DatabaseError) {
    reply.header("Cache-Control", shortLived());
    if (error.code) reply.header("Carto-Sql-State", error.code);
    if (error.position) reply.header("Carto-Sql-Position", error.position);
  }
  const { status, body } = errorAnswer(error);
  const callback = callbackOf(request, parameters(request));
  if (callback === undefined) {
    reply.code(status).type("application/json; charset=utf-8").send(body);
  } else {
    const script = `/**/ typeof ${callback} === 'function' && ${callback}(${JSON.stringify(body)});`;
    reply.code(200).type("text/javascript; charset=utf-8").send(script);
  }
}

/** Returns status and body of the answer to an error. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof Refusal) return { status: error.status, body: error.body };
  if (error instanceof DatabaseError) return databaseErrorAnswer(error);
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  return { status: statusCode, body: { error: [message] } };
}

function databaseErrorAnswer({ message, detail, hint }: DatabaseError): ErrorAnswer {
  if (/statement timeout|canceling statement due to user request/.test(message)) {
    return { status: 429, body: { error: [TIMEOUT_MESSAGE], context: "limit", detail: "datasource" } };
  }
  const status = message.includes("permission denied") ? 403 : 400;
  return { status, body: { error: [message], ...(detail && { detail }), ...(hint && { hint }) } };
}
