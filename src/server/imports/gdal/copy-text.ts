/** Turns what GDAL has written into the text that COPY reads. */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { Unread } from "../../../api/schemas/imports";
import { DegreeCheck } from "../../../geometry/degrees";
import { checkDegrees } from "../analyse";
import { collectionError, geometryOfText } from "../geometry";
import { doublesOf } from "./doubles";
import { doubleFields, type Field, type Layer } from "./layer";

const CHUNK_CHARS = 256 * 1024;

/**
 * Yields the rows of a layer in the text format of COPY: the id if the layer has ids, the geometries, the fields.
 * Removes GDAL's output at the end.
 * @param path path of GDAL's output, without extension
 * @param check removes geometries whose coordinates are no degrees
 * @throws ImportFailure 3008, 3201
 */
export async function* copyText(path: string, layer: Layer, check?: GeometryCheck): AsyncGenerator<Buffer> {
  try {
    yield* chunksOf(path, layer, check);
  } finally {
    for (const extension of ["sql", "fgb"]) await rm(`${path}.${extension}`, { force: true });
  }
}

async function* chunksOf(path: string, layer: Layer, check?: GeometryCheck): AsyncGenerator<Buffer> {
  const doubles = doubleFields(layer).length > 0 ? doublesOf(`${path}.fgb`) : null;
  const repair = rowRepair(layer);
  const hasGeometry = layer.geometries.length > 0;
  let chunk = "";
  for await (const lines of rowsOf(`${path}.sql`)) {
    for (const line of lines) {
      const point = hasGeometry ? withOnePoint(line) : line;
      const row = check ? check.apply(point) : point;
      const numbers = doubles === null ? [] : ((await doubles.next()).value ?? []);
      chunk += `${repair === null ? row : repair(row, numbers)}\n`;
      if (chunk.length < CHUNK_CHARS) continue;
      yield Buffer.from(chunk, "latin1");
      chunk = "";
    }
  }
  check?.finish();
  if (chunk) yield Buffer.from(chunk, "latin1");
}

/** The id and the first geometry of a row. */
const GEOMETRY = /^((?:-?\d+\t)?)(01[0-9A-F]+)(?=\t|$)/;

/** Checks the geometries of a layer without a coordinate system, which must be degrees. One that is not becomes NULL. */
export class GeometryCheck {
  readonly #degrees = new DegreeCheck();
  #row = 0;
  #firstRow = 0;

  apply(line: string): string {
    this.#row++;
    const [, , hex] = GEOMETRY.exec(line) ?? [];
    if (hex === undefined) return line;
    const { impossible } = this.#degrees;
    this.#degrees.add(geometryOfText(hex).coordinates);
    if (this.#degrees.impossible === impossible) return line;
    this.#firstRow ||= this.#row;
    return line.replace(GEOMETRY, "$1\\N");
  }

  /** @throws ImportFailure 3008 if most are not */
  finish(): void {
    checkDegrees(this.#degrees);
  }

  unread(): Unread[] {
    const { impossible: count } = this.#degrees;
    const reason = "The coordinates are out of the range of degrees.";
    return count > 0 ? [{ column: "the_geom", count, row: this.#firstRow, reason }] : [];
  }
}

/** Yields the lines between COPY and its end, in groups. A character stands for a byte. */
async function* rowsOf(path: string): AsyncGenerator<string[]> {
  let isCopy = false;
  for await (const lines of linesOf(path, "latin1")) {
    const start: number = isCopy ? 0 : lines.findIndex((line) => line.startsWith("COPY ")) + 1;
    isCopy ||= start > 0;
    if (!isCopy) continue;
    const end = lines.indexOf("\\.", start);
    yield lines.slice(start, end === -1 ? undefined : end);
    if (end !== -1) return;
  }
}

async function* linesOf(path: string, encoding: BufferEncoding): AsyncGenerator<string[]> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding, highWaterMark: CHUNK_CHARS })) {
    const lines = split(rest + chunk, "\n");
    rest = lines.pop() ?? "";
    yield lines;
  }
  if (rest) yield [rest];
}

/** Splits a text at each separator that has no backslash before it. */
function split(text: string, separator: string): string[] {
  const parts = text.split(separator);
  if (!text.includes(`\\${separator}`)) return parts;
  const whole: string[] = [];
  let begun = "";
  for (const part of parts) {
    begun += part;
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(begun)) begun += separator;
    else {
      whole.push(begun);
      begun = "";
    }
  }
  if (begun) whole.push(begun);
  return whole;
}

/** A MULTIPOINT in SRID 4326: number of points, coordinates of the first one. */
const MULTIPOINT = /^((?:-?\d+\t)?)0104000020E6100000[0-9A-F]{8}0101000000([0-9A-F]{32})[0-9A-F]*/;
const COLLECTION = /^(?:-?\d+\t)?0107000020E6100000/;

/** Keeps only the first point of a MULTIPOINT, as for all formats. */
function withOnePoint(line: string): string {
  if (COLLECTION.test(line)) throw collectionError();
  return line.replace(MULTIPOINT, "$10101000020E6100000$2");
}

type Numbers = readonly (number | undefined)[];

/** Returns a function that restores what GDAL's text of a row has lost, or null if that is nothing. */
function rowRepair(layer: Layer): ((row: string, doubles: Numbers) => string) | null {
  const before = (layer.hasIds ? 1 : 0) + layer.geometries.length;
  const doubles = doubleFields(layer);
  const repairs = layer.fields.flatMap((field, i) => {
    const repair = repairOf(field, doubles.indexOf(field));
    return repair ? [{ at: before + i, repair }] : [];
  });
  if (repairs.length === 0) return null;
  return (row, numbers) => {
    const values = split(row, "\t");
    for (const { at, repair } of repairs) {
      const value = values[at];
      if (value !== undefined && value !== "\\N") values[at] = repair(value, numbers);
    }
    return values.join("\t");
  };
}

function repairOf({ type }: Field, double: number): ((value: string, doubles: Numbers) => string) | null {
  if (type === "timestamptz") return inUtc;
  if (double === -1) return null;
  return (text, doubles) => {
    const number = doubles[double];
    return number === undefined ? text : String(number);
  };
}

/** Times without a time zone are UTC, whatever the time zone of the session. */
const inUtc = (time: string) => (/[+-]\d\d(?::?\d\d)?$/.test(time) ? time : `${time}+00`);
