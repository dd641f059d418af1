import type { Selection } from "../../../explore/explorer";
import type { MapFilter } from "../../../scene";
import type { ServerCounts } from "./server-counts";

/** The server is asked after selection and filters have not changed for this long. */
const AT_REST_MS = 150;

/** Asks the server how many rows of overviews an area selects. */
export class SelectionCount {
  readonly #server: ServerCounts;
  readonly #changed: () => void;
  #key = "";
  #counts: ReadonlyMap<number, number> = new Map();
  #asks: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(server: ServerCounts, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
  }

  /** Returns the numbers of rows that are known, by layer, and asks for those that are not. */
  countsIn(
    layers: readonly number[],
    { rings, features }: Selection,
    filters: readonly MapFilter[],
  ): ReadonlyMap<number, number> {
    const key = JSON.stringify([layers, rings, features, filters]);
    if (key === this.#key) return this.#counts;
    this.#key = key;
    this.#counts = new Map();
    this.#asks?.abort();
    clearTimeout(this.#timer);
    const [ring, ...more] = rings;
    // areas can overlap, and features lie in them: only one area is counted exactly
    if (ring && more.length === 0 && features.length === 0 && layers.length > 0)
      this.#timer = setTimeout(() => this.#ask(layers, ring), AT_REST_MS);
    return this.#counts;
  }

  async #ask(layers: readonly number[], ring: readonly number[]): Promise<void> {
    const asks = new AbortController();
    this.#asks = asks;
    const counts = new Map<number, number>();
    for (const layer of layers) {
      const count = await this.#server.countIn(layer, ring, asks.signal);
      if (asks.signal.aborted) return;
      if (count !== undefined) counts.set(layer, count);
    }
    this.#counts = counts;
    this.#changed();
  }
}
