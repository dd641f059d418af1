import type { FastifyInstance, FastifyRequest } from "fastify";
import { isObject } from "../../values";
import { Refusal } from "../guard";

const MAX_FIELDS = 100;

/** Merges the parameters of URL and body; the body takes precedence. Only forms and JSON objects have parameters. */
export function parameters({ query, body }: FastifyRequest): Record<string, unknown> {
  return { ...(query as object), ...(isObject(body) && body) };
}

/**
 * Reads the fields of a multipart body.
 * @throws Refusal if they exceed `maxBytes` in total, because a truncated statement must not run
 */
export async function readMultipart(
  request: FastifyRequest,
  maxBytes: number,
): Promise<Record<string, unknown>> {
  const fields = new Map<string, unknown[]>();
  let bytes = 0;
  const limits = { fieldSize: maxBytes, fields: MAX_FIELDS, files: 0 };
  for await (const part of request.parts({ limits })) {
    if (part.type === "file") continue; // cannot happen: the limit ends the request
    bytes += typeof part.value === "string" ? Buffer.byteLength(part.value) : 0;
    if (part.valueTruncated || part.fieldnameTruncated || bytes > maxBytes) {
      throw new Refusal(413, `The fields of a form must not exceed ${maxBytes / 1024 ** 2} MB`);
    }
    fields.set(part.fieldname, [...(fields.get(part.fieldname) ?? []), part.value]);
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
}

/** Accepts an empty JSON body, which some clients send with DELETE. */
export function acceptEmptyJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser("application/json");
  scope.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parse(request, body as string, done);
  });
}
