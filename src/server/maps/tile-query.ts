/** The SQL of one layer in one tile. */

import {
  type BoxM,
  grownBox,
  lngLatOfM,
  TILE_PX,
  type TileId,
  tileBoxM,
  tileSizeM,
  WORLD_M,
} from "../../geometry/mercator";
import { ident } from "../../sql";
import type { Aggregation } from "./aggregation";
import { boxSql, DATE_TYPES, type LayerSource, withTokens } from "./layer-source";
import type { MapLayer } from "./map-config";

interface TileQuery {
  /** Selects a TWKB in units of the tile, the cell (column and row counted from 0°, 0°) or NULLs, and the attributes. */
  readonly sql: string;
  /** Names of the attributes, in the order of the columns. */
  readonly names: readonly string[];
}

interface TileOptions {
  readonly extent: number;
  readonly simplifyExtent: number | null;
  readonly bufferPx: number;
  /** Null if every row is shown. */
  readonly aggregation: Aggregation | null;
  /** Box of the tile in the SRID of the stored geometries, if known; see `prefilterBox`. */
  readonly storedBox?: BoxM;
}

/** Farther north than any tile, to include points at the poles. */
const BEYOND_WORLD_M = 1e9;
const LNG_LAT = 4326;
const WEB_MERCATOR = 3857;
/** Web Mercator that continues at the antimeridian, where `ST_Transform(…, 3857)` wraps. It is slow, so it is used only where needed. */
const SPHERE = "+a=6378137 +b=6378137 +over +no_defs";

export function tileQuery(
  layer: MapLayer,
  source: LayerSource,
  tile: TileId,
  options: TileOptions,
): TileQuery {
  const { aggregation } = options;
  const box = bufferedBox(tile, options.bufferPx);
  const scale = options.extent / tileSizeM(tile.z);
  const attributes = source.attributes.map(({ name, typeName }) => ({
    name,
    sql: DATE_TYPES.has(typeName ?? "") ? `extract(epoch FROM q.${ident(name)})::float8` : `q.${ident(name)}`,
  }));
  const frame: Frame = {
    source,
    geometry: `q.${ident(layer.geomColumn)}`,
    query: withTokens(layer.sql, box, tileSizeM(tile.z) / TILE_PX),
    attributes,
    box,
    options,
    tile: tileBoxM(tile),
    scale,
    toleranceM: options.simplifyExtent === null ? null : tileSizeM(tile.z) / (2 * options.simplifyExtent),
    cellM: ((aggregation?.resolutionPx ?? 1) * tileSizeM(tile.z)) / TILE_PX,
  };
  if (!aggregation) return everyRow(frame);
  if (aggregation.groups && source.isPoints) return grouped(frame, aggregation.groups);
  return oneRowPerCell(frame);
}

/** Returns the box of the tile with its buffer, extended at the poles to the rest of the world. */
function bufferedBox(tile: TileId, bufferPx: number): BoxM {
  const box = grownBox(tileBoxM(tile), (bufferPx * tileSizeM(tile.z)) / TILE_PX);
  return {
    ...box,
    ...(tile.y === 0 && { maxY: BEYOND_WORLD_M }),
    ...(tile.y === 2 ** tile.z - 1 && { minY: -BEYOND_WORLD_M }),
  };
}

interface Frame {
  readonly source: LayerSource;
  /** The geometry of the rows `q` of the query. */
  readonly geometry: string;
  readonly query: string;
  readonly attributes: readonly { readonly name: string; readonly sql: string }[];
  readonly box: BoxM;
  readonly options: TileOptions;
  readonly tile: BoxM;
  /** Units of the tile per metre. */
  readonly scale: number;
  readonly toleranceM: number | null;
  readonly cellM: number;
}

