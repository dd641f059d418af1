/** Analyses and dataviews of a MapConfig: the queries that layers and dataviews refer to, with the filters that are on. */
import * as z from "zod";
import { Analysis, DataviewDefinition } from "../../api/schemas/dataviews";
import { queryText } from "../../sql-lexer";
import { isObject } from "../../values";
import { type DataviewFilters, filterCondition } from "./dataviews/filters";
import { MapsRefusal } from "./errors";

/** A dataview with the queries that it can count. */
export interface Dataview {
  readonly definition: DataviewDefinition;
  /** With all filters of its source. */
  readonly filtered: string;
  /** With the filters of the other dataviews. */
  readonly othersFiltered: string;
  readonly unfiltered: string;
}

export interface Analyses {
  /** Filtered query of each source, by its id. */
  readonly sources: ReadonlyMap<string, string>;
  readonly dataviews: ReadonlyMap<string, Dataview>;
}

/** The members of a layer that analyses concern. */
export interface AnalysedLayer {
  readonly index: number;
  readonly sql: string | undefined;
  readonly source: unknown;
  /** Dataviews of the layer's own query, in CARTO's older format. */
  readonly widgets: unknown;
}

/** Id of the source that the query of a layer with widgets is. */
const layerSourceId = (index: number): string => `cdb-layer-source-${index}`;

/** Returns the id of the source that a layer shows; undefined for a layer with a query and without widgets. */
export function sourceIdOf({ index, sql, source, widgets }: AnalysedLayer): string | undefined {
  if (isObject(source) && source.id !== undefined) return String(source.id);
  const hasWidgets = isObject(widgets) && Object.keys(widgets).length > 0;
  return hasWidgets && sql !== undefined ? layerSourceId(index) : undefined;
}

/** @throws MapsRefusal with CARTO's messages, and for analyses other than `source` */
export function parseAnalyses(
  config: { readonly analyses?: unknown; readonly dataviews?: unknown },
  layers: readonly AnalysedLayer[],
  filters: DataviewFilters,
): Analyses {
  const queries = new Map(parseSources(config.analyses));
  const definitions = new Map(parseDefinitions(config.dataviews ?? {}));
  for (const layer of layers) {
    const id = sourceIdOf(layer);
    if (id === layerSourceId(layer.index) && layer.sql !== undefined)
      queries.set(id, sourceQuery(layer.sql, id));
    for (const [name, widget] of isObject(layer.widgets) ? Object.entries(layer.widgets) : [])
      if (id !== undefined && isObject(widget))
        definitions.set(name, parseDefinition(name, { ...widget, source: { id } }));
  }
  const conditions = new Map<string, { readonly source: string; readonly sql: string }>();
  for (const [name, params] of Object.entries(filters)) {
    const definition = definitions.get(name);
    if (definition)
      conditions.set(name, { source: definition.source.id, sql: filterCondition(definition, params) });
  }
  const filteredQuery = (id: string, without?: string) => {
    const query = queries.get(id);
    if (query === undefined) return undefined;
    const own = [...conditions].filter(([name, { source }]) => source === id && name !== without);
    return withConditions(
      query,
      own.map(([, { sql }]) => sql),
    );
  };
  const dataviews = [...definitions].map(([name, definition]): [string, Dataview] => {
    const { id } = definition.source;
    const unfiltered = queries.get(id);
    if (unfiltered === undefined)
      throw new MapsRefusal(
        400,
        `Node with \`source.id="${id}"\` not found in analyses for dataview "${name}"`,
        { type: "analysis" },
      );
    return [
      name,
      {
        definition,
        // `!`: the source exists
        filtered: filteredQuery(id)!,
        othersFiltered: filteredQuery(id, name)!,
        unfiltered,
      },
    ];
  });
  return {
    sources: new Map([...queries.keys()].map((id) => [id, filteredQuery(id)!])),
    dataviews: new Map(dataviews),
  };
}

/** Adds conditions to a query. */
export function withConditions(query: string, conditions: readonly string[]): string {
  if (conditions.length === 0) return query;
  return `SELECT * FROM (${query}\n) AS cdbf WHERE ${conditions.map((sql) => `(${sql})`).join(" AND ")}`;
}

function parseSources(analyses: unknown): [string, string][] {
  if (analyses === undefined || analyses === null) return [];
  const parsed = z.array(Analysis).safeParse(analyses);
  if (!parsed.success) throw refuse('"analyses" must be an array of objects with `id`, `type` and `params`');
  return parsed.data.map(({ id, type, params }) => {
    if (type !== "source") throw refuse(`Analyses of type "${type}" are not available on this server`);
    if (params?.query === undefined) throw refuse('Missing required param "query"');
    return [id, sourceQuery(params.query, id)];
  });
}

function sourceQuery(sql: string, id: string): string {
  const query = queryText(sql);
  if (query === undefined) throw refuse(`The query of analysis "${id}" is not one SELECT`);
  return query;
}

function parseDefinitions(dataviews: unknown): [string, DataviewDefinition][] {
  if (!isObject(dataviews)) {
    const type = Array.isArray(dataviews) ? "array" : typeof dataviews;
    throw refuse(`"dataviews" must be a valid JSON object: "${type}" type found`);
  }
  return Object.entries(dataviews).map(([name, given]) => [name, parseDefinition(name, given)]);
}

function parseDefinition(name: string, given: unknown): DataviewDefinition {
  const { source, type } = isObject(given) ? given : {};
  if (!isObject(source) || !source.id) throw refuse(`Dataview "${name}" is missing \`source.id\` attribute`);
  if (!type) throw refuse(`Dataview "${name}" is missing \`type\` attribute`);
  const { data, error } = DataviewDefinition.safeParse(given);
  if (data) return data;
  throw refuse(`Invalid dataview "${name}": ${error.issues[0]?.message ?? "invalid"}`);
}

const refuse = (message: string) => new MapsRefusal(400, message, { type: "analysis" });
