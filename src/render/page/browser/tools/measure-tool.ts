/** Measures distances and areas on the map: a button, a sketch that clicks draw, and a card with what it measures. */
import L from "leaflet";
import type { LngLat } from "../../../../geo";
import { Ground, type WorldPaths, type WorldPosition } from "../../../measure/ground";
import {
  canClose,
  closed,
  EMPTY,
  ended,
  measured,
  type Sketch,
  undone,
  withVertex,
} from "../../../measure/sketch";
import { areaText, lengthText, usesMiles } from "../../../measure/units";
import type { Projection, Viewport } from "../../../scene";
import { CanvasLayer, viewportOfMap } from "../canvas-layer";
import { textButton } from "../controls";
import { create } from "../create";
import { onOtherTool, startTool } from "../tool-events";

/** A click this near to a vertex is on it, in CSS pixels; larger for fingers. */
const NEAR_PX = { mouse: 8, touch: 16 };
const VERTEX_PX = 3.5;
/** Free room below the card in CSS pixels: that of the attribution, and of the time bar. */
const EDGE_PX = 24;
const ABOVE_TIME_PX = 90;
const HINT =
  "Click to draw a line. A double click or Enter ends it; a click on its first point closes an area.";
const BEYOND = "This place is outside of the world.";

type Pixel = readonly [x: number, y: number];

interface Painted {
  readonly sketch: Sketch;
  readonly worldPx: number;
  readonly lines: WorldPaths;
  readonly area: WorldPaths;
  readonly vertices: readonly (WorldPosition | undefined)[];
}

export class MeasureTool {
  readonly button: HTMLButtonElement;
  readonly card: HTMLElement;
  readonly #map: L.Map;
  readonly #ground: Ground;
  readonly #isPlane: boolean;
  readonly #withMiles = usesMiles(navigator.language);
  readonly #layer: CanvasLayer;
  readonly #values = create("dl");
  readonly #hint = create("p", {}, HINT);
  readonly #spoken = create("div", { class: "spoken", role: "status" });
  readonly #close = textButton("Close", "Close the area", () => this.#set(closed(this.#sketch)));
  readonly #undo = textButton("Undo", "Undo the last point", () => this.#set(undone(this.#sketch)));
  readonly #clear = textButton("Clear", "Clear the measurement", () => this.#set(EMPTY));
  #isOn = false;
  #sketch = EMPTY;
  /** Where the pointer is, if it moves over an open sketch. */
  #pointer: Pixel | undefined;
  #pointerType = "mouse";
  /** The last click was on the last vertex. */
  #isSecond = false;
  /** The last click was outside of the world. */
  #isBeyond = false;
  #request: number | undefined;
  #painted: Painted | undefined;

