/**
 * Parses WKT and EWKT: https://www.ogc.org/standard/sfa/ (6.2). Like PostGIS, accepts `SRID=…;`, any letter case,
 * `POINTZ (…)`, Z and M without a tag, and `MULTIPOINT(0 0, 1 1)`. wkx takes time quadratic in the length of the string and
 * reads `POINT(a b)` as an empty point.
 */
import {
  type Coordinates,
  type Dimensions,
  dimensionsOf,
  SHAPE_TYPES,
  type Shape,
  ShapeError,
  type ShapeType,
} from "./shape";

const TOKEN = /\s*([a-z]+|[(),]|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*/iy;
const NUMBER = /^[-+.\d]/;
const TAGGED = /^([A-Z]+?)(ZM|Z|M)?$/;
const TYPES = new Map<string, ShapeType>(SHAPE_TYPES.map((type) => [type.toUpperCase(), type]));

export interface ParsedWkt {
  readonly shape: Shape;
  readonly dimensions: Dimensions;
  /** null if the string contains no SRID. */
  readonly srid: number | null;
}

/**
 * Parses WKT or EWKT.
 * @throws ShapeError naming the first token that is not WKT.
 */
export function parseWkt(text: string): ParsedWkt {
  const [, srid, wkt = text] = /^\s*SRID\s*=\s*(\d+)\s*;(.*)$/is.exec(text) ?? [];
  const parser = new WktParser(wkt);
  const shape = parser.geometry();
  parser.end();
  const counted = dimensionsOf(shape);
  const { tag } = parser;
  const dimensions = tag === "" ? counted : { hasZ: tag !== "M", hasM: tag !== "Z" };
  return { shape, dimensions, srid: srid === undefined ? null : Number(srid) };
}

class WktParser {
  /** Dimensions in the tag of the outermost geometry: "", "Z", "M" or "ZM". */
  tag = "";
  #at = 0;
  #token = "";
  #depth = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.#next();
  }

  geometry(): Shape {
    const [, name = "", attached = ""] = TAGGED.exec(this.#token.toUpperCase()) ?? [];
    const type = TYPES.get(name);
    if (type === undefined || this.#depth > 32) throw this.#unexpected("a geometry type");
    this.#next();
    const apart = /^(ZM|Z|M)$/i.test(this.#token) ? this.#token.toUpperCase() : "";
    if (apart !== "") this.#next();
    if (this.#depth === 0) this.tag = attached || apart;
    if (type !== "GeometryCollection") return { type, coordinates: this.#coordinates(type), geometries: [] };
    this.#depth++;
    const geometries = this.#list(() => this.geometry());
    this.#depth--;
    return { type, coordinates: [], geometries };
  }

  end(): void {
    if (this.#token !== "") throw this.#unexpected("its end");
  }

  #coordinates(type: ShapeType): Coordinates {
    const points = () => this.#list(() => this.#position());
    const rings = () => this.#list(points);
    switch (type) {
      case "Point":
        return this.#wrapped();
      case "LineString":
        return points();
      case "Polygon":
      case "MultiLineString":
        return rings();
      case "MultiPoint":
        return this.#list(() => (NUMBER.test(this.#token) ? this.#position() : this.#wrapped()));
      default:
        return this.#list(rings);
    }
  }

  /** Reads `(1 2)` or `EMPTY`. */
  #wrapped(): number[] {
    return this.#list(() => this.#position())[0] ?? [];
  }

  #list<T>(item: () => T): T[] {
    if (this.#token.toUpperCase() === "EMPTY") {
      this.#next();
      return [];
    }
    this.#expect("(");
    const items = [item()];
    while (this.#token === ",") {
      this.#next();
      items.push(item());
    }
    this.#expect(")");
    return items;
  }

  #position(): number[] {
    const numbers: number[] = [];
    while (NUMBER.test(this.#token)) {
      numbers.push(Number(this.#token));
      this.#next();
    }
    if (numbers.length < 2) throw this.#unexpected("a number");
    return numbers;
  }

  #expect(token: string): void {
    if (this.#token !== token) throw this.#unexpected(`"${token}"`);
    this.#next();
  }

  #next(): void {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    this.#token =
      match?.[1] ?? (this.#at < this.#text.length ? this.#text.slice(this.#at, this.#at + 12) : "");
    if (match !== null) this.#at = TOKEN.lastIndex;
  }

  #unexpected(expected: string): ShapeError {
    return new ShapeError(`expected ${expected} in the WKT, found ${JSON.stringify(this.#token)}`);
  }
}
