/** Named maps of CARTO's Maps API. Only the master key can create and read them; their tiles need the map's token. */
import { QuotaError, SqlError } from "../errors";
import { MapResponse, type NamedMap, NamedMapCreated, NamedMapResponse } from "./schemas/maps";
import type { ApiRequest, Transport } from "./transport";

const PATH = "/api/v1/map/named";

interface MapRequestOptions {
  readonly signal?: AbortSignal;
}

/** A named map as the server stores it. */
export type KeptMap = NamedMapResponse["template"];

/**
 * Creates a named map. Safe to repeat, because a name can be used only once.
 * @returns false if a map with this name exists
 * @throws QuotaError if the account has reached its limit of named maps
 */
export async function createNamedMap(
  transport: Transport,
  map: NamedMap,
  { signal }: MapRequestOptions = {},
): Promise<boolean> {
  const request = { path: PATH, json: map, signal, repeatable: true } as const;
  try {
    await ask(transport, request, NamedMapCreated);
    return true;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (/^Template '.*' of user '.*' already exists/s.test(error.message)) return false;
    if (!/reached limit on number of templates/.test(error.message)) throw error;
    throw new QuotaError(`${error.message}. Delete named maps that are no longer used.`, { cause: error });
  }
}

/** Fetches a named map with its tokens. */
export async function fetchNamedMap(
  transport: Transport,
  name: string,
  { signal }: MapRequestOptions = {},
): Promise<KeptMap> {
  return (await ask(transport, { path: pathOf(name), signal, repeatable: true }, NamedMapResponse)).template;
}

/**
 * Makes the server check the queries of a named map.
 * @throws SqlError if a query fails
 */
export async function instantiateNamedMap(
  transport: Transport,
  name: string,
  { token, signal }: MapRequestOptions & { readonly token: string },
): Promise<void> {
  const query = { auth_token: token };
  await ask(transport, { path: pathOf(name), query, json: {}, signal, repeatable: true }, MapResponse);
}

/** Returns the URL template for tiles of a named map, with {z}, {x} and {y}. @param layers ids, or `all` */
export function namedTilesUrl(
  baseUrl: string,
  name: string,
  { token, layers }: { readonly token: string; readonly layers: string },
): string {
  return `${baseUrl}${pathOf(name)}/${layers}/{z}/{x}/{y}.mvt?auth_token=${encodeURIComponent(token)}`;
}

/** URLs with which a page makes instances of a named map, and asks these for tiles and dataviews. */
interface MapsUrls {
  /** Makes an instance: a POST with the values of placeholders as JSON. */
  readonly instanceUrl: string;
  /** Template of what an instance has, with {path}: the token of the instance, and what follows it. */
  readonly urlTemplate: string;
}

export function mapsUrls(baseUrl: string, name: string, { token }: { readonly token: string }): MapsUrls {
  const query = `auth_token=${encodeURIComponent(token)}`;
  return {
    instanceUrl: `${baseUrl}${pathOf(name)}?${query}`,
    urlTemplate: `${baseUrl}/api/v1/map/{path}?${query}`,
  };
}

function pathOf(name: string): string {
  return `${PATH}/${encodeURIComponent(name)}`;
}

async function ask<T>(
  transport: Transport,
  request: ApiRequest,
  schema: Parameters<typeof transport.sendForJson<T>>[1],
): Promise<T> {
  return (await transport.sendForJson({ ...request, whenLimited: "throw" }, schema, "a Maps API")).value;
}
