/** Reads a file once to find the names and types of its columns, and its geometry. */
import type { Unread } from "../../api/schemas/imports";
import { normalizeColumnNames } from "../../frame/names";
import { type LatLngColumns, latLngColumns, SRID_LNGLAT, xyColumns } from "../../geo";
import { areDegrees, DegreeCheck } from "../../geometry/degrees";
import { ShapeError, type ShapeType } from "../../geometry/shape";
import { ImportFailure } from "./errors";
import {
  type EncodedGeometry,
  encodeGeometry,
  GEOMETRY_NAMES,
  geometryOfText,
  latLngPoint,
  projectedPoint,
  promoted,
} from "./geometry";
import type { Cell, FileOptions, Row, TableSource } from "./table-source";
import { type ColumnType, classifierOf, isInteger, textOf, typeOfKinds } from "./types";

/** PostgreSQL's limit is 1,600 columns, three of which are CARTO's. */
const MAX_COLUMNS = 1597;
/** The sample is thinned to this number of rows when it has twice as many. */
const SAMPLE_ROWS = 400;
/** Row numbers of other programs. Such a column becomes `cartodb_id` if its values are suitable. */
const ROW_NUMBERS = ["ogc_fid", "gid"];
export const CARTO_COLUMNS = ["cartodb_id", "the_geom", "the_geom_webmercator"];

export interface PlannedColumn {
  /** Position in `Row.values`. */
  readonly at: number;
  readonly name: string;
  readonly type: ColumnType;
}

/** Describes how to load a file. */
export interface Plan {
  readonly rowCount: number;
  /** Column that becomes `cartodb_id`. */
  readonly id: PlannedColumn | null;
  /** All other columns, except the one that the geometry is read from. */
  readonly columns: readonly PlannedColumn[];
  readonly geometry: GeometryPlan | null;
  /** Coordinates that became no geometries. */
  readonly unread: readonly Unread[];
  /** Types of the geometries that a table would have. */
  readonly geometryTypes: ReadonlySet<ShapeType>;
  /** Rows from all parts of the file, without their geometries, for `contentGuessing`. */
  readonly sample: readonly Row[];
}

interface GeometryPlan {
  /** Returns the geometry of a row, or an ImportFailure if the row has one that cannot be used. */
  readonly of: (row: Row) => EncodedGeometry | string | ImportFailure | null;
  /** True if all geometries are 2D and in SRID 4326, so that the database need not convert them. */
  readonly ready: boolean;
  readonly projection?: number | string;
  /** True if polygons may be invalid after simplification, or extend beyond 180 degrees. */
  readonly mayBeInvalid?: boolean;
}

interface GeometryColumnPlan extends GeometryPlan {
  /** Column that the geometry is read from, if it does not stay in the table. */
  readonly at?: number;
  /** Column that the geometry is read from, if it stays because some of its values are invalid. */
  readonly brokenAt?: number;
}

/** @throws ImportFailure 2004 (too many columns), 2011 (`cartodb_id` is not a key), 3201, and the codes of the format */
export async function analyse(
  source: TableSource,
  { typeGuessing, quotedFieldsGuessing, contentGuessing, reading: { srid } }: Omit<FileOptions, "beside">,
): Promise<Plan> {
  const reading = new FirstReading(source, { typeGuessing, contentGuessing, srid });
  for await (const row of source.rows()) reading.add(row);
  reading.addColumns();
  const guessing = typeGuessing || source.kind === "features";
  const names = reading.names;
  const id = idColumn(reading);
  const column = source.kind === "features" ? null : geometryColumn(reading);
  const geometry =
    source.kind === "features"
      ? featureGeometry(source, reading.degrees)
      : ((typeGuessing && !hasGeometries(reading, column) ? latLng(reading) : null) ?? column);
  const broken = geometry === null ? reading.brokenGeometry() : geometry.brokenAt;
  const used = new Set([id?.at, geometry?.at, column?.at]);
  const rest = source.columns
    .map((_, at) => at)
    .filter((at) => !used.has(at) && !source.repeated?.has(at) && names[at] !== "the_geom_webmercator");
  const headers = rest.map((at) =>
    at === broken ? "invalid_the_geom" : source.columns[at]?.trim() || `field_${at + 1}`,
  );
  const finalNames = normalizeColumnNames(headers, CARTO_COLUMNS);
  const columns = rest.map((at, i): PlannedColumn => {
    const staysText = !guessing || (!quotedFieldsGuessing && source.quoted?.has(at));
    const type = staysText ? "text" : typeOfKinds(reading.kinds[at] ?? 0);
    return { at, name: finalNames[i] ?? "", type };
  });
  const geometryTypes = geometry === null ? new Set<ShapeType>() : reading.geometryTypes(geometry);
  const { rowCount, sample } = reading;
  const unread = geometry === null && typeGuessing ? reading.unplaced() : [];
  return { rowCount, id, columns, geometry, unread, geometryTypes, sample };
}

