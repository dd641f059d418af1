import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { LOCAL_USER } from "../../local/home";
import { DatabaseError, type Engine } from "../engine/engine";
import { Refusal } from "../guard";
import { createKeyRole, dropKeyRole, Grants } from "../key-grants";
import type { ApiKey, ApiKeys } from "../keys";
import { acceptEmptyJson } from "./parameters";

const CreateRequest = z.object({ name: z.string().trim().min(1).max(255), grants: Grants });

const MAX_PER_PAGE = 500;

/**
 * Serves `/api/v3/api_keys`: lists, shows, creates and deletes API keys. A key other than the master key sees only
 * itself.
 */
export function apiKeyRoutes(app: FastifyInstance, engine: Engine, keys: ApiKeys): void {
  const maySee = (request: FastifyRequest, key: ApiKey) =>
    request.apiKey!.type === "master" || key.token === request.apiKey!.token;
  const named = (request: FastifyRequest): ApiKey => {
    const { name } = request.params as { name: string };
    const key = keys.named(name);
    if (!key || !maySee(request, key)) throw refusal(404, `API key not found: ${name}`);
    return key;
  };
  const list = (request: FastifyRequest) => {
    const query = request.query as Record<string, unknown>;
    const types = String(query.type ?? "")
      .split(",")
      .filter(Boolean);
    const all = keys
      .list()
      .filter((key) => maySee(request, key) && (types.length === 0 || types.includes(key.type)));
    const order = String(query.order ?? "type");
    if (!["type", "name", "updated_at"].includes(order)) {
      throw refusal(422, "order must be type, name or updated_at");
    }
    const perPage = Math.min(positive(query.per_page) ?? 20, MAX_PER_PAGE);
    const page = positive(query.page) ?? 1;
    const sorted = [...all].sort((a, b) => compare(sortKey(a, order), sortKey(b, order)));
    const result = sorted.slice((page - 1) * perPage, page * perPage);
    const path = pathOf(request);
    const link = (number: number) => ({ href: `${path}?page=${number}&per_page=${perPage}` });
    const last = Math.max(1, Math.ceil(all.length / perPage));
    return {
      total: all.length,
      count: result.length,
      result: result.map((key) => keyMembers(key, path)),
      _links: {
        first: link(1),
        ...(page > 1 && { prev: link(Math.min(page - 1, last)) }),
        ...(page < last && { next: link(page + 1) }),
        last: link(last),
      },
    };
  };
  const create = async (request: FastifyRequest, reply: FastifyReply) => {
    const parsed = CreateRequest.safeParse(request.body);
    if (!parsed.success) throw refusal(422, z.prettifyError(parsed.error).replaceAll("\n", " "));
    const { name, grants } = parsed.data;
    if (!grants.some(({ type }) => type === "apis"))
      throw refusal(422, "grants must include one of type apis");
    if (keys.named(name)) throw refusal(422, `Name has already been taken: ${name}`);
    const role = await createKeyRole(engine, grants).catch((error) => {
      throw error instanceof DatabaseError ? refusal(422, error.message) : error;
    });
    const key = await keys.add(name, role, grants);
    return reply.code(201).send(keyMembers(key, pathOf(request)));
  };
  const regular = (request: FastifyRequest, what: string): ApiKey => {
    const key = named(request);
    if (key.type !== "regular") throw refusal(403, `The ${key.type} key cannot be ${what}`);
    return key;
  };
  const path = (request: FastifyRequest) => request.url.replace(/\/api_keys.*$/s, "/api_keys");

  const anyKey = { config: { access: "any key given" } } as const;
  const master = { config: { access: "key may be in the body" } } as const;
  app.register(async (scope) => {
    acceptEmptyJson(scope);
    for (const prefix of ["", "/user/:user", "/u/:user"]) {
      const all = `${prefix}/api/:version/api_keys`;
      scope.get(all, anyKey, async (request) => list(request));
      scope.post(all, master, create);
      scope.get(`${all}/:name`, anyKey, async (request) => keyMembers(named(request), path(request)));
      scope.delete(`${all}/:name`, master, async (request, reply) => {
        const { name, role } = regular(request, "deleted");
        await keys.remove(name); // first, so that the key is refused from now on
        if (role !== "master" && role !== "public") await dropKeyRole(engine, role);
        return reply.code(204).send();
      });
      scope.post(`${all}/:name/token/regenerate`, master, async (request) => {
        const key = regular(request, "regenerated on a local server");
        return keyMembers(await keys.regenerate(key), path(request));
      });
    }
  });
}

function pathOf({ url }: FastifyRequest): string {
  return url.replace(/\/?(\?.*)?$/s, "");
}

function refusal(status: number, message: string): Refusal {
  return new Refusal(status, message, { errors: message });
}

function keyMembers({ name, type, token, grants, createdAt, updatedAt }: ApiKey, path: string): object {
  return {
    name,
    user: { username: LOCAL_USER },
    type,
    token,
    grants,
    created_at: createdAt,
    updated_at: updatedAt,
    _links: { self: `${path}/${encodeURIComponent(name)}` },
  };
}

const TYPE_ORDER = ["master", "default", "regular"];

function sortKey({ type, name, updatedAt }: ApiKey, order: string): string {
  if (order === "name") return name;
  return order === "updated_at" ? updatedAt : `${TYPE_ORDER.indexOf(type)} ${name}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function positive(value: unknown): number | undefined {
  const number = Number.parseInt(String(value), 10);
  return number >= 1 ? number : undefined;
}
