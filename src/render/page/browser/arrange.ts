import type L from "leaflet";
import { isFolded, isNarrow, isSmall, legendInsets, legendLeft, MARGIN_PX, titleRoom } from "../../layout";
import type { LegendCorner, Scene } from "../../scene";

interface Arranged {
  readonly corner: LegendCorner;
  readonly title?: HTMLElement | undefined;
  readonly legend?: HTMLElement | undefined;
}

/** Puts the legend into its corner, and adapts title, legend and controls to the size of the map. */
export function arrange(map: L.Map, scene: Scene, { corner, title, legend }: Arranged): void {
  const container = map.getContainer();
  const [vertical, horizontal] = corner.split("-") as ["top" | "bottom", "left" | "right"];
  if (legend) container.append(legend);
  const adapt = () => {
    const { x: widthPx, y: heightPx } = map.getSize();
    const sized = { ...scene, widthPx, heightPx };
    container.classList.toggle("narrow", isNarrow(sized));
    container.classList.toggle("small", isSmall(sized));
    container.classList.toggle("folded", isFolded(sized));
    if (title) title.style.maxWidth = `${titleRoom(sized, corner)}px`;
    if (!legend) return;
    const insets = legendInsets(sized, corner, "page");
    legend.style[horizontal] = `${horizontal === "left" ? legendLeft(sized, corner) : MARGIN_PX}px`;
    legend.style[vertical] = `${insets[vertical]}px`;
    legend.style.maxHeight = `${Math.max(0, heightPx - insets.top - insets.bottom)}px`;
  };
  map.on("resize", adapt);
  adapt();
}
