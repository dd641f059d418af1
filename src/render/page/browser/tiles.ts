import L from "leaflet";
import type { Basemap } from "../../scene";

/** The deepest zoom CARTO's basemaps have; deeper ones are enlarged. */
const MAX_TILE_ZOOM = 20;
/** So many failures, and not one tile: there is no network. */
const FAILURES = 4;

/**
 * Raster tiles, and labels above the data. Without a network they are taken off the map, so that nothing more is
 * requested, until the browser says that it is online again.
 */
export function addTiles(map: L.Map, tiles: NonNullable<Basemap["tiles"]>): void {
  const options = { subdomains: tiles.subdomains, maxZoom: map.getMaxZoom(), minZoom: map.getMinZoom() };
  const layers = [
    L.tileLayer(tiles.urlTemplate, {
      ...options,
      pane: "tiles",
      maxNativeZoom: MAX_TILE_ZOOM,
      minNativeZoom: 0,
    }),
  ];
  if (tiles.labelsUrlTemplate) {
    layers.push(
      L.tileLayer(tiles.labelsUrlTemplate, {
        ...options,
        pane: "labels",
        maxNativeZoom: MAX_TILE_ZOOM,
        minNativeZoom: 0,
      }),
    );
  }
  let failures = 0;
  const giveUp = () => {
    for (const layer of layers) layer.remove();
    window.addEventListener("online", add, { once: true });
  };
  const add = () => {
    failures = 0;
    for (const layer of layers) layer.addTo(map);
  };
  for (const layer of layers) {
    layer.on("tileload", () => {
      failures = Number.NEGATIVE_INFINITY;
    });
    layer.on("tileerror", () => {
      failures++;
      if (failures === FAILURES) giveUp();
    });
  }
  if (navigator.onLine) add();
  else giveUp();
}
