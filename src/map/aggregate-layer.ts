/** Prepares layers whose points are drawn together, and the density of those with too many points. */
import { InvalidArgumentError } from "../errors";
import { CellIndex } from "../render/aggregate/cell-index";
import { pickPoints } from "../render/page/pick";
import { MOST_POINTS } from "../render/point-size";
import type {
  Basemap,
  Density,
  Legend,
  Levels,
  PointGeometry,
  Rgba,
  SceneLayer,
  Spread,
} from "../render/scene";
import { type AggregateStyle, titleOf } from "./aggregate-options";
import { counted, shown } from "./check";
import { formatColor, rampOf } from "./css-color";
import { isEmptyGeometry, type ProjectedGeometry } from "./geometry";
import { labelOf } from "./layer";
import { checkScheme, custom, paletteOf, type Scheme } from "./scheme";
import { type TileColumn, tileColumns } from "./tile-columns";
import { type ClockBase, type TimedLayer, timeOf } from "./time-data";

/** Width of cells, radius of heatmaps and distance of clusters in CSS pixels. */
const CELL_PX = { heatmap: 20, hexbin: 12, grid: 10, cluster: 56 } as const;
/** Default schemes: the smallest values are faint, the largest stand out. */
const SCHEMES = { light: "sunsetDark", dark: "agSunset" } as const;
/** Shades of a colour: towards the ground of the basemap, and away from it. */
const GROUND = { light: [255, 255, 255, 255], dark: [20, 24, 28, 255] } as const;
const FAR = { light: [30, 20, 50, 255], dark: [255, 255, 240, 255] } as const;
/** Means have more digits than they mean. */
const MEAN_FORMAT = ",.4~r";
const STOPS = 7;
/** Number of different places around the world: positions less than 2 cm apart at the equator are one place. */
const PLACES = 2 ** 31;
/** Numbers of classes; for a heatmap, of the colours between which it interpolates. */
const CLASSES = { heatmap: STOPS, hexbin: 6, grid: 6, cluster: 4 } as const;
const NO_POINTS: PointGeometry = { kind: "point", x: new Float64Array(0), y: new Float64Array(0) };
/** How far the tint of the smallest values, or of single points, is from the colour towards the ground. */
const CELL_TINT = 0.7;
const POINT_TINT = 0.35;

/** A layer of the scene that draws points together, with its legend, which is completed once the first view is known. */
interface StyledAggregate {
  readonly layer: SceneLayer;
  readonly legends: Legend[];
  readonly tileColumns: TileColumn[] | undefined;
  readonly warnings: readonly string[];
}

/**
 * Computes how a layer looks whose points are drawn together. Points without a value are left out.
 * @throws InvalidArgumentError for lines and polygons
 */
export function aggregateLayer(
  style: AggregateStyle,
  part: TimedLayer & { readonly projected: ProjectedGeometry },
  { theme }: Basemap,
  {
    name,
    clock,
    levels,
  }: {
    readonly name: string;
    readonly clock: ClockBase | undefined;
    /** Classes that the layer shares with others. */
    readonly levels: Levels | undefined;
  },
): StyledAggregate {
  const { layer, data, projected } = part;
  const { as, statistic, cell, classes } = style;
  const label = `layer ${labelOf(layer)}`;
  if (as === "h3") throw new Error("cells of H3 are made before the scene");
  if (projected.geometry.kind !== "point") {
    if (!isEmptyGeometry(projected.geometry)) throw needsPoints(as, projected.geometry.kind, label);
  }
  const points = projected.geometry.kind === "point" ? projected.geometry : NO_POINTS;
  const column = data.columns.find((candidate) => candidate.name === style.column);
  const values = column?.kind === "number" ? column.values : undefined;
  const geometry = values ? withValues(points, values) : points;
  if (as === "heatmap" && statistic === "sum" && values?.some((value) => value < 0))
    throw new InvalidArgumentError(
      `A heatmap shows sums of numbers from 0 up; column ${shown(style.column)} of ${label} has negative ones. Use \`value: { avg: ${shown(style.column)} }\`, or \`as: "hexbin"\`.`,
    );
  const left = points.x.length - geometry.x.length;
  const title = titleOf(style);
  const { opacity, legend, time } = layer.style;
  const hasTiles = (layer.from.kind === "table" || layer.from.kind === "query") && !time;
  const shownColumn = column && { name: column.name, pgtype: column.pgtype, as: "numbers" as const };
  return {
    layer: {
      name,
      geometry,
      rowCount: data.rowCount,
      color: { kind: "constant", color: FAR[theme] },
      size: { kind: "constant", px: 1 },
      opacity,
      ...(values && { columns: [{ kind: "numbers", values }] }),
      tooltip: {
        fields: [
          { title, column: 0, ...(statistic === "avg" && { format: MEAN_FORMAT }) },
          ...(values ? [{ title: "count", column: 1 }] : []),
        ],
      },
      aggregate: {
        as,
        cellPx: cell ?? CELL_PX[as],
        statistic,
        title,
        palette: paletteFor(style, theme, classes ?? CLASSES[as]),
        ...(levels && { levels }),
      },
      ...timeOf(part, geometry, clock),
    },
    legends:
      legend === null || geometry.x.length === 0
        ? []
        : [{ title: legend.title ?? title, geometry: as === "cluster" ? "point" : "polygon", items: [] }],
    tileColumns: hasTiles ? tileColumns({ shown: shownColumn ? [shownColumn] : [] }) : undefined,
    warnings: leftOut(left, label, style),
  };
}

