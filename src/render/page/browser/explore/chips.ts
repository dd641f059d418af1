import type { Explorer } from "../../../explore/explorer";
import { classItems } from "../../../explore/filters";
import { viewOfWidget } from "../../../explore/views";
import { create } from "../controls";

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

/** Names the filters that are on: those of widgets, and the classes of the legend that are hidden. */
export function chipsOf(explorer: Explorer, { clearWidget, clearClasses }: Clearing): Chip[] {
  const ofWidgets = explorer.widgets.flatMap((_, i): Chip[] => {
    const view = explorer.filterOf(i) && viewOfWidget(explorer, i);
    const remove = () => clearWidget(i);
    if (view?.kind === "bars") return [{ title: view.title, text: `${view.from} – ${view.to}`, remove }];
    if (view?.kind !== "list") return [];
    const chosen = view.items.filter(({ isSelected }) => isSelected);
    return [{ title: view.title, text: chosen.map(({ text }) => text).join(", "), remove }];
  });
  const ofClasses = explorer.layers.flatMap((layer): Chip[] => {
    const hidden = explorer.hiddenClassesOf(layer);
    if (hidden.size === 0) return [];
    const items = classItems(explorer, layer).filter(({ one }) => hidden.has(one));
    const text = `not ${items.map(({ label }) => label).join(", ")}`;
    return [{ title: items[0]?.title ?? "", text, remove: () => clearClasses(layer) }];
  });
  return [...ofWidgets, ...ofClasses];
}