interface Candidate {
  valid: number;
  invalid: number;
  ready: boolean;
  readonly types: Set<ShapeType>;
  readonly degrees: DegreeCheck;
}

class FirstReading {
  rowCount = 0;
  readonly sample: Row[] = [];
  /** Kinds of values seen in each column; see `typeOfKinds`. */
  readonly kinds: number[] = [];
  readonly empties: number[] = [];
  /** CARTO's name for each column, not yet unique. */
  readonly names: string[] = [];
  readonly #source: TableSource;
  /** Function that classifies the values of each column. */
  readonly #kindOf: ReturnType<typeof classifierOf>[] = [];
  readonly #typeGuessing: boolean;
  #sampleStep = 1;
  /** Columns that may hold geometries, by position. */
  readonly candidates = new Map<number, Candidate>();
  /** Last value of each column of row numbers; null once a value was not greater than the one before. */
  readonly ascending = new Map<number, bigint | null>();
  /** Positions of features. */
  readonly degrees = new DegreeCheck();
  /** True once a row had a point in its columns of latitude and longitude. */
  hasLatLng = false;
  /** Pairs of numbers in these columns that are not degrees, and the row of the first. */
  readonly #unplaced = new DegreeCheck();
  #firstUnplaced = 0;
  latLng: LatLngColumns = null;

  /** Types of the geometries of features. */
  readonly #types = new Set<ShapeType>();
  /** Coordinate system of geometries that do not name one. */
  readonly srid: number;

  readonly #isSridGiven: boolean;

  readonly #isSampled: boolean;

  constructor(
    source: TableSource,
    {
      typeGuessing,
      contentGuessing,
      srid,
    }: { typeGuessing: boolean; contentGuessing: boolean; srid: number | undefined },
  ) {
    this.#isSampled = contentGuessing;
    this.srid = srid ?? SRID_LNGLAT;
    this.#isSridGiven = srid !== undefined;
    this.#source = source;
    this.#typeGuessing = typeGuessing;
    this.addColumns();
  }

