import { type Box, clipRing, clipSegment, reserve, type Trace } from "../../geometry/clip";
import { arrowLength, arrowReach } from "../arrow";
import type { PathGeometry, SceneLayer, Viewport } from "../scene";
import { fillHead, type Head, headOf, isCutAtEnd } from "./arrows";
import { boxAround, boxesOfGroups, boxesOfPaths, copiesOf } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { Hatching } from "./hatch";
import { hitLines, hitPolygons } from "./hit";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";
import { colorSlots, cssColor, type Slots, sizeSlots, strokeHighlight } from "./style";
import { Thinner, type Vertices } from "./thin";

/**
 * How far paths may extend beyond the view before they are clipped. Skia's coordinates are 32-bit floats: without
 * clipping, the vertices of a continent would visibly jitter at zoom 18.
 */
const CLIP_MARGIN_PX = 2048;
/**
 * Polygons without an outline are stroked this wide in their own colour: two edges that each cover half of a pixel leave a
 * quarter of the ground visible between neighbours.
 */
const SEAM_DEVICE_PX = 1;
/** Outlines that thin are full around polygons of this size in CSS pixels, and absent below the smaller one. */
const OUTLINED_PX = 14;
const NOT_OUTLINED_PX = 4;
/** In polygons smaller than this in CSS pixels, a hatching would look like a colour. */
const HATCHED_PX = 4;
/** Number of features of which the usual size is found. */
const SAMPLE = 1000;
/** Features smaller than this in both directions are painted as a dot, so that they do not vanish. */
const DOT_DEVICE_PX = 1;

/** Maps world units to device pixels: pixel = (world + shift) × scale. */
interface Placement {
  readonly scale: number;
  readonly shiftX: number;
  readonly shiftY: number;
  /** Box in world units to which paths are clipped. */
  readonly clip: Box;
}

/**
 * Paints a layer of lines or polygons in the order of its features. `!`: see `PathGeometry`; there is one box of four
 * numbers for each path and feature, and one colour and size for each slot.
 */
