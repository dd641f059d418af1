/** Tells the kernel what the reader does, and keeps it in the address of a saved page. */
import type { MapReport, MapState } from "../../../explore/state";

/** Changes within this time are reported together. */
const AFTER_MS = 150;
/** Beginning of the address's fragment that holds a state. */
const FRAGMENT = "#map=";
/** Views can be in copies of the world, but not where numbers no longer tell two copies apart. */
const MOST_DEGREES = 360_000;

export class Reporter {
  readonly #url: string | undefined;
  readonly #reportNow: () => MapReport;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReachable = true;

  constructor(url: string | undefined, report: () => MapReport) {
    this.#url = url;
    this.#reportNow = report;
  }

  /** The state as JSON, for a kernel on another machine. */
  get json(): string {
    return JSON.stringify(this.#reportNow());
  }

  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#report(), AFTER_MS);
  }

  #report(): void {
    const report = this.#reportNow();
    const { selection: _, ...state } = report;
    keepInAddress(state as MapState);
    if (this.#url === undefined || !this.#isReachable) return;
    // text, so that the browser asks nobody for permission before it sends
    fetch(this.#url, {
      method: "POST",
      body: JSON.stringify(report),
      headers: { "Content-Type": "text/plain" },
      credentials: "omit",
      referrerPolicy: "no-referrer",
    }).then(
      ({ status }) => {
        if (status === 404) this.#isReachable = false; // another kernel has the port now
      },
      () => {
        this.#isReachable = false;
      },
    );
  }
}

/** True for a page of its own, whose address belongs to it. */
const hasAddress = (): boolean => window.parent === window && location.protocol !== "about:";

function keepInAddress(state: MapState): void {
  if (!hasAddress()) return;
  try {
    history.replaceState(null, "", FRAGMENT + encodeURIComponent(JSON.stringify(state)));
  } catch {
    // browsers limit how often an address may change
  }
}

/** True for a view that Leaflet can show: somebody may have written the address by hand. */
function isView(view: MapState["view"]): boolean {
  const isWithin = (value: unknown, most: number) => typeof value === "number" && Math.abs(value) <= most;
  return isWithin(view?.lng, MOST_DEGREES) && isWithin(view?.lat, 90) && isWithin(view?.zoom, 30);
}

/** Returns the state in the address of the page; undefined if there is none that can be read. */
export function stateInAddress(): MapState | undefined {
  if (!hasAddress() || !location.hash.startsWith(FRAGMENT)) return undefined;
  try {
    const state: unknown = JSON.parse(decodeURIComponent(location.hash.slice(FRAGMENT.length)));
    if (typeof state !== "object" || state === null) return undefined;
    const { view, ...rest } = state as MapState;
    return isView(view) ? { ...rest, view } : rest;
  } catch {
    return undefined;
  }
}
