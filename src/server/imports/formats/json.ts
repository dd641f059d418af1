/** GeoJSON (RFC 7946, and the `crs` of its predecessor) and JSON arrays of flat objects, read in pieces. */
import { createReadStream } from "node:fs";
import { ExactJsonParser } from "../../../exact-json";
import { SRID_LNGLAT } from "../../../geo";
import { crsNameOf, sridOfCrsName } from "../../../geometry/crs";
import { ShapeError, shapeOf } from "../../../geometry/shape";
import { isObject } from "../../../values";
import { ImportFailure } from "../errors";
import { type FileToImport, layerOfFile } from "../file";
import type { FileOptions, Row, TableSource } from "../table-source";
import { decoded, encodingOf } from "./encoding";

/** Paths whose values the parser emits one at a time, so that the whole document is never in memory. */
const ARRAY_PATHS = ["$.*"];
const OBJECT_PATHS = [
  "$.type",
  "$.crs",
  "$.features.*",
  "$.geometry",
  "$.properties",
  "$.id",
  "$.coordinates",
  "$.geometries",
];

/** @throws ImportFailure 1002, 1005, 2007, 3007 */
export async function openJson(file: FileToImport, { reading }: FileOptions): Promise<TableSource> {
  const encoding = await encodingOf(file.path, reading, file.charset);
  const start = await firstCharacter(file.path);
  if (start === "") throw new ImportFailure(1005, "The file has no content.");
  const columns = new Columns();
  const layer = { ...layerOfFile(file), encoding };
  const values = (paths: string[]) => valuesAt(decoded(file.path, encoding.name), paths);
  if (start === "[") {
    return {
      ...layer,
      kind: "cells",
      columns: columns.names,
      rows: () => objectRows(values(ARRAY_PATHS), columns),
    };
  }
  const source = {
    ...layer,
    kind: "features" as const,
    columns: columns.names,
    projection: reading.srid ?? SRID_LNGLAT,
    hasTimesAsText: true,
    repeated: columns.repeated,
    rows: () =>
      featureRows(values(OBJECT_PATHS), columns, (srid) => {
        source.projection = reading.srid ?? srid;
      }),
  };
  return source;
}

async function firstCharacter(path: string): Promise<string> {
  for await (const chunk of createReadStream(path)) {
    const text = (chunk as Buffer).toString("utf8").replace(/[\s\ufeff]/g, "");
    if (text) return text.charAt(0);
  }
  return "";
}

/** Collects columns in the order in which their names occur. */
class Columns {
  readonly names: string[] = [];
  /** Position of the ids of features if all of them are repeated in a property `id`. */
  readonly repeated = new Set<number>();
  readonly #at = new Map<string, number>();
  #idAt: number | undefined;

  /** Adds the id of a feature, which RFC 7946 allows beside its properties, as `id`, or as `feature_id` beside another `id`. */
  withId(id: unknown, values: unknown[]): unknown[] {
    if (typeof id !== "string" && typeof id !== "number" && typeof id !== "bigint") return values;
    const own = this.names.findIndex((name, at) => at !== this.#idAt && /^id$/i.test(name));
    const isRepeated = own !== -1 && String(values[own]) === String(id);
    if (this.#idAt === undefined) {
      this.#idAt = this.names.push("id") - 1;
      if (isRepeated) this.repeated.add(this.#idAt);
    }
    if (!isRepeated) this.repeated.delete(this.#idAt);
    if (own !== -1) this.names[this.#idAt] = "feature_id";
    values[this.#idAt] = id;
    return values;
  }

  values(properties: object): unknown[] {
    const values: unknown[] = [];
    for (const [name, value] of Object.entries(properties)) {
      let at = this.#at.get(name);
      if (at === undefined) {
        at = this.names.push(name) - 1;
        this.#at.set(name, at);
      }
      values[at] = value;
    }
    return values;
  }
}

interface Found {
  /** Name of the top-level member that the value belongs to; undefined in an array. */
  readonly member: string | undefined;
  readonly isElement: boolean;
  readonly value: unknown;
}

async function* valuesAt(text: AsyncIterable<string>, paths: string[]): AsyncGenerator<Found> {
  const parser = new ExactJsonParser({ paths, keepStack: false });
  let found: Found[] = [];
  parser.onValue = ({ value, key, stack }) => {
    const isElement = typeof key === "number";
    const member = stack.length > 1 ? stack[1]?.key : isElement ? undefined : key;
    found.push({ member: member as string | undefined, isElement, value });
  };
  try {
    for await (const piece of text) {
      if (piece) parser.write(piece);
      yield* found;
      found = [];
    }
  } catch (error) {
    if (error instanceof ImportFailure) throw error;
    throw new ImportFailure(3007, `The file is not valid JSON: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (!parser.isEnded)
    throw new ImportFailure(
      3007,
      "The JSON is incomplete: the file ends inside a value. Export or download it again.",
    );
}

async function* objectRows(found: AsyncIterable<Found>, columns: Columns): AsyncGenerator<Row> {
  let row = 0;
  for await (const { value } of found) {
    row++;
    if (!isObject(value))
      throw new ImportFailure(3007, `Element ${row} of the JSON array must be an object.`);
    yield { values: columns.values(value) as Row["values"] };
  }
}

async function* featureRows(
  found: AsyncIterable<Found>,
  columns: Columns,
  onProjection: (srid: number) => void,
): AsyncGenerator<Row> {
  const alone: Record<string, unknown> = {};
  let row = 0;
  for await (const { member, isElement, value } of found) {
    if (member === "features" && isElement) yield feature(value, ++row, columns);
    else if (member === "crs") onProjection(sridOf(value));
    else if (member !== undefined && !isElement) alone[member] = value;
  }
  const { type } = alone;
  if (type === "FeatureCollection") return;
  if (type === "Feature") yield feature(alone, 1, columns);
  else if (typeof type === "string" && row === 0)
    yield feature({ type: "Feature", geometry: alone }, 1, columns);
  else throw new ImportFailure(3007, "The JSON must be GeoJSON or an array of objects.");
}

function feature(value: unknown, row: number, columns: Columns): Row {
  if (!isObject(value) || value.type !== "Feature") {
    throw new ImportFailure(3007, `Element ${row} of "features" must be a Feature.`);
  }
  const { id, properties, geometry } = value;
  const values = columns.withId(id, columns.values(isObject(properties) ? properties : {}));
  return { values: values as Row["values"], ...geometryOf(geometry, row) };
}

function geometryOf(geometry: unknown, row: number): Pick<Row, "geometry" | "invalidGeometry"> {
  if (geometry === null || geometry === undefined) return { geometry: null };
  try {
    return { geometry: shapeOf(geometry) };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const reason = `The geometry of feature ${row} is not valid GeoJSON: ${error.message}.`;
    return { geometry: null, invalidGeometry: new ImportFailure(3007, reason) };
  }
}

/** Returns the SRID of the `crs` member; null means EPSG:4326. */
function sridOf(crs: unknown): number {
  const name = crsNameOf(crs);
  const srid = name === null ? SRID_LNGLAT : sridOfCrsName(name);
  if (srid === undefined)
    throw new ImportFailure(3008, `The crs "${name}" of the GeoJSON is unknown. Use an EPSG code.`);
  return srid;
}