/** Selects every row, ordered by id if there is one, so that the order of painting is the same in all tiles. */
function everyRow(frame: Frame): TileQuery {
  const { idColumn } = frame.source;
  const columns = frame.attributes.map((_, i) => `r.a${i}`);
  const id = idColumn ? [`q.${ident(idColumn)} AS id`] : [];
  const sql = `
    SELECT ${[twkb(frame), "NULL, NULL", ...columns].join(", ")}
    FROM (${rows(frame, [...id, ...attributeColumns(frame)])}) AS r ${shapes(frame)} ${idColumn ? "ORDER BY r.id" : ""}`;
  return { sql, names: frame.attributes.map(({ name }) => name) };
}

/**
 * Selects the rows larger than a cell, and of the smaller rows the first one of each cell, with their count. Rows without a
 * number get one. Rows are read twice, which is faster than materializing them.
 */
function oneRowPerCell(frame: Frame): TileQuery {
  const { source } = frame;
  const columns = frame.attributes.map((_, i) => `r.a${i}`);
  const own = attributeColumns(frame);
  const id = source.idColumn && `coalesce(q.${ident(source.idColumn)}, 0) AS id`;
  const numbered = id
    ? { with: "", from: `(${rows(frame, [id, ...own])})` }
    : {
        with: `found AS MATERIALIZED (
          SELECT row_number() OVER () AS id, f.* FROM (${rows(frame, own)}) AS f
        ),`,
        from: "found",
      };
  // OFFSET 0 keeps conditions on `g` from being pushed down, which would project each row several times
  const identified = id ? `(${rows(frame, [id])} OFFSET 0)` : "found";
  const [cx, cy] = cellOf(frame);
  // the cell is compared, too, because several rows may have the same number
  const isFirst = `c.id = r.id AND c.dx = r.dx AND c.cx = ${cx} AND c.cy = ${cy}`;
  const [join, where] = source.isPointColumn
    ? ["JOIN", ""]
    : ["LEFT JOIN", `WHERE c.id IS NOT NULL OR NOT (${isSmall(frame)})`];
  const sql = `
    WITH ${numbered.with} cells AS (
      SELECT ${cx} AS cx, ${cy} AS cy, ST_Dimension(r.g) AS dimension, r.dx, min(r.id) AS id, count(*) AS members
      FROM ${identified} AS r WHERE ${isSmall(frame)} GROUP BY 1, 2, 3, 4
    )
    SELECT ${[twkb(frame), "c.cx, c.cy", ...columns, "coalesce(c.members, 1)"].join(", ")}
    FROM ${numbered.from} AS r ${join} cells AS c ON ${isFirst} ${shapes(frame)} ${where} ORDER BY r.id`;
  return { sql, names: [...frame.attributes.map(({ name }) => name), "_cdb_feature_count"] };
}

/** Selects one feature per cell, with aggregates over its rows. */
function grouped(frame: Frame, groups: NonNullable<Aggregation["groups"]>): TileQuery {
  const { placement, columns, dimensions, having } = groups;
  const id = frame.source.idColumn ? `q.${ident(frame.source.idColumn)}` : "row_number() OVER ()";
  const x = "(ST_XMin(q.g) + ST_XMax(q.g)) / 2 + q.dx";
  const y = "(ST_YMin(q.g) + ST_YMax(q.g)) / 2";
  const place = {
    "point-sample": `(array_agg(ST_MakePoint(${x}, ${y}) ORDER BY q.id))[1]`,
    centroid: `ST_MakePoint(avg(${x}), avg(${y}))`,
    "point-grid": `ST_MakePoint((min(q.cx) + 0.5) * ${frame.cellM}, (min(q.cy) + 0.5) * ${frame.cellM})`,
  }[placement];
  const used = [...columns, ...dimensions];
  const [cx, cy] = cellOf(frame);
  const outputs = [
    ...columns.map(({ sql }, i) => `${sql} AS c${i}`),
    ...dimensions.map(({ column }, i) => `q.${ident(column)} AS d${i}`),
  ];
  const grouping = ["q.cx", "q.cy", ...dimensions.map(({ column }) => `q.${ident(column)}`)];
  const outer = [...columns.map((_, i) => `r.c${i}`), ...dimensions.map((_, i) => `r.d${i}`)];
  const sql = `
    SELECT ${[twkb(frame), "NULL, NULL", "r.id", "r.members", ...outer].join(", ")}
    FROM (
      SELECT ${[`${place} AS g`, "0::float8 AS dx", "min(q.id) AS id", "count(*) AS members", ...outputs].join(", ")}
      FROM (SELECT ${cx} AS cx, ${cy} AS cy, r.* FROM (${rows(frame, [`${id} AS id`, "q.*"])}) AS r) AS q
      GROUP BY ${grouping.join(", ")}
      ${having.length > 0 ? `HAVING ${having.join(" AND ")}` : ""}
    ) AS r ${shapes(frame)}`;
  return { sql, names: ["cartodb_id", "_cdb_feature_count", ...used.map(({ name }) => name)] };
}

