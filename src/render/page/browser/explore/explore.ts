/** Adds the widgets of a map to its page: their panel, their filters, and the chips that name these. */
import L from "leaflet";
import { frameStart } from "../../../clock";
import { Explorer } from "../../../explore/explorer";
import { filtersOf, setFilters } from "../../../explore/filters";
import { heightOf } from "../../../explore/panel";
import type { MapReport, MapState } from "../../../explore/state";
import { viewOfWidget } from "../../../explore/views";
import { filterLayer } from "../../../painter";
import { centerOf } from "../../../projection";
import type { PageScene } from "../../codec";
import { decodeLinks } from "../../link-codec";
import { viewportOfMap } from "../canvas-layer";
import { textButton } from "../controls";
import { create } from "../create";
import type { Exploring, Live } from "../main";
import { setViewExactly } from "../map";
import { BarsCard } from "./bars-card";
import { chipList, chipsOf } from "./chips";
import exploreCss from "./explore.css";
import { FigureLink } from "./figure-link";
import { ListCard } from "./list-card";
import { NumberCard } from "./number-card";
import { Reporter, stateInAddress } from "./reporter";
import { SelectionCount } from "./selection-count";
import { Selector } from "./selector";
import { type CountState, ServerCounts } from "./server-counts";
import type { Card } from "./widget-card";

/** While the map moves, the widgets count again at this interval. */
const COUNT_EVERY_MS = 100;
/** A lower panel below the map starts folded. */
const LOW_PX = 420;

/**
 * The panel, which takes its place before the map has a size. A map without widgets that is linked with other views of a figure
 * has no panel.
 */
