import L from "leaflet";
import { type Basemap, MAX_TILE_ZOOM } from "../../scene";

type Tiles = NonNullable<Basemap["tiles"]>;

/**
 * Adds raster tiles, and label tiles above the data, once the tile in the middle of the view has loaded. Until then, each
 * move requests a single tile, so that a map that is offline does not fill the console with errors. Calls `onShown` when tiles
 * cover the outlines.
 */
export function addTiles(map: L.Map, tiles: Tiles, onShown: () => void): void {
  const { urlTemplate, labelsUrlTemplate, subdomains, maxZoom = MAX_TILE_ZOOM } = tiles;
  const options = {
    subdomains,
    minZoom: map.getMinZoom(),
    maxZoom: map.getMaxZoom(),
    minNativeZoom: 0,
    maxNativeZoom: maxZoom,
  };
  const layers = [L.tileLayer(urlTemplate, { ...options, pane: "tiles" })];
  if (labelsUrlTemplate) layers.push(L.tileLayer(labelsUrlTemplate, { ...options, pane: "labels" }));

  let asked = "";
  const ask = () => {
    const url = middleTile(map, tiles);
    if (!navigator.onLine || url === asked) return;
    asked = url;
    const image = new Image();
    image.onload = () => {
      map.off("moveend", ask);
      for (const layer of layers) layer.addTo(map); // adding a layer twice does nothing
      onShown();
    };
    image.onerror = () => {
      asked = "";
    };
    image.src = url;
  };
  map.on("moveend", ask);
  window.addEventListener("online", ask);
  ask();
}

/** Returns the URL of the tile in the middle of the view, which Leaflet will request, too. */
function middleTile(map: L.Map, { urlTemplate, subdomains, maxZoom = MAX_TILE_ZOOM }: Tiles): string {
  const z = Math.max(0, Math.min(maxZoom, Math.round(map.getZoom())));
  const side = 2 ** z;
  const middle = map.project(map.getCenter(), z).divideBy(256).floor();
  const x = ((middle.x % side) + side) % side;
  const y = Math.max(0, Math.min(side - 1, middle.y));
  return L.Util.template(urlTemplate, {
    x,
    y,
    z,
    "-y": side - 1 - y,
    s: subdomains[(x + y) % subdomains.length] ?? "",
    r: L.Browser.retina ? "@2x" : "",
  });
}
