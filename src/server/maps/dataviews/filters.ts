/** Filters of dataviews as SQL, in CARTO's formats and with its error messages. */
import type { DataviewDefinition } from "../../../api/schemas/dataviews";
import { type BoxM, grownBox, HALF_WORLD_M, WORLD_M, worldOf } from "../../../geometry/mercator";
import { literal, tileLiteral } from "../../../sql";
import { isObject, parseJson } from "../../../values";
import { MapsRefusal } from "../errors";
import { columnIdent } from "./columns";

/** The filters of a map's dataviews, by their names. */
export type DataviewFilters = Readonly<Record<string, unknown>>;

/** Reads the parameter `filters` of an instantiation. Anything but CARTO's format filters nothing, as there. */
export function parseFilters(text: string | undefined): DataviewFilters {
  const given = text === undefined ? undefined : parseJson(text);
  if (!isObject(given)) return {};
  const { dataviews, layers } = given;
  // the older format has a list with the filters of each layer
  const ofLayers = Array.isArray(layers) ? layers.filter(isObject).reverse() : [];
  return Object.assign({}, ...ofLayers, isObject(dataviews) ? dataviews : {});
}

/**
 * Returns the condition of a dataview's filter.
 * @throws MapsRefusal if it is not one that the dataview has
 */
export function filterCondition({ type, options }: DataviewDefinition, params: unknown): string {
  const given = isObject(params) ? params : {};
  const column = columnIdent(String(options.column));
  if (type === "aggregation") return categoryCondition(column, given);
  if (type !== "histogram") throw refuse(`Unknown filter type: ${type}`);
  const isDate = Object.hasOwn(options, "aggregation");
  return rangeCondition(column, given, isDate);
}

function rangeCondition(
  column: string,
  { min, max }: Readonly<Record<string, unknown>>,
  isDate: boolean,
): string {
  const write = (value: number) => (isDate ? `to_timestamp(${value})` : `(${value})`);
  const [hasMin, hasMax] = [isNumber(min), isNumber(max)];
  if (!hasMin && !hasMax)
    throw refuse("Range filter expect to have at least one value in min or max numeric params");
  return [
    ...(hasMin ? [`${column} >= ${write(min as number)}`] : []),
    ...(hasMax ? [`${column} <= ${write(max as number)}`] : []),
  ].join(" AND ");
}

