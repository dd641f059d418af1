import escapeHtml from "escape-html";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { JobQuery } from "../../api/schemas/jobs";
import { SqlRequest } from "../../api/schemas/sql";
import { LOCAL_USER } from "../../local/home";
import { Refusal } from "../guard";
import { publicJob } from "../jobs/job";
import type { JobQueue } from "../jobs/queue";
import { answerError } from "./errors";
import { acceptEmptyJson, parameters } from "./parameters";

/** Maximum length of the body as JSON, whatever format it was sent in. */
const MAX_PAYLOAD_CHARS = 16_384;
/** A character can take six bytes (`\u00e9`), and JSON may contain spaces. */
const MAX_BODY_BYTES = 16 * MAX_PAYLOAD_CHARS;

type JobRequest = FastifyRequest<{ Params: { job_id: string } }>;

/** Serves the Batch SQL API: `POST /api/v2/sql/job`, `GET` and `DELETE /api/v2/sql/job/{job_id}`. */
export function jobRoutes(app: FastifyInstance, jobs: JobQueue): void {
  const create = async (request: FastifyRequest, reply: FastifyReply) => {
    const chars = payloadChars(request.body);
    if (chars > MAX_PAYLOAD_CHARS) throw tooLarge(chars);
    setClient(request, reply);
    const job = await jobs.create(jobQuery(parameters(request).query));
    return reply.code(201).send(publicJob(job));
  };
  const show = async (request: JobRequest, reply: FastifyReply) => {
    setClient(request, reply);
    return publicJob(jobs.get(request.params.job_id));
  };
  const cancel = async (request: JobRequest, reply: FastifyReply) => {
    setClient(request, reply);
    return publicJob(await jobs.cancel(request.params.job_id));
  };
  app.register(async (scope) => {
    acceptEmptyJson(scope);
    scope.setErrorHandler((error: Error & { code?: string }, request, reply) => {
      const isTooLarge = error.code === "FST_ERR_CTP_BODY_TOO_LARGE";
      const bytes = Number(request.headers["content-length"]) || MAX_BODY_BYTES;
      answerError(isTooLarge ? tooLarge(bytes) : error, request, reply);
    });
    const config = { access: "key may be in the body" } as const;
    const nobody = { config: { access: "everybody" } } as const;
    for (const prefix of ["", "/user/:user", "/u/:user"]) {
      const all = `${prefix}/api/:version/sql/job`;
      scope.get(`${prefix}/api/:version/jobs-wip`, async () => workInProgress(jobs.running()));
      for (const end of ["", "/"]) {
        scope.post(all + end, { config, bodyLimit: MAX_BODY_BYTES }, create);
        scope.get(`${all}/:job_id${end}`, show);
        scope.delete(`${all}/:job_id${end}`, { config }, cancel);
        scope.route({ method: ["GET", "PUT", "DELETE"], url: all + end, ...nobody, handler: noSuchCall });
        scope.route({ method: ["POST", "PUT"], url: `${all}/:job_id${end}`, ...nobody, handler: noSuchCall });
      }
    }
  });
}

/**
 * Parses the query of a job.
 * @throws Refusal with CARTO's message
 */
function jobQuery(query: unknown): JobQuery {
  if (!query) throw new Refusal(400, "You must indicate a valid SQL");
  const parsed = JobQuery.safeParse(query);
  if (!parsed.success) throw new Refusal(400, "there is no job class for the provided query");
  return parsed.data;
}

function tooLarge(size: number): Refusal {
  return new Refusal(
    400,
    `Your payload is too large: ${size} bytes. Max size allowed is ${MAX_PAYLOAD_CHARS} bytes (16kb). ` +
      "Are you trying to import data?. Please, check out import api http://docs.cartodb.com/cartodb-platform/import-api/",
  );
}

function payloadChars(body: unknown): number {
  try {
    return JSON.stringify(body ?? {}).length;
  } catch {
    return MAX_BODY_BYTES; // nested too deeply to be serialized
  }
}

function setClient(request: FastifyRequest, reply: FastifyReply): void {
  const { success, data: client } = SqlRequest.shape.client.safeParse(parameters(request).client);
  if (success && client) reply.header("Carto-Client", client);
}

function workInProgress(ids: readonly string[]): Record<string, readonly string[]> {
  return ids.length > 0 ? { [LOCAL_USER]: ids } : {};
}

/** Answers unknown calls as the web framework of CARTO's server does. */
async function noSuchCall({ method, originalUrl }: FastifyRequest, reply: FastifyReply) {
  const call = escapeHtml(`Cannot ${method} ${originalUrl.split("?", 1)[0]}`);
  const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>${call}</pre>
</body>
</html>
`;
  return reply.code(404).type("text/html; charset=utf-8").send(page);
}
