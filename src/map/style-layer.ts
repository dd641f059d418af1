import { InvalidArgumentError } from "../errors";
import { largestFirst } from "../render/largest-first";
import { pickPoints } from "../render/page/pick";
import type { Basemap, ColorStyle, Density, Legend, Rgba, SceneLayer, SizeStyle } from "../render/scene";
import { aggregateLayer, densityOf } from "./aggregate-layer";
import { listed, shown } from "./check";
import { categoryAdvice, skewAdvice } from "./class-advice";
import type { Classes } from "./classify";
import { classifyColor, typeText } from "./color-classes";
import type { Surroundings } from "./contrast";
import { defaultSize, largestPx } from "./default-size";
import { DrawnRows } from "./drawn-rows";
import { type GeometryKind, isEmptyGeometry, type ProjectedGeometry } from "./geometry";
import { labelOf } from "./layer";
import type { LayerData, StyleColumn } from "./layer-data";
import { aboveGround, type Channel, legendsOf } from "./legend";
import { type NumberStyle, numberStyleOf } from "./number-format";
import { RowColumns, type ShownColumn } from "./row-columns";
import { MISSING_AREA, MISSING_COLOR } from "./scheme";
import type { SharedColumn, SharedScales } from "./shared-columns";
import { classifySize } from "./size-classes";
import { DEFAULT_OPACITY, type Style } from "./style-options";
import { type ClassColumn, type TileColumn, tileColumns } from "./tile-columns";
import { type ClockBase, type TimedLayer, timeOf } from "./time-data";

const WHITE: Rgba = [255, 255, 255, 255];
const BLACK: Rgba = [0, 0, 0, 255];
/** Faint, because neighbouring polygons both draw their common border. */
const FAINT_WHITE: Rgba = [255, 255, 255, 64];
const MISSING_EVENT: Rgba = [102, 102, 102, 255];
const STROKE_PX = 0.5;
/** Layers with more points than this are drawn without outlines, which would hide the fill. */
const MOST_OUTLINED = 50_000;
/** Smaller points are drawn without outlines. */
const LEAST_OUTLINED_PX = 3;
/** Default colours of labels and their halos, by theme of the basemap. */
const HALO = { light: [255, 255, 255, 217], dark: [14, 14, 14, 217] } as const;
const LABEL = { light: [38, 50, 56, 255], dark: [236, 239, 241, 255] } as const;

/** A layer with projected geometry. */
export interface Part extends TimedLayer {
  readonly projected: ProjectedGeometry;
}

/** Properties that depend on the other layers of the map. */
interface LayerPlace {
  readonly name: string;
  /** Default colour. */
  readonly plain: Rgba;
  readonly layerCount: number;
  readonly clock: ClockBase | undefined;
  /** What colours the layer, together with that of other layers. */
  readonly shared: SharedScales[number];
}

interface StyledLayer {
  readonly layer: SceneLayer;
  readonly legends: Legend[];
  readonly tileColumns: TileColumn[] | undefined;
  readonly advice: string[];
  readonly warnings?: readonly string[];
  /** The column that colours the layer, with the values of the drawn rows. */
  readonly coloredBy?: StyleColumn | undefined;
}