export class ExplorePanel implements Exploring {
  readonly #explorer: Explorer;
  readonly #link: FigureLink | undefined;
  readonly #cards: readonly Card[];
  readonly #chips = chipList();
  readonly #fold = create(
    "button",
    { type: "button", class: "fold-panel", "aria-expanded": "true" },
    "Widgets",
  );
  readonly #reporter: Reporter;
  #selector: Selector | undefined;
  /** Says how many rows are selected. */
  readonly #count = create("output");
  readonly #selected: HTMLElement;
  readonly #pageScene: PageScene;
  /** Says what the widgets of layers that are overviews count. */
  readonly #notes: ReadonlyMap<number, HTMLElement>;
  #server: ServerCounts | undefined;
  #selectionCount: SelectionCount | undefined;
  #live: Live | undefined;
  /** Layers whose filters have changed since the last frame. */
  readonly #changed = new Set<number>();
  #request: number | undefined;
  /** Start time of the frame of the last update. */
  #frameMs: CSSNumberish | null = null;
  /** True if the map's own filters have changed since the last frame. */
  #filtersChanged = false;
  readonly #listeners: (() => void)[] = [];

  /** @param links the rows that the map shares with other views of its figure; empty for a map of its own */
  constructor(pageScene: PageScene, element: HTMLElement, links: Uint8Array) {
    const { scene, overviews } = pageScene;
    const explorer = new Explorer(scene);
    this.#pageScene = pageScene;
    this.#explorer = explorer;
    const isOverview = (layer: number) => overviews[layer] !== undefined;
    this.#notes = new Map(
      explorer.layers.filter(isOverview).map((layer) => [layer, create("p", { class: "counted" })]),
    );
    this.#link = links.length > 0 ? new FigureLink(decodeLinks(links)) : undefined;
    const { widgets } = explorer;
    this.#cards = widgets.map((widget, i) => {
      const view = viewOfWidget(explorer, i);
      if (widget.kind === "formula" || view.kind === "absent") return new NumberCard(view);
      if (widget.kind === "category")
        return new ListCard((steps) =>
          this.#filter(i, steps.size > 0 ? { kind: "steps", steps } : undefined),
        );
      return new BarsCard({ theme: scene.basemap.theme, perBar: widget.perBar }, (range) =>
        this.#filter(i, range && { kind: "range", range }),
      );
    });
    // the same height whatever is in the view, so that a map above the widgets keeps its own
    for (const [i, { element }] of this.#cards.entries())
      element.style.minHeight = `${heightOf(widgets[i]!, explorer.columnOf(i))}px`; // `!`: a card for each widget
    this.#selected = create(
      "p",
      { class: "selected", role: "status", hidden: "" },
      this.#count,
      textButton("Copy", "Copy the selection as JSON", () => copyText(this.#reporter.json)),
      textButton("Clear", "Clear the selection", () => this.#selector?.clear()),
    );
    const report = element.closest("main")?.dataset.report;
    this.#reporter = new Reporter(report, () => this.#report());
    const style = create("style");
    style.textContent = exploreCss;
    document.head.append(style);
    if (widgets.length > 0) this.#addPanel(element);
  }

  #addPanel(element: HTMLElement): void {
    const { scene } = this.#explorer;
    const fold = this.#fold;
    const body = create(
      "div",
      { class: "cards" },
      ...this.#notes.values(),
      ...this.#cards.map(({ element }) => element),
    );
    const panel = create(
      "aside",
      { class: `panel ${scene.basemap.theme}`, "aria-label": "Widgets" },
      fold,
      body,
      this.#selected,
      this.#chips.element,
    );
    // below the map, the panel leaves it the height that it was made with, or half of the window
    panel.style.setProperty("--map-height", `${scene.heightPx}px`);
    const setFolded = (isFolded: boolean) => {
      panel.classList.toggle("folded", isFolded);
      fold.setAttribute("aria-expanded", String(!isFolded));
    };
    fold.addEventListener("click", () => setFolded(!panel.classList.contains("folded")));
    setFolded(window.innerHeight < LOW_PX && !window.matchMedia("(min-width: 720px)").matches);
    element.parentElement?.classList.add("explored");
    element.after(panel);
  }

  /** Connects the panel with the map. */
  connect(live: Live): void {
    this.#live = live;
    const { map, detail } = live;
    const server = new ServerCounts(this.#pageScene, this.#explorer, {
      detail,
      changed: () => {
        detail.show(viewportOfMap(map));
        live.redraw();
        this.#show();
      },
    });
    this.#server = server;
    this.#explorer.source = server;
    this.#selectionCount = new SelectionCount(server, () => this.#showSelected());
    const count = () => {
      const viewport = viewportOfMap(map);
      this.#explorer.look(viewport);
      server.update(viewport);
      this.#show();
    };
    map.on("move", L.Util.throttle(count, COUNT_EVERY_MS, undefined));
    map.on("moveend resize", count);
    map.on("moveend", () => this.#reporter.changed());
    if (this.#explorer.widgets.length > 0)
      this.#selector = new Selector(map, live.prepared, this.#explorer, () => {
        this.#showSelected();
        this.#reporter.changed();
      });
    this.#restore(live);
    this.#link?.connect(live, {
      exclude: (layer, isExcluded) => {
        this.#explorer.exclude(layer, isExcluded);
        this.#changed.add(layer);
        this.#update();
      },
      forEachFailed: (layer, visit) => this.#explorer.forEachFailed(layer, visit),
      hideClasses: (layer, hidden) => this.#hideClasses(layer, hidden),
    });
    this.#link?.filtered(); // those of the state in which the map opens
    // a moveend at once would make Leaflet move a map that is about to be fitted again
    new ResizeObserver(() => map.invalidateSize({ pan: false, debounceMoveend: true })).observe(
      map.getContainer(),
    );
    count();
  }

  /** Shows the state in the address of the page, or the one that the map was made with. */
  #restore(live: Live): void {
    const inAddress = stateInAddress();
    const state: MapState | undefined = inAddress ?? this.#explorer.scene.state;
    if (!state) return;
    const { view, filters, hidden, time } = state;
    try {
      if (inAddress && view) setViewExactly(live.map, view);
      if (Array.isArray(hidden)) live.hide(hidden.map(String));
      if (inAddress && typeof time === "number") live.showTime(time);
      if (Array.isArray(filters)) setFilters(this.#explorer, filters);
    } catch {
      this.#explorer.clear(); // somebody wrote the address by hand
    }
    this.#filtered(this.#explorer.layers);
  }

  changed(): void {
    if (!this.#live) return; // the map is being made
    this.#dimHidden(this.#live);
    this.#showSelected();
    this.#link?.layersHidden(this.#live.hidden());
    this.#reporter.changed();
  }

  /** Dims the widgets of layers that the map does not show, which still count. */
  #dimHidden({ prepared }: Live): void {
    for (const [i, { element }] of this.#cards.entries())
      element.classList.toggle("off", prepared.hidden.has(this.#explorer.widgets[i]!.layer)); // `!`: a widget for each card
  }

  #report(): MapReport {
    const filters = filtersOf(this.#explorer);
    const selection = this.#selector?.selection;
    return {
      ...(this.#live && { view: viewOf(this.#live.map), hidden: this.#live.hidden(), ...timeOf(this.#live) }),
      filters: filters as MapReport["filters"],
      ...(selection && { selection: selection as MapReport["selection"] }),
    };
  }

  #showSelected(): void {
    const selector = this.#selector;
    const isEmpty = !selector || selector.isEmpty;
    this.#selected.hidden = isEmpty;
    if (isEmpty) return;
    const shown = this.#explorer.layers.filter((layer) => !this.#live?.prepared.hidden.has(layer));
    const { selection } = selector;
    const rowsIn = (layer: number) =>
      this.#explorer.rowCountOf(layer, this.#explorer.selectedIn(layer, selection));
    const overviews = shown.filter((layer) => this.#notes.has(layer));
    const known = this.#selectionCount?.countsIn(overviews, selection, filtersOf(this.#explorer));
    const count = shown.reduce((sum, layer) => sum + (known?.get(layer) ?? rowsIn(layer)), 0);
    const isWhole = selection.rings.length === 0 || overviews.every((layer) => known?.has(layer));
    this.#count.textContent = `${count.toLocaleString("en-US")} selected${isWhole ? "" : " of the overview"}`;
  }

  #filter(widget: number, filter: Parameters<Explorer["filter"]>[1]): void {
    this.#explorer.filter(widget, filter);
    this.#filtered([this.#explorer.widgets[widget]!.layer]); // `!`: one of the widgets
  }

  /** Says which rows the widgets of a layer count. */
  #noteText(layer: number): string {
    const { scene, layers } = this.#explorer;
    const name = layers.length > 1 ? scene.layers[layer]?.name : undefined;
    const { note = "" } = this.#pageScene.overviews[layer] ?? {};
    const isScaled = this.#server?.isScaled(layer) === true;
    const text = noteOf(this.#server?.stateOf(layer), { note, isScaled });
    return name === undefined ? text : `${name}: ${text}`;
  }

  /** Hides or shows a class of a layer's colours. */
  toggleClass(layer: number, one: number): void {
    const hidden = new Set(this.#explorer.hiddenClassesOf(layer));
    if (!hidden.delete(one)) hidden.add(one);
    this.#chooseClasses(layer, hidden);
  }

  /** Hides classes because the reader wants it; maps of the same legend follow. */
  #chooseClasses(layer: number, hidden: ReadonlySet<number>): void {
    this.#hideClasses(layer, hidden);
    this.#link?.classesHidden(layer, hidden);
  }

  #hideClasses(layer: number, hidden: ReadonlySet<number>): void {
    this.#explorer.hideClasses(layer, hidden);
    this.#filtered([layer]);
  }

  /** Follows a change of the map's own filters. */
  #filtered(layers: Iterable<number>): void {
    for (const layer of layers) this.#changed.add(layer);
    this.#filtersChanged = true;
    this.#update();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  hasClasses = (layer: number): boolean => this.#explorer.hasClasses(layer);
  isClassHidden = (layer: number, one: number): boolean => this.#explorer.hiddenClassesOf(layer).has(one);

  /** Updates the map and the widgets at once; after a second change in the same frame, in the next one. */
  #update(): void {
    if (this.#request === undefined && document.timeline.currentTime !== this.#frameMs) this.#updateNow();
    else this.#updateNextFrame();
  }

  #updateNextFrame(): void {
    this.#request ??= requestAnimationFrame(() => {
      this.#request = undefined;
      this.#updateNow();
    });
  }

  #updateNow(): void {
    this.#frameMs = document.timeline.currentTime;
    const live = this.#live;
    if (live && this.#changed.size > 0) {
      for (const layer of this.#changed) this.#server?.filterChanged(layer);
      this.#server?.update(viewportOfMap(live.map));
    }
    this.#show();
    for (const listener of this.#listeners) listener();
    if (this.#filtersChanged) this.#link?.filtered();
    this.#filtersChanged = false;
    if (!live || this.#changed.size === 0) return;
    // painting that started again with each move of a pointer would never end
    if (live.isBusy()) this.#updateNextFrame();
    else this.#redraw(live);
  }

  #redraw(live: Live): void {
    for (const layer of this.#changed) filterLayer(live.prepared, layer, this.#explorer.failedOf(layer));
    this.#changed.clear();
    live.detail.show(viewportOfMap(live.map));
    live.redraw();
    this.#selector?.refresh();
    this.#showSelected();
    this.#reporter.changed();
  }

  #show(): void {
    for (const [layer, note] of this.#notes) {
      const text = this.#noteText(layer);
      if (note.textContent !== text) note.textContent = text;
    }
    for (const [i, card] of this.#cards.entries()) card.show(viewOfWidget(this.#explorer, i));
    const chips = chipsOf(this.#explorer, {
      clearWidget: (widget) => this.#filter(widget, undefined),
      clearClasses: (layer) => this.#chooseClasses(layer, new Set()),
    });
    if (chips.length > 0) this.#fold.dataset.filters = String(chips.length);
    else delete this.#fold.dataset.filters;
    const count = chips.length === 1 ? "1 filter" : `${chips.length} filters`;
    this.#fold.setAttribute("aria-label", chips.length > 0 ? `Widgets, ${count}` : "Widgets");
    this.#chips.show(chips, () => {
      for (const layer of this.#explorer.layers)
        if (this.#explorer.hiddenClassesOf(layer).size > 0) this.#chooseClasses(layer, new Set());
      this.#explorer.clear();
      this.#filtered(this.#explorer.layers);
    });
  }
}

function noteOf(
  state: CountState | undefined,
  { note, isScaled }: { readonly note: string; readonly isScaled: boolean },
): string {
  const ofOverview = `The widgets count an ${note}.`;
  switch (state) {
    case "all":
      return "The widgets count all rows, on the server.";
    case "asking":
      return isScaled ? "Counting all rows… Until then, numbers are estimates." : ofOverview;
    case "slow":
      return `${ofOverview} Zoom in for exact numbers: the server has too many rows to count here.`;
    case "linked":
      return `${ofOverview} Filters of other views apply to it alone.`;
    case "unreachable":
      return `${ofOverview} The server with the full data cannot be reached.`;
    case "refused":
      return `${ofOverview} The server with the full data does not count it.`;
    case undefined:
      return ofOverview;
  }
}

/** Copies a text, also in a frame that may not use the clipboard by itself. */
function copyText(text: string): void {
  navigator.clipboard?.writeText(text).catch(() => copyBySelecting(text)) ?? copyBySelecting(text);
}

function copyBySelecting(text: string): void {
  const field = create("textarea", { class: "unseen" });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

function viewOf(map: L.Map): NonNullable<MapReport["view"]> {
  const bounds = map.getBounds();
  return {
    ...centerOf(viewportOfMap(map)),
    bounds: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()],
  };
}

/** Returns the moment that an animated map shows. */
function timeOf({ prepared }: Live): Pick<MapReport, "time"> {
  const { clock } = prepared.scene;
  return clock ? { time: frameStart(clock, prepared.now.frame) } : {};
}
