import type { Explorer } from "../../../explore/explorer";
import { filterTexts } from "../../../explore/filter-texts";
import { create } from "../create";

/** A filter that is on, in words, which are user data. */
interface Chip {
  readonly title: string;
  readonly text: string;
  readonly remove: () => void;
}

interface ChipList {
  readonly element: HTMLElement;
  show(chips: readonly Chip[], clear: () => void): void;
}

/** A list of the filters that are on, each with a button that removes it, and one that removes all. */
export function chipList(): ChipList {
  const element = create("ul", { class: "chips", "aria-label": "Filters", hidden: "" });
  let shown = "";
  return {
    element,
    show(chips, clear) {
      const key = JSON.stringify(chips);
      if (key === shown) return; // keeps the focus
      shown = key;
      const had = element.contains(document.activeElement);
      const items = chips.map(({ title, text, remove }) => {
        const whole = title === "" ? text : `${title}: ${text}`;
        const button = create(
          "button",
          { type: "button", title: `Remove the filter ${whole}`, "aria-label": `Remove the filter ${whole}` },
          create("span", { dir: "auto" }, whole),
        );
        button.addEventListener("click", remove);
        return create("li", {}, button);
      });
      const all = create("button", { type: "button", class: "clear" }, "Clear all");
      all.addEventListener("click", clear);
      element.replaceChildren(...items, ...(chips.length > 1 ? [create("li", {}, all)] : []));
      element.hidden = chips.length === 0;
      if (!had) return;
      const fold = element.parentElement?.querySelector<HTMLElement>(".fold-panel"); // without a filter, the list is hidden
      (element.querySelector("button") ?? fold)?.focus();
    },
  };
}

interface Clearing {
  readonly clearWidget: (widget: number) => void;
  readonly clearClasses: (layer: number) => void;
}

/** The filters that are on, each with what removes it. */
export const chipsOf = (explorer: Explorer, { clearWidget, clearClasses }: Clearing): Chip[] =>
  filterTexts(explorer).map(({ title, text, of }) => ({
    title,
    text,
    remove: () => ("widget" in of ? clearWidget(of.widget) : clearClasses(of.layer)),
  }));
