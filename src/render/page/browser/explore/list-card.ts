import { type ListItem, moreText, type WidgetView } from "../../../explore/views";
import { create } from "../create";
import { type Card, cardOf } from "./widget-card";

/**
 * Lists categories with their numbers of rows. A click filters by one of them and a click on it again removes the filter; with
 * Ctrl, ⌘ or Shift, and with a finger, clicks add to those that are chosen or take from them. Texts are user data.
 */
export class ListCard implements Card {
  readonly element: HTMLElement;
  readonly #heading: HTMLElement;
  readonly #list = create("ul");
  readonly #more = create("p", { class: "more" });
  /** Rows by step, which are reused, so that the focus stays. */
  readonly #rows = new Map<number, Row>();
  readonly #choose: (steps: ReadonlySet<number>) => void;
  #chosen: ReadonlySet<number> = new Set();

  constructor(choose: (steps: ReadonlySet<number>) => void) {
    const { element, heading } = cardOf("list");
    element.append(this.#list, this.#more);
    this.element = element;
    this.#heading = heading;
    this.#choose = choose;
  }

  show(view: WidgetView): void {
    if (view.kind !== "list") return;
    const { title, items, isFiltered, more } = view;
    this.#heading.textContent = title;
    this.#list.setAttribute("aria-label", title);
    this.#chosen = new Set(items.flatMap(({ step, isSelected }) => (isSelected ? [step] : [])));
    const rows = items.map((item) => {
      const row = this.#rowOf(item);
      row.show(item, isFiltered);
      return row.element;
    });
    const isSame =
      rows.length === this.#list.childElementCount && rows.every((row, i) => this.#list.children[i] === row);
    if (!isSame) {
      const focused = document.activeElement;
      this.#list.replaceChildren(...rows);
      if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus();
    }
    this.#more.textContent = items.length === 0 ? "no values" : moreText(more);
  }

  #rowOf({ step, text }: ListItem): Row {
    let row = this.#rows.get(step);
    if (!row) {
      row = new Row(text, (isMore) => this.#toggle(step, isMore));
      this.#rows.set(step, row);
    }
    return row;
  }

  #toggle(step: number, isMore: boolean): void {
    const chosen = new Set(this.#chosen);
    const wasChosen = chosen.has(step);
    const isOnly = wasChosen && chosen.size === 1;
    if (!isMore) chosen.clear();
    if (isMore && wasChosen) chosen.delete(step);
    else if (!isOnly) chosen.add(step);
    this.#choose(chosen);
  }
}

class Row {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #count = create("span", { class: "count" });
  readonly #bar = create("i");

  constructor(text: string, toggle: (isMore: boolean) => void) {
    const name = create("span", { class: "name", dir: "auto", title: text }, text);
    this.#button = create("button", { type: "button" }, name, this.#count, create("b", {}, this.#bar));
    this.element = create("li", {}, this.#button);
    this.#button.addEventListener("click", (event) => {
      const { ctrlKey, metaKey, shiftKey, pointerType } = event as PointerEvent;
      toggle(ctrlKey || metaKey || shiftKey || pointerType === "touch");
    });
  }

  show({ count, share, isSelected }: ListItem, isFiltered: boolean): void {
    this.#count.textContent = count.toLocaleString("en-US");
    this.#bar.style.width = `${100 * share}%`;
    this.#button.setAttribute("aria-pressed", String(isSelected));
    this.element.classList.toggle("off", isFiltered && !isSelected);
  }
}
