import { createHash } from "node:crypto";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { TileId } from "../../geometry/mercator";
import { LOCAL_USER } from "../../local/home";
import { parseJson } from "../../values";
import type { Engine } from "../engine/engine";
import { callbackOf, isForeignPage } from "../guard";
import { parseFilters } from "../maps/dataviews/filters";
import { asMapsRefusal, MapsRefusal } from "../maps/errors";
import { type Layergroup, Layergroups } from "../maps/layergroups";
import type { MapLayer } from "../maps/map-config";
import { type Asker, MapServer } from "../maps/map-server";
import {
  instantiate,
  isAuthorized,
  NamedMaps,
  needsToken,
  parseTemplate,
  type Template,
  templateHash,
} from "../maps/templates";
import { acceptEmptyJson, parameters } from "./parameters";

/** Beyond this zoom, coordinates of one tile seen from another are not exact. */
const MAX_TILE_ZOOM = 30;
const KEY_MEMBERS = new Set(["api_key", "map_key", "client", "auth_token"]);

/**
 * Serves `/api/v1/map`: anonymous and named maps of vector tiles, and their dataviews (section 7 of the protocol). Both need a key
 * that may read the tables, or a named map, whose queries run with the owner's rights. Web pages of other sites and in
 * sandboxed frames get only instances, tiles and dataviews of named maps with a token.
 */