/** Computes how a layer looks: its colours, sizes, outline and legends, and what tooltips, popups and labels show. */
export function styleLayer(
  part: Part,
  ground: Basemap,
  { name, plain, layerCount, clock, shared }: LayerPlace,
): StyledLayer {
  const { layer, data } = part;
  const { style } = layer;
  const { geometry } = part.projected;
  const { theme, vector, background } = ground;
  const { kind } = geometry;
  const label = `layer ${labelOf(layer)}`;
  const { time } = style;
  const rows = new DrawnRows(geometry, data.rowCount);
  if (time && kind !== "point" && !isEmptyGeometry(geometry))
    throw new InvalidArgumentError(
      `\`time\` requires a layer of points; ${label} consists of ${kind}s. Leave \`time\` out, or use ST_Centroid in a query.`,
    );
  if (style.aggregate)
    return {
      ...aggregateLayer(style.aggregate, part, ground, {
        name,
        clock,
        levels: shared?.kind === "together" ? shared.levels : undefined,
      }),
      advice: [],
    };
  const plainSize = defaultSize(geometry, { isTimed: time !== undefined });
  const missing =
    kind === "polygon" ? MISSING_AREA[theme] : { missing: time ? MISSING_EVENT : MISSING_COLOR };
  const land = vector?.land ?? background;
  // a layer that is more transparent than by default lets the basemap show on purpose
  const around = {
    land,
    sea: vector?.sea ?? background,
    opacity: Math.max(DEFAULT_OPACITY, style.opacity),
  };
  const sharedColumn = shared?.kind === "column" ? shared : undefined;
  const source = { data, rows, label, theme, around, shared: sharedColumn };
  const coloredBy = style.color?.kind === "column" ? columnOf(source, style.color.column) : undefined;
  const color = colorOf(style.color, coloredBy, source, { plain, ...missing });
  const size = sizeOf(kind === "polygon" ? undefined : style.size, source, { plainSize, kind });
  const firstPx = size.style.kind === "constant" ? size.style.px : largestPx(size.style);
  const hidesPoints = data.rowCount > MOST_OUTLINED || firstPx < LEAST_OUTLINED_PX;
  const isOutlined = !time && !(kind === "point" && hidesPoints);
  const stroke = style.stroke === undefined && !isOutlined ? null : strokeOf(style.stroke, kind, theme);
  const hasLegend = style.legend !== null && !isEmptyGeometry(geometry);
  const { shownColumns, ...info } = infoOf(style, data, label, theme);
  const isSorted = geometry.kind === "point" && size.style.kind === "classes" && !time;
  const arrow = style.arrow && kind === "line" && { arrow: style.arrow };
  const density = densityFor(part, color.style, size.style, theme);
  return {
    layer: {
      name,
      geometry: isSorted ? pickPoints(geometry, largestFirst(geometry, size.style)) : geometry,
      rowCount: data.rowCount,
      color: color.style,
      size: size.style,
      ...(stroke !== null && { stroke }),
      opacity: style.opacity,
      ...arrow,
      ...timeOf(part, geometry, clock),
      ...(density && { density }),
      ...info,
    },
    legends: hasLegend
      ? legendsOf(style.legend!, {
          kind,
          color,
          size,
          rowCount: rows.count,
          name,
          layerCount,
          defaultPx: plainSize.px,
          method: time?.method,
        }).map((legend) => ({
          ...aboveGround(legend, { color: land, opacity: style.opacity, stroke }),
          ...arrow,
        }))
      : [],
    tileColumns: hasTiles(part)
      ? tileColumns({ color: color.by, size: size.by, shown: shownColumns })
      : undefined,
    coloredBy,
    advice: [...new Set([color.advice, size.advice].filter((text) => text !== undefined))],
  };
}

/**
 * Returns true if vector tiles can complete a layer that is too large for the page. The segments of lines in tiles are
 * straight.
 */
export function hasTiles({ layer: { from, style }, projected: { geometry } }: Part): boolean {
  const isCurved = geometry.kind === "line" && style.curve !== undefined;
  return (from.kind === "table" || from.kind === "query") && !style.time && !isCurved;
}

/** Returns how points without a size or colour of their own are drawn where they are too many. */
function densityFor(
  { layer: { style }, projected: { geometry } }: Part,
  color: ColorStyle,
  size: SizeStyle,
  theme: Basemap["theme"],
): Density | undefined {
  const isPlain = style.stroke === undefined && !style.time && !style.isPoints;
  if (geometry.kind !== "point" || !isPlain) return undefined;
  if (color.kind !== "constant" || size.kind !== "constant" || !size.spread) return undefined;
  return densityOf(color.color, size.spread, geometry, theme);
}

