import type { FastifyReply } from "fastify";
import type { TileId } from "../../geometry/mercator";
import { type TableChanges, tableChanges } from "../cache-headers";
import type { Engine, Role, StatementOptions } from "../engine/engine";
import { Turns } from "../engine/turns";
import { abortOnDisconnect, STATEMENT_TIMEOUT_MS } from "../guard";
import { refuseSystemTables } from "../tables-used";
import { asMapsRefusal, MapsRefusal } from "./errors";
import { describeLayer, featureAttributes, isAggregated, type LayerSource, worldSql } from "./layer-source";
import type { Layergroup } from "./layergroups";
import { fingerprint, type MapLayer } from "./map-config";
import { renderTile } from "./tiles";

/** Who asks: with which rights, and where the answer goes. */
export interface Asker {
  readonly role: Role;
  readonly reply: FastifyReply;
}

/** What is known of a tile before it is made. */
export interface TileState extends TableChanges {
  /** Null where nobody notes changes. */
  readonly etag: string | null;
}

/** How long what the database said about a query is believed. */
const SOURCE_MS = 30_000;
const MAX_SOURCES = 200;
/** A database with one session makes one tile at a time, so that a cell waits for one at most. */
const TILES_AT_ONCE = { pglite: 1, postgres: 4 } as const;

/** Maps and tiles over an engine. */
export class MapServer {
  readonly #engine: Engine;
  readonly #sources = new Map<string, { readonly at: number; readonly source: Promise<LayerSource> }>();
  #turns: Turns | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The answer to an instantiation. @throws MapsRefusal naming the layer that does not work */
  async describe(
    layergroup: Layergroup,
    asker: Asker,
    { url, query }: { readonly url: string; readonly query: string },
  ): Promise<object> {
    const { map, id } = layergroup;
    const sources: LayerSource[] = [];
    for (const layer of map.layers) sources.push(await this.#source(layer, asker));
    const { changedAt } = await tableChanges(
      this.#engine,
      sources.flatMap(({ tables }) => tables),
    );
    const token = `${id}:${changedAt}`;
    const tiles = (path: string) => `${url}/${token}/${path}{z}/{x}/{y}.mvt${query}`;
    const tilejson = (path: string) => ({ vector: { tilejson: "2.2.0", tiles: [tiles(path)] } });
    const { host } = new URL(url);
    const template = { url: `http://${host}`, subdomains: [] };
    return {
      layergroupid: token,
      last_updated: new Date(changedAt).toISOString(),
      cdn_url: { http: host, https: host, templates: { http: template, https: template } },
      metadata: {
        layers: map.layers.map((layer, index) => ({
          type: "mapnik",
          id: layer.id,
          meta: {
            stats: { estimatedFeatureCount: sources[index]!.estimatedRows },
            aggregation: { png: false, mvt: isAggregated(layer, sources[index]!) },
            ...(layer.cartocss !== undefined && { cartocss: layer.cartocss, cartocss_meta: { rules: [] } }),
          },
          tilejson: tilejson(`${encodeURIComponent(layer.id)}/`),
        })),
        dataviews: {},
        analyses: [],
        tilejson: tilejson(""),
        url: { vector: { urlTemplate: tiles(""), subdomains: [] } },
      },
    };
  }

  async tileState(
    { id }: Layergroup,
    layers: readonly MapLayer[],
    tile: TileId,
    asker: Asker,
  ): Promise<TileState> {
    const sources = await Promise.all(layers.map((layer) => this.#source(layer, asker)));
    const changes = await tableChanges(
      this.#engine,
      sources.flatMap(({ tables }) => tables),
    );
    const content = { id, layers: layers.map(({ index }) => index), tile, changedAt: changes.changedAt };
    return { ...changes, etag: changes.isTracked ? `"${fingerprint(content)}"` : null };
  }

  /** The bytes of a tile, none if nothing is in it. @throws MapsRefusal */
  async tile(
    { map }: Layergroup,
    layers: readonly MapLayer[],
    tile: TileId,
    asker: Asker,
  ): Promise<Uint8Array> {
    const sources = await Promise.all(layers.map((layer) => this.#source(layer, asker)));
    const { kind } = await this.#engine.info();
    this.#turns ??= new Turns(TILES_AT_ONCE[kind]);
    // Who goes away leaves the queue. A tile that is being made is finished: to cancel it would end the embedded database.
    const endTurn = await this.#turns.take(abortOnDisconnect(asker.reply)).catch((error) => {
      throw asMapsRefusal(error);
    });
    try {
      const chosen = layers.map((layer, i) => ({ layer, source: sources[i]! }));
      return await renderTile(this.#engine, map, chosen, tile, statementOptions(asker)).catch((error) => {
        throw asMapsRefusal(error, layers.length === 1 ? contextOf(layers[0]!) : undefined);
      });
    } finally {
      endTurn();
    }
  }

  /** The columns of one feature that the map shows. @throws MapsRefusal */
  async attributes(layer: MapLayer, featureId: string, asker: Asker): Promise<unknown> {
    if (!layer.attributes) {
      throw new MapsRefusal(400, `Layer ${layer.index} has no exposed attributes`);
    }
    await this.#source(layer, asker); // refuses what this key may not read
    const { count, json } = await featureAttributes(
      this.#engine,
      layer,
      featureId,
      statementOptions(asker),
    ).catch((error) => {
      throw asMapsRefusal(error, contextOf(layer));
    });
    if (count === 1) return JSON.parse(json!);
    const message = `Multiple features (${count}) identified by '${layer.attributes.id}' = ${featureId} in layer ${layer.index}`;
    throw new MapsRefusal(404, message);
  }

  /** @throws MapsRefusal */
  async #source(layer: MapLayer, asker: Asker): Promise<LayerSource> {
    const key = JSON.stringify([asker.role, layer]);
    const known = this.#sources.get(key);
    if (known && Date.now() - known.at < SOURCE_MS) return known.source;
    if (this.#sources.size >= MAX_SOURCES) this.#sources.clear();
    const source = this.#describe(layer, asker);
    this.#sources.set(key, { at: Date.now(), source });
    source.catch(() => this.#sources.delete(key));
    return source;
  }

  async #describe(layer: MapLayer, asker: Asker): Promise<LayerSource> {
    const options = statementOptions(asker);
    try {
      if (asker.role !== "master") await refuseSystemTables(this.#engine, worldSql(layer.sql), options);
      return await describeLayer(this.#engine, layer, options);
    } catch (error) {
      throw asMapsRefusal(error, contextOf(layer));
    }
  }
}

function statementOptions({ role }: Asker): StatementOptions {
  return { role, timeoutMs: STATEMENT_TIMEOUT_MS };
}

function contextOf({ id, index }: MapLayer) {
  return { id, index, type: "mapnik" };
}
