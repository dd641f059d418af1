import type { FastifyReply, FastifyRequest } from "fastify";
import { DatabaseError } from "../engine/engine";
import { Refusal } from "../guard";

const TIMEOUT_MESSAGE =
  "You are over platform's limits: SQL query timeout error. Refactor your query before running again or contact CARTO support for more details.";

/** Answers an error as CARTO's SQL API does; PostgreSQL's code and position travel in headers, beside the body. */
export function answerError(error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  reply.header("Content-Disposition", "inline").type("application/json; charset=utf-8");
  if (error instanceof Refusal) {
    reply.code(error.status).send({ error: [error.message] });
  } else if (error instanceof DatabaseError) {
    answerDatabaseError(error, reply);
  } else {
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    reply.code(statusCode).send({ error: [message] });
  }
}

function answerDatabaseError(error: DatabaseError, reply: FastifyReply): void {
  if (error.code) reply.header("Carto-Sql-State", error.code);
  if (error.position) reply.header("Carto-Sql-Position", error.position);
  if (/statement timeout|canceling statement due to user request/.test(error.message)) {
    reply.code(429).send({ error: [TIMEOUT_MESSAGE], context: "limit", detail: "datasource" });
    return;
  }
  const status = error.message.includes("permission denied") ? 403 : 400;
  const { detail, hint } = error;
  reply.code(status).send({ error: [error.message], ...(detail && { detail }), ...(hint && { hint }) });
}
