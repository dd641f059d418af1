/** Options of maps that are shown as PNG, and the basemap tiles these need. */
import { type FetchAnswer, fetchOf } from "../../api/http";
import { InvalidArgumentError } from "../../errors";
import {
  checkScale,
  decodeTile,
  FigureCell,
  imageViewportOf,
  type Scene,
  type TilePicture,
  type TilePictures,
  type TileSheet,
  tilesOf,
} from "../../render";

/** Two maps of this size, or one and a chart, fit the width of a notebook cell. */
export const DEFAULT_FIGURE_MAP_SIZE = [480, 320] as const;

/** Time limit for all tiles together. After it, the PNG shows outlines instead of tiles. */
const PATIENCE_MS = 4000;
/** Number of concurrent requests, as browsers make them to one host. */
const AT_ONCE = 6;
const MAX_REDIRECTS = 5;
/** Fetches through the environment's proxy, not through the context's session, which can add secrets for its account. */
const fetchAnywhere = fetchOf(undefined, PATIENCE_MS);

interface PictureOptions {
  readonly interactive?: boolean | undefined;
  readonly scale?: number | undefined;
  readonly ax?: FigureCell | undefined;
}

/**
 * Returns true if the map is to be shown as a PNG.
 * @throws InvalidArgumentError for options of the wrong type, and for options that exclude each other
 */
export function checkPicture({ interactive, scale, ax }: PictureOptions): boolean {
  if (interactive !== undefined && typeof interactive !== "boolean")
    throw new InvalidArgumentError(`\`interactive\` must be true or false; got ${String(interactive)}.`);
  if (ax !== undefined && !(ax instanceof FigureCell))
    throw new InvalidArgumentError(
      "`ax` must be a cell of a figure. Create one with `const fig = figure({ columns: 2 })`, and pass `ax: fig.at(0)`.",
    );
  if (ax?.isLive && interactive === false)
    throw new InvalidArgumentError(
      "`interactive: false` and a cell of a linked figure exclude each other: its maps are live. Leave one of them out.",
    );
  if (ax !== undefined && !ax.isLive && interactive === true)
    throw new InvalidArgumentError(
      "`ax` and `interactive: true` exclude each other: a figure shows maps as images unless it is made with `linked: true`. Leave one of them out.",
    );
  const isPicture = ax !== undefined || interactive === false;
  if (scale === undefined) return isPicture;
  if (!isPicture)
    throw new InvalidArgumentError(
      "`scale` requires `interactive: false` or `ax`: a live map has no fixed scale. Add one of them, or leave `scale` out.",
    );
  checkScale(scale);
  return true;
}

/** @throws InvalidArgumentError for options that a figure of `facet` does not have. */
export function checkFaceted(options: PictureOptions): void {
  const given = Object.entries(options).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  throw new InvalidArgumentError(
    `\`facet\` and \`${given}\` exclude each other: \`facet\` makes a figure of live maps. For an image of it, call fig.save("maps.png").`,
  );
}

/**
 * Fetches all tiles of the initial view; undefined if one of them fails, because outlines look better than a basemap with
 * holes. A tile that the server does not have (404) stays empty.
 */
export async function fetchTiles(
  scene: Scene,
  { scale = 1, signal }: { readonly scale?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<TilePictures | undefined> {
  const { tiles } = scene.basemap;
  if (!tiles) return undefined;
  const viewport = imageViewportOf(scene, { pixelRatio: scale });
  const ended = new AbortController(); // the first failure cancels the other requests
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
  const urls = [...new Set(places.map(({ url }) => url))]; // copies of the world show the same tiles
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

/** Returns undefined for a tile that does not exist. */
async function fetchTile(url: string, signal: AbortSignal): Promise<TilePicture["image"] | undefined> {
  const { status, body } = await fetchFollowing(url, signal);
  if (status === 404 || status === 204) {
    await drain(body); // frees the connection for the next tile
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
