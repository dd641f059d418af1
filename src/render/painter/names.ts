/**
 * Places and paints the names of countries, states and cities of the vector basemap. Like labels of the data, which they
 * keep clear of, they are placed for the whole map at once, so that they do not jump while the map is panned.
 */
import { zoomOf } from "../../geometry/mercator";
import type { PlaceName } from "../names-data";
import type { Basemap, Rgba, SceneLayer, Viewport } from "../scene";
import { boxAround, copiesOf } from "./box";
import type { Canvas2D } from "./canvas";
import { type Clearance, Collisions, type Rect } from "./collisions";
import { PolygonCover } from "./cover";
import { cssColor } from "./style";

const HALO_PX = 2.5;
/** Free room to the left and right, and above and below each name, in CSS pixels. */
const PADDING_PX = [5, 2] as const;
/** Gap between the dot of a city and its name. */
const GAP_PX = 3;
const LINE = 1.2;
/** Distance from the middle of capital letters down to the baseline, as a share of the font size, as in `labels.ts`. */
const BASELINE = 0.365;
/** The name of an area is hidden once its room is wider than this: the map shows a small part of the area. */
const MAX_ROOM_PX = 2200;

/** The name of a large area is at most this share of its room; the smallest size may exceed it by half of it. */
const ROOMY = 0.6;
const OVERHANG = 1.4;
/** States have names from this zoom on. */
const STATES_ZOOM = 3.25;

/** Font sizes of each kind, largest first. Names of areas take the largest that fits. */
const SIZES_PX = { country: [13, 12, 11, 10], state: [10, 9], city: [12, 11, 10] } as const;
/** A city this many zoom levels above that from which it shows has the largest size. */
const ZOOMS_LARGEST = 4;
/** …and one this many levels above it is more important than the names of states. */
const ZOOMS_BEFORE_STATES = 1;
const DOT_PX = { city: 1.5, capital: 2.1 } as const;

interface Ink {
  readonly country: Rgba;
  readonly state: Rgba;
  readonly city: Rgba;
}

/** Names above the data have stronger colours than those on plain land. */
const INKS = {
  light: {
    back: { country: [88, 97, 106, 255], state: [132, 138, 146, 255], city: [98, 106, 115, 255] },
    front: { country: [44, 52, 60, 255], state: [62, 70, 78, 255], city: [44, 52, 60, 255] },
  },
  dark: {
    back: { country: [166, 170, 178, 255], state: [112, 116, 122, 255], city: [146, 150, 158, 255] },
    front: { country: [236, 238, 242, 255], state: [214, 218, 224, 255], city: [236, 238, 242, 255] },
  },
} as const satisfies Record<Basemap["theme"], Record<"back" | "front", Ink>>;
const HALO_ALPHA = { back: 205, front: 225 } as const;
/** Above the data, cities show this many zoom levels later. */
const ZOOMS_LATER = 1;

interface Placed {
  readonly name: PlaceName;
  readonly sizePx: number;
  readonly widthPx: number;
  /** Offset from the place to the middle of the name. */
  readonly offsetXPx: number;
  readonly offsetYPx: number;
  readonly hasDot: boolean;
}

/** What names keep clear of, in CSS pixels from the corner of the world. Arrays that are the same have not changed. */
export interface Surroundings {
  readonly labels: readonly Rect[];
  /** Points above the names. */
  readonly points: readonly Rect[];
  /** Layers that are not painted, by index. */
  readonly hidden: ReadonlySet<number>;
  /** A view in which no name is cut, and what lies on it. */
  readonly clear?: Clearance | undefined;
}

/** Where names can still go at a scale. */
interface Room {
  readonly worldPx: number;
  readonly zoom: number;
  /** Names and labels. */
  readonly room: Collisions;
  /** Points of the data. */
  readonly below: Collisions;
  /** The data have labels. */
  readonly isLabelled: boolean;
  /** Layers that are not painted, by index. */
  readonly hidden: ReadonlySet<number>;
}

export interface NamesOptions {
  readonly basemap: Basemap;
  readonly layers: readonly SceneLayer[];
  /** Number of copies of the world on either side of it. */
  readonly copies: number;
  /** CSS list of font families. */
  readonly fonts: string;
}

export class NamePainter {
  readonly #names: readonly PlaceName[];
  readonly #copies: number;
  readonly #fonts: string;
  readonly #ink: Ink;
  readonly #halo: Rgba;
  /** Above lines and polygons, dots of cities would look like points of the data. */
  readonly #isFront: boolean;
  /** Polygons above the names. */
  readonly #cover: PolygonCover | undefined;
  readonly #widths = new Map<string, number>();
  #placed: readonly Placed[] = [];
  #key: readonly unknown[] = [];

  /** `names` are placed in their order. */
  constructor(names: readonly PlaceName[], { basemap, layers, copies, fonts }: NamesOptions) {
    this.#names = names;
    this.#copies = copies;
    this.#fonts = fonts;
    const placement = basemap.names?.placement ?? "back";
    this.#ink = INKS[basemap.theme][placement];
    const [red, green, blue] = basemap.vector?.land ?? basemap.background;
    this.#halo = [red, green, blue, HALO_ALPHA[placement]];
    this.#isFront = placement === "front";
    this.#cover = this.#isFront ? undefined : new PolygonCover(layers);
  }