export async function mapRoutes(app: FastifyInstance, engine: Engine, homeDir: string): Promise<void> {
  const named = await NamedMaps.open(join(homeDir, "named-maps.json"));
  const layergroups = new Layergroups(join(homeDir, "maps"));
  const server = new MapServer(engine);

  const found = (name: string): Template => {
    const template = named.find(name.replace(new RegExp(`^${LOCAL_USER}@`), ""));
    if (!template) throw new MapsRefusal(404, `Template '${name}' of user '${LOCAL_USER}' not found`);
    return template;
  };
  const authorize = (request: FastifyRequest, template: Template) => {
    const tokens = [(request.query as Record<string, unknown>).auth_token, bodyOf(request).auth_token].flat();
    const isOpen = !needsToken(template);
    if ((isOpen && isForeignPage(request)) || !isAuthorized(template, tokens)) {
      throw new MapsRefusal(403, "Unauthorized template instantiation", { type: "auth" });
    }
  };
  /**
   * Returns the rights of a map's queries: the owner's for a named map once its token is checked, otherwise the key's.
   */
  const askerFor = (request: FastifyRequest, layergroup: Layergroup, reply: FastifyReply): Asker => {
    if (layergroup.template) {
      const template = named.find(layergroup.template.name);
      if (!template || templateHash(template) !== layergroup.template.hash) {
        throw new MapsRefusal(400, `Invalid or nonexistent map configuration token '${layergroup.id}'`);
      }
      authorize(request, template);
      return { role: "master", reply };
    }
    if (isForeignPage(request)) {
      throw new MapsRefusal(403, "This server does not answer web pages of other sites.", { type: "auth" });
    }
    return { role: request.apiKey!.role, reply };
  };
  const instance = async (request: FastifyRequest, template: Template, given: Record<string, unknown>) => {
    authorize(request, template);
    return layergroups.add(instantiate(template, given), {
      template,
      ...instanceOptions(request),
    });
  };
  const answer = async (request: FastifyRequest, reply: FastifyReply, layergroup: Layergroup) => {
    const body = await server.describe(layergroup, askerFor(request, layergroup, reply), baseUrl(request));
    return sendJson(
      request,
      reply.header("X-Layergroup-Id", (body as { layergroupid: string }).layergroupid),
      body,
    );
  };
  const tile = async (
    request: FastifyRequest,
    reply: FastifyReply,
    layergroup: Layergroup,
    changedAt?: number,
  ) => {
    const asker = askerFor(request, layergroup, reply);
    const { z, x, file, layers } = request.params as Record<string, string>;
    const [, y = "", format = ""] = /^([^.]*)\.?(.*)$/.exec(file!)!;
    const id = parseTile(z!, x!, y.replace(/@2x$/, ""));
    if (format !== "mvt") throw wrongFormat(format, layergroup);
    const chosen = chosenLayers(layergroup.map.layers, layers);
    const { minZoom, maxZoom } = layergroup.map;
    if (id.z < minZoom || id.z > maxZoom) throw new MapsRefusal(404, `No tile at zoom ${id.z}`);
    const state = await server.tileState(layergroup, chosen, id, asker);
    reply.headers(state.headers).header("Cache-Control", cacheControl(state, changedAt));
    if (state.etag && isKnown(request, state.etag)) return reply.header("ETag", state.etag).code(304).send();
    const bytes = await server.tile(layergroup, chosen, id, asker);
    const etag = state.etag ?? `"${createHash("md5").update(bytes).digest("hex")}"`;
    reply.header("ETag", etag);
    if (isKnown(request, etag)) return reply.code(304).send();
    if (bytes.length === 0) return reply.code(204).send();
    return reply
      .type("application/x-protobuf")
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  };
  const dataview = async (request: FastifyRequest, reply: FastifyReply, { search }: { search: boolean }) => {
    const { token, dataview: name } = request.params as { token: string; dataview: string };
    const layergroup = await layergroups.get(token);
    const asker = askerFor(request, layergroup, reply);
    const chosen = layergroup.map.dataviews.get(name);
    if (!chosen) throw new MapsRefusal(400, `Dataview '${name}' does not exist`, { type: "dataview" });
    const state = await server.dataviewState(chosen, asker);
    const query = request.query as Record<string, unknown>;
    const result = await server.dataview(chosen, query, { search, asker });
    const known = Number(token.split(":")[1] ?? 0);
    reply.headers(state.headers).header("Cache-Control", cacheControl(state, known));
    return sendJson(request, reply, result);
  };
  const onlyMaster = (request: FastifyRequest, verb: string) => {
    if (request.apiKey?.type === "master") return;
    const isGiven = request.apiKey?.type === "regular";
    const message = isGiven ? "Forbidden" : `Only authenticated users can ${verb} templated maps`;
    throw new MapsRefusal(403, message, { type: "auth" });
  };

  await app.register(async (scope) => {
    acceptEmptyJson(scope);
    scope.setErrorHandler((error, request, reply) => answerMapsError(error, request, reply));
    const config = { access: "any key for maps" } as const;
    const tileConfig = { ...config, crossOrigin: true } as const;
    for (const prefix of ["", "/user/:user", "/u/:user"]) {
      for (const base of [`${prefix}/api/:version/map`, `${prefix}/tiles/layergroup`]) {
        scope.post(base, { config }, async (request, reply) => {
          if (!isJson(request)) throw new MapsRefusal(400, "POST data must be of type application/json");
          const layergroup = await layergroups.add(withoutKeys(bodyOf(request)), instanceOptions(request));
          return answer(request, reply, layergroup);
        });
        scope.get(base, { config }, async (request, reply) => {
          const given = lastText((request.query as Record<string, unknown>).config);
          if (given === undefined) throw new MapsRefusal(400, 'layergroup GET needs a "config" parameter');
          const layergroup = await layergroups.add(parseJson(given), instanceOptions(request));
          return answer(request, reply, layergroup);
        });
        const ofToken = async (request: FastifyRequest, reply: FastifyReply) => {
          const { token } = request.params as { token: string };
          const layergroup = await layergroups.get(token);
          return tile(request, reply, layergroup, Number(token.split(":")[1] ?? 0));
        };
        for (const path of ["/:token/:z/:x/:file", "/:token/:layers/:z/:x/:file"]) {
          scope.route({ method: ["GET", "OPTIONS"], url: base + path, config: tileConfig, handler: ofToken });
        }
        for (const path of ["/:token/dataview/:dataview", "/:token/:layer/widget/:dataview"]) {
          for (const [suffix, search] of [
            ["", false],
            ["/search", true],
          ] as const) {
            scope.route({
              method: ["GET", "OPTIONS"],
              url: base + path + suffix,
              config: tileConfig,
              handler: (request, reply) => dataview(request, reply, { search }),
            });
          }
        }
        scope.get(`${base}/:token/:layer/attributes/:feature`, { config }, async (request, reply) => {
          const { token, layer, feature } = request.params as Record<string, string>;
          const layergroup = await layergroups.get(token!);
          const asker = askerFor(request, layergroup, reply);
          const [chosen, ...more] = chosenLayers(layergroup.map.layers, layer);
          if (!chosen || more.length > 0) throw invalidFilter();
          return sendJson(request, reply, await server.attributes(chosen, feature!, asker));
        });
        scope.get(`${base}/static/*`, { config }, async (request) => {
          const format = /\.([a-z0-9]+)$/i.exec((request.params as { "*": string })["*"])?.[1] ?? "";
          throw new MapsRefusal(400, `Unsupported image format "${format}"`);
        });
      }
      for (const base of [`${prefix}/api/:version/map/named`, `${prefix}/tiles/template`]) {
        scope.post(base, { config }, async (request) => {
          onlyMaster(request, "create");
          const template = templateOf(request);
          await named.add(template);
          return { template_id: template.name };
        });
        scope.get(base, { config }, async (request) => {
          onlyMaster(request, "list");
          return { template_ids: named.names() };
        });
        scope.put(`${base}/:name`, { config }, async (request) => {
          onlyMaster(request, "update");
          const template = templateOf(request);
          await named.replace(nameOf(request), template);
          return { template_id: template.name };
        });
        scope.get(`${base}/:name`, { config }, async (request) => {
          onlyMaster(request, "get");
          const name = nameOf(request);
          const template = named.find(name);
          if (!template) throw new MapsRefusal(404, `Cannot find template '${name}' of user '${LOCAL_USER}'`);
          return { template };
        });
        scope.delete(`${base}/:name`, { config }, async (request, reply) => {
          onlyMaster(request, "delete");
          await named.remove(nameOf(request));
          return reply.code(204).send();
        });
        scope.route({
          method: ["POST", "OPTIONS"],
          url: `${base}/:name`,
          config: tileConfig,
          handler: async (request, reply) => {
            if (!isJson(request))
              throw new MapsRefusal(400, "POST template data must be of type application/json");
            const template = found((request.params as { name: string }).name);
            return answer(request, reply, await instance(request, template, bodyOf(request)));
          },
        });
        scope.get(`${base}/:name/jsonp`, { config }, async (request, reply) => {
          if (callbackOf(request, request.query as object) === undefined)
            throw new MapsRefusal(400, "callback parameter should be a function name");
          const template = found((request.params as { name: string }).name);
          return answer(request, reply, await instance(request, template, configOf(request)));
        });
        scope.route({
          method: ["GET", "OPTIONS"],
          url: `${base}/:name/:layers/:z/:x/:file`,
          config: tileConfig,
          handler: async (request, reply) => {
            const template = found((request.params as { name: string }).name);
            return tile(request, reply, await instance(request, template, configOf(request)));
          },
        });
      }
    }
  });
}

