import L from "leaflet";
import leafletCss from "leaflet/dist/leaflet.css";
import { worldPxOf } from "../../../geometry/mercator";
import { decodeBasemap } from "../../basemap-data";
import { frameAt } from "../../clock";
import { vectorCredit } from "../../furniture";
import { decodeNames } from "../../names-data";
import {
  LABEL_FONT,
  legendsAt,
  type PreparedScene,
  type PrepareOptions,
  paint,
  paintBasemap,
  paintLayers,
  prepare,
  warm,
} from "../../painter";
import { clearanceOf, legendCornerOf } from "../../projection";
import type { Scene } from "../../scene";
import { changeScene, type SceneChange } from "../../scene-change";
import { decodeScene, type PageScene } from "../codec";
import { describeScene } from "../describe";
import { arrange } from "./arrange";
import type { Unpack } from "./boot";
import { CanvasLayer, type Paint, viewportOfMap } from "./canvas-layer";
import {
  addAttribution,
  addHomeButton,
  controlAt,
  fullscreenControl,
  scaleControl,
  titleOf,
} from "./controls";
import { create } from "./create";
import { type DetailListener, DetailTiles } from "./detail-tiles";
import { shareGestures } from "./in-page";
import { layersControl } from "./layer-list";
import { LayerSwitch } from "./layer-switch";
import { legendCard } from "./legend";
import legendCss from "./legend.css";
import type { ClassSwitch } from "./legend-section";
import { createMap, type LiveMap, whenSized } from "./map";
import { notesOf } from "./notes";
import pageCss from "./page.css";
import { addTiles } from "./raster-tiles";
import { addTimeControl, timeControl } from "./time-control";
import type { ToolsMap } from "./tools/tools";
import { addInfo, type Info } from "./tooltips";

/** While the map is dragged, tiles are requested at this interval. */
const DETAIL_EVERY_MS = 200;
/** Delay of background work after a zoom, so that the frames of the gesture come first. */
const WARM_AFTER_MS = 100;

/** While a filter is moved, nothing else on the page moves: a frame may take longer, and shows the rows that pass sooner. */
const FILTER_BUDGET_MS = 40;

/** What widgets, their filters and the other views of a figure change of a map. */
export interface Live extends Omit<LiveMap, "showFirstView">, Pick<Info, "hoverAt"> {
  readonly prepared: PreparedScene;
  readonly detail: DetailTiles;
  /** Repaints the data after a filter has changed. */
  redraw(): void;
  /** True until the data are painted. */
  isBusy(): boolean;
  /** Names of the hidden layers. */
  hidden(): string[];
  /** Hides the layers with these names, and no others. */
  hide(names: readonly string[]): void;
  /** Shows a moment of an animated map. */
  showTime(time: number): void;
}

/** The widgets of a map. */
export interface Exploring extends ClassSwitch {
  /** Connects the widgets with the map. */
  connect(live: Live): void;
  /** Keeps the state of the map after layers have been hidden or shown, and after its time has been set. */
  changed(): void;
}

/** Parts of the program that not every page needs. */
export interface Parts {
  /** Makes the painters of layers whose points are drawn together. */
  readonly together?: PrepareOptions["together"];
  /** Puts the widgets beside the element of the map; `links` has the rows that it shares with the other views of its figure. */
  readonly explore?: (pageScene: PageScene, element: HTMLElement, links: Uint8Array) => Exploring | undefined;
  /** Adds the controls that the map asks for. */
  readonly tools?: (map: ToolsMap) => void;
}