  add(row: Row): void {
    const { values } = row;
    if (this.#source.columns.length > this.names.length) this.addColumns();
    if (this.#isSampled && this.rowCount % this.#sampleStep === 0) this.#addToSample(values);
    this.rowCount++;
    // `!`: names, functions, empties and kinds have the same length
    for (let at = 0; at < this.names.length; at++) {
      const kind = this.#kindOf[at]!(values[at]);
      if (kind === 0) this.empties[at]!++;
      else this.kinds[at]! |= kind;
    }
    for (const [at, candidate] of this.candidates) check(candidate, textOf(values[at]), this.srid);
    for (const [at, last] of this.ascending) this.#ascend(at, last, textOf(values[at]));
    if (row.geometry) {
      this.degrees.add(row.geometry.coordinates);
      this.#types.add(typeInTable(row.geometry.type));
    }
    this.hasLatLng ||= this.#isPlaced(values);
  }

  #isPlaced(values: Row["values"]): boolean {
    if (this.latLng === null) return false;
    if (this.pointOf(values) !== null) return true;
    const position = [this.latLng.lng, this.latLng.lat].map((at) =>
      Number.parseFloat(textOf(values[at]) ?? ""),
    );
    if (areDegrees(position)) return false;
    this.#unplaced.add(position);
    this.#firstUnplaced ||= this.rowCount;
    return false;
  }

  /** Reports columns of latitude and longitude in which no row has degrees. */
  unplaced(): Unread[] {
    const problem = this.hasLatLng ? undefined : this.#unplaced.problem();
    if (problem === undefined || this.latLng === null) return [];
    const [lat, lng] = [this.latLng.lat, this.latLng.lng].map((at) => this.#source.columns[at] ?? "");
    const reason = this.#unplaced.isSwapped
      ? `"${lat}" is beyond 90 degrees. Are "${lat}" and "${lng}" swapped?`
      : `"${lng}" and "${lat}" are not degrees: ${problem} Pass the coordinate system as \`srid\`.`;
    return [{ column: "the_geom", count: this.#unplaced.impossible, row: this.#firstUnplaced, reason }];
  }

  /** Returns the point in the columns of coordinates. */
  pointOf(values: Row["values"]): EncodedGeometry | string | null {
    return this.srid === SRID_LNGLAT
      ? latLngPoint(this.latLng, values)
      : projectedPoint(this.latLng, values, this.srid);
  }

  geometryTypes({ at, brokenAt }: GeometryColumnPlan): ReadonlySet<ShapeType> {
    const candidate = this.candidates.get(at ?? brokenAt ?? -1);
    if (candidate) return candidate.types;
    return this.#source.kind === "features" ? this.#types : new Set(["Point"]);
  }

  /** Keeps every n-th row, and doubles n when the sample is full. */
  #addToSample(values: Row["values"]): void {
    this.sample.push({ values: values.map(detached) });
    if (this.sample.length < 2 * SAMPLE_ROWS) return;
    this.sample.splice(0, Infinity, ...this.sample.filter((_, i) => i % 2 === 0));
    this.#sampleStep *= 2;
  }

  addColumns(): void {
    const { columns, kind } = this.#source;
    checkColumnCount(columns.length);
    for (const column of columns.slice(this.names.length)) {
      const at = this.names.length;
      const name = nameForLookup(column);
      this.names.push(name);
      this.kinds.push(0);
      this.#kindOf.push(this.#classifierOf(at, name));
      this.empties.push(this.rowCount - (this.rowCount > 0 ? 1 : 0));
      if (kind === "cells" && GEOMETRY_NAMES.includes(name))
        this.candidates.set(at, {
          valid: 0,
          invalid: 0,
          ready: true,
          types: new Set(),
          degrees: new DegreeCheck(),
        });
      if (ROW_NUMBERS.includes(name)) this.ascending.set(at, -1n);
    }
    this.latLng = latLngColumns(this.names) ?? (this.#isSridGiven ? xyColumns(this.names) : null);
  }

  #classifierOf(at: number, name: string): ReturnType<typeof classifierOf> {
    const { kind, guessed } = this.#source;
    if (kind === "features" && (name === "cartodb_id" || guessed?.has(at)))
      return classifierOf({ kind: "cells" });
    return classifierOf(this.#typeGuessing ? this.#source : { kind });
  }

  /** Returns the column that is named like a geometry but has invalid values, if there is one. */
  brokenGeometry(): number | undefined {
    return byPreference(this, ({ invalid }) => invalid > 0);
  }

  #ascend(at: number, last: bigint | null, text: string | null): void {
    if (last === null) return;
    const number = text !== null && /^\d{1,9}$/.test(text.trim()) ? BigInt(text.trim()) : null;
    this.ascending.set(at, number !== null && number > last ? number : null);
  }
}

/** Copies a text, which otherwise keeps the piece of the file that it is a part of in memory. */
const detached = (cell: Cell) => (typeof cell === "string" ? Buffer.from(cell).toString() : cell);

/** @throws ImportFailure 2004 */
export function checkColumnCount(count: number): void {
  if (count <= MAX_COLUMNS) return;
  throw new ImportFailure(
    2004,
    `The file has ${count} columns; the limit is ${MAX_COLUMNS} in addition to CARTO's columns. Remove some.`,
  );
}

/** Returns the name to look a column up by. Row numbers keep theirs here; a column that stays in the table is renamed. */
function nameForLookup(header: string): string {
  const plain = header.trim().toLowerCase();
  return ROW_NUMBERS.includes(plain) ? plain : normalizeColumnNames([header]).join();
}

/** Lines and polygons of features become MULTI, and of a MULTIPOINT one point is kept. */
function typeInTable(type: ShapeType): ShapeType {
  if (type === "MultiPoint") return "Point";
  return type === "LineString" || type === "Polygon" ? `Multi${type}` : type;
}

function check(candidate: Candidate, text: string | null, defaultSrid: number): void {
  if (text === null || text.trim() === "") return;
  try {
    const { srid, flat, type, coordinates } = geometryOfText(text, defaultSrid);
    candidate.valid++;
    candidate.types.add(type);
    if (srid === SRID_LNGLAT) candidate.degrees.add(coordinates);
    candidate.ready &&= flat && srid === SRID_LNGLAT;
  } catch (error) {
    if (error instanceof ImportFailure && candidate.invalid === 0) throw error;
    candidate.invalid++;
  }
}

function idColumn({ names, kinds, empties, ascending }: FirstReading): PlannedColumn | null {
  const at = names.indexOf("cartodb_id");
  if (at !== -1) {
    const kind = kinds[at] ?? 0;
    const type = typeOfKinds(kind);
    const isKey = (kind === 0 || isInteger(kind)) && empties[at] === 0;
    if (!isKey) {
      throw new ImportFailure(
        2011,
        "The column cartodb_id must have a unique whole number in each row. Correct it, or rename or remove the column to have the rows numbered automatically.",
      );
    }
    return { at, name: "cartodb_id", type: type === "bigint" ? "bigint" : "integer" };
  }
  for (const [candidate, last] of ascending) {
    if (last !== null && last >= 0n) return { at: candidate, name: "cartodb_id", type: "integer" };
  }
  return null;
}

function byPreference(
  { names, candidates }: FirstReading,
  fits: (candidate: Candidate) => boolean,
): number | undefined {
  const found = [...candidates].filter(([, candidate]) => fits(candidate)).map(([at]) => at);
  const rank = (at: number) => GEOMETRY_NAMES.indexOf(names[at] ?? "");
  return found.sort((a, b) => rank(a) - rank(b))[0];
}

/**
 * Returns the first column named like a geometry whose values are all valid, or else the first one in which most are. A column
 * `the_geom` may be empty.
 */
function geometryColumn(reading: FirstReading): GeometryColumnPlan | null {
  const { candidates, names, srid } = reading;
  const at =
    byPreference(reading, ({ valid, invalid }) => valid > 0 && invalid === 0) ??
    byPreference(reading, ({ valid, invalid }) => valid > invalid) ??
    byPreference(reading, ({ valid, invalid }) => valid === 0 && invalid === 0);
  const candidate = at === undefined ? undefined : candidates.get(at);
  if (at === undefined || candidate === undefined) return null;
  const { valid, invalid, ready, degrees } = candidate;
  if (valid === 0 && names[at] !== "the_geom") return null;
  checkDegrees(degrees);
  return {
    // With invalid values, the column is also kept as text.
    ...(invalid === 0 ? { at } : { brokenAt: at }),
    ready,
    of: ({ values }) => geometryOfCell(textOf(values[at]), srid),
  };
}

function geometryOfCell(text: string | null, srid: number): EncodedGeometry | ImportFailure | null {
  if (text === null || text.trim() === "") return null;
  try {
    const geometry = geometryOfText(text, srid);
    if (geometry.srid !== SRID_LNGLAT || areDegrees(geometry.coordinates)) return geometry;
    return new ImportFailure(2014, "The coordinates are out of the range of degrees.");
  } catch (error) {
    if (error instanceof ShapeError)
      return new ImportFailure(2014, `The text is not a geometry: ${error.message}.`);
    throw error;
  }
}

/** False for an empty column `the_geom`, which gives way to coordinates. */
function hasGeometries({ candidates }: FirstReading, column: GeometryColumnPlan | null): boolean {
  const { valid = 0, invalid = 0 } = candidates.get(column?.at ?? column?.brokenAt ?? -1) ?? {};
  return valid + invalid > 0;
}

/** Makes points from columns named like latitude and longitude. Both stay in the table. */
function latLng(reading: FirstReading): GeometryColumnPlan | null {
  const { latLng, hasLatLng, rowCount, srid } = reading;
  if (latLng === null || (rowCount > 0 && !hasLatLng)) return null;
  const isEmpty = (cell: Cell) => (textOf(cell) ?? "").trim() === "";
  return {
    ready: srid === SRID_LNGLAT,
    of: ({ values }) => {
      const point = reading.pointOf(values);
      if (point !== null || isEmpty(values[latLng.lat]) || isEmpty(values[latLng.lng])) return point;
      return new ImportFailure(2014, "The coordinates are not numbers, or out of range.");
    },
  };
}

function featureGeometry(source: TableSource, degrees: DegreeCheck): GeometryColumnPlan {
  const { projection = SRID_LNGLAT } = source;
  const srid = typeof projection === "number" ? projection : 0;
  if (srid === SRID_LNGLAT) checkDegrees(degrees, isAssumed(source) ? 3101 : 3008);
  let row = 0;
  return {
    ready: projection === SRID_LNGLAT,
    projection,
    of: ({ geometry, invalidGeometry }) => {
      row++;
      if (!geometry) return invalidGeometry ?? null;
      const refused = (reason: string) =>
        new ImportFailure(2014, `The geometry of feature ${row} cannot be used: ${reason}.`);
      if (srid === SRID_LNGLAT && !areDegrees(geometry.coordinates))
        return refused("its coordinates are out of range");
      try {
        return encodeGeometry(promoted(geometry), srid);
      } catch (error) {
        if (error instanceof ShapeError) return refused(error.message);
        throw error;
      }
    },
  };
}

/** True if the format should name the coordinate system, but the file does not. */
export const isAssumed = ({ projection, needsProjection }: TableSource) =>
  needsProjection === true && projection === undefined;

/** @throws ImportFailure with the code if most positions are not longitudes and latitudes */
export function checkDegrees(degrees: DegreeCheck, code: 3008 | 3101 = 3008): void {
  const problem = degrees.problem();
  if (problem === undefined) return;
  throw new ImportFailure(
    code,
    `Coordinates must be degrees of longitude and latitude unless the file names another coordinate system, but ${problem} Pass the coordinate system of the file as \`srid\`.`,
  );
}
