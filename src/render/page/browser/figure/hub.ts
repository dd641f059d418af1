/** Passes messages between the views of a figure. */
import { anyOf, type FigureMessage, type SharedView } from "../../figure-messages";

/** A map or chart of a figure. */
export interface View {
  /** Maps with the same one share their view; absent for charts. */
  readonly projection?: string;
  readonly isFacet: boolean;
  readonly sources: readonly number[];
  receive(message: FigureMessage): void;
}

export class Hub {
  readonly #views: View[] = [];
  /** What each map would show at first. */
  readonly #first = new Map<View, SharedView>();
  /** Rows that fail the filters of each view, by source. */
  readonly #failed = new Map<number, Map<View, Uint8Array>>();

  add(view: View): void {
    this.#views.push(view);
    this.#tellFilters(view);
  }

  /** Takes a message of a view, and tells the others. */
  take(from: View, message: FigureMessage): void {
    switch (message.kind) {
      case "first-view":
        this.#fitted(from, message.view);
        break;
      case "view":
      case "hover":
        for (const view of this.#mapsLike(from)) if (view !== from) view.receive(message);
        break;
      case "classes":
      case "layers":
        if (from.isFacet)
          for (const view of this.#views) if (view.isFacet && view !== from) view.receive(message);
        break;
      case "filter":
        this.#filtered(from, message.source, message.failed);
        break;
    }
  }

  #mapsLike = (view: View): View[] =>
    this.#views.filter(({ projection }) => projection !== undefined && projection === view.projection);

  /** Shows all maps of a projection as the one that shows most, once each of them is there. */
  #fitted(from: View, view: SharedView): void {
    if (!this.#first.has(from)) this.#tellFilters(from);
    this.#first.set(from, view);
    const maps = this.#mapsLike(from);
    const views = maps.map((map) => this.#first.get(map));
    if (maps.length < 2 || views.includes(undefined)) return;
    const widest = views.reduce((a, b) => (b && a && b.zoom < a.zoom ? b : a));
    if (widest) for (const map of maps) map.receive({ kind: "first-view", view: widest });
  }

  #filtered(from: View, source: number, failed: Uint8Array | null): void {
    const ofSource = this.#failed.get(source) ?? new Map<View, Uint8Array>();
    this.#failed.set(source, ofSource);
    if (failed) ofSource.set(from, failed);
    else ofSource.delete(from);
    for (const view of this.#views) if (view !== from) this.#tellFilter(view, source);
  }

  #tellFilters(view: View): void {
    for (const source of this.#failed.keys()) this.#tellFilter(view, source);
  }

  #tellFilter(view: View, source: number): void {
    if (!view.sources.includes(source)) return;
    const others = [...(this.#failed.get(source) ?? [])].filter(([other]) => other !== view);
    view.receive({ kind: "filter", source, failed: anyOf(others.map(([, failed]) => failed)) ?? null });
  }
}