/** Builds the map from the blocks of the page. */
export async function showMap(
  unpack: Unpack,
  { together, explore, tools: addTools }: Parts = {},
): Promise<void> {
  const element = document.getElementById("map");
  if (!element) throw new Error("the page has no element #map");
  const [sceneBytes, basemapBytes, nameBytes, linkBytes, changeBytes] = await Promise.all([
    unpack("scene"),
    unpack("basemap"),
    unpack("names"),
    unpack("links"),
    unpack("change"),
  ]);
  const pageScene = decodeScene(sceneBytes);
  const inFigure =
    changeBytes.length > 0 ? changeScene(pageScene.scene, changeIn(changeBytes)) : pageScene.scene;
  // the same corner at any size
  const scene = { ...inFigure, legendCorner: legendCornerOf(inFigure) };
  const isLabelled = scene.layers.some(({ label }) => label);
  if (isLabelled) await loadFont(await unpack("font"));
  const shapes = basemapBytes.length > 0 ? decodeBasemap(basemapBytes) : undefined;
  const names = nameBytes.length > 0 ? decodeNames(nameBytes) : [];
  const detail = new DetailTiles(pageScene);
  const prepared = prepare(scene, { createCanvas, shapes, names, tiles: detail.sources, together });
  prepared.now.hidesNames = !isLabelled; // their font and their places would delay the first frame
  await whenSized(element);

  const style = document.createElement("style");
  style.textContent = leafletCss + pageCss + legendCss;
  document.head.append(style);
  element.classList.add(scene.basemap.theme);

  const exploring = explore?.({ ...pageScene, scene }, element, linkBytes);
  const { showFirstView, ...liveMap } = createMap(element, scene);
  const { map } = liveMap;
  const sheets: CanvasLayer[] = [];
  let ground: CanvasLayer | undefined;
  const redrawAll = (budgetMs?: number) => {
    for (const sheet of sheets) sheet.redraw(budgetMs);
    if (prepared.names) ground?.redraw();
  };
  keepLabelsClear(map, prepared, () => redrawAll());
  keepNamesClear(map, prepared);
  const { tiles } = scene.basemap;
  const { clock } = scene;
  const addSheet = (pane: string, paint: Paint) => {
    const sheet = new CanvasLayer(pane, paint).addTo(map);
    sheets.push(sheet);
    return sheet;
  };
  if (tiles || clock) {
    // vector outlines, the raster tiles that cover them when online, and the data
    ground = new CanvasLayer("base", (context, viewport) => paintBasemap(context, prepared, viewport));
    ground.addTo(map);
    for (const range of sheetsOf(scene))
      addSheet("data", (context, viewport) => {
        context.clearRect(0, 0, context.canvas.width, context.canvas.height);
        paintLayers(context, prepared, viewport, range);
      });
  } else {
    addSheet("data", (context, viewport) => paint(context, prepared, viewport));
  }
  const credit = addAttribution(map, vectorCredit(scene));
  let shown = names;
  const redrawNames = () => {
    if (scene.basemap.names?.placement === "back" && ground) ground.redraw();
    else sheets.at(-1)?.redraw();
  };
  if (tiles)
    addTiles(map, tiles, () => {
      credit(tiles.attribution);
      shown = [];
      prepared.now.hidesNames = true;
      if (names.length > 0) redrawNames();
      map.fire("move"); // updates what stands beside the scale bar
    });
  if (names.length > 0 && !isLabelled)
    afterFrame(element, async () => {
      await loadFont(await unpack("font"));
      prepared.now.hidesNames = shown.length === 0;
      redrawNames();
    });
  const layerSwitch = new LayerSwitch(prepared.hidden);
  layerSwitch.onChange(() => {
    redrawAll();
    time?.refresh();
    info.refresh();
    exploring?.changed();
  });
  addHomeButton(map, showFirstView);
  fullscreenControl()?.addTo(map);
  layersControl(scene.layers, layerSwitch)?.addTo(map);
  describe(element, scene);
  const title = scene.title ? titleOf(scene.title) : undefined;
  if (title) controlAt("topleft", () => title).addTo(map);
  scaleControl(scene, () => shown).addTo(map);
  const info = addInfo(map, prepared);
  const moving = sheets.filter((_, i) => sheetsOf(scene)[i]?.isTimed);
  const time =
    clock &&
    timeControl(prepared, clock, {
      redraw: () => {
        for (const sheet of moving) sheet.redraw();
        info.refresh();
      },
      isBusy: () => moving.some((sheet) => sheet.isBusy),
      stopped: () => exploring?.changed(),
    });
  const corner = scene.legendCorner;
  const legend = scene.legends.length > 0 ? legendCard(scene.legends, layerSwitch, exploring) : undefined;
  arrange(map, scene, { corner, title, legend: legend?.element });
  if (legend) keepLegendTrue(map, prepared, legend);
  if (time) addTimeControl(map, time.element);
  const notes = notesOf(map, pageScene, corner === "bottom-left" ? "bottomright" : "bottomleft");
  notes.control.addTo(map);
  if (detail.sources.size > 0)
    addDetail(map, detail, {
      changed: () => {
        for (const sheet of sheets) sheet.redraw();
      },
      stateChanged: (state) => {
        notes.detailState = state;
        notes.refresh();
      },
    });
  const showTime = (moment: number) => clock && time?.showFrame(frameAt(clock, moment));
  addTools?.({ map, prepared, overviews: pageScene.overviews, names, info, showTime });
  exploring?.connect({
    ...liveMap,
    hoverAt: info.hoverAt,
    prepared,
    detail,
    redraw: () => {
      redrawAll(FILTER_BUDGET_MS);
      time?.refresh();
      info.refresh();
      if (legend) refreshLegend(map, prepared, legend);
    },
    isBusy: () => sheets.some(({ isBusy }) => isBusy),
    hidden: () => scene.layers.flatMap(({ name }, i) => (name && layerSwitch.isHidden(i) ? [name] : [])),
    hide: (names) => {
      for (const [i, { name = "" }] of scene.layers.entries())
        if (names.includes(name) !== layerSwitch.isHidden(i)) layerSwitch.toggle(i);
    },
    showTime,
  });
  if (window.parent !== window) shareGestures(map);
  const warmLater = () => setTimeout(() => warm(prepared), WARM_AFTER_MS);
  map.on("zoomend", warmLater);
  warmLater();
}

