/** The card with the legends of a map. */
import L from "leaflet";
import type { Legend } from "../../scene";
import { create } from "./create";
import type { LayerSwitch } from "./layer-switch";
import { type ClassSwitch, legendSection } from "./legend-section";

interface LegendCard {
  readonly element: HTMLElement;
  /** Shows other legends, as many as before. */
  show(legends: readonly Legend[]): void;
}

/**
 * Explains the colours and sizes of the layers. Titles and labels are user data and are inserted as text only. Clicking
 * a title, or the only item of a legend without a title, hides or shows its layer; with `classes`, clicking an item hides or
 * shows its rows. On small maps the card starts folded.
 */
export function legendCard(
  legends: readonly Legend[],
  layerSwitch: LayerSwitch,
  classes?: ClassSwitch,
): LegendCard {
  const switches = { layers: layerSwitch, classes };
  const fold = create("button", { type: "button", class: "fold", "aria-expanded": "false" }, "Legend");
  let sections = legends.map((legend) => legendSection(legend, switches));
  const card = create(
    "div",
    { class: "legend leaflet-control", role: "group", "aria-label": "Legend" },
    fold,
    ...sections.map(({ element }) => element),
  );
  L.DomEvent.disableClickPropagation(card);
  L.DomEvent.disableScrollPropagation(card);
  fold.addEventListener("click", () => {
    fold.setAttribute("aria-expanded", String(card.classList.toggle("open")));
  });
  const refreshAll = () => {
    for (const { refresh } of sections) refresh();
  };
  layerSwitch.onChange(refreshAll);
  classes?.onChange(refreshAll);
  return {
    element: card,
    show(changed) {
      const buttons = () => [...card.querySelectorAll("button")];
      const focused = buttons().indexOf(document.activeElement as HTMLButtonElement);
      const before = sections;
      sections = changed.map((legend) => legendSection(legend, switches));
      for (const [i, { element }] of before.entries()) element.replaceWith(sections[i]?.element ?? "");
      if (focused >= 0) buttons()[focused]?.focus();
    },
  };
}