function attributeColumns({ attributes }: Frame): string[] {
  return attributes.map(({ sql }, i) => `${sql} AS a${i}`);
}

/**
 * Selects the rows whose box meets the tile, with `g` in Web Mercator, to be moved by `dx` metres. The world is repeated to
 * the east and the west, so that geometries on the other side of the antimeridian, or beyond it, are found.
 */
function rows(frame: Frame, columns: readonly string[]): string {
  return [0, WORLD_M, -WORLD_M]
    .map((dx) => {
      const { minX, maxX, ...northSouth } = frame.box;
      const box = { ...northSouth, minX: minX - dx, maxX: maxX - dx };
      return `SELECT ${[...columns, `${mercator(frame)} AS g`, `(${dx})::float8 AS dx`].join(", ")}
        FROM (${frame.query}\n) AS q WHERE ${meets(frame, box)}`;
    })
    .join(" UNION ALL ");
}

function meets(frame: Frame, box: BoxM): string {
  const { geometry, source, options } = frame;
  const { srid, storedSrid } = source;
  if (srid === WEB_MERCATOR) return `${geometry} && ${boxSql(box, storedSrid)}`;
  if (srid === LNG_LAT) {
    const [west, south] = lngLatOfM(box.minX, box.minY);
    const [east, north] = lngLatOfM(box.maxX, box.maxY);
    const degrees = {
      minX: west,
      minY: box.minY <= -BEYOND_WORLD_M ? -1e6 : south,
      maxX: east,
      maxY: box.maxY >= BEYOND_WORLD_M ? 1e6 : north,
    };
    return `${geometry} && ${boxSql(degrees, storedSrid)}`;
  }
  const exact = `${mercator(frame)} && ${boxSql(box)}`;
  return options.storedBox ? `${geometry} && ${boxSql(options.storedBox, storedSrid)} AND ${exact}` : exact;
}

/** SQL expression for the geometry in Web Mercator. */
function mercator({ geometry, source: { srid, storedSrid } }: Frame): string {
  const stored = storedSrid === srid ? geometry : `ST_SetSRID(${geometry}, ${srid})`;
  if (srid === WEB_MERCATOR) return stored;
  if (srid === LNG_LAT) return lngLatToMercator(stored);
  // Projected coordinates are continuous at the antimeridian; degrees jump there, and are shifted if that makes them narrower.
  return `(SELECT ${lngLatToMercator("l.g")} FROM (
    SELECT CASE WHEN ST_XMax(t.g) - ST_XMin(t.g) > 180 AND ST_XMax(ST_ShiftLongitude(t.g)) - ST_XMin(ST_ShiftLongitude(t.g)) < 180
      THEN ST_ShiftLongitude(t.g) ELSE t.g END AS g
    FROM (SELECT ST_Transform(${stored}, ${LNG_LAT}) AS g OFFSET 0) AS t OFFSET 0) AS l)`;
}