/** Collects the columns that tooltips, popups and labels show. */
function infoOf(
  { tooltip, popup, label }: Style,
  { shown: columns = [] }: LayerData,
  layerLabel: string,
  theme: Basemap["theme"],
): Pick<SceneLayer, "columns" | "tooltip" | "popup" | "label"> & { shownColumns: readonly ShownColumn[] } {
  const rows = new RowColumns(columns, layerLabel);
  const info = {
    ...(tooltip && { tooltip: rows.card("tooltip", tooltip) }),
    ...(popup && { popup: rows.card("popup", popup) }),
    ...(label && {
      label: {
        column: rows.labels(label),
        sizePx: label.sizePx,
        color: label.color ?? LABEL[theme],
        halo: label.halo ?? HALO[theme],
      },
    }),
  };
  return { ...(rows.columns.length > 0 && { columns: rows.columns }), ...info, shownColumns: rows.sources };
}

/** What a style depends on. */
interface Source {
  readonly data: LayerData;
  readonly rows: DrawnRows;
  /** Name of the layer in error messages. */
  readonly label: string;
  readonly theme: Basemap["theme"];
  readonly around: Surroundings;
  readonly shared: SharedColumn | undefined;
}

function colorOf(
  color: Style["color"],
  own: StyleColumn | undefined,
  source: Source,
  { plain, missing, hatch }: { readonly plain: Rgba; readonly missing: Rgba; readonly hatch?: Rgba },
): Channel<ColorStyle> {
  if (color?.kind !== "column" || !own) {
    return { style: { kind: "constant", color: color?.kind === "constant" ? color.color : plain } };
  }
  const { column, from } = source.shared ?? { column: own, from: 0 };
  const { classes, palette, method, isDiverging } = classifyColor(color, column, source.label, source);
  const isChosen = isDiverging || color.order !== undefined;
  const advice = isChosen
    ? undefined
    : classes.kind === "categories"
      ? categoryAdvice(column, classes, source.label)
      : skewAdvice(column, method, source.label);
  return {
    style: {
      kind: "classes",
      palette,
      missing,
      ...(hatch && { hatch }),
      classes: source.rows.spread(classes.classes.subarray(from, from + own.values.length)),
    },
    by: classColumn(column, classes),
    ...(advice !== undefined && { advice }),
  };
}

function classColumn(column: StyleColumn, classes: Classes): ClassColumn {
  const { name, pgtype } = column;
  const cameAsText = column.kind === "number" && column.cameAsText;
  return { name, pgtype, classes, style: styleOf(column), ...(cameAsText && { cameAsText }) };
}

function styleOf(column: StyleColumn): NumberStyle {
  if (column.kind !== "number") return "grouped";
  if (column.isCount) return "count";
  return column.isTime ? "date" : numberStyleOf(column.name, column.values);
}

function sizeOf(
  size: Style["size"],
  source: Source,
  { plainSize, kind }: { readonly plainSize: SizeStyle; readonly kind: GeometryKind },
): Channel<SizeStyle> {
  if (size?.kind !== "column") return { style: size ?? plainSize };
  const column = columnOf(source, size.column);
  if (column.kind !== "number")
    throw new InvalidArgumentError(`Sizes require numbers; ${typeText(column, source.label)}.`);
  const { classes, px, hollowBelow, advice } = classifySize(size, column, { kind, label: source.label });
  return {
    style: {
      kind: "classes",
      px,
      missingPx: Math.min(...px),
      ...(hollowBelow !== undefined && { hollowBelow }),
      classes: source.rows.spread(classes.classes),
    },
    by: classColumn(column, classes),
    ...(advice !== undefined && { advice }),
  };
}

/** Returns the values of a column in the drawn rows. */
function columnOf({ data: { columns }, rows }: Source, name: string): StyleColumn {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return rows.pick(column);
  throw new InvalidArgumentError(
    `The data have no column ${shown(name)}. Their columns are ${listed(columns.map((c) => c.name))}.`,
  );
}

function strokeOf(
  stroke: Style["stroke"],
  kind: GeometryKind,
  theme: Basemap["theme"],
): SceneLayer["stroke"] | null {
  if (kind === "line" || stroke === null) return null;
  const around = kind === "polygon" ? FAINT_WHITE : theme === "dark" ? BLACK : WHITE;
  const isThinned = kind === "polygon" && stroke === undefined;
  return {
    color: stroke?.color ?? around,
    widthPx: stroke?.widthPx ?? STROKE_PX,
    ...(isThinned && { thins: true }),
  };
}
