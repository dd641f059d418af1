/** What a map that is a picture needs besides its scene: the tiles of its basemap, where the network has them. */
import { type FetchAnswer, fetchOf } from "../../api/http";
import { InvalidArgumentError } from "../../errors";
import {
  checkScale,
  decodeTile,
  FigureCell,
  type Scene,
  type TilePicture,
  type TilePictures,
  type TileSheet,
  tilesOf,
  viewportOf,
} from "../../render";

/** Two of them, or one and a chart, are as wide as a notebook's cell. */
export const DEFAULT_FIGURE_MAP_SIZE = [480, 320] as const;

/** For all tiles together. A picture without them is better than one that is waited for. */
const PATIENCE_MS = 4000;
/** As many as browsers ask a host for at once. */
const AT_ONCE = 6;
const MAX_REDIRECTS = 5;
/** Through the environment's proxy. A context's session is for its account: it may add what no other host should get. */
const fetchAnywhere = fetchOf(undefined, PATIENCE_MS);

interface PictureOptions {
  readonly interactive?: boolean | undefined;
  readonly scale?: number | undefined;
  readonly ax?: FigureCell | undefined;
}

/**
 * Whether the map is a picture.
 * @throws InvalidArgumentError for options that do not go together.
 */
export function checkPicture({ interactive, scale, ax }: PictureOptions): boolean {
  if (interactive !== undefined && typeof interactive !== "boolean")
    throw new InvalidArgumentError(`interactive is ${String(interactive)}; expected true or false.`);
  if (ax !== undefined && !(ax instanceof FigureCell))
    throw new InvalidArgumentError(
      "ax is no cell of a figure. Make one: const fig = figure({ columns: 2 }), and pass ax: fig.at(0).",
    );
  if (ax !== undefined && interactive === true)
    throw new InvalidArgumentError("A map in a figure is a picture. Leave out interactive, or ax.");
  const isPicture = ax !== undefined || interactive === false;
  if (scale === undefined) return isPicture;
  if (!isPicture)
    throw new InvalidArgumentError("scale is for pictures: add interactive: false, or leave scale out.");
  checkScale(scale);
  return true;
}

/**
 * All tiles of the first view, or undefined if one of them does not come: a basemap with holes would be worse than
 * outlines. A tile that the server does not have (404) is empty.
 */
export async function fetchTiles(
  scene: Scene,
  { scale = 1, signal }: { readonly scale?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<TilePictures | undefined> {
  const { tiles } = scene.basemap;
  if (!tiles) return undefined;
  const viewport = viewportOf(scene, { pixelRatio: scale });
  const ended = new AbortController(); // the first failure ends the others
  const signals = [ended.signal, AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])];
  const fetched = (template: string | undefined) =>
    template === undefined ? [] : fetchSheet(tilesOf(viewport, template, tiles), AbortSignal.any(signals));
  try {
    const [ground, labels] = await Promise.all([
      fetched(tiles.urlTemplate),
      fetched(tiles.labelsUrlTemplate),
    ]);
    return { ground, labels };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  } finally {
    ended.abort();
  }
}

async function fetchSheet({ zoom, places }: TileSheet, signal: AbortSignal): Promise<TilePicture[]> {
  const pictures: TilePicture[] = [];
  const urls = [...new Set(places.map(({ url }) => url))]; // copies of the world show the same ones
  const worker = async () => {
    for (let url = urls.pop(); url !== undefined; url = urls.pop()) {
      const image = await fetchTile(url, signal);
      if (image === undefined) continue;
      for (const { column, row } of places.filter((place) => place.url === url))
        pictures.push({ zoom, column, row, image });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return pictures;
}

/** Undefined if there is none at this place. */
async function fetchTile(url: string, signal: AbortSignal): Promise<TilePicture["image"] | undefined> {
  const { status, body } = await fetchFollowing(url, signal);
  if (status === 404 || status === 204) {
    await drain(body); // leaves the connection to the next tile
    return undefined;
  }
  if (status !== 200) throw new Error(`HTTP ${status}`);
  return decodeTile(await drain(body));
}

async function fetchFollowing(url: string, signal: AbortSignal): Promise<FetchAnswer> {
  const init = {
    method: "GET",
    headers: { "User-Agent": "cartoframes" },
    redirect: "manual",
    signal,
  } as const;
  let address = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await fetchAnywhere(address, init);
    const location = answer.headers.get("Location");
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    await drain(answer.body);
    address = new URL(location, address).href;
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

async function drain(body: AsyncIterable<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}
