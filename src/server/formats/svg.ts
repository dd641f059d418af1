import { lastRows } from "../engine/engine";
import { streamRows } from "../row-stream";
import { type Export, type ExportRequest, GEOMETRY } from "./format";

const WIDTH_PX = 1024;
const HEIGHT_PX = 768;
const POINT_RADIUS_PX = 5;
const STROKE_WIDTH_PX = 1;

/**
 * Draws the geometries without attributes, scaled to 1024 × 768 with y pointing down and ordered by dimension: points
 * as circles, everything else as paths.
 */
export const svg: Export = async (request) => {
  const { engine, query, decimals, options, onEnd } = request;
  const box = await extent(request);
  // A circle or a path shows one geometry, so collections and multipoints are split.
  const shapes = `
    SELECT ST_Dimension(g) AS dimension, ST_AsSVG(ST_TransScale(g, ${-box.x}, ${-box.y}, ${box.scale}, ${box.scale}), 0, ${decimals}) AS shape
    FROM (${query}\n) AS cdbq
    CROSS JOIN LATERAL (
      SELECT ${GEOMETRY} AS g WHERE GeometryType(${GEOMETRY}) NOT IN ('MULTIPOINT', 'GEOMETRYCOLLECTION')
      UNION ALL
      SELECT (ST_Dump(${GEOMETRY})).geom WHERE GeometryType(${GEOMETRY}) IN ('MULTIPOINT', 'GEOMETRYCOLLECTION')
    ) AS parts
    WHERE NOT ST_IsEmpty(g)
    ORDER BY dimension`;
  const { rows, close } = await streamRows(engine, shapes, options);
  onEnd(close);
  return document(box, rows);
};

interface Box {
  /** West and north edges, in the units of the geometry. */
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

async function extent({ engine, query, options }: ExportRequest): Promise<Box> {
  const result = await engine.query(
    `SELECT ST_XMin(e), ST_YMax(e), ST_XMax(e) - ST_XMin(e), ST_YMax(e) - ST_YMin(e)
     FROM (SELECT ST_Extent(${GEOMETRY}::geometry) AS e FROM (${query}\n) AS cdbq) AS extent`,
    options,
  );
  const [x = 0, y = 0, width = 0, height = 0] = (lastRows(result)[0] ?? []).map(Number);
  const scale = Math.min(WIDTH_PX / width, HEIGHT_PX / height); // Infinity for a single position
  const fitting = Number.isFinite(scale) ? scale : 1;
  return { x, y, scale: fitting, widthPx: width * fitting, heightPx: height * fitting };
}

async function* document(
  { widthPx, heightPx }: Box,
  shapes: AsyncIterable<readonly (string | null)[]>,
): AsyncGenerator<string> {
  const border = POINT_RADIUS_PX + STROKE_WIDTH_PX;
  const viewBox = [-border, -border, widthPx + 2 * border, heightPx + 2 * border].join(" ");
  yield '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n';
  yield `<svg viewBox="${viewBox}" style="fill-opacity:0.5; stroke:black; stroke-width:${STROKE_WIDTH_PX}; fill:none" `;
  yield 'xmlns="http://www.w3.org/2000/svg" version="1.1">\n';
  for await (const [dimension, shape] of shapes) {
    yield dimension === "0" ? `<circle r="${POINT_RADIUS_PX}" ${shape} />\n` : `<path d="${shape}" />\n`;
  }
  yield "</svg>\n";
}