function answerMapsError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, body } = asMapsRefusal(error);
  const callback = callbackOf(request, request.query as object);
  reply.header("Cache-Control", "no-cache");
  if (callback === undefined) reply.code(status).type("application/json; charset=utf-8").send(body);
  else sendJson(request, reply, body);
}

function sendJson(request: FastifyRequest, reply: FastifyReply, body: unknown): FastifyReply {
  const callback = callbackOf(request, request.query as object);
  if (callback === undefined) return reply.type("application/json; charset=utf-8").send(JSON.stringify(body));
  const script = `/**/ typeof ${callback} === 'function' && ${callback}(${JSON.stringify(body)});`;
  return reply.code(200).type("text/javascript; charset=utf-8").send(script);
}

function isJson({ headers }: FastifyRequest): boolean {
  return /^application\/json\b/i.test(headers["content-type"] ?? "");
}

function bodyOf({ body }: FastifyRequest): Record<string, unknown> {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

/** Removes keys and tokens, which clients send together with the map and which must not be stored with it. */
function withoutKeys(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !KEY_MEMBERS.has(name)));
}

function templateOf(request: FastifyRequest): Template {
  if (!isJson(request)) throw new MapsRefusal(400, "POST template data must be of type application/json");
  return parseTemplate(withoutKeys(bodyOf(request)));
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { name: string }).name.replace(new RegExp(`^${LOCAL_USER}@`), "");
}