  /** Paints the names in the view where they are clear of the data. */
  paint(context: Canvas2D, viewport: Viewport, around: Surroundings): void {
    const { originX, originY, worldPx, pixelRatio } = viewport;
    this.#place(context, worldPx, around);
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.lineJoin = "round";
    context.strokeStyle = cssColor(this.#halo);
    context.lineWidth = HALO_PX * pixelRatio;
    for (const label of this.#placed) {
      const { name, sizePx, widthPx, offsetXPx, offsetYPx } = label;
      const view = boxAround(viewport, widthPx / 2 + Math.abs(offsetXPx) + 2 * sizePx);
      for (const copy of copiesOf([name.x, name.y, name.x, name.y], view, this.#copies)) {
        const [x, y] = [(name.x + copy - originX) * worldPx, (name.y - originY) * worldPx];
        // names are whole in one copy of the world, but might be cut in the others
        if (isCut(name.x + copy, label, worldPx, around.clear)) continue;
        context.font = this.#fontOf(name, sizePx * pixelRatio);
        context.fillStyle = cssColor(this.#ink[name.kind === "capital" ? "city" : name.kind]);
        if (label.hasDot) this.#paintDot(context, name, x * pixelRatio, y * pixelRatio, pixelRatio);
        const left = Math.round((x + offsetXPx - widthPx / 2) * pixelRatio);
        const base = Math.round((y + offsetYPx + BASELINE * sizePx) * pixelRatio);
        context.strokeText(name.text, left, base);
        context.fillText(name.text, left, base);
      }
    }
  }

  #fontOf({ kind }: PlaceName, px: number): string {
    return `${kind === "country" ? 500 : 400} ${px}px ${this.#fonts}`;
  }

  #paintDot(context: Canvas2D, { kind }: PlaceName, x: number, y: number, pixelRatio: number): void {
    context.beginPath();
    context.arc(x, y, DOT_PX[kind === "capital" ? kind : "city"] * pixelRatio, 0, 2 * Math.PI);
    context.stroke();
    context.fill("evenodd");
  }

  #place(context: Canvas2D, worldPx: number, { labels, points, hidden, clear }: Surroundings): void {
    const isClear = clear !== undefined && clear.viewport.worldPx === worldPx;
    const key = [worldPx, labels, points, isClear && clear, [...hidden].sort().join()];
    if (key.every((part, i) => part === this.#key[i])) return;
    const period = this.#copies > 0 ? worldPx : Infinity;
    const room = new Collisions(period, isClear ? clear : undefined);
    for (const rect of labels) room.take(rect);
    const below = new Collisions(period);
    for (const rect of points) below.take(rect);
    const zoom = zoomOf(worldPx);
    this.#placed = this.#inOrder(zoom).flatMap((name) => {
      const label = this.#placeOne(context, name, {
        worldPx,
        zoom,
        room,
        below,
        isLabelled: labels.length > 0,
        hidden,
      });
      return label ? [label] : [];
    });
    this.#key = key;
  }

  /** Returns names in the order in which they take room: countries, important cities, states, other cities. */
  #inOrder(zoom: number): PlaceName[] {
    const rankOf = ({ kind, zoom: from }: PlaceName) =>
      kind === "country" ? 0 : kind === "state" ? 2 : from <= zoom - ZOOMS_BEFORE_STATES ? 1 : 3;
    return [...this.#names].sort((a, b) => rankOf(a) - rankOf(b)); // stable
  }

  #placeOne(
    context: Canvas2D,
    name: PlaceName,
    { worldPx, zoom, room, below, isLabelled, hidden }: Room,
  ): Placed | undefined {
    const isCity = name.room === 0;
    const roomPx = name.room * worldPx;
    const from = name.zoom + (this.#isFront ? ZOOMS_LATER : 0);
    if (isCity ? zoom < from : roomPx > MAX_ROOM_PX) return undefined;
    const sizePx = isCity ? citySize(zoom - name.zoom) : this.#sizeThatFits(context, name, roomPx, zoom);
    if (sizePx === undefined || this.#cover?.hides(name, hidden)) return undefined;
    const widthPx = this.#widthOf(context, name, sizePx);
    const radiusPx = isCity ? radiusAt(name, worldPx, below) : undefined;
    if (radiusPx !== undefined && isLabelled) return undefined; // the label of the point says more
    const hasDot = isCity && !this.#isFront && radiusPx === undefined;
    const offsets = !isCity
      ? inArea(sizePx, roomPx)
      : this.#isFront
        ? CENTRED
        : besideDot(widthPx, sizePx, radiusPx ?? DOT_PX.capital);
    for (const [offsetXPx, offsetYPx] of offsets) {
      const label: Placed = { name, sizePx, widthPx, offsetXPx, offsetYPx, hasDot };
      const text = textRectOf(label, worldPx);
      if (below.touches(text) || this.#isPartlyHidden(text, worldPx, hidden)) continue;
      if (room.add(rectOf(label, worldPx))) return label;
    }
    return undefined;
  }

  #isPartlyHidden([left, top, right, bottom]: Rect, worldPx: number, hidden: ReadonlySet<number>): boolean {
    const line = { left: left / worldPx, right: right / worldPx, y: (top + bottom) / 2 / worldPx };
    return this.#cover?.hidesPart(line, hidden) ?? false;
  }

  #sizeThatFits(context: Canvas2D, name: PlaceName, roomPx: number, zoom: number): number | undefined {
    const sizes = SIZES_PX[name.kind === "state" ? "state" : "country"];
    if (name.kind === "state" && zoom < STATES_ZOOM) return undefined;
    const fitting = sizes.find((px) => this.#widthOf(context, name, px) <= ROOMY * roomPx);
    if (fitting !== undefined) return fitting;
    const least = sizes.at(-1)!; // there are sizes
    const share = this.#isFront ? 1 : OVERHANG;
    const fits = this.#widthOf(context, name, least) <= share * roomPx;
    return fits || zoom >= name.zoom ? least : undefined;
  }

  #widthOf(context: Canvas2D, name: PlaceName, sizePx: number): number {
    const key = `${name.kind} ${sizePx} ${name.text}`;
    let width = this.#widths.get(key);
    if (width === undefined) {
      context.font = this.#fontOf(name, sizePx);
      width = context.measureText(name.text).width;
      this.#widths.set(key, width);
    }
    return width;
  }
}

