import L from "leaflet";
import type { Hit } from "../../painter";
import type { Card, SceneLayer } from "../../scene";
import { abovePlace, cardContent, EDGE_PX, moveTo, sizeOf } from "./card";
import { create } from "./create";

/** Distance of the popup from the clicked position in CSS pixels. */
const AWAY_PX = 10;

/** Features to page through, topmost first. */
interface Pages {
  readonly hits: readonly Hit[];
  readonly cardOf: (layer: SceneLayer) => Card | undefined;
  /** True if there are more features than `hits`. */
  readonly hasMore: boolean;
  /** Returns where the popup points to for a feature. */
  readonly at: (hit: Hit) => L.LatLng;
}

/**
 * A card about the features at a position of the map, with buttons to page through them. It lies above all controls,
 * follows the map, and is moved to stay inside it. Esc and a click elsewhere close it, see `addInfo`.
 */
export class Popup {
  readonly #map: L.Map;
  readonly #changed: () => void;
  readonly #count = create("span", { class: "count", role: "status" });
  readonly #pager: HTMLElement;
  readonly #body = create("div", { class: "body" });
  readonly #element: HTMLElement;
  #pages: Pages | undefined;
  #page = 0;
  /** The element that had the focus before the popup took it. */
  #before: HTMLElement | undefined;
  /** It had the focus when it was hidden. */
  #hadFocus = false;

  /** Calls `changed` when the popup shows another feature, or none. */
  constructor(map: L.Map, changed: () => void) {
    this.#map = map;
    this.#changed = changed;
    const button = (name: string, text: string, label: string) =>
      create("button", { type: "button", class: name, "aria-label": label, title: label }, text);
    const [previous, next] = [
      button("previous", "‹", "Previous feature"),
      button("next", "›", "Next feature"),
    ];
    const close = button("close", "×", "Close");
    this.#pager = create("div", { class: "pager" }, previous, this.#count, next);
    this.#element = create(
      "div",
      { class: "popup", role: "dialog", "aria-label": "Details", tabindex: "-1" },
      this.#pager,
      close,
      this.#body,
    );
    previous.addEventListener("click", () => this.#turn(-1));
    next.addEventListener("click", () => this.#turn(1));
    close.addEventListener("click", () => this.close());
    this.#element.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#turn(-1);
      if (key === "ArrowRight") this.#turn(1);
    });
    L.DomEvent.disableClickPropagation(this.#element);
    L.DomEvent.disableScrollPropagation(this.#element);
    map.on("move resize zoomend", () => this.#place());
    map.on("zoomstart", () => this.#show(false)); // Leaflet animates the map's panes, which do not contain the popup
  }

  /** The feature that the popup is about; undefined if it is closed. */
  get shown(): Hit | undefined {
    return this.#pages?.hits[this.#page];
  }

  open(pages: Pages): void {
    this.#pages = pages;
    this.#page = 0;
    this.#map.getContainer().append(this.#element);
    this.#fill();
  }

  /** Moves the focus into the popup, and back when it is closed. */
  focus(): void {
    if (document.activeElement instanceof HTMLElement) this.#before = document.activeElement;
    this.#element.focus();
  }

  /** Keeps the features for which `isKept` is true; closes the popup if there are none. */
  keep(isKept: (hit: Hit) => boolean): void {
    if (!this.#pages) return;
    const { shown } = this;
    const hits = this.#pages.hits.filter(isKept);
    if (hits.length === this.#pages.hits.length) return;
    if (hits.length === 0) {
      this.close();
      return;
    }
    this.#pages = { ...this.#pages, hits };
    this.#page = Math.max(0, shown ? hits.indexOf(shown) : 0);
    this.#fill();
  }

  close(): void {
    if (!this.#pages) return;
    this.#pages = undefined;
    const hadFocus = this.#element.contains(document.activeElement);
    this.#element.remove();
    if (hadFocus) (this.#before ?? this.#map.getContainer()).focus();
    this.#before = undefined;
    this.#changed();
  }

  #turn(by: 1 | -1): void {
    const count = this.#pages?.hits.length ?? 0;
    if (count < 2) return;
    this.#page = (this.#page + by + count) % count;
    this.#fill();
  }

  #fill(): void {
    const { shown } = this;
    const card = shown && this.#pages?.cardOf(shown.of);
    if (!this.#pages || !shown || !card) return;
    const { hits, hasMore } = this.#pages;
    const layers = new Set(hits.map(({ layer }) => layer));
    const name = layers.size > 1 && shown.of.name ? ` · ${shown.of.name}` : "";
    this.#pager.hidden = hits.length < 2;
    this.#count.textContent = `${this.#page + 1} of ${hits.length}${hasMore ? "+" : ""}${name}`;
    this.#body.replaceChildren(...cardContent(shown, card));
    this.#body.scrollTop = 0;
    this.#place();
    this.#changed();
  }

  /** Keeps the popup at its position on the map; hides it while that is outside the view. */
  #place(): void {
    const { shown } = this;
    if (!this.#pages || !shown) return;
    const { x: width, y: height } = this.#map.getSize();
    const at = this.#map.latLngToContainerPoint(this.#pages.at(shown));
    this.#show(at.x >= 0 && at.y >= 0 && at.x <= width && at.y <= height);
    this.#element.style.maxHeight = `${height - 2 * EDGE_PX}px`;
    // a body that scrolls must be reachable by keyboard
    this.#body.tabIndex = this.#body.scrollHeight > this.#body.clientHeight ? 0 : -1;
    moveTo(this.#element, abovePlace(at, sizeOf(this.#element), { width, height }, AWAY_PX));
  }

  /** Shows or hides the popup. Browsers take the focus from what is hidden. */
  #show(isShown: boolean): void {
    const { activeElement } = document;
    if (!isShown) this.#hadFocus ||= this.#element.contains(activeElement);
    this.#element.style.visibility = isShown ? "visible" : "hidden";
    if (!isShown) return;
    if (this.#hadFocus && (activeElement === null || activeElement === document.body)) this.#element.focus();
    this.#hadFocus = false;
  }
}
