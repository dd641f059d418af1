/** Names the filters of a map in words, for the page and the image. */
import type { Explorer } from "./explorer";
import { classItems } from "./filters";
import { spanText, viewOfWidget } from "./views";

/** A filter that is on, in words, which are user data. */
export interface FilterText {
  /** Heading of the widget or legend; may be empty. */
  readonly title: string;
  readonly text: string;
  /** Position of the widget, or of the layer whose classes are hidden. */
  readonly of: { readonly widget: number } | { readonly layer: number };
}

/** Names the filters that are on: those of widgets, and the classes of the legend that are hidden. */
export function filterTexts(explorer: Explorer): FilterText[] {
  const ofWidgets = explorer.widgets.flatMap((_, widget): FilterText[] => {
    const view = explorer.filterOf(widget) && viewOfWidget(explorer, widget);
    if (view?.kind === "bars")
      return [{ title: view.title, text: spanText(view.from, view.to), of: { widget } }];
    if (view?.kind !== "list") return [];
    const chosen = view.items.filter(({ isSelected }) => isSelected);
    return [
      { title: view.title, text: chosen.map(({ text }) => text || "(empty)").join(", "), of: { widget } },
    ];
  });
  const ofClasses = explorer.layers.flatMap((layer): FilterText[] => {
    const hidden = explorer.hiddenClassesOf(layer);
    if (hidden.size === 0) return [];
    const items = classItems(explorer, layer).filter(({ one }) => hidden.has(one));
    const text = `not ${items.map(({ label }) => label).join(", ")}`;
    return [{ title: items[0]?.title ?? "", text, of: { layer } }];
  });
  return [...ofWidgets, ...ofClasses];
}
