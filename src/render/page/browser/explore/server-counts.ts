/**
 * Counts the layers whose full data are on a server. While the reader filters or moves the map, the rows of the page answer, scaled
 * to what the server counted last; once they rest, the server does. Without it, the page counts its own rows.
 */
import { lngLatOf } from "../../../../geometry/mercator";
import type { CountSource, Explorer, StepCounts } from "../../../explore/explorer";
import type { Viewport } from "../../../scene";
import type { PageScene } from "../../codec";
import type { DetailTiles } from "../detail-tiles";
import { Refused, ServerLayer, TooSlow } from "./server-layer";

/** The server is asked after the pointer or the map has been at rest for this long. */
const AT_REST_MS = 150;
/** After a failure the server is asked again after this time, and each time after twice as long. */
const FIRST_PAUSE_MS = 3000;
/** After more failures in a row it is asked only when the reader filters or moves the map. */
const MOST_TRIES = 5;
/** Pixels of the overview by which rows can be outside of its box. */
const MARGIN_PX = 2;
/** A longer ring would make a URL that servers refuse. */
const MOST_VERTICES = 300;

/** `all`: the server has counted; `asking`: it will; otherwise the page counts its own rows. */
export type CountState = "all" | "asking" | "slow" | "linked" | "unreachable" | "refused";

interface Counted {
  readonly layer: number;
  readonly server: ServerLayer;
  /** World units around the overview within which all rows lie. */
  readonly margin: number;
  /** Parameters that choose the rows in the view. */
  area: string;
  /** The filters of the tiles that show. */
  tiled: string;
  state: CountState;
  asks: AbortController | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** View and filters for which counting took too long. */
  slow: string | undefined;
  /** Number of failures in a row. */
  failures: number;
  /** Time from which on the server may be asked again, as of `performance.now`. */
  nextAt: number;
}

interface Tools {
  readonly detail: Pick<DetailTiles, "filter">;
  /** Shows the counts and requests tiles again. */
  readonly changed: () => void;
}

export class ServerCounts implements CountSource {
  readonly #explorer: Explorer;
  readonly #layers: readonly Counted[];
  /** What the server counted last over what the page has, by widget. */
  readonly #scales = new Map<number, number>();
  readonly #tools: Tools;

