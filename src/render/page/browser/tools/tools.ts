/** Adds the controls that a map has only if it asks for them: a search box, and a tool that measures. */
import L from "leaflet";
import { lngLatOf } from "../../../../geometry/mercator";
import { frameStart, generationsAt } from "../../../clock";
import { MARGIN_PX, searchPlace } from "../../../layout";
import type { PlaceName } from "../../../names-data";
import type { Hit, PreparedScene } from "../../../painter";
import { legendCornerOf } from "../../../projection";
import type { SceneLayer } from "../../../scene";
import { type FoundFeatures, MapSearch, type SearchResult } from "../../../search/map-search";
import type { PageScene } from "../../codec";
import { CanvasLayer } from "../canvas-layer";
import { controlAt } from "../controls";
import { create } from "../create";
import type { Info } from "../tooltips";
import { boxOfFeatures, type Journey, nearX, placeOf, showBox, showPlace } from "./go-to";
import { MeasureTool } from "./measure-tool";
import { SearchBox } from "./search-box";
import toolsCss from "./tools.css";

/** Free room below the title in CSS pixels. */
const GAP_PX = 6;
/** Radius of the ring around a city in CSS pixels. */
const RING_PX = 9;
const PLACE_KINDS = { country: "Country", state: "State", city: "City", capital: "Capital" } as const;
const FEATURE_KINDS = { point: "Point", line: "Line", polygon: "Area" } as const;

/** The map that gets the controls. */
export interface ToolsMap {
  readonly map: L.Map;
  readonly prepared: PreparedScene;
  readonly overviews: PageScene["overviews"];
  /** Names of the basemap. */
  readonly names: readonly PlaceName[];
  readonly info: Info;
  /** Shows a moment of an animated map, and pauses it. */
  readonly showTime: (time: number) => void;
}

export function addTools(tools: ToolsMap): void {
  const { map, prepared } = tools;
  const { scene } = prepared;
  const style = create("style");
  style.textContent = toolsCss;
  document.head.append(style);
  const container = map.getContainer();
  const buttons: HTMLElement[] = [];
  if (scene.controls?.includes("search")) {
    const box = new SearchBox(map, new Finder(tools));
    container.append(box.element);
    const place = () => {
      const { x: widthPx, y: heightPx } = map.getSize();
      const { left, top, right } = searchPlace({ ...scene, widthPx, heightPx }, legendCornerOf(scene));
      box.element.style.left = `${left}px`;
      box.element.style.top = `${Math.max(top, bottomOfTitle(container) + GAP_PX)}px`;
      box.element.style.width = `${right - left}px`;
    };
    map.on("resize", place);
    place();
    buttons.push(box.button);
  }
  if (scene.controls?.includes("measure")) {
    const measure = new MeasureTool(map, scene.projection);
    const isLeft = scene.legendCorner?.endsWith("left") && scene.legends.length > 0;
    buttons.push(measure.button, ...(isLeft ? [] : [measure.card]));
    if (isLeft) {
      measure.card.classList.add("aside");
      container.append(measure.card);
      const place = () => {
        measure.card.style.top = `${Math.max(MARGIN_PX, bottomOfTitle(container) + GAP_PX)}px`;
      };
      map.on("resize", place);
      place();
    }
  }
  controlAt("topleft", () => {
    const group = create("div", { class: "tools" }, ...buttons);
    L.DomEvent.disableClickPropagation(group);
    return group;
  }).addTo(map);
}

/** Returns where the title of a map ends, in CSS pixels from its top; 0 without a title. */
function bottomOfTitle(container: HTMLElement): number {
  const title = container.querySelector(".title");
  return title ? title.getBoundingClientRect().bottom - container.getBoundingClientRect().top : 0;
}

/** Finds what a map shows, and goes there. */
class Finder {
  readonly #tools: ToolsMap;
  readonly #journey: Journey;
  readonly #search: MapSearch;
  readonly #layer: CanvasLayer;
  /** The city that was found last. */
  #marked: PlaceName | undefined;

