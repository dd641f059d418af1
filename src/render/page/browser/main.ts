import leafletCss from "leaflet/dist/leaflet.css";
import { decodeBasemap } from "../../basemap-data";
import { LABEL_FONT, paint, paintBasemap, paintLayers, prepare, warm } from "../../painter";
import { decodeScene } from "../codec";
import { attributionControl } from "./attribution";
import type { Unpack } from "./boot";
import { CanvasLayer } from "./canvas-layer";
import { fullscreenControl, scaleControl, titleControl } from "./controls";
import { addInfo } from "./info";
import { legendControl, type Switch } from "./legend";
import { createMap, whenSized } from "./map";
import { noteControl } from "./notes";
import pageCss from "./page.css";
import { addTiles } from "./tiles";
import { wheelOnRequest } from "./wheel";

window.showMap = async (unpack: Unpack) => {
  const element = document.getElementById("map")!;
  const [sceneBytes, basemapBytes] = await Promise.all([unpack("scene"), unpack("basemap")]);
  const { scene, notes } = decodeScene(sceneBytes);
  if (scene.layers.some(({ label }) => label)) await loadFont(await unpack("font"));
  const shapes = basemapBytes.length > 0 ? decodeBasemap(basemapBytes) : undefined;
  const prepared = prepare(scene, { createCanvas, shapes });
  await whenSized(element);

  const style = document.createElement("style");
  style.textContent = leafletCss + pageCss;
  document.head.append(style);
  element.classList.add(scene.basemap.theme);

  const map = createMap(element, scene);
  const { tiles } = scene.basemap;
  let data: CanvasLayer;
  if (tiles) {
    // Three sheets: our outlines, where the network has them the tiles that hide them, the data.
    new CanvasLayer("base", (context, viewport) => paintBasemap(context, prepared, viewport)).addTo(map);
    addTiles(map, tiles);
    data = new CanvasLayer("data", (context, viewport) => {
      context.clearRect(0, 0, context.canvas.width, context.canvas.height);
      paintLayers(context, prepared, viewport);
    }).addTo(map);
  } else {
    data = new CanvasLayer("data", (context, viewport) => paint(context, prepared, viewport)).addTo(map);
  }
  attributionControl(tiles?.attribution ?? (shapes && "Natural Earth")).addTo(map);
  fullscreenControl()?.addTo(map);
  if (scene.title) titleControl(scene.title).addTo(map);
  scaleControl().addTo(map);
  const { hidden } = prepared;
  const layers: Switch = {
    hidden,
    toggle: (layer) => {
      if (!hidden.delete(layer)) hidden.add(layer);
      data.redraw();
    },
  };
  if (scene.legends.length > 0) legendControl(scene.legends, layers).addTo(map);
  addInfo(map, prepared);
  if (notes.length > 0) noteControl(notes).addTo(map);
  if (window.parent !== window) wheelOnRequest(map);
  setTimeout(() => warm(prepared));
};

function createCanvas(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Labels have the letters, and so the places, of the picture. */
async function loadFont(bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const font = new FontFace(LABEL_FONT, bytes.slice().buffer);
  document.fonts.add(await font.load());
}