  constructor({ overviews }: PageScene, explorer: Explorer, tools: Tools) {
    this.#explorer = explorer;
    this.#tools = tools;
    this.#layers = explorer.layers.flatMap((layer): Counted[] => {
      const { worldPx = 1, detail } = overviews[layer] ?? {};
      if (!detail?.counts) return [];
      const server = new ServerLayer(detail.counts, explorer, layer);
      const margin = MARGIN_PX / worldPx;
      const idle = { asks: undefined, timer: undefined, slow: undefined, failures: 0, nextAt: 0 };
      return [{ layer, server, margin, area: "", tiled: NO_FILTERS, state: "asking", ...idle }];
    });
    if (this.#layers.length > 0) window.addEventListener("online", () => this.#askAgain());
  }

  stateOf(layer: number): CountState | undefined {
    return this.#of(layer)?.state;
  }

  /** True if what the page counts is scaled to what the server counted last. */
  isScaled(layer: number): boolean {
    return [...this.#scales.keys()].some((widget) => this.#explorer.widgets[widget]?.layer === layer);
  }

  /** Looks at the filters and the view, and asks the server once they have not changed for a while. */
  update(viewport: Viewport): void {
    for (const counted of this.#layers) {
      const { layer, server } = counted;
      counted.area = this.#explorer.isAllIn(layer, viewport, counted.margin)
        ? ""
        : `&bbox=${bboxOf(viewport)}`;
      counted.asks?.abort();
      clearTimeout(counted.timer);
      if (counted.state === "refused") continue;
      if (this.#explorer.excludesSome(layer)) {
        counted.state = "linked"; // the server does not know the filters of other views
        this.#showTiles(counted, null);
        continue;
      }
      if (counted.state === "linked") counted.state = "asking";
      const isFiltered = filtersIn(server) !== NO_FILTERS;
      if (!isFiltered) this.#showTiles(counted, undefined);
      const isKnown = counted.state !== "unreachable" && server.isKnown(counted.area);
      if (counted.state === "slow" && !isKnown) {
        if (counted.slow === questionOf(counted)) continue;
        [counted.state, counted.failures, counted.nextAt] = ["asking", 0, 0];
      }
      if (isKnown) this.#settle(counted);
      else if (counted.state === "all") counted.state = "asking";
      if (isKnown && !isFiltered) continue;
      const pause = Math.max(AT_REST_MS, counted.nextAt - performance.now());
      counted.timer = setTimeout(() => this.#ask(counted), pause);
    }
  }

  /** Hides the tiles of a layer whose filters have changed. */
  filterChanged(layer: number): void {
    const counted = this.#of(layer);
    if (counted && filtersIn(counted.server) !== counted.tiled) this.#showTiles(counted, null);
  }

  #showTiles(counted: Counted, url: string | null | undefined): void {
    counted.tiled = url === null ? "" : filtersIn(counted.server);
    this.#tools.detail.filter(counted.layer, url);
  }

  stepsOf(widget: number): StepCounts | undefined {
    const counted = this.#ofWidget(widget);
    if (!counted || !isAnswering(counted)) return undefined;
    const { counts, totals } = counted.server.stepsOf(widget, counted.area);
    if (counts && totals) return { counts, totals };
    const scale = this.#scales.get(widget);
    if (scale === undefined) return undefined;
    const own = this.#explorer.ownStepsOf(widget);
    const all = totals ?? own.totals.map((rows) => Math.round(rows * scale));
    return {
      totals: all,
      counts: all.map((rows, step) => {
        const [passing = 0, of = 0] = [own.counts[step], own.totals[step]];
        return of === 0 ? 0 : Math.round((rows * passing) / of);
      }),
    };
  }

  valueOf(widget: number): number | undefined {
    const counted = this.#ofWidget(widget);
    if (!counted || !isAnswering(counted)) return undefined;
    const value = counted.server.valueOf(widget, counted.area);
    const scale = this.#scales.get(widget);
    if (value !== undefined || scale === undefined) return value;
    return Math.round(this.#explorer.ownValueOf(widget) * scale);
  }

  /**
   * Returns how many rows of a layer a ring selects; undefined if the server cannot say.
   * @param ring in world units, x and y in turn
   */
  async countIn(layer: number, ring: readonly number[], signal: AbortSignal): Promise<number | undefined> {
    const counted = this.#of(layer);
    const degrees = ringInDegrees(ring);
    if (!counted || !isAnswering(counted) || !degrees) return undefined;
    return counted.server.countIn(degrees, signal).catch(() => undefined);
  }

  async #ask(counted: Counted): Promise<void> {
    const { server, area } = counted;
    const asks = new AbortController();
    counted.asks = asks;
    try {
      if (filtersIn(server) !== NO_FILTERS && filtersIn(server) !== counted.tiled) {
        const url = await server.tilesUrl(asks.signal);
        if (asks.signal.aborted) return;
        this.#showTiles(counted, url);
        this.#tools.changed();
      }
      await server.ask(area, asks.signal);
      if (asks.signal.aborted) return;
      [counted.failures, counted.nextAt] = [0, 0];
      this.#settle(counted);
    } catch (error) {
      if (asks.signal.aborted) return;
      asks.abort(); // the other requests
      counted.state =
        error instanceof Refused ? "refused" : error instanceof TooSlow ? "slow" : "unreachable";
      counted.slow = questionOf(counted);
      const pause = FIRST_PAUSE_MS * 2 ** Math.min(counted.failures++, MOST_TRIES);
      counted.nextAt = performance.now() + pause;
      if (counted.state === "unreachable" && counted.failures <= MOST_TRIES)
        counted.timer = setTimeout(() => this.#ask(counted), pause);
    }
    this.#tools.changed();
  }

  #settle(counted: Counted): void {
    counted.state = "all";
    for (const [index, widget] of this.#explorer.widgets.entries()) {
      if (widget.layer !== counted.layer) continue;
      const scale = this.#scaleOf(index, counted);
      if (scale !== undefined) this.#scales.set(index, scale);
    }
  }

  /** Returns how many rows of the server one of the page's stands for. */
  #scaleOf(index: number, { server, area }: Counted): number | undefined {
    const widget = this.#explorer.widgets[index];
    if (widget?.kind !== "formula") {
      const totals = server.stepsOf(index, area).totals;
      return totals && ratio(sumOf(totals), sumOf(this.#explorer.ownStepsOf(index).totals));
    }
    const isTotal = widget.operation === "count" || widget.operation === "sum";
    const value = server.valueOf(index, area);
    return isTotal && value !== undefined ? ratio(value, this.#explorer.ownValueOf(index)) : undefined;
  }

  #askAgain(): void {
    for (const counted of this.#layers) {
      if (counted.state !== "unreachable") continue;
      clearTimeout(counted.timer);
      void this.#ask(counted);
    }
  }

  #of = (layer: number) => this.#layers.find((one) => one.layer === layer);
  #ofWidget = (widget: number) => this.#of(this.#explorer.widgets[widget]?.layer ?? -1);
}

const filtersIn = (server: ServerLayer): string => JSON.stringify(server.values);
const NO_FILTERS = "{}";

const questionOf = ({ server, area }: Counted): string => JSON.stringify([server.values, area]);

const isAnswering = ({ state }: Counted): boolean => state === "all" || state === "asking";

const sumOf = (numbers: Uint32Array): number => numbers.reduce((sum, one) => sum + one, 0);

/** Undefined if the page has nothing to scale. */
const ratio = (all: number, own: number): number | undefined =>
  own !== 0 && Number.isFinite(all / own) ? all / own : undefined;

/** West, south, east and north of a view in degrees. */
function bboxOf({ originX, originY, worldPx, widthPx, heightPx }: Viewport): string {
  const [west, north] = lngLatOf([originX, originY]);
  const [east, south] = lngLatOf([originX + widthPx / worldPx, originY + heightPx / worldPx]);
  return [west, south, east, north].join(",");
}

/** Returns a closed ring in degrees of one world; undefined for one that crosses its edge, or is too long. */
function ringInDegrees(ring: readonly number[]): (readonly [number, number])[] | undefined {
  const points: [number, number][] = [];
  // `!`: x and y in turn
  for (let i = 0; i < ring.length; i += 2) points.push([ring[i]!, ring[i + 1]!]);
  if (points.length > MOST_VERTICES) return undefined;
  const xs = points.map(([x]) => x);
  const world = Math.floor(Math.min(...xs));
  if (points.length < 3 || Math.max(...xs) > world + 1) return undefined;
  const degrees = points.map(([x, y]) => lngLatOf([x - world, y]));
  return [...degrees, degrees[0]!];
}