  constructor(tools: ToolsMap) {
    this.#tools = tools;
    const { map, prepared, names } = tools;
    const { scene } = prepared;
    this.#journey = { map, firstZoom: map.getZoom(), isPlane: scene.projection !== undefined };
    this.#search = new MapSearch(scene, names);
    this.#layer = new CanvasLayer("hover", (context, { originX, originY, worldPx, pixelRatio }) => {
      context.clearRect(0, 0, context.canvas.width, context.canvas.height);
      if (!this.#marked || this.#marked.room > 0) return;
      const scale = worldPx * pixelRatio;
      const [x, y] = [nearX(this.#journey, this.#marked.x) - originX, this.#marked.y - originY];
      for (const [color, width] of [
        ["#ffffff", 4],
        ["#1f2933", 2],
      ] as const) {
        context.beginPath();
        context.arc(x * scale, y * scale, RING_PX * pixelRatio, 0, 2 * Math.PI);
        context.strokeStyle = color;
        context.lineWidth = width * pixelRatio;
        context.stroke();
      }
    }).addTo(map);
    map.on("click", () => this.leave());
  }

  find(query: string) {
    const { hidden, failed, scene } = this.#tools.prepared;
    return this.#search.find(query, (layer, feature) => {
      if (hidden.has(layer)) return false;
      const ofLayer = failed.get(layer);
      if (!ofLayer) return true;
      const row = scene.layers[layer]?.geometry.rows?.[feature] ?? feature;
      return ofLayer[row] === 0;
    });
  }

  hintOf(result: SearchResult): string {
    if (result.kind === "place") return PLACE_KINDS[result.place.kind];
    const { layers } = this.#tools.prepared.scene;
    const { layer, title, count } = result;
    const of = layers[layer];
    const name = of?.name ?? (of ? FEATURE_KINDS[of.geometry.kind] : "");
    return [name, title, count > 1 && `${count.toLocaleString("en-US")} features`]
      .filter(Boolean)
      .join(" · ");
  }

  note(): string {
    const { prepared, overviews } = this.#tools;
    const { scene, hidden, failed } = prepared;
    const ofOverviews = overviews.flatMap((overview, i) => {
      const layer = scene.layers[i];
      if (!overview || !layer || layer.aggregate || hidden.has(i)) return [];
      const name = scene.layers.length > 1 && layer.name ? `${layer.name}: ` : "";
      return [`${name}The search looks through an ${overview.note}.`];
    });
    const isLess = hidden.size > 0 || failed.size > 0;
    return [...(isLess ? ["Hidden features are left out."] : []), ...ofOverviews].join(" ");
  }

  choose(result: SearchResult): void {
    if (result.kind === "place") this.#goToPlace(result.place);
    else this.#goToFeatures(result);
    this.#layer.redraw();
  }

  leave(): void {
    if (!this.#marked) return;
    this.#marked = undefined;
    this.#layer.redraw();
  }

  #goToPlace(place: PlaceName): void {
    this.#marked = place;
    this.#tools.info.show([], { hasMore: false, at: () => this.#journey.map.getCenter() });
    showPlace(this.#journey, place);
    this.#journey.map.getContainer().focus();
  }

  #goToFeatures({ layer, features, count }: FoundFeatures): void {
    const { prepared, info, showTime } = this.#tools;
    const of = prepared.scene.layers[layer];
    if (!of) return;
    this.#marked = undefined;
    const shown = this.#inTime(of, features, showTime);
    const { geometry } = of;
    showBox(this.#journey, boxOfFeatures(geometry, shown));
    const hits: Hit[] = shown.map((feature) => ({
      layer,
      feature,
      row: geometry.rows?.[feature] ?? feature,
      of,
    }));
    this.#journey.map.getContainer().focus();
    info.show(hits, {
      hasMore: count > features.length && shown.length === features.length,
      at: ({ feature }) => this.#latLngOf(of, feature),
    });
  }

  /** Shows a moment in which one of the features of an animated layer is on the map; returns those that are then. */
  #inTime(
    { time }: SceneLayer,
    features: readonly number[],
    showTime: (time: number) => void,
  ): readonly number[] {
    const { scene, now } = this.#tools.prepared;
    const { clock } = scene;
    const [first] = features;
    if (!time || !clock || first === undefined) return features;
    const shownIn = (frame: number) => {
      const generations = generationsAt(time, frame);
      return features.filter((feature) =>
        generations.some(({ from, to }) => feature >= from && feature < to),
      );
    };
    const current = shownIn(now.frame);
    const frame = current.length > 0 ? now.frame : time.starts.findLastIndex((start) => start <= first);
    showTime(frameStart(clock, frame));
    return current.length > 0 ? current : shownIn(frame);
  }

  #latLngOf({ geometry }: SceneLayer, feature: number): L.LatLng {
    const [x, y] = placeOf(geometry, feature);
    const [lng, lat] = lngLatOf([nearX(this.#journey, x), y]);
    return L.latLng(lat, lng);
  }
}
