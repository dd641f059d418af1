import type L from "leaflet";
import { formatNumber } from "../../format";
import type { Hit } from "../../painter";
import type { Card, SceneLayer } from "../../scene";
import { create } from "./create";

const MISSING = "no data";

export interface Size {
  readonly width: number;
  readonly height: number;
}

interface Corner {
  readonly left: number;
  readonly top: number;
}

/** Free room between a card and the edges of the map, in CSS pixels. */
export const EDGE_PX = 4;

/** Returns a title and a line per column: user data, inserted as text only. */
export function cardContent({ of: { columns = [] }, row }: Hit, { title, fields }: Card): HTMLElement[] {
  const list = create("dl");
  for (const { title: name, column, format } of fields) {
    const value = textOf(columns[column], row, format);
    const text = create("dd", { dir: "auto" }, value ?? MISSING);
    if (value === undefined) text.className = "missing";
    list.append(create("dt", { dir: "auto" }, name), text);
  }
  return title === undefined ? [list] : [create("h2", { dir: "auto" }, title), list];
}

/** Returns the content of a card as one text, for screen readers. */
export function cardText({ of: { columns = [] }, row }: Hit, { title, fields }: Card): string {
  const lines = fields.map(
    ({ title: name, column, format }) => `${name}: ${textOf(columns[column], row, format) ?? MISSING}`,
  );
  return [...(title === undefined ? [] : [title]), ...lines].join(", ");
}

type Columns = NonNullable<SceneLayer["columns"]>;

function textOf(column: Columns[number] | undefined, row: number, format?: string): string | undefined {
  if (column === undefined) return undefined;
  if (column.kind === "texts") {
    const code = column.codes[row] ?? 0;
    return code === 0 ? undefined : column.texts[code - 1];
  }
  const value = column.values[row] ?? Number.NaN;
  return Number.isNaN(value) ? undefined : formatNumber(value, format);
}

/** Places a card to the lower right of a position, or on the other side of it if there is no room. */
export function besidePlace(at: L.Point, { width, height }: Size, map: Size, gapPx: number): Corner {
  const left = at.x + gapPx + width <= map.width ? at.x + gapPx : at.x - gapPx - width;
  const top = at.y + gapPx + height <= map.height ? at.y + gapPx : at.y - gapPx - height;
  return moved({ left, top }, { width, height }, map);
}

/** Places a card above a position, or below, right or left of it, wherever there is room; otherwise partly over it. */
export function abovePlace(at: L.Point, { width, height }: Size, map: Size, gapPx: number): Corner {
  const middle = { left: at.x - width / 2, top: at.y - height / 2 };
  const wanted = [
    { left: middle.left, top: at.y - gapPx - height },
    { left: middle.left, top: at.y + gapPx },
    { left: at.x + gapPx, top: middle.top },
    { left: at.x - gapPx - width, top: middle.top },
  ].map((corner) => moved(corner, { width, height }, map));
  const covers = ({ left, top }: Corner) =>
    at.x > left && at.x < left + width && at.y > top && at.y < top + height;
  return wanted.find((corner) => !covers(corner)) ?? moved(middle, { width, height }, map);
}

/** Moves a card into the map. */
function moved({ left, top }: Corner, { width, height }: Size, map: Size): Corner {
  const within = (from: number, room: number) =>
    Math.round(Math.max(EDGE_PX, Math.min(from, room - EDGE_PX)));
  return { left: within(left, map.width - width), top: within(top, map.height - height) };
}

/** Moves an element of the map's container to a place. */
export function moveTo(element: HTMLElement, { left, top }: Corner): void {
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}

export const sizeOf = ({ offsetWidth: width, offsetHeight: height }: HTMLElement): Size => ({
  width,
  height,
});