function citySize(zooms: number): number {
  const [large, medium, small] = SIZES_PX.city;
  return zooms >= ZOOMS_LARGEST ? large : zooms >= ZOOMS_LARGEST / 2 ? medium : small;
}

type Offset = readonly [xPx: number, yPx: number];

const CENTRED: readonly Offset[] = [[0, 0]];

/** A name moves by at most this share of the room of its area. */
const MAX_MOVE = 0.12;

/** Offsets to try for the name of an area: its widest place, and others nearby, one or two lines above and below it. */
function inArea(sizePx: number, roomPx: number): readonly Offset[] {
  const most = MAX_MOVE * roomPx;
  const lines = [0, -1.5, 1.5, -3, 3].map((line) => line * sizePx).filter((px) => Math.abs(px) <= most);
  return [0, -most, most].flatMap((x) => lines.map((y) => [x, y] as const));
}

/** Returns the radius of the largest point of the data that covers a city; undefined if none does. */
function radiusAt({ x, y }: PlaceName, worldPx: number, below: Collisions): number | undefined {
  const radii = below.around(x * worldPx, y * worldPx).map(([left, , right]) => (right - left) / 2);
  return radii.length > 0 ? Math.max(...radii) : undefined;
}

/** Offsets to try: right, left, above and below the dot of a city, or the point of the data above it. */
function besideDot(widthPx: number, sizePx: number, radiusPx: number): readonly Offset[] {
  const aside = radiusPx + GAP_PX + widthPx / 2;
  const above = radiusPx + GAP_PX / 2 + (sizePx * LINE) / 2;
  return [
    [aside, 0],
    [-aside, 0],
    [0, -above],
    [0, above],
  ];
}

/** True if the left or right edge of a view would cut a name whose place is at x. */
function isCut(
  x: number,
  { widthPx, offsetXPx }: Placed,
  worldPx: number,
  clear: Clearance | undefined,
): boolean {
  if (clear?.viewport.worldPx !== worldPx) return false;
  const left = (x - clear.viewport.originX) * worldPx + offsetXPx - widthPx / 2;
  const right = left + widthPx;
  return (left < 0 && right > 0) || (left < clear.viewport.widthPx && right > clear.viewport.widthPx);
}

/** Returns the rectangle of a name without the room around it. */
function textRectOf({ name, sizePx, widthPx, offsetXPx, offsetYPx }: Placed, worldPx: number): Rect {
  const [x, y] = [name.x * worldPx + offsetXPx, name.y * worldPx + offsetYPx];
  return [x - widthPx / 2, y - sizePx / 2, x + widthPx / 2, y + sizePx / 2];
}

/** Returns the rectangle of a name and its dot, with the room around them. */
function rectOf(label: Placed, worldPx: number): Rect {
  const { name, sizePx, hasDot } = label;
  const [x, y] = [name.x * worldPx, name.y * worldPx];
  const [left, top, right, bottom] = textRectOf(label, worldPx);
  const dotPx = hasDot ? DOT_PX.capital : 0;
  const [padX, padY] = [PADDING_PX[0], PADDING_PX[1] + (sizePx * (LINE - 1)) / 2];
  return [
    Math.min(left, x - dotPx) - padX,
    Math.min(top, y - dotPx) - padY,
    Math.max(right, x + dotPx) + padX,
    Math.max(bottom, y + dotPx) + padY,
  ];
}
