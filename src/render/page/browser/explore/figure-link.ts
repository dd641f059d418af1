/** Connects a map with the other maps and charts of its figure, by messages to the page around it. */
import type L from "leaflet";
import { centerOf } from "../../../projection";
import {
  anyOf,
  bytesOfRows,
  type FigureMessage,
  hasBit,
  type SharedView,
  setBit,
} from "../../figure-messages";
import type { LayerLinks } from "../../link-codec";
import { viewportOfMap } from "../canvas-layer";
import { create } from "../create";
import type { Live } from "../main";
import { setViewExactly } from "../map";
import { onPointerMove } from "../pointer";

/** What the filters of a map do with those of its figure. */
export interface LinkedFilters {
  /** Hides the features of a layer for which a function returns true; without it, none. */
  exclude(layer: number, isExcluded: ((feature: number) => boolean) | undefined): void;
  /** Calls `visit` for each feature of a layer that the map's own filters hide; returns false if it has none. */
  forEachFailed(layer: number, visit: (feature: number) => void): boolean;
  /** Hides classes of a layer's colours, and no others. */
  hideClasses(layer: number, hidden: ReadonlySet<number>): void;
}

export class FigureLink {
  readonly #links: LayerLinks;
  /** Number of bytes for the rows of each layer. */
  readonly #bytes: readonly number[];
  #filters: LinkedFilters | undefined;
  /** The view that was sent or received last. */
  #view: SharedView | undefined;
  /** Names of the hidden layers that were sent or received last. */
  #hidden: readonly string[] = [];

  constructor(links: LayerLinks) {
    this.#links = links;
    this.#bytes = links.map((link) => (link ? bytesOfRows(rowCountOf(link.rows)) : 0));
  }

  connect(live: Live, filters: LinkedFilters): void {
    this.#filters = filters;
    const { map } = live;
    const ring = create("div", { class: "other-pointer", hidden: "", "aria-hidden": "true" });
    map.getContainer().append(ring);
    window.addEventListener("message", ({ source, data }: MessageEvent<FigureMessage>) => {
      if (source === window.parent) this.#receive(data, live, ring);
    });
    live.onFirstView(() => {
      this.#view = viewOf(map);
      this.#send({ kind: "first-view", view: this.#view });
    });
    map.on("move", () => this.#moved(viewOf(map), false));
    map.on("zoomanim", ({ center, zoom }) => this.#moved({ lng: center.lng, lat: center.lat, zoom }, true));
    this.#followPointer(map);
    this.#view = viewOf(map);
    this.#send({ kind: "first-view", view: this.#view });
  }

  /** Tells the other views which rows the map's own filters hide. */
  filtered(): void {
    const filters = this.#filters;
    if (!filters) return;
    for (const source of new Set(this.#links.flatMap((link) => (link ? [link.source] : [])))) {
      let failed: Uint8Array | null = null;
      for (const [layer, link] of this.#links.entries()) {
        if (link?.source !== source) continue;
        const bits = new Uint8Array(this.#bytes[layer]!) /* `!`: as many as links */;
        const isFiltered = filters.forEachFailed(layer, (feature) => setBit(bits, link.rows[feature]!));
        if (isFiltered) failed = anyOf([failed, bits]) ?? null;
      }
      this.#send({ kind: "filter", source, failed });
    }
  }

  /** Tells the other maps which classes of a layer's colours are hidden. */
  classesHidden(layer: number, hidden: ReadonlySet<number>): void {
    this.#send({ kind: "classes", layer, hidden: [...hidden] });
  }

  /** Tells the other maps which layers are hidden. */
  layersHidden(hidden: readonly string[]): void {
    if (String(hidden) === String(this.#hidden)) return;
    this.#hidden = hidden;
    this.#send({ kind: "layers", hidden });
  }

  #receive(message: FigureMessage, live: Live, ring: HTMLElement): void {
    const { map } = live;
    switch (message.kind) {
      case "first-view":
        this.#view = message.view;
        live.showFirst(message.view);
        break;
      case "view":
        this.#view = message.view;
        setViewExactly(map, message.view, message.animated);
        break;
      case "hover": {
        const place = message.at && map.latLngToContainerPoint([message.at[1], message.at[0]]);
        ring.hidden = place === null;
        if (place) ring.style.transform = `translate(${place.x}px, ${place.y}px)`;
        live.hoverAt(place ?? undefined);
        break;
      }
      case "filter":
        this.#exclude(message.source, message.failed);
        break;
      case "layers":
        this.#hidden = message.hidden;
        live.hide(message.hidden);
        break;
      case "classes":
        this.#filters?.hideClasses(message.layer, new Set(message.hidden));
        break;
    }
  }

  #exclude(source: number, failed: Uint8Array | null): void {
    for (const [layer, link] of this.#links.entries()) {
      if (link?.source !== source) continue;
      const isExcluded = (feature: number) => failed !== null && hasBit(failed, link.rows[feature] ?? 0);
      this.#filters?.exclude(layer, failed ? isExcluded : undefined);
    }
  }

  #moved(view: SharedView, animated: boolean): void {
    if (this.#view && isNear(this.#view, view)) return;
    this.#view = view;
    this.#send({ kind: "view", view, animated });
  }

  #followPointer(map: L.Map): void {
    const container = map.getContainer();
    onPointerMove(container, (event) => {
      if (event.pointerType === "touch") return;
      const { lng, lat } = map.mouseEventToLatLng(event);
      this.#send({ kind: "hover", at: [lng, lat] });
    });
    container.addEventListener("pointerleave", () => this.#send({ kind: "hover", at: null }));
  }

  #send(message: FigureMessage): void {
    // the page of the figure has no origin of its own in a notebook
    window.parent.postMessage(message, "*");
  }
}

function viewOf(map: L.Map): SharedView {
  const { lng, lat, zoom } = centerOf(viewportOfMap(map));
  return { lng, lat, zoom };
}

/** Differences below a hundredth of a pixel come from rounding. */
function isNear(a: SharedView, b: SharedView): boolean {
  const degreesPerPx = 360 / (256 * 2 ** a.zoom);
  return (
    Math.abs(a.zoom - b.zoom) < 1e-4 &&
    Math.abs(a.lng - b.lng) < degreesPerPx / 100 &&
    Math.abs(a.lat - b.lat) < degreesPerPx / 100
  );
}

const rowCountOf = (rows: Uint32Array): number => rows.reduce((most, row) => Math.max(most, row + 1), 0);
