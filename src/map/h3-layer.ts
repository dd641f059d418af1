import { InvalidArgumentError } from "../errors";
import { lngLatOf } from "../geometry/mercator";
import { combined, type Sums } from "../render/aggregate/bins";
import type { Basemap, Bounds } from "../render/scene";
import { leftOut, needsPoints, schemeFor } from "./aggregate-layer";
import { type AggregateStyle, titleOf } from "./aggregate-options";
import { boundsOf } from "./extent";
import { dataFromGeoJson } from "./geojson-data";
import { projectGeometry, withinMercator } from "./geometry";
import { Layer, labelOf, nameOf } from "./layer";
import type { ResolvedLayer, StyleColumn } from "./layer-data";

/** Cells in the longer direction of the data, at least, that the default resolution aims at. */
const ACROSS = 60;
const FINEST = 11;
const CLASSES = 6;
/** More cells would make a map that is slow and shows none of them. */
const MOST_CELLS = 100_000;
const EARTH_M = 40_075_017;
/** Extent around a single place. */
const PLACE_M = 20_000;

/**
 * Replaces the points of a layer by the cells of H3 (https://h3geo.org) that contain them, as polygons with the columns
 * `count` and, say, `sum(fare)`. Returns other layers unchanged.
 */
export async function withH3Cells(resolved: ResolvedLayer, theme: Basemap["theme"]): Promise<ResolvedLayer> {
  const { layer, data } = resolved;
  const { aggregate } = layer.style;
  if (aggregate?.as !== "h3") return resolved;
  const label = `layer ${labelOf(layer)}`;
  const { geometry } = projectGeometry(data.geometry);
  if (geometry.kind !== "point") throw needsPoints("h3", geometry.kind, label);
  const h3 = await import("h3-js"); // 0.2 MB that other maps do without
  const inside = withinMercator(geometry) as typeof geometry;
  const resolution = aggregate.cell ?? resolutionFor(boundsOf([inside]), h3.getHexagonEdgeLengthAvg);
  const column = data.columns.find(({ name }) => name === aggregate.column);
  const values = column?.kind === "number" ? column.values : undefined;
  const cells = new Map<string, Sums>();
  let left = 0;
  // `!`: each point has coordinates, and a column has a value for each row
  for (let i = 0; i < inside.x.length; i++) {
    const value = values === undefined ? 0 : values[inside.rows?.[i] ?? i]!;
    if (!Number.isFinite(value)) {
      left++;
      continue;
    }
    const [lng, lat] = lngLatOf([inside.x[i]!, inside.y[i]!]);
    add(cells, h3.latLngToCell(lat, lng, resolution), value, aggregate);
    if (cells.size > MOST_CELLS) throw tooMany(resolution, label);
  }
  const title = titleOf(aggregate);
  const features = [...cells].map(([id, { count, sum }]) => ({
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [h3.cellToBoundary(id, true)] },
    properties: {
      h3: id,
      count,
      ...(values && { [title]: shownValue(aggregate, { count, sum }) }),
    },
  }));
  const geojson = { type: "FeatureCollection", features } as const;
  const { opacity, legend } = layer.style;
  const cellLayer = new Layer(geojson, {
    name: nameOf(layer) ?? title,
    ...(features.length > 0 && {
      color: { column: title, scheme: schemeFor(aggregate, theme), bins: aggregate.classes ?? CLASSES },
    }),
    opacity,
    ...(features.length > 0 && { tooltip: values ? [title, "count"] : "count" }),
    legend: legend !== null && { title: legend.title ?? title, counts: legend.counts ?? false },
  });
  const warnings = leftOut(left, label, aggregate);
  const cellData = await dataFromGeoJson(cellLayer, geojson);
  return {
    layer: cellLayer,
    data: {
      ...cellData,
      columns: cellData.columns.map((each) => (values ? each : countsOf(each))),
      warnings: [...data.warnings, ...warnings],
    },
    h3: resolution,
  };
}

function shownValue({ statistic }: AggregateStyle, { count, sum }: Sums): number {
  if (statistic === "avg") return meanOf(sum, count);
  return statistic === "sum" ? rounded(sum) : sum;
}

const countsOf = (column: StyleColumn): StyleColumn =>
  column.kind === "number" ? { ...column, isCount: true } : column;

/** Without the last digits of sums of decimal numbers, which are not exact: 0.1 + 0.2 is 0.30000000000000004. */
const rounded = (sum: number): number => Number(sum.toPrecision(12));

/** Means have more digits than they mean. */
const meanOf = (sum: number, count: number): number => Number((sum / count).toPrecision(6));

const tooMany = (resolution: number, label: string): InvalidArgumentError =>
  new InvalidArgumentError(
    `The points of ${label} are in more than ${MOST_CELLS.toLocaleString("en-US")} cells of H3 at resolution ${resolution}. Pass a smaller resolution as \`cell\`, or use \`as: "hexbin"\`.`,
  );

function add(cells: Map<string, Sums>, id: string, value: number, { statistic }: AggregateStyle): void {
  const cell = cells.get(id);
  const sum = cell ? combined(statistic, cell.sum, value) : value;
  cells.set(id, { count: (cell?.count ?? 0) + 1, sum });
}

/** Returns the resolution with about `ACROSS` cells across the longer side of the data. */
function resolutionFor(bounds: Bounds | null, edgeLength: (resolution: number, unit: "m") => number): number {
  const [west, south, east, north] = bounds ?? [0, 0, 1, 1];
  const middle = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const width = ((east < west ? east - west + 360 : east - west) / 360) * EARTH_M * middle;
  const height = ((north - south) / 360) * EARTH_M;
  const extent = Math.max(width, height) || PLACE_M;
  const wanted = extent / ACROSS / Math.sqrt(3);
  let resolution = 0;
  while (resolution < FINEST && edgeLength(resolution, "m") > wanted) resolution++;
  return resolution;
}