const changeIn = (bytes: Uint8Array): SceneChange => JSON.parse(new TextDecoder().decode(bytes));

/** Runs work once the frame that is being made shows; meanwhile the element is `aria-busy`. */
function afterFrame(element: HTMLElement, work: () => Promise<void>): void {
  element.ariaBusy = "true";
  const run = () =>
    work().finally(() => {
      element.ariaBusy = null;
    });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(run)));
}

/** Gives the map a role and a name for screen readers, and the page a heading. */
function describe(element: HTMLElement, scene: Scene): void {
  element.setAttribute("role", "application");
  element.setAttribute("aria-label", describeScene(scene));
  if (!scene.title) element.append(create("h1", { class: "unseen" }, "Map"));
}

/** Keeps labels clear of the controls in the first view, which the reader has not moved; calls `redraw` when that changes. */
function keepLabelsClear(map: L.Map, { scene, labels, now }: PreparedScene, redraw: () => void): void {
  if (labels.isEmpty) return;
  const measured = () => {
    const { x: widthPx, y: heightPx } = map.getSize();
    return clearanceOf({ ...scene, widthPx, heightPx }, "page");
  };
  let clear = measured();
  const look = () => {
    const viewport = viewportOfMap(map);
    const isNear = (a: number, b: number) => Math.abs(a - b) < 0.5;
    const { originX, originY, worldPx } = clear.viewport;
    const isFirst =
      isNear(worldPx, viewport.worldPx) &&
      isNear(originX * worldPx, viewport.originX * worldPx) &&
      isNear(originY * worldPx, viewport.originY * worldPx);
    const wasClear = now.clear !== undefined;
    now.clear = isFirst ? { ...clear, viewport } : undefined;
    if (isFirst !== wasClear) redraw();
  };
  map.on("resize", () => {
    clear = measured();
    look();
  });
  map.on("move", look);
  look();
}

/**
 * Keeps the names of places clear of the controls, and whole, in the first view and where the map is when its size changes.
 * They stay where they are while it is panned.
 */
function keepNamesClear(map: L.Map, { scene, names, now }: PreparedScene): void {
  if (!names) return;
  const measure = () => {
    const { x: widthPx, y: heightPx } = map.getSize();
    const { places } = clearanceOf({ ...scene, widthPx, heightPx }, "page");
    now.namesClear = { viewport: viewportOfMap(map), places };
  };
  map.on("resize", measure);
  measure();
}

/** Requests the tiles of each view, and while the map is dragged. */
function addDetail(map: L.Map, detail: DetailTiles, listener: DetailListener): void {
  detail.listen(listener);
  const show = () => detail.show(viewportOfMap(map));
  map.on("move", L.Util.throttle(show, DETAIL_EVERY_MS, undefined));
  map.on("moveend", show);
  window.addEventListener("online", show);
  show();
}

/** Shows the classes of cells and clusters at each zoom level. */
function keepLegendTrue(map: L.Map, prepared: PreparedScene, legend: ReturnType<typeof legendCard>): void {
  const show = () => refreshLegend(map, prepared, legend);
  map.on("zoomend", show);
  show();
}

function refreshLegend(map: L.Map, prepared: PreparedScene, legend: ReturnType<typeof legendCard>): void {
  if (!prepared.scene.layers.some(({ aggregate }) => aggregate)) return;
  const legends = legendsAt(prepared, worldPxOf(map.getZoom()));
  legend.show(legends);
  map.getContainer().setAttribute("aria-label", describeScene({ ...prepared.scene, legends }));
}

interface Sheet {
  readonly from: number;
  readonly to: number;
  readonly isTimed: boolean;
}

/** Splits the layers into canvases, so that a frame repaints only the animated ones. Labels are on the last canvas. */
function sheetsOf({ layers }: Scene): Sheet[] {
  const timed = layers.flatMap(({ time }, i) => (time ? [i] : []));
  const [first, last] = [timed[0], timed.at(-1)];
  if (first === undefined || last === undefined) return [{ from: 0, to: layers.length, isTimed: false }];
  const labelsMove = layers.some(({ time, label }) => time && label);
  const sheets = [
    { from: 0, to: first, isTimed: false },
    { from: first, to: last + 1, isTimed: true },
    { from: last + 1, to: layers.length, isTimed: labelsMove },
  ];
  return sheets.filter(({ from, to }) => to > from);
}

function createCanvas(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Loads the font of the image, so that labels get the same places. */
async function loadFont(bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const font = new FontFace(LABEL_FONT, bytes.slice().buffer);
  document.fonts.add(await font.load());
}