function categoryCondition(column: string, { accept, reject }: Readonly<Record<string, unknown>>): string {
  const [accepted, rejected] = [accept, reject].map((list) =>
    Array.isArray(list) ? (list as unknown[]) : undefined,
  );
  if (!accepted && !rejected)
    throw refuse("Category filter expects at least one array in accept or reject params");
  if (accepted?.length === 0 && rejected?.length === 0)
    throw refuse(
      "Category filter expects one value either in accept or reject params when both are provided",
    );
  const valuesOf = (list: readonly unknown[]) =>
    list.map((value) => (isNumber(value) ? `(${value})` : tileLiteral(String(value)))).join(", ");
  return [
    ...(accepted ? [accepted.length > 0 ? `${column} IN (${valuesOf(accepted)})` : "false"] : []),
    ...(rejected && rejected.length > 0 ? [`${column} NOT IN (${valuesOf(rejected)})`] : []),
    ...(accepted || rejected?.length ? [] : ["true"]),
  ].join(" AND ");
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

const mercatorOf = (place: readonly [number, number]): [x: number, y: number] => {
  const [x, y] = worldOf(place);
  return [x * WORLD_M - HALF_WORLD_M, HALF_WORLD_M - y * WORLD_M];
};

const refuse = (message: string) => new MapsRefusal(400, message, { type: "filter" });

/** The column that an area applies to, and its SRID. */
export interface AreaColumn {
  readonly name: "the_geom_webmercator" | "the_geom";
  readonly srid: 3857 | 4326;
}

/**
 * Returns the conditions for the rows in an area, of which each row fulfils one: that of the parameter `bbox`, `circle` or `polygon`
 * of a request, whichever comes first.
 * @throws MapsRefusal with CARTO's messages
 */
export function areaConditions(
  { bbox, circle, polygon }: Readonly<Record<string, unknown>>,
  { name, srid }: AreaColumn,
): readonly string[] {
  if (bbox) return bboxConditions(String(bbox), { name, srid });
  if (circle) {
    const given = parseJson(String(circle));
    if (given === undefined) throw refuse("Invalid circle parameter. Expected a valid JSON");
    const { lng, lat, radius } = isObject(given) ? given : {};
    if (!isNumber(lng) || !isNumber(lat) || !isNumber(radius))
      throw refuse('Missing parameter for Circle Filter, expected: "lng", "lat", and "radius"');
    const degrees = srid === 4326 ? name : `ST_Transform(${name}, 4326)`;
    return [
      `ST_DWithin(${degrees}::geography, ST_SetSRID(ST_Point(${lng}, ${lat}), 4326)::geography, ${radius})`,
    ];
  }
  return polygon ? [polygonCondition(String(polygon), { name, srid })] : ["true"];
}

/** Latitude at which the square of Web Mercator ends. */
const MAX_LAT = 85.0511287798066;

function bboxConditions(text: string, { name, srid }: AreaColumn): readonly string[] {
  const [w = Number.NaN, south = Number.NaN, e = Number.NaN, north = Number.NaN, ...more] = text
    .split(",")
    .map(Number);
  if (more.length > 0 || ![w, south, e, north].every((value) => Number.isFinite(value)))
    throw refuse('Invalid bbox filter, expected format="west,south,east,north"');
  const west = w - 360 * Math.floor((w + 180) / 360);
  const east = west + Math.min(e - w, 360);
  const ranges =
    east - west >= 360
      ? [[-180, 180]]
      : east <= 180
        ? [[west, east]]
        : [
            [west, 180],
            [-180, east - 360],
          ];
  const [bottom, top] = [Math.max(south, -MAX_LAT), Math.min(north, MAX_LAT)];
  const touches = ranges.map(([from, to]) => {
    const box = `ST_MakeEnvelope(${from}, ${bottom}, ${to}, ${top}, 4326)`;
    return `ST_Intersects(${name}, ${srid === 4326 ? box : `ST_Transform(${box}, ${srid})`})`;
  });
  const [[from = 0, to = 0] = [], ...others] = ranges;
  const boxes = srid === 3857 && others.length === 0 ? nestedBoxes([from, bottom, to, top]) : undefined;
  if (!boxes) return [touches.join(" OR ")];
  // Most boxes are inside, which is cheap to see. Apart from the others, for which PostgreSQL would choose an index, these are
  // read in the order of the table.
  const inside = `${name} @ ${boxSql(boxes.inner)}`;
  const atEdges = edgesOf(boxes).map((edge) => `${name} && ${boxSql(edge)}`);
  return [inside, `(${atEdges.join(" OR ")}) AND NOT (${inside}) AND ${touches.join("")}`];
}

const boxSql = ({ minX, minY, maxX, maxY }: BoxM): string =>
  `ST_MakeEnvelope(${minX}, ${minY}, ${maxX}, ${maxY}, 3857)`;

/** PostGIS rounds boxes to floats: metres of Web Mercator by at most one, for which this leaves room. */
const ROUNDING_M = 10;

interface NestedBoxes {
  readonly inner: BoxM;
  readonly outer: BoxM;
}

/**
 * Returns boxes in metres around one in degrees: what is within the inner one is inside for certain, and what touches the box has a
 * box that touches the outer one. Undefined for a small box.
 */
function nestedBoxes([west, south, east, north]: readonly [number, number, number, number]):
  | NestedBoxes
  | undefined {
  const [minX, minY] = mercatorOf([west, south]);
  const [maxX, maxY] = mercatorOf([east, north]);
  const box = { minX, minY, maxX, maxY };
  const inner = grownBox(box, -ROUNDING_M);
  return inner.minX < inner.maxX && inner.minY < inner.maxY
    ? { inner, outer: grownBox(box, ROUNDING_M) }
    : undefined;
}

/** Returns the four sides of the frame between two boxes: what reaches out of the inner box, and into the outer one, touches it. */
function edgesOf({ inner, outer }: NestedBoxes): BoxM[] {
  return [
    { ...outer, maxX: inner.minX },
    { ...outer, minX: inner.maxX },
    { ...outer, maxY: inner.minY },
    { ...outer, minY: inner.maxY },
  ];
}

function polygonCondition(text: string, { name, srid }: AreaColumn): string {
  const given = parseJson(text);
  if (given === undefined) throw refuse("Invalid polygon parameter. Expected a valid GeoJSON");
  const { type, coordinates } = isObject(given) ? given : {};
  if (type !== "Polygon") throw refuse('Invalid type of geometry. Valid ones: "Polygon"');
  const rings = Array.isArray(coordinates) ? (coordinates as unknown[]) : [];
  if (rings.length === 0) throw refuse("Invalid geometry, it must be a closed polygon");
  // a lasso may cross itself, which other operations refuse
  const polygon = `ST_MakeValid(ST_SetSRID(ST_GeomFromGeoJSON(${literal(JSON.stringify({ type, coordinates }))}), 4326))`;
  return `ST_Intersects(${name}, ${srid === 4326 ? polygon : `ST_Transform(${polygon}, ${srid})`})`;
}