function configOf(request: FastifyRequest): Record<string, unknown> {
  const given = lastText((request.query as Record<string, unknown>).config);
  if (given === undefined) return {};
  const config = parseJson(given);
  if (typeof config === "object" && config !== null) return config as Record<string, unknown>;
  throw new MapsRefusal(400, "Invalid config parameter, should be a valid JSON");
}

function lastText(value: unknown): string | undefined {
  const last = [value].flat().at(-1);
  return typeof last === "string" ? last : undefined;
}

/** Returns what the URL of an instantiation asks for. */
function instanceOptions({ query }: FastifyRequest) {
  const { aggregation, filters } = query as Record<string, unknown>;
  return { aggregation: lastText(aggregation) !== "false", filters: parseFilters(lastText(filters)) };
}

/** Returns the start of tile URLs, and their query with the key if it was passed as a parameter. */
function baseUrl(request: FastifyRequest): { url: string; query: string } {
  const key = lastText(parameters(request).api_key);
  return {
    url: `http://${request.headers.host}/user/${LOCAL_USER}/api/v1/map`,
    query: key === undefined ? "" : `?api_key=${encodeURIComponent(key)}`,
  };
}

/**
 * Parses the position of a tile.
 * @throws MapsRefusal with CARTO's message
 */
function parseTile(z: string, x: string, y: string): TileId {
  const rule = "It should be an integer number greather than or equal to 0";
  if (!/^\d+$/.test(z) || Number(z) > MAX_TILE_ZOOM)
    throw new MapsRefusal(400, `Invalid zoom value (${z}). ${rule}`);
  if (!/^-?\d{1,12}$/.test(x))
    throw new MapsRefusal(400, `Invalid coodinate 'x' value (${x}). It should be an integer number`);
  if (!/^\d{1,12}$/.test(y)) throw new MapsRefusal(400, `Invalid coodinate 'y' value (${y}). ${rule}`);
  const count = 2 ** Number(z);
  return { z: Number(z), x: ((Number(x) % count) + count) % count, y: Number(y) };
}

/** Selects layers by `all`, a type, indexes or ids. */
function chosenLayers(layers: readonly MapLayer[], filter = "mapnik"): readonly MapLayer[] {
  if (["all", "mapnik", "cartodb"].includes(filter)) return layers;
  const names = filter.split(",");
  const byIndex = names.every((name) => /^\d+$/.test(name));
  const chosen = names.map((name) => (byIndex ? layers[Number(name)] : layers.find(({ id }) => id === name)));
  if (chosen.some((layer) => layer === undefined)) throw invalidFilter();
  return layers.filter((layer) => chosen.includes(layer));
}

function invalidFilter(): MapsRefusal {
  return new MapsRefusal(400, "Invalid layer filtering");
}

function wrongFormat(format: string, { map }: Layergroup): MapsRefusal {
  const why =
    format === "png" && map.isVectorOnly
      ? "Unsupported format: 'cartocss' option is missing for png"
      : undefined;
  return new MapsRefusal(400, why ?? `Unsupported format ${format}`);
}

function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  const known = headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known !== undefined && (known.includes(etag) || known.includes("*"));
}

const UNTRACKED_S = 300;

/** A tile whose URL names the last change may be cached for a year if that is still the last change. */
function cacheControl(
  { isTracked, changedAt }: { isTracked: boolean; changedAt: number },
  knownChange: number | undefined,
): string {
  if (knownChange === undefined) return "no-cache";
  if (!isTracked) return `public,max-age=${UNTRACKED_S}`;
  return knownChange === changedAt ? "public,max-age=31536000" : "no-cache";
}
