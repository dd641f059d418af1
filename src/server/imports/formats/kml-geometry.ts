/** Reads the geometries of KML: https://developers.google.com/kml/documentation/kmlreference#geometry */
import { type Coordinates, type Shape, ShapeError } from "../../../geometry/shape";
import { childElements, childNamed, childrenNamed, textOfElement, type XmlElement } from "./xml";

type Position = readonly [x: number, y: number];
/** X, Y, Z, and a trailing comma that some programs write. */
const MAX_DIMENSIONS = 4;

type SimpleType = "Point" | "LineString" | "Polygon";
interface Simple {
  readonly type: SimpleType;
  readonly coordinates: Coordinates;
}

/**
 * Returns the geometry of a placemark in 2D. A MultiGeometry of one kind, nested or not, becomes one geometry.
 * @throws ShapeError if a coordinate is not a number, or if a line or ring has too few points
 */
export function geometryOfPlacemark(placemark: XmlElement): Shape | null {
  return combined(simpleGeometries(placemark));
}

function combined(parts: readonly Simple[]): Shape | null {
  const [first] = parts;
  if (first === undefined) return null;
  if (parts.length === 1) return { ...first, geometries: [] };
  if (parts.every(({ type }) => type === first.type)) {
    return {
      type: `Multi${first.type}`,
      coordinates: parts.map(({ coordinates }) => coordinates),
      geometries: [],
    };
  }
  const geometries = parts.map((part) => ({ ...part, geometries: [] }));
  return { type: "GeometryCollection", coordinates: [], geometries };
}

/** Returns the geometries of an element and of the MultiGeometry elements in it. */
function simpleGeometries(parent: XmlElement): Simple[] {
  return childElements(parent).flatMap((element): Simple[] => {
    switch (element.name) {
      case "MultiGeometry":
      case "MultiTrack":
        return simpleGeometries(element);
      case "Point":
        return pointOf(positionsOf(element));
      case "LineString":
        return lineOf(positionsOf(element));
      case "LinearRing":
        return lineOf(closed(positionsOf(element)));
      case "Polygon":
        return polygonOf(element);
      case "Track":
        return trackOf(element);
      default:
        return [];
    }
  });
}

const pointOf = ([position]: readonly Position[]): Simple[] =>
  position === undefined ? [] : [{ type: "Point", coordinates: position }];

function lineOf(positions: readonly Position[]): Simple[] {
  if (positions.length === 1) throw new ShapeError("a line has one point");
  return positions.length === 0 ? [] : [{ type: "LineString", coordinates: positions }];
}

function polygonOf(polygon: XmlElement): Simple[] {
  const boundaries = (name: string) =>
    childrenNamed(polygon, name)
      .flatMap((boundary) => childrenNamed(boundary, "LinearRing"))
      .map((ring) => ringOf(positionsOf(ring)));
  const outer = boundaries("outerBoundaryIs").filter((ring) => ring.length > 0);
  const inner = boundaries("innerBoundaryIs").filter((ring) => ring.length > 0);
  if (outer.length === 0) {
    if (inner.length > 0) throw new ShapeError("a polygon has holes but no outer ring");
    return [];
  }
  return [{ type: "Polygon", coordinates: [...outer, ...inner] }];
}

function ringOf(positions: readonly Position[]): readonly Position[] {
  const ring = closed(positions);
  if (ring.length > 0 && ring.length < 4)
    throw new ShapeError(`a ring has ${ring.length} points and needs 4`);
  return ring;
}

/** Ends a ring where it begins, as programs that show KML do. */
function closed(ring: readonly Position[]): readonly Position[] {
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || last === undefined) return ring;
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}

/** A track of one position is a point. */
function trackOf(track: XmlElement): Simple[] {
  const positions = childrenNamed(track, "coord")
    .map((coord) => textOfElement(coord).trim())
    .filter((text) => text !== "") // where the position is unknown
    .map((text) => positionOf(text.split(/\s+/)));
  return positions.length === 1 ? pointOf(positions) : lineOf(positions);
}

/** Reads `<coordinates>`: `x,y` or `x,y,z`, separated by blanks; some programs also write blanks around commas. */
function positionsOf(element: XmlElement): Position[] {
  const coordinates = childNamed(element, "coordinates");
  const text = coordinates ? textOfElement(coordinates).replace(/\s+/g, " ").trim() : "";
  if (text === "") return [];
  const tuples = text.replaceAll(" ,", ",").replaceAll(", ", ",").split(" ");
  return tuples.map((tuple) => positionOf(tuple.split(",")));
}

function positionOf(numbers: readonly string[]): Position {
  if (numbers.length > MAX_DIMENSIONS) throw new ShapeError(`a position has ${numbers.length} coordinates`);
  const [x = "", y = ""] = numbers;
  return [coordinate(x), coordinate(y)];
}

function coordinate(text: string): number {
  const number = text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw new ShapeError(`"${text}" is not a coordinate`);
  return number;
}

/**
 * Returns the outline of an image: that of its four corners, or its box, which `rotation` turns around its center.
 * @throws ShapeError if a coordinate is not a number
 */
export function outlineOfOverlay(overlay: XmlElement): Shape | null {
  const quad = childNamed(overlay, "LatLonQuad");
  const box = childNamed(overlay, "LatLonBox");
  const ring = quad ? ringOf(positionsOf(quad)) : box ? ringOf(cornersOf(box)) : [];
  return ring.length === 0 ? null : { type: "Polygon", coordinates: [ring], geometries: [] };
}

function cornersOf(box: XmlElement): Position[] {
  const side = (name: string) => {
    const element = childNamed(box, name);
    return element ? textOfElement(element).trim() : "";
  };
  const [north, south] = [coordinate(side("north")), coordinate(side("south"))];
  const [east, west] = [coordinate(side("east")), coordinate(side("west"))];
  const turn = (coordinate(side("rotation") || "0") * Math.PI) / 180;
  const center = [(west + east) / 2, (south + north) / 2] as const;
  const rotated = ([x, y]: Position): Position => {
    const [dx, dy] = [x - center[0], y - center[1]];
    return [
      center[0] + dx * Math.cos(turn) - dy * Math.sin(turn),
      center[1] + dx * Math.sin(turn) + dy * Math.cos(turn),
    ];
  };
  const corners: Position[] = [
    [west, north],
    [east, north],
    [east, south],
    [west, south],
  ];
  return turn === 0 ? corners : corners.map(rotated);
}