/** Says how many points have no value. */
export function leftOut(count: number, label: string, { column }: AggregateStyle): string[] {
  if (count === 0) return [];
  return [`The map leaves out ${counted(count, "point")} of ${label} without a value of ${shown(column)}.`];
}

/** Returns how points of one colour are drawn where they are too many; undefined if they are not. */
export function densityOf(
  color: Rgba,
  spread: Spread,
  geometry: PointGeometry,
  theme: Basemap["theme"],
): Density | undefined {
  return spread.count > MOST_POINTS && hasPlaces(geometry, MOST_POINTS)
    ? { palette: shadesOf(color, theme, STOPS, POINT_TINT), spread }
    : undefined;
}

/** Returns true if points are at more than this many places: of fewer places, each point shows. */
function hasPlaces({ x, y }: PointGeometry, most: number): boolean {
  const places = new CellIndex();
  // `!`: x and y have the same length
  for (let i = 0; i < x.length && places.count <= most; i++) places.numberOf(x[i]! * PLACES, y[i]! * PLACES);
  return places.count > most;
}

/** Returns the scheme of the cells: a given one, shades of a colour, or the default. */
export function schemeFor({ color, classes }: AggregateStyle, theme: Basemap["theme"]): Scheme {
  if (color === undefined) return checkScheme(SCHEMES[theme]);
  if (isScheme(color)) return color;
  return custom(shadesOf(color, theme, classes ?? STOPS, CELL_TINT).map(formatColor));
}

const isScheme = (color: Rgba | Scheme): color is Scheme => "name" in color;

function paletteFor(style: AggregateStyle, theme: Basemap["theme"], count: number): Rgba[] {
  const { color } = style;
  if (color !== undefined && !isScheme(color)) return shadesOf(color, theme, count, CELL_TINT);
  return paletteOf(schemeFor(style, theme), count, false);
}

/** Creates the error for lines and polygons, which cannot be drawn together. */
export const needsPoints = (as: AggregateStyle["as"], kind: string, label: string): InvalidArgumentError =>
  new InvalidArgumentError(
    `\`as: "${as}"\` requires points; ${label} consists of ${kind}s. Leave \`as\` out, or use ST_Centroid in a query.`,
  );

/** Returns shades from a tint near the ground, by a share of the way, over the colour to one that stands out. */
function shadesOf(color: Rgba, theme: Basemap["theme"], count: number, share: number): Rgba[] {
  const [red, green, blue, alpha] = color;
  const opaque: Rgba = [red, green, blue, 255];
  const [tint] = rampOf([opaque, GROUND[theme]], 2, [share, 1]) as [Rgba];
  const [, far] = rampOf([opaque, FAR[theme]], 2, [0, 0.65]) as [Rgba, Rgba];
  return rampOf([tint, opaque, far], count).map(([r, g, b]): Rgba => [r, g, b, alpha]);
}

/** Returns the points whose rows have a finite value. `!`: a column has a value for each row. */
function withValues(geometry: PointGeometry, values: Float64Array): PointGeometry {
  const { x, rows } = geometry;
  const kept = new Uint32Array(x.length);
  let count = 0;
  for (let i = 0; i < x.length; i++) if (Number.isFinite(values[rows?.[i] ?? i]!)) kept[count++] = i;
  return count === x.length ? geometry : pickPoints(geometry, kept.subarray(0, count));
}
