/** A search box on the map: a combobox, as the ARIA Authoring Practices describe it, with a list of results. */
import L from "leaflet";
import { folded } from "../../../search/fold";
import type { SearchResult, SearchResults } from "../../../search/map-search";
import { create } from "../create";

/** Time for searching between two frames. */
const STEP_MS = 8;
/** A search that takes longer says so. */
const SLOW_MS = 300;
const LIST_ID = "search-results";
/** Free room below the list in CSS pixels. */
const EDGE_PX = 10;

export interface Searcher {
  /** Searches in steps. */
  find(query: string): Generator<void, SearchResults>;
  /** Says what kind of thing a result is; may be user data. */
  hintOf(result: SearchResult): string;
  /** Goes to a result. */
  choose(result: SearchResult): void;
  /** Removes what `choose` has marked. */
  leave(): void;
  /** Says what the search leaves out, now. */
  note(): string;
}

export class SearchBox {
  readonly element: HTMLElement;
  /** Opens the box on narrow maps. */
  readonly button: HTMLButtonElement;
  readonly #map: L.Map;
  readonly #searcher: Searcher;
  readonly #input: HTMLInputElement;
  readonly #list = create("ul", { id: LIST_ID, role: "listbox", "aria-label": "Results" });
  readonly #note = create("p");
  readonly #found: HTMLElement;
  readonly #clear = create(
    "button",
    { type: "button", class: "clear", "aria-label": "Clear the search", hidden: "" },
    "×",
  );
  readonly #status = create("div", { class: "spoken", role: "status" });
  #results: readonly SearchResult[] = [];
  #active = -1;
  /** Counts searches, so that one ends when the next begins. */
  #search = 0;

  constructor(map: L.Map, searcher: Searcher) {
    this.#map = map;
    this.#searcher = searcher;
    this.#input = create("input", {
      type: "text",
      role: "combobox",
      class: "query",
      placeholder: "Search",
      "aria-label": "Search the map",
      "aria-autocomplete": "list",
      "aria-controls": LIST_ID,
      "aria-expanded": "false",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "search",
      dir: "auto",
      title: "Search the map (/)",
    });
    this.#found = create("div", { class: "found", hidden: "" }, this.#list, this.#note);
    this.element = create(
      "div",
      { class: "search", role: "search" },
      this.#input,
      this.#clear,
      this.#found,
      this.#status,
    );
    const label = "Search the map (/)";
    this.button = create("button", {
      type: "button",
      class: "tool find",
      title: label,
      "aria-label": label,
      "aria-expanded": "false",
    });
    this.button.addEventListener("click", () => {
      if (this.element.classList.contains("open")) this.#fold();
      else this.open();
    });
    L.DomEvent.disableClickPropagation(this.element);
    L.DomEvent.disableScrollPropagation(this.element);
    this.#input.addEventListener("input", () => this.#run());
    this.#input.addEventListener("focus", () => this.#run());
    this.element.addEventListener("keydown", (event) => {
      event.stopPropagation(); // or "0" would show the first view
      this.#press(event);
    });
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.element.contains(relatedTarget))) this.#close();
    });
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus
    this.#list.addEventListener("click", ({ target }) => {
      const option = target instanceof Element ? target.closest("li") : null;
      const result = option && this.#results[[...this.#list.children].indexOf(option)];
      if (result) this.#choose(result);
    });
    this.#clear.addEventListener("click", () => this.#empty());
    map.getContainer().addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isEditable(event.target))
        return;
      event.preventDefault();
      this.open();
    });
  }

  /** Shows the box, which narrow maps hide, and moves the focus into it. */
  open(): void {
    this.element.classList.add("open");
    this.button.setAttribute("aria-expanded", "true");
    this.#input.focus();
    this.#input.select();
  }

  #fold(): void {
    this.#close();
    this.element.classList.remove("open");
    this.button.setAttribute("aria-expanded", "false");
  }

  #press(event: KeyboardEvent): void {
    if (event.isComposing) return; // of a Chinese or Japanese word
    const { key } = event;
    if (key === "Escape") {
      if (!this.#found.hidden) this.#close();
      else if (this.#input.value !== "") this.#empty();
      else {
        this.#fold();
        this.#map.getContainer().focus();
      }
    } else if (event.target !== this.#input) return;
    else if (key === "ArrowDown" || key === "ArrowUp") {
      if (this.#found.hidden) this.#run();
      else this.#activate(this.#active + (key === "ArrowDown" ? 1 : -1));
    } else if (key === "Enter") {
      const result = this.#results[Math.max(0, this.#active)];
      if (!this.#found.hidden && result) this.#choose(result);
    } else return;
    event.preventDefault();
  }

  /** Searches for what the input holds, in steps between frames. */
  #run(): void {
    const query = this.#input.value;
    this.#clear.hidden = query === "";
    const search = ++this.#search;
    if (folded(query).trim() === "") {
      if (query === "") this.#searcher.leave();
      this.#close();
      return;
    }
    const steps = this.#searcher.find(query);
    const startMs = performance.now();
    const go = () => {
      if (search !== this.#search) return;
      const untilMs = performance.now() + STEP_MS;
      let step = steps.next();
      while (!step.done && performance.now() < untilMs) step = steps.next();
      if (step.done) return this.#show(step.value);
      if (performance.now() - startMs > SLOW_MS) this.#say("Searching…");
      setTimeout(go);
    };
    this.element.ariaBusy = "true";
    go();
  }

  #show({ results, hasMore }: SearchResults): void {
    this.element.ariaBusy = null;
    this.#results = results;
    const options = results.map((result, i) =>
      create(
        "li",
        { id: `${LIST_ID}-${i}`, role: "option", "aria-selected": "false" },
        create("span", { dir: "auto" }, result.text),
        create("small", { dir: "auto" }, this.#searcher.hintOf(result)),
      ),
    );
    this.#list.replaceChildren(...options);
    this.#list.hidden = options.length === 0;
    const count = options.length === 1 ? "1 result" : `${options.length} results`;
    const said = options.length === 0 ? "Nothing found." : hasMore ? `The first ${count} of more` : count;
    const note = this.#searcher.note();
    this.#open();
    this.#setNote([...(options.length === 0 ? [said] : []), ...(note === "" ? [] : [note])].join(" "));
    this.#status.textContent = `${said} ${note}`.trim();
    this.#activate(-1);
  }

  #say(text: string): void {
    this.#list.hidden = true;
    this.#open();
    this.#setNote(text);
    this.#status.textContent = text;
  }

  #setNote(text: string): void {
    this.#note.textContent = text;
    this.#note.hidden = text === "";
  }

  #open(): void {
    this.#found.hidden = false;
    this.#input.setAttribute("aria-expanded", String(!this.#list.hidden));
    const bottom = this.#map.getContainer().getBoundingClientRect().bottom;
    const room = bottom - this.#found.getBoundingClientRect().top - EDGE_PX;
    this.#found.style.maxHeight = `${Math.max(0, room)}px`;
  }

  #close(): void {
    this.#search++;
    this.element.ariaBusy = null;
    this.#found.hidden = true;
    this.#status.textContent = "";
    this.#input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }

  #empty(): void {
    this.#input.value = "";
    this.#run();
    this.#input.focus();
  }

  /** Marks a result, the first one after the last. */
  #activate(index: number): void {
    const options = [...this.#list.children];
    this.#active = options.length === 0 || index === -1 ? -1 : (index + options.length) % options.length;
    if (index < -1) this.#active = options.length - 1;
    for (const [i, option] of options.entries())
      option.setAttribute("aria-selected", String(i === this.#active));
    const active = options[this.#active];
    if (!active) {
      this.#input.removeAttribute("aria-activedescendant");
      return;
    }
    this.#input.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
  }

  #choose(result: SearchResult): void {
    this.#input.value = result.text;
    this.#clear.hidden = false;
    this.#fold();
    this.#searcher.choose(result);
    this.#status.textContent = `${result.text}: ${this.#searcher.hintOf(result)}`;
  }
}

const isEditable = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest("input:not([type=checkbox], [type=range]), textarea, select") !== null;
