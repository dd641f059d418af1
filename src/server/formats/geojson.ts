import { describeQuery, streamRows } from "../row-stream";
import { rowWriter } from "../sql-json";
import { type Export, type ExportRequest, GEOMETRY } from "./format";

/** Writes a FeatureCollection. the_geom keeps its SRID, which is not stated; the other columns are properties. */
export const geojson: Export = async (request) => {
  const { rows } = await features(request);
  return collection(rows);
};

export interface Feature {
  /** JSON texts. */
  readonly geometry: string;
  readonly properties: string;
}

/** Streams the rows of a query as features. */
export async function features({
  engine,
  query,
  skipFields,
  decimals,
  options,
  onEnd,
}: ExportRequest): Promise<{ rows: AsyncIterable<Feature> }> {
  // The option 0 omits the member "crs", which PostGIS 3 adds for SRIDs other than 4326.
  const withGeometry = `SELECT ST_AsGeoJSON(${GEOMETRY}, ${decimals}, 0), cdbq.* FROM (${query}\n) AS cdbq`;
  const fields = await describeQuery(engine, query, options);
  const { rows, close } = await streamRows(engine, withGeometry, options);
  onEnd(close);
  const properties = rowWriter(fields, new Set([...skipFields, GEOMETRY, "the_geom_webmercator"]));
  return {
    rows: (async function* () {
      for await (const [geometry, ...values] of rows) {
        yield { geometry: geometry ?? "null", properties: properties(values) };
      }
    })(),
  };
}

/** @internal exported for its test */
export async function* collection(features: AsyncIterable<Feature>): AsyncGenerator<string> {
  yield '{"type": "FeatureCollection", "features": [';
  let separator = "";
  let error = "";
  try {
    for await (const { geometry, properties } of features) {
      yield `${separator}{"type":"Feature","geometry":${geometry},"properties":${properties}}`;
      separator = ",";
    }
  } catch (failure) {
    error = `,"error":${JSON.stringify([(failure as Error).message])}`; // the first features have been sent already
  }
  yield `]${error}}`;
}
