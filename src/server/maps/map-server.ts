import type { FastifyReply } from "fastify";
import type { TileId } from "../../geometry/mercator";
import { type TableChanges, tableChanges } from "../cache-headers";
import type { Engine, ResultField, Role, StatementOptions } from "../engine/engine";
import { Turns } from "../engine/turns";
import { abortOnDisconnect, STATEMENT_TIMEOUT_MS } from "../guard";
import { describeQuery } from "../row-stream";
import { refuseSystemTables, type TableName, tablesUsed } from "../tables-used";
import type { Dataview } from "./analyses";
import { dataviewResult, dataviewSearch } from "./dataviews/dataview";
import { asDataviewRefusal, asMapsRefusal, MapsRefusal } from "./errors";
import { describeLayer, featureAttributes, isAggregated, type LayerSource, worldSql } from "./layer-source";
import type { Layergroup } from "./layergroups";
import { fingerprint, type MapLayer } from "./map-config";
import { renderTile } from "./tiles";

/** The client of a request: its role, and its connection. */
export interface Asker {
  readonly role: Role;
  readonly reply: FastifyReply;
}

/** State of a tile that is known before the tile is made. */
interface TileState extends TableChanges {
  /** Null if changes of the tables are not tracked. */
  readonly etag: string | null;
}

/** Time for which the description of a query is cached. */
const SOURCE_MS = 30_000;
const MAX_SOURCES = 200;
/** A database with one session does one thing for pages at a time, so that a notebook cell waits for at most one tile. */
const TURNS_AT_ONCE = { pglite: 1, postgres: 4 } as const;

/** Tables and columns of a dataview's query. */
interface DataviewSource {
  readonly tables: readonly TableName[];
  readonly fields: readonly ResultField[];
}

/** Descriptions of queries that are not older than `SOURCE_MS`. */
class Known<T> {
  readonly #known = new Map<string, { readonly at: number; readonly value: Promise<T> }>();

  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key);
    if (known && Date.now() - known.at < SOURCE_MS) return known.value;
    if (this.#known.size >= MAX_SOURCES) this.#known.clear();
    const value = make();
    this.#known.set(key, { at: Date.now(), value });
    value.catch(() => this.#known.delete(key));
    return value;
  }
}

/** Serves maps, tiles and dataviews from an engine. */
export class MapServer {
  readonly #engine: Engine;
  readonly #sources = new Known<LayerSource>();
  readonly #dataviewSources = new Known<DataviewSource>();
  #turns: Turns | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Returns the answer to an instantiation. @throws MapsRefusal that names the failing layer */
  async describe(
    layergroup: Layergroup,
    asker: Asker,
    { url, query }: { readonly url: string; readonly query: string },
  ): Promise<object> {
    const { map, id } = layergroup;
    const described: { layer: MapLayer; source: LayerSource }[] = [];
    for (const layer of map.layers) described.push({ layer, source: await this.#source(layer, asker) });
    const { changedAt } = await tableChanges(
      this.#engine,
      described.flatMap(({ source }) => source.tables),
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
        layers: described.map(({ layer, source }) => ({
          type: "mapnik",
          id: layer.id,
          meta: {
            stats: { estimatedFeatureCount: source.estimatedRows },
            aggregation: { png: false, mvt: isAggregated(layer, source) },
            ...(layer.cartocss !== undefined && { cartocss: layer.cartocss, cartocss_meta: { rules: [] } }),
          },
          tilejson: tilejson(`${encodeURIComponent(layer.id)}/`),
        })),
        dataviews: Object.fromEntries(
          [...map.dataviews.keys()].map((name) => {
            const address = `${url}/${token}/dataview/${encodeURIComponent(name)}${query}`;
            return [name, { url: { http: address, https: address } }];
          }),
        ),
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

  /** Returns the bytes of a tile, or none if it is empty. @throws MapsRefusal */
  async tile(
    { map }: Layergroup,
    layers: readonly MapLayer[],
    tile: TileId,
    asker: Asker,
  ): Promise<Uint8Array> {
    const chosen = await Promise.all(
      layers.map(async (layer) => ({ layer, source: await this.#source(layer, asker) })),
    );
    const [only, ...others] = layers;
    return this.#inTurn(asker, () =>
      renderTile(this.#engine, map, chosen, tile, statementOptions(asker)).catch((error) => {
        throw asMapsRefusal(error, only && others.length === 0 ? contextOf(only) : undefined);
      }),
    );
  }

  /** Returns the state of a dataview's tables. @throws MapsRefusal if the client may not read them */
  async dataviewState(dataview: Dataview, asker: Asker): Promise<TableChanges> {
    return tableChanges(this.#engine, (await this.#described(dataview, asker)).tables);
  }

  /** Returns the result of a dataview, or the categories that a search finds. @throws MapsRefusal */
  async dataview(
    dataview: Dataview,
    query: Readonly<Record<string, unknown>>,
    { search, asker }: { readonly search: boolean; readonly asker: Asker },
  ): Promise<object> {
    const compute = search ? dataviewSearch : dataviewResult;
    const { fields } = await this.#described(dataview, asker);
    return this.#inTurn(asker, () =>
      compute(this.#engine, { ...dataview, fields }, query, statementOptions(asker)).catch((error) => {
        throw asDataviewRefusal(error);
      }),
    );
  }

  /**
   * Waits for a turn. A client that disconnects leaves the queue. What has begun is finished, because cancelling it would end
   * the embedded database.
   */
  async #inTurn<T>(asker: Asker, work: () => Promise<T>): Promise<T> {
    const { kind } = await this.#engine.info();
    this.#turns ??= new Turns(TURNS_AT_ONCE[kind]);
    const endTurn = await this.#turns.take(abortOnDisconnect(asker.reply)).catch((error) => {
      throw asMapsRefusal(error);
    });
    try {
      return await work();
    } finally {
      endTurn();
    }
  }

  /** Returns the exposed attributes of one feature. @throws MapsRefusal */
  async attributes(layer: MapLayer, featureId: string, asker: Asker): Promise<unknown> {
    if (!layer.attributes) {
      throw new MapsRefusal(400, `Layer ${layer.index} has no exposed attributes`);
    }
    await this.#source(layer, asker); // refuses tables that this key may not read
    const { count, json } = await featureAttributes(
      this.#engine,
      { sql: layer.sql, attributes: layer.attributes },
      featureId,
      statementOptions(asker),
    ).catch((error) => {
      throw asMapsRefusal(error, contextOf(layer));
    });
    if (count === 1 && json !== null) return JSON.parse(json);
    const message = `Multiple features (${count}) identified by '${layer.attributes.id}' = ${featureId} in layer ${layer.index}`;
    throw new MapsRefusal(404, message);
  }

  /** @throws MapsRefusal */
  #source(layer: MapLayer, asker: Asker): Promise<LayerSource> {
    return this.#sources.get(JSON.stringify([asker.role, layer]), () => this.#describe(layer, asker));
  }

  /** Describes the query of a dataview. @throws MapsRefusal if the client may not read its tables */
  #described({ unfiltered }: Dataview, asker: Asker): Promise<DataviewSource> {
    const { role } = asker;
    const options = statementOptions(asker);
    return this.#dataviewSources.get(JSON.stringify([role, unfiltered]), async () => {
      try {
        const sql = worldSql(unfiltered);
        const check = role === "master" ? tablesUsed : refuseSystemTables;
        const tables = await check(this.#engine, sql, options);
        return { tables, fields: await describeQuery(this.#engine, sql, options) };
      } catch (error) {
        throw asDataviewRefusal(error);
      }
    });
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