/** Projects from degrees. Latitudes beyond the poles, which PROJ refuses, are cut off. */
function lngLatToMercator(geometry: string): string {
  return `CASE
    WHEN ${geometry} @ ST_MakeEnvelope(-180, -90, 180, 90, ${LNG_LAT}) THEN ST_Transform(${geometry}, ${WEB_MERCATOR})
    WHEN GeometryType(${geometry}) = 'POINT' THEN ${overTransform(
      `ST_SetSRID(ST_MakePoint(ST_X(${geometry}), greatest(least(ST_Y(${geometry}), 90), -90)), ${LNG_LAT})`,
    )}
    ELSE ${overTransform(`ST_ClipByBox2D(${geometry}, ST_MakeEnvelope(-540, -90, 540, 90, ${LNG_LAT}))`)} END`;
}

function overTransform(geometry: string): string {
  return `ST_SetSRID(ST_Transform(${geometry}, '+proj=longlat ${SPHERE}', '+proj=merc ${SPHERE}'), ${WEB_MERCATOR})`;
}

/** SQL expressions for the cell of a row `r`, counted from longitude and latitude 0. */
function cellOf({ cellM, source }: Frame): readonly [cx: string, cy: string] {
  const [x, y] = source.isPointColumn
    ? ["ST_X(r.g)", "ST_Y(r.g)"]
    : ["(ST_XMin(r.g) + ST_XMax(r.g)) / 2", "(ST_YMin(r.g) + ST_YMax(r.g)) / 2"];
  return [`floor((${x} + r.dx) / ${cellM})`, `floor(${y} / ${cellM})`];
}

function isSmall({ cellM, source }: Frame): string {
  if (source.isPointColumn) return "true";
  return `ST_XMax(r.g) - ST_XMin(r.g) < ${cellM} AND ST_YMax(r.g) - ST_YMin(r.g) < ${cellM}`;
}

function twkb({ tile, scale }: Frame): string {
  return `ST_AsTWKB(ST_TransScale(s.g, r.dx - (${tile.minX}), ${-tile.maxY}, ${scale}, ${-scale}), 0)`;
}

/**
 * Adds `s.g`, the geometries as they are sent: generalized by half a pixel, except for polygons smaller or narrower than a
 * pixel, which would collapse. A polygon that is invalid afterwards is repaired before it is generalized.
 */
function shapes(frame: Frame): string {
  const { toleranceM } = frame;
  const plain = "ST_CurveToLine(ST_Force2D(r.g))";
  const simple = (geometry: string) =>
    toleranceM === null
      ? geometry
      : `ST_Simplify(ST_RemoveRepeatedPoints(${geometry}, ${toleranceM}), ${toleranceM}, true)`;
  const isNarrow =
    toleranceM === null
      ? "false"
      : `2 * ST_Area(r.g) < ${2 * toleranceM} * ST_Perimeter(r.g) AND ST_IsValid(r.g)`;
  return `CROSS JOIN LATERAL (SELECT CASE
      WHEN ST_Dimension(r.g) = 0 THEN ST_Force2D(r.g)
      WHEN GeometryType(r.g) IN ('TIN', 'TRIANGLE') THEN ST_Force2D(r.g)
      WHEN GeometryType(r.g) = 'POLYHEDRALSURFACE' THEN ST_Force2D(ST_CollectionExtract(r.g, 3))
      WHEN ST_Dimension(r.g) = 1 THEN ${simple(plain)}
      WHEN ${isSmall(frame)} OR ${isNarrow} THEN ${plain}
      ELSE (
        SELECT CASE WHEN ST_IsValid(p.g) THEN p.g ELSE ${simple(`ST_MakeValid(${plain})`)} END
        FROM (SELECT ${simple(plain)} AS g OFFSET 0) AS p
      ) END AS g OFFSET 0) AS s`;
}
