/** The legend that the maps of `facet` share. */
import type { FacetLegend } from "../../figure-layout";
import { create } from "../create";
import { LayerSwitch } from "../layer-switch";
import { legendSection, type Switches } from "../legend-section";
import type { Hub, View } from "./hub";

export function addFacetLegend(before: HTMLElement, legend: FacetLegend, hub: Hub): void {
  const { legends, layerNames, theme } = legend;
  const hiddenLayers = new Set<number>();
  const hiddenClasses = new Map<number, ReadonlySet<number>>();
  const layers = new LayerSwitch(hiddenLayers);
  const view: View = {
    isFacet: true,
    sources: [],
    receive(message) {
      if (message.kind === "layers") {
        hiddenLayers.clear();
        for (const [i, name] of layerNames.entries()) if (message.hidden.includes(name)) hiddenLayers.add(i);
      } else if (message.kind === "classes") hiddenClasses.set(message.layer, new Set(message.hidden));
      refresh();
    },
  };
  const classes: Switches["classes"] = {
    hasClasses: () => true,
    isClassHidden: (layer, one) => hiddenClasses.get(layer)?.has(one) === true,
    toggleClass(layer, one) {
      const hidden = new Set(hiddenClasses.get(layer));
      if (!hidden.delete(one)) hidden.add(one);
      hiddenClasses.set(layer, hidden);
      hub.take(view, { kind: "classes", layer, hidden: [...hidden] });
      refresh();
    },
  };
  const sections = legends.map((one) => legendSection(one, { layers, classes }));
  const refresh = () => {
    for (const section of sections) section.refresh();
  };
  layers.onChange(() => {
    const hidden = layerNames.filter((_, i) => hiddenLayers.has(i));
    hub.take(view, { kind: "layers", hidden });
    refresh();
  });
  hub.add(view);
  const attributes = { class: `legend shared ${theme}`, role: "group", "aria-label": "Legend" };
  before.before(create("div", attributes, ...sections.map(({ element }) => element)));
}