export class PathPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly #geometry: PathGeometry;
  readonly #colors: Slots<string>;
  /** Whether each colour hides what is below it, so that it can be painted twice. */
  readonly #isOpaque: readonly boolean[];
  /** Colour of the lines over polygons in the last slot of colours, those without data. */
  readonly #hatching: Hatching | undefined;
  readonly #sizes: Slots<number>;
  readonly #thinner: Thinner;
  readonly #pathBoxes: Float64Array;
  readonly #featureBoxes: Float64Array;
  /** Median side of the features' boxes in world units. */
  readonly #usualSize: number;
  /** Copies of the world on either side of it. */
  readonly #copies: number;
  /** Not 0 for each row that is hidden; absent if none is. */
  #failed: Uint32Array | undefined;
  readonly #ring: Trace = { xy: new Float64Array(0), count: 0 };
  readonly #spare: Trace = { xy: new Float64Array(0), count: 0 };

  constructor(layer: SceneLayer, geometry: PathGeometry, copies = Infinity) {
    this.layer = layer;
    this.#copies = copies;
    this.#geometry = geometry;
    const { values, ofRow } = colorSlots(layer.color);
    this.#colors = { values: values.map(cssColor), ofRow };
    this.#isOpaque = values.map(([, , , alpha]) => alpha === 255);
    const { color } = layer;
    if (geometry.kind === "polygon" && color.kind === "classes" && color.hatch)
      this.#hatching = new Hatching(cssColor(color.hatch));
    this.#sizes = sizeSlots(layer.size);
    this.#thinner = new Thinner(geometry);
    this.#pathBoxes = boxesOfPaths(geometry.xy, geometry.paths);
    this.#featureBoxes = boxesOfGroups(this.#pathBoxes, geometry.features);
    this.#usualSize = layer.stroke?.thins ? medianSide(this.#featureBoxes) : Infinity;
  }

  filter(failed: Uint32Array | undefined): void {
    this.#failed = failed;
  }

  warm(): void {
    this.#thinner.warm();
  }

  /** Returns the number of features that touch the view. */
  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch): number {
    if (this.layer.opacity === 1) return this.#paintFeatures(target, viewport, scratch);
    const { surface, context } = scratch.surface(
      Math.round(viewport.widthPx * viewport.pixelRatio),
      Math.round(viewport.heightPx * viewport.pixelRatio),
    );
    const painted = this.#paintFeatures(context, viewport, scratch);
    if (painted === 0) return 0;
    target.globalAlpha = this.layer.opacity;
    target.drawImage(surface, 0, 0);
    target.globalAlpha = 1;
    return painted;
  }

  hitAll({ x, y }: Place, { worldPx, slopPx, most }: Look): Found[] {
    const { kind, rows } = this.#geometry;
    const { ofRow, values } = this.#sizes;
    const rowOf = (feature: number) => (rows === undefined ? feature : rows[feature]!);
    const radiusOf = (feature: number) => values[ofRow?.[rowOf(feature)] ?? 0]! / 2 / worldPx;
    const failed = this.#failed;
    const isShown = (feature: number) => failed === undefined || failed[rowOf(feature)] === 0;
    const limits = { slop: slopPx / worldPx, most: failed === undefined ? most : Infinity };
    const found = new Set<number>();
    // a path that crosses the antimeridian also shows in the neighbouring copies of the world
    for (const copy of this.#copies > 0 ? [0, 1, -1] : [0]) {
      const place = { x: (this.#copies > 0 ? x - Math.floor(x) : x) + copy, y };
      const features =
        kind === "line"
          ? hitLines(
              this.#geometry,
              this.#featureBoxes,
              place,
              (feature) => (isShown(feature) ? radiusOf(feature) : Number.NaN),
              limits,
            )
          : hitPolygons(this.#geometry, this.#featureBoxes, place, limits.most);
      for (const feature of features) if (isShown(feature)) found.add(feature);
    }
    return [...found].slice(0, most).map((feature) => ({ feature, row: rowOf(feature), of: this.layer }));
  }

  placedIn(viewport: Viewport, _frame: number, most: number): Placed[] {
    const { features, rows } = this.#geometry;
    const view = boxAround(viewport, 0);
    const placed: Placed[] = [];
    for (let feature = 0; feature + 1 < features.length && placed.length < most; feature++) {
      const [west, north, east, south] = this.#featureBoxes.subarray(4 * feature, 4 * feature + 4);
      const [x, y] = [(west! + east!) / 2, (north! + south!) / 2];
      const row = rows === undefined ? feature : rows[feature]!;
      if (this.#failed !== undefined && this.#failed[row] !== 0) continue;
      for (const copy of copiesOf([x, y, x, y], view, this.#copies))
        placed.push({ feature, row, of: this.layer, x: x + copy, y });
    }
    return placed;
  }

  highlight(context: Canvas2D, viewport: Viewport, { feature }: Found): void {
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const scale = worldPx * pixelRatio;
    const clip = boxAround(viewport, CLIP_MARGIN_PX);
    const [minX, , maxX] = this.#featureBoxes.subarray(4 * feature, 4 * feature + 4);
    const vertices = this.#thinner.at(scale);
    context.lineCap = "round";
    const most = this.#copies;
    const lastCopy = Math.min(most, Math.floor(clip[2] - minX!));
    for (let copy = Math.max(-most, Math.ceil(clip[0] - maxX!)); copy <= lastCopy; copy++) {
      const to: Placement = {
        scale,
        shiftX: copy - originX,
        shiftY: -originY,
        clip: [clip[0] - copy, clip[1], clip[2] - copy, clip[3]],
      };
      context.beginPath();
      if (this.#geometry.kind === "line") this.#traceLines(context, feature, vertices, to);
      else this.#traceRings(context, feature, vertices, to);
      strokeHighlight(context, pixelRatio);
    }
  }

  #paintFeatures(context: Canvas2D, viewport: Viewport, scratch: Scratch): number {
    const { kind, features, rows } = this.#geometry;
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const stroke = kind === "polygon" ? this.#strokeAt(worldPx) : undefined;
    const [colorOf, sizeOf, boxes] = [this.#colors.ofRow, this.#sizes.ofRow, this.#featureBoxes];
    const widestPx = kind === "line" ? Math.max(0, ...this.#sizes.values) : (stroke?.widthPx ?? 0);
    const reachPx = this.layer.arrow ? arrowReach(widestPx) : widestPx / 2;
    const [viewMinX, viewMinY, viewMaxX, viewMaxY] = boxAround(viewport, reachPx + 1);
    const clip = boxAround(viewport, reachPx + CLIP_MARGIN_PX);
    const scale = worldPx * pixelRatio;
    const vertices = this.#thinner.at(scale);
    const most = this.#copies;
    const failed = this.#failed;

    context.lineJoin = "round";
    context.lineCap = "round";
    if (stroke) {
      context.strokeStyle = cssColor(stroke.color);
      context.lineWidth = stroke.widthPx * pixelRatio;
    }
    const phase = -(originX + originY) * scale;
    const hatch = this.#hatching?.at(context, scratch, { pixelRatio, phase });
    const closesSeams = kind === "polygon" && !stroke;
    if (closesSeams) context.lineWidth = SEAM_DEVICE_PX;
    let [color, size] = [-1, -1]; // current state of the context: setting it costs more than a small path
    let painted = 0;
    for (let feature = 0; feature + 1 < features.length; feature++) {
      const at = 4 * feature;
      if (!(boxes[at + 1]! <= viewMaxY && boxes[at + 3]! >= viewMinY)) continue;
      const firstCopy = Math.max(-most, Math.ceil(viewMinX - boxes[at + 2]!));
      const lastCopy = Math.min(most, Math.floor(viewMaxX - boxes[at]!));
      if (firstCopy > lastCopy) continue;

      const row = rows === undefined ? feature : rows[feature]!;
      if (failed !== undefined && failed[row] !== 0) continue;
      const [colorSlot, sizeSlot] = [colorOf?.[row] ?? 0, sizeOf?.[row] ?? 0];
      if (colorSlot !== color) {
        color = colorSlot;
        context.fillStyle = this.#colors.values[color];
        if (!stroke) context.strokeStyle = this.#colors.values[color];
      }
      if (kind === "line" && sizeSlot !== size) {
        size = sizeSlot;
        context.lineWidth = Math.max(0, this.#sizes.values[size]!) * pixelRatio;
      }
      painted++;
      for (let copy = firstCopy; copy <= lastCopy; copy++) {
        const placement: Placement = {
          scale,
          shiftX: copy - originX,
          shiftY: -originY,
          clip: [clip[0] - copy, clip[1], clip[2] - copy, clip[3]],
        };
        if (this.#paintDot(context, feature, placement)) continue;
        context.beginPath();
        if (kind === "line" && this.layer.arrow) {
          const width = { widthPx: this.#sizes.values[size]!, pixelRatio };
          this.#paintArrows(context, feature, vertices, placement, width);
        } else if (kind === "line") {
          this.#traceLines(context, feature, vertices, placement);
          if (this.#sizes.values[size]! > 0) context.stroke();
        } else {
          this.#traceRings(context, feature, vertices, placement);
          context.fill("evenodd");
          if (
            hatch &&
            color === this.#colors.values.length - 1 &&
            this.#sideOf(feature) * worldPx >= HATCHED_PX
          ) {
            context.fillStyle = hatch;
            context.fill("evenodd");
            context.fillStyle = this.#colors.values[color];
          }
          if (closesSeams ? this.#isOpaque[color] : stroke && stroke.widthPx > 0) context.stroke();
        }
      }
    }
    return painted;
  }

  /** Returns the longer side of a feature's box in world units. */
  #sideOf(feature: number): number {
    const [minX, minY, maxX, maxY] = this.#featureBoxes.subarray(4 * feature, 4 * feature + 4);
    return Math.max(maxX! - minX!, maxY! - minY!);
  }

  /** Returns the outline at a scale; undefined if the polygons are too small for one. */
  #strokeAt(worldPx: number): SceneLayer["stroke"] {
    const { stroke } = this.layer;
    if (!stroke?.thins) return stroke;
    const sidePx = this.#usualSize * worldPx;
    const share = Math.min(1, (sidePx - NOT_OUTLINED_PX) / (OUTLINED_PX - NOT_OUTLINED_PX));
    return share > 0 ? { ...stroke, widthPx: stroke.widthPx * share } : undefined;
  }

  #paintDot(context: Canvas2D, feature: number, { scale, shiftX, shiftY }: Placement): boolean {
    const [minX, minY, maxX, maxY] = this.#featureBoxes.subarray(4 * feature, 4 * feature + 4);
    if ((maxX! - minX!) * scale >= DOT_DEVICE_PX || (maxY! - minY!) * scale >= DOT_DEVICE_PX) return false;
    const width = this.#geometry.kind === "line" ? context.lineWidth : DOT_DEVICE_PX;
    const x = ((minX! + maxX!) / 2 + shiftX) * scale;
    const y = ((minY! + maxY!) / 2 + shiftY) * scale;
    context.fillRect(x - width / 2, y - width / 2, width, width);
    return true;
  }

  #traceRings(context: Canvas2D, feature: number, { xy, paths }: Vertices, to: Placement): void {
    const { features } = this.#geometry;
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const [from, end] = [paths[path]!, paths[path + 1]!];
      const place = this.#placeOfPath(path, to.clip);
      if (end - from < 3 || place === "outside") continue;
      if (place === "inside") {
        traceRing(context, xy, from, end, to);
        continue;
      }
      const ring = this.#ring;
      reserve(ring, end - from);
      ring.xy.set(xy.subarray(2 * from, 2 * end));
      ring.count = end - from;
      clipRing(ring, this.#spare, to.clip);
      if (ring.count >= 3) traceRing(context, ring.xy, 0, ring.count, to);
    }
  }

  #traceLines(context: Canvas2D, feature: number, { xy, paths }: Vertices, to: Placement): void {
    const { features } = this.#geometry;
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const [from, end] = [paths[path]!, paths[path + 1]!];
      const place = this.#placeOfPath(path, to.clip);
      if (end - from < 2 || place === "outside") continue;
      if (place === "inside") traceLine(context, xy, from, end, to);
      else traceClippedLine(context, xy, from, end, to);
    }
  }

  /** Strokes the lines of a feature up to their arrowheads, and fills these. */
  #paintArrows(
    context: Canvas2D,
    feature: number,
    vertices: Vertices,
    to: Placement,
    { widthPx, pixelRatio }: { readonly widthPx: number; readonly pixelRatio: number },
  ): void {
    const { features } = this.#geometry;
    const { xy, paths } = vertices;
    if (widthPx <= 0) return;
    const cssPx = pixelRatio / to.scale;
    const size = { length: arrowLength(widthPx) * cssPx, cssPx };
    const heads: Head[] = [];
    const lastPath = features[feature + 1]!;
    for (let path = features[feature]!; path < lastPath; path++) {
      const [from, end] = [paths[path]!, paths[path + 1]!];
      if (end - from < 2 || this.#placeOfPath(path, to.clip) === "outside") continue;
      const isCut = isCutAtEnd(vertices, path, lastPath);
      const head = isCut ? undefined : headOf(xy, [from, end], size, this.#ring);
      if (head) heads.push(head);
      if (head) traceClippedLine(context, this.#ring.xy, 0, this.#ring.count, to);
      else traceClippedLine(context, xy, from, end, to);
    }
    context.stroke();
    for (const head of heads) fillHead(context, head, to);
  }

  #placeOfPath(path: number, [minX, minY, maxX, maxY]: Box): "inside" | "outside" | "across" {
    const at = 4 * path;
    const boxes = this.#pathBoxes;
    if (!(boxes[at]! <= maxX && boxes[at + 1]! <= maxY && boxes[at + 2]! >= minX && boxes[at + 3]! >= minY))
      return "outside";
    const inside =
      boxes[at]! >= minX && boxes[at + 1]! >= minY && boxes[at + 2]! <= maxX && boxes[at + 3]! <= maxY;
    return inside ? "inside" : "across";
  }
}

/** Returns the median side of some boxes, evenly spaced among all. */
function medianSide(boxes: Float64Array): number {
  const count = boxes.length / 4;
  const every = Math.max(1, Math.floor(count / SAMPLE));
  const sides: number[] = [];
  for (let at = 0; at < boxes.length; at += 4 * every) {
    const area = (boxes[at + 2]! - boxes[at]!) * (boxes[at + 3]! - boxes[at + 1]!);
    if (area >= 0) sides.push(Math.sqrt(area)); // not of a feature without vertices
  }
  sides.sort((a, b) => a - b);
  return sides[sides.length >> 1] ?? 0;
}

function traceLine(
  context: Canvas2D,
  xy: Float64Array,
  from: number,
  end: number,
  { scale, shiftX, shiftY }: Placement,
): void {
  context.moveTo((xy[2 * from]! + shiftX) * scale, (xy[2 * from + 1]! + shiftY) * scale);
  for (let at = 2 * from + 2; at < 2 * end; at += 2) {
    context.lineTo((xy[at]! + shiftX) * scale, (xy[at + 1]! + shiftY) * scale);
  }
}

/** Traces a ring without its last vertex if that repeats the first: closing the path joins them. */
function traceRing(context: Canvas2D, xy: Float64Array, from: number, end: number, to: Placement): void {
  const closed = xy[2 * from] === xy[2 * end - 2] && xy[2 * from + 1] === xy[2 * end - 1];
  traceLine(context, xy, from, closed ? end - 1 : end, to);
  context.closePath();
}

/** Traces the parts of a line that lie in the clip box. */
function traceClippedLine(
  context: Canvas2D,
  xy: Float64Array,
  from: number,
  end: number,
  { scale, shiftX, shiftY, clip }: Placement,
): void {
  let pen = false; // true if the context's path ends at the segment's first vertex
  for (let at = 2 * from; at + 3 < 2 * end; at += 2) {
    const [x, y, toX, toY] = [xy[at]!, xy[at + 1]!, xy[at + 2]!, xy[at + 3]!];
    const part = clipSegment(x, y, toX - x, toY - y, clip);
    if (!part) {
      pen = false;
      continue;
    }
    const [start, stop] = part;
    const [dx, dy] = [toX - x, toY - y];
    if (!pen) context.moveTo((x + start * dx + shiftX) * scale, (y + start * dy + shiftY) * scale);
    context.lineTo((x + stop * dx + shiftX) * scale, (y + stop * dy + shiftY) * scale);
    pen = stop === 1;
  }
}