  constructor(map: L.Map, projection: Projection | undefined) {
    this.#map = map;
    this.#ground = new Ground(projection);
    this.#isPlane = projection !== undefined;
    const label = "Measure distance or area";
    this.button = create("button", {
      type: "button",
      class: "tool measure",
      title: label,
      "aria-label": label,
      "aria-pressed": "false",
    });
    this.button.addEventListener("click", () => this.#turn(!this.#isOn));
    this.card = create(
      "div",
      { class: "measured", role: "group", "aria-label": "Measurement", hidden: "" },
      this.#values,
      this.#hint,
      create("div", { class: "actions" }, this.#close, this.#undo, this.#clear),
      this.#spoken,
    );
    L.DomEvent.disableClickPropagation(this.card);
    this.#layer = new CanvasLayer("hover", (context, viewport) => this.#paint(context, viewport)).addTo(map);
    const container = map.getContainer();
    container.append(create("div", { class: "crosshair", "aria-hidden": "true" }));
    container.addEventListener(
      "pointerdown",
      ({ pointerType }) => {
        this.#pointerType = pointerType;
      },
      { capture: true },
    );
    container.addEventListener("pointermove", (event) => this.#move(event));
    container.addEventListener("pointerleave", () => this.#moveTo(undefined));
    container.addEventListener("keydown", (event) => this.#press(event), { capture: true });
    this.card.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.#escape();
    });
    this.button.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#isOn) return;
      event.stopPropagation();
      this.#escape();
    });
    map.on("click", ({ containerPoint: { x, y } }) => {
      if (this.#isOn) this.#click([x, y]);
    });
    map.on("dblclick", () => {
      // Leaflet takes any two quick taps for a double click
      if (this.#isOn && this.#isSecond) this.#set(ended(this.#sketch));
    });
    onOtherTool(map, this, () => this.#turn(false));
    this.#show();
  }

  #turn(isOn: boolean): void {
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.button.setAttribute("aria-pressed", String(isOn));
    this.#map.getContainer().classList.toggle("measuring", isOn);
    if (isOn) this.#map.doubleClickZoom.disable();
    else this.#map.doubleClickZoom.enable();
    this.card.hidden = !isOn;
    if (isOn) startTool(this.#map, this);
    this.#set(EMPTY);
    this.#spoken.textContent = isOn ? `${HINT} With the keyboard, Enter adds the middle of the map.` : "";
    if (isOn) this.#map.getContainer().focus();
  }

  #escape(): void {
    if (this.#sketch.vertices.length > 0) this.#set(EMPTY);
    else {
      this.#turn(false);
      this.button.focus();
    }
  }

  #set(sketch: Sketch): void {
    const isSame = sketch === this.#sketch;
    this.#isBeyond = false;
    this.#sketch = sketch;
    this.#show();
    if (!isSame) this.#spoken.textContent = this.#text(sketch);
  }

  /** Adds a place of the map, unless it is on a vertex that ends or closes the sketch. */
  #click(at: Pixel): void {
    const sketch = this.#sketch;
    const near = NEAR_PX[this.#pointerType === "touch" ? "touch" : "mouse"];
    const isOn = (vertex: LngLat | undefined) => vertex !== undefined && this.#distance(vertex, at) <= near;
    this.#isSecond = sketch.state === "open" && isOn(sketch.vertices.at(-1));
    if (sketch.state === "open") {
      if (canClose(sketch) && isOn(sketch.vertices[0])) {
        this.#set(closed(sketch));
        return;
      }
      if (this.#isSecond) return;
    }
    const place = this.#degreesAt(at);
    this.#pointer = undefined;
    if (place) this.#set(withVertex(sketch, place));
    else {
      this.#isBeyond = true;
      this.#show();
      this.#spoken.textContent = BEYOND;
    }
  }

  #move(event: PointerEvent): void {
    if (!this.#isOn || event.pointerType === "touch" || this.#sketch.state !== "open") return;
    const isOnMap =
      event.target instanceof Element && !event.target.closest(".leaflet-control, .search, .popup, .time");
    const { x, y } = this.#map.mouseEventToContainerPoint(event);
    this.#isBeyond = false;
    this.#moveTo(isOnMap ? [x, y] : undefined);
  }

  #moveTo(pointer: Pixel | undefined): void {
    if (!this.#isOn || (pointer === undefined && this.#pointer === undefined)) return;
    this.#pointer = pointer;
    this.#request ??= requestAnimationFrame(() => {
      this.#request = undefined;
      this.#show();
    });
  }

  /** Keys while the map itself has the focus. */
  #press(event: KeyboardEvent): void {
    const container = this.#map.getContainer();
    if (!this.#isOn || event.target !== container || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x, y } = this.#map.getSize();
    const middle: Pixel = [x / 2, y / 2];
    if (event.key === "Escape") this.#escape();
    else if (event.key === "Backspace") this.#set(undone(this.#sketch));
    else if (event.key === "Enter") {
      const before = this.#sketch;
      this.#pointerType = "keyboard";
      this.#click(middle);
      // Enter again at the same place ends the line, as a double click does
      const last = before.vertices.at(-1);
      if (this.#sketch === before && last && this.#distance(last, middle) <= NEAR_PX.mouse)
        this.#set(ended(before));
    } else return;
    event.stopImmediatePropagation();
    event.preventDefault();
  }

  /** The sketch with the pointer as its next vertex, or closed if the pointer is on its first. */
  #previewed(): Sketch {
    const sketch = this.#sketch;
    const pointer = this.#pointer;
    if (sketch.state !== "open" || !pointer || sketch.vertices.length === 0) return sketch;
    const [first] = sketch.vertices;
    if (first && canClose(sketch) && this.#distance(first, pointer) <= NEAR_PX.mouse) return closed(sketch);
    const place = this.#degreesAt(pointer);
    return place ? withVertex(sketch, place) : sketch;
  }

  #show(): void {
    const sketch = this.#previewed();
    const { lengthM, areaM2 } = measured(sketch);
    const rows = [
      [areaM2 === undefined ? "Distance" : "Perimeter", lengthText(lengthM, this.#withMiles)],
      ...(areaM2 === undefined ? [] : [["Area", areaText(areaM2, this.#withMiles)]]),
    ];
    this.#values.replaceChildren(
      ...rows.flatMap(([name = "", value = ""]) => [create("dt", {}, name), create("dd", {}, value)]),
    );
    const isEmpty = this.#sketch.vertices.length === 0;
    this.#values.hidden = isEmpty;
    const isBeyond = this.#isBeyond || (this.#pointer && this.#degreesAt(this.#pointer) === undefined);
    this.#hint.textContent = isBeyond ? BEYOND : HINT;
    this.#hint.hidden = !isBeyond && this.#sketch.vertices.length > 2;
    this.#undo.hidden = isEmpty;
    this.#clear.hidden = isEmpty;
    this.#close.hidden = !canClose(this.#sketch);
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && focused.hidden && this.card.contains(focused))
      this.#map.getContainer().focus();
    this.#keepInside();
    this.#layer.redraw();
  }

  /** Moves the card up where it would end below the map. */
  #keepInside(): void {
    if (this.card.classList.contains("aside")) return;
    const container = this.#map.getContainer();
    const bottom =
      container.getBoundingClientRect().bottom - (container.querySelector(".time") ? ABOVE_TIME_PX : EDGE_PX);
    const top = this.button.parentElement?.getBoundingClientRect().top ?? 0;
    this.card.style.top = `${Math.min(0, bottom - top - this.card.offsetHeight)}px`;
  }

  #text(sketch: Sketch): string {
    const { lengthM, areaM2 } = measured(sketch);
    if (sketch.vertices.length === 0) return "No measurement";
    if (areaM2 !== undefined)
      return `Area ${areaText(areaM2, this.#withMiles)}, perimeter ${lengthText(lengthM, this.#withMiles)}`;
    return sketch.vertices.length === 1 ? "First point" : `Distance ${lengthText(lengthM, this.#withMiles)}`;
  }

  #degreesAt([x, y]: Pixel): LngLat | undefined {
    const { originX, originY, worldPx } = viewportOfMap(this.#map);
    return this.#ground.degreesAt([originX + x / worldPx, originY + y / worldPx]);
  }

  /** Distance of a vertex from a place of the map in CSS pixels, in the copy of the world where it is least. */
  #distance(vertex: LngLat, [x, y]: Pixel): number {
    const world = this.#ground.worldOf(vertex);
    if (!world) return Infinity;
    const { originX, originY, worldPx } = viewportOfMap(this.#map);
    const dx = world[0] - originX - x / worldPx;
    const dy = world[1] - originY - y / worldPx;
    return worldPx * Math.hypot(this.#isPlane ? dx : dx - Math.round(dx), dy);
  }

  #paint(context: CanvasRenderingContext2D, viewport: Viewport): void {
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    const sketch = this.#previewed();
    if (sketch.vertices.length === 0) return;
    const { lines, area, vertices } = this.#pathsOf(sketch, viewport.worldPx);
    const { originX, originY, worldPx, widthPx, pixelRatio } = viewport;
    const scale = worldPx * pixelRatio;
    const [firstCopy, lastCopy] = this.#isPlane
      ? [0, 0]
      : [Math.floor(originX), Math.floor(originX + widthPx / worldPx)];
    const isDark = this.#map.getContainer().classList.contains("dark");
    const [ink, halo] = isDark ? ["#9ccbee", "#14191d"] : ["#1d5f96", "#ffffff"];
    context.lineJoin = "round";
    context.lineCap = "round";
    for (let copy = firstCopy; copy <= lastCopy; copy++) {
      const trace = (paths: WorldPaths) => {
        context.beginPath();
        // `!`: x and y in turn
        for (const path of paths)
          for (let i = 0; i < path.length; i += 2) {
            const [x, y] = [(path[i]! + copy - originX) * scale, (path[i + 1]! - originY) * scale];
            if (i === 0) context.moveTo(x, y);
            else context.lineTo(x, y);
          }
      };
      if (area.length > 0) {
        trace(area);
        context.fillStyle = ink;
        context.globalAlpha = 0.2;
        context.fill("evenodd");
        context.globalAlpha = 1;
      }
      trace(lines);
      stroke(context, halo, 4.5 * pixelRatio);
      stroke(context, ink, 2 * pixelRatio);
      for (const vertex of vertices) {
        if (!vertex) continue;
        context.beginPath();
        const [x, y] = [(vertex[0] + copy - originX) * scale, (vertex[1] - originY) * scale];
        context.arc(x, y, VERTEX_PX * pixelRatio, 0, 2 * Math.PI);
        context.fillStyle = halo;
        context.fill();
        stroke(context, ink, 2 * pixelRatio);
      }
    }
  }

  /** Returns what is painted, kept while neither the sketch nor the scale changes. */
  #pathsOf(sketch: Sketch, worldPx: number): Painted {
    if (this.#painted?.sketch === sketch && this.#painted.worldPx === worldPx) return this.#painted;
    const { vertices, state } = sketch;
    const [first] = vertices;
    const path = state === "area" && first ? [...vertices, first] : vertices;
    this.#painted = {
      sketch,
      worldPx,
      lines: path.length > 1 ? this.#ground.lines(path, worldPx) : [],
      area: state === "area" ? this.#ground.area(vertices, worldPx) : [],
      vertices: this.#sketch.vertices.map((vertex) => this.#ground.worldOf(vertex)),
    };
    return this.#painted;
  }
}

function stroke(context: CanvasRenderingContext2D, color: string, widthPx: number): void {
  context.strokeStyle = color;
  context.lineWidth = widthPx;
  context.stroke();
}
