/**
 * What can be painted, as plain data with nothing left to decide. `map/` builds a scene, `painter/` paints it in the
 * browser and in Node, and the page contains it.
 *
 * Coordinates are Web Mercator in world units: x = (lng + 180) / 360 grows east, y grows south, and the square of
 * latitudes ±85.0511 is [0, 1] × [0, 1]. A pixel coordinate is `world × 256 × 2^zoom`; x outside [0, 1] lies in another
 * copy of the world.
 *
 * A scene with a `projection` uses the plane of that projection instead, which has the same unit, lies within
 * [0, 1] × [0, 1], and does not repeat.
 */
import type { Box } from "../geometry/clip";

/** A colour; each component is 0–255. */
export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** [west, south, east, north] in degrees; east < west if the bounds cross the antimeridian. */
export type Bounds = readonly [west: number, south: number, east: number, north: number];

/** Class of rows whose value is missing. */
export const MISSING_CLASS = 255;

/** One colour for all rows, or one per class. `classes` holds the class of each row of the layer. */
export type ColorStyle =
  | { readonly kind: "constant"; readonly color: Rgba }
  | {
      readonly kind: "classes";
      readonly palette: readonly Rgba[];
      readonly missing: Rgba;
      /** Diagonal lines over polygons in `MISSING_CLASS`. */
      readonly hatch?: Rgba;
      readonly classes: Uint8Array;
    };

/** Diameter of points or width of lines in CSS pixels. */
export type SizeStyle =
  | {
      readonly kind: "constant";
      readonly px: number;
      /** Points grow from `px` while fewer of them are in the view; see `sizeInView`. */
      readonly spread?: Spread;
    }
  | {
      readonly kind: "classes";
      readonly px: readonly number[];
      readonly missingPx: number;
      /** Points in lower classes than this are hollow: circles in their colour. */
      readonly hollowBelow?: number;
      readonly classes: Uint8Array;
    };

/** Number of points, and the area of their bounds in square world units. */
export interface Spread {
  readonly count: number;
  readonly area: number;
}

/** Points in world units. A MultiPoint becomes several points with the same row. */
export interface PointGeometry {
  readonly kind: "point";
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Row of each point; absent if point i is row i. */
  readonly rows?: Uint32Array;
  /** Number of points that each one stands for; absent if it is 1. */
  readonly weights?: Float64Array;
}

/**
 * Lines, or the rings of polygons, in world units. `xy` holds coordinate pairs; path p spans the pairs `paths[p]` to
 * `paths[p + 1]`, and feature f the paths `features[f]` to `features[f + 1]`, ends excluded. All rings of a feature
 * (outer rings and holes of every part) are filled together by the even-odd rule. A path that crosses the antimeridian
 * continues beyond x = 0 or 1 instead of jumping. A line that is cut because it goes on out of the map is followed by a path
 * without length, so that its end gets no arrowhead.
 */
export interface PathGeometry {
  readonly kind: "line" | "polygon";
  readonly xy: Float64Array;
  readonly paths: Uint32Array;
  readonly features: Uint32Array;
  /** Row of each feature; absent if feature f is row f. */
  readonly rows?: Uint32Array;
}

/**
 * Values of the rows for display: numbers (NaN if missing), or strings, where code 0 is a missing value and code k stands
 * for `texts[k - 1]`.
 */
export type RowColumn =
  | { readonly kind: "numbers"; readonly values: Float64Array }
  | { readonly kind: "texts"; readonly texts: readonly string[]; readonly codes: Uint32Array };

/** Content of a tooltip or popup about a row. Its strings are user data. */
export interface Card {
  readonly title?: string;
  readonly fields: readonly CardField[];
}

interface CardField {
  readonly title: string;
  /** Index into the layer's `columns`. */
  readonly column: number;
  /** Format of numbers (https://d3js.org/d3-format). Without it, all their digits are shown. */
  readonly format?: string;
}

/** A label at each feature for which there is room. */
export interface LabelStyle {
  /** Index of a column of strings in the layer's `columns`. */
  readonly column: number;
  readonly sizePx: number;
  readonly color: Rgba;
  readonly halo: Rgba;
}

/** Draws the points of a layer together. */
export interface Aggregate {
  readonly as: "heatmap" | "hexbin" | "grid" | "cluster";
  /** Width of a cell, or radius of a cluster or of a heatmap's kernel, in CSS pixels. */
  readonly cellPx: number;
  /** What a cell shows of its points: their number, or a statistic of the values in the layer's only column. */
  readonly statistic: Statistic;
  /** Name of that in legends and tooltips, such as `sum(fare)`. */
  readonly title: string;
  /** Colours of the classes of cells, from the smallest to the largest values. */
  readonly palette: readonly Rgba[];
  /** What colours depend on, by zoom level, if the layer is an overview or shares its colours with other maps. */
  readonly levels?: Levels;
}

/** What the colours of a zoom level depend on: the whole layer, not the view. */
export interface LevelScale {
  /** Smallest value of each class of cells but the first. */
  readonly breaks?: readonly number[];
  /** Smallest and largest value of a cell. */
  readonly range?: readonly [least: number, most: number];
  /** Number of clusters, and of points that are in no cluster. */
  readonly count?: number;
  readonly singles?: number;
  /** Number of points, or sum of values, in the densest cells that are two standard deviations of the kernel wide. */
  readonly densest?: number;
  /** Smallest and largest mean, without outliers. */
  readonly means?: readonly [least: number, most: number];
}

export type Levels = Readonly<Record<number, LevelScale>>;

export type Statistic = "count" | "sum" | "avg" | "min" | "max";

/** Draws points that would cover each other as a density. */
export interface Density {
  /** Colours from a single point to the densest place. */
  readonly palette: readonly Rgba[];
  readonly spread: Spread;
  /** As in `Aggregate`. */
  readonly levels?: Levels;
}

/** When the points of a layer appear. The points are in the order of their frames. */
export interface TimeStyle {
  /** Frame f of the scene's clock holds the points `starts[f]` to `starts[f + 1]`, the end excluded. */
  readonly starts: Uint32Array;
  /** Points stay once they have appeared; otherwise they show in their frame only, then fade over `trails` frames. */
  readonly cumulative: boolean;
  readonly trails: number;
}

/** The animation clock that all animated layers share. */
export interface Clock {
  /** Unit of `start` and `step`: milliseconds (since 1970), or plain numbers. */
  readonly kind: "time" | "number";
  /** Beginning of frame 0, and length of a frame. */
  readonly start: number;
  readonly step: number;
  /** Calendar months (UTC) per frame; `step` is their average length then. `start` is the beginning of a month. */
  readonly months?: number;
  readonly frames: number;
  /** Duration of all frames at speed 1. */
  readonly durationMs: number;
  readonly speed: number;
  readonly loop: boolean;
  /** The frame that still images show. */
  readonly still: number;
  /** The live map starts paused, at the `still` frame. */
  readonly paused: boolean;
}

/**
 * Mapbox Vector Tiles with the full data of a layer of which the page contains only an overview, available while the
 * server runs. Their attributes are `k`, the class of the colour; `s`, the class of the size; `c0`, `c1`, … for the
 * layer's `columns`; and, if known, `cartodb_id`. Missing classes and values are omitted.
 */
export interface DetailSource {
  /** URL of a tile, with {z}, {x} and {y}. It contains a token of this map, but no API key. */
  readonly urlTemplate: string;
  /** Name of the layer in the tiles. */
  readonly layer: string;
  /** Formats (see `CardField`) of string columns whose attributes are numbers, by index of the column. */
  readonly formats: Readonly<Record<number, string>>;
  /** Width of the margin around a tile of 256 pixels that the tile includes; lines end there because they are cut. @default 0 */
  readonly bufferPx?: number;
  /** Counts of the full data, and its tiles with filters, for a layer that widgets count. */
  readonly counts?: CountService;
}

/** Where a page asks for counts, see `explore/server-counts`. The URLs contain a token of the map, but no API key. */
export interface CountService {
  /** Makes an instance of the map with filters: a POST with the values of its placeholders as JSON. */
  readonly instanceUrl: string;
  /** URL of tiles and dataviews of an instance, with {path}. */
  readonly urlTemplate: string;
}

/**
 * A column of a layer's rows as widgets and filters see it: the step of each row, a whole number. Step 0 is a missing value; step
 * k of a range holds the values from `edges[k - 1]` to `edges[k]`, the end excluded unless it is the last, and step k of
 * categories the rows with `texts[k - 1]`, or with one of the `others` after the last text.
 */
export type StepColumn = RangeColumn | CategoryColumn;

export interface RangeColumn {
  readonly kind: "range";
  readonly name: string;
  /** Ascending; in milliseconds since 1970 for times. */
  readonly edges: readonly number[];
  /** A text for each edge. */
  readonly labels: readonly string[];
  readonly isTime?: true;
  /** The source has these times as texts in ISO 8601. */
  readonly isText?: true;
  /** Each step holds one value: the label of its first edge names it. */
  readonly isDiscrete?: true;
  /** For each step, the text of its last day, month or year; absent for other steps, whose ends are named by their edges. */
  readonly endLabels?: readonly string[];
  readonly steps: Uint16Array;
}

export interface CategoryColumn {
  readonly kind: "category";
  readonly name: string;
  /** Type of the values in SQL. */
  readonly type: "text" | "number" | "boolean";
  /** The most frequent values first. */
  readonly texts: readonly string[];
  /** Number of distinct values that are not in `texts`. */
  readonly others: number;
  readonly steps: Uint16Array;
}

/** Numbers of a layer's rows of which a widget shows a statistic; NaN if missing. */
export interface ValueColumn {
  readonly kind: "values";
  readonly name: string;
  readonly values: Float64Array;
}

export type ExploredColumn = StepColumn | ValueColumn;

/** A chart or number beside the map about the rows of a layer. Its strings are user data. */
export type Widget = WidgetBase &
  (
    | {
        /** Bars, or a slider without bars. */
        readonly kind: "histogram" | "timeSeries" | "range";
        /** Index of a `RangeColumn` in the layer's `explored`. */
        readonly column: number;
        /** Number of steps per bar. */
        readonly perBar: number;
      }
    | {
        readonly kind: "category";
        /** Index of a `CategoryColumn` in the layer's `explored`. */
        readonly column: number;
        /** Number of categories to show. */
        readonly top: number;
      }
    | { readonly kind: "formula"; readonly operation: "count" }
    | {
        readonly kind: "formula";
        readonly operation: Exclude<Statistic, "count">;
        /** Index of a `ValueColumn` in the layer's `explored`. */
        readonly column: number;
      }
  );

interface WidgetBase {
  readonly title: string;
  /** Index of the layer. */
  readonly layer: number;
  /** Counts only rows in the view. */
  readonly inView: boolean;
  /** Format of numbers (https://d3js.org/d3-format) or times (https://d3js.org/d3-time-format). */
  readonly format?: string;
}

/** A filter of a map: rows that do not fulfil it are hidden. */
export type MapFilter =
  | {
      /** Name of the layer. */
      readonly layer: string;
      readonly column: string;
      /** Values from `from` to `to`, which is excluded unless `includesTo`. Times are in ISO 8601, in UTC. */
      readonly from: number | string;
      readonly to: number | string;
      readonly includesTo?: true;
    }
  | {
      readonly layer: string;
      readonly column: string;
      /** Rows with one of these values. */
      readonly values: readonly (string | number | boolean)[];
    }
  | {
      readonly layer: string;
      /** Classes that are hidden, by their labels in the legend. */
      readonly without: readonly string[];
    };

export interface SceneLayer {
  /** Name shown to the reader. */
  readonly name?: string;
  readonly geometry: PointGeometry | PathGeometry;
  /** Number of rows in the data, including those without geometry. */
  readonly rowCount: number;
  /** Fill of points and polygons; stroke of lines. */
  readonly color: ColorStyle;
  /** Diameter of points, width of lines; unused for polygons. */
  readonly size: SizeStyle;
  /** Outline of points and polygons; with `thins`, it is thinner around polygons that are small on the screen. */
  readonly stroke?: { readonly color: Rgba; readonly widthPx: number; readonly thins?: boolean };
  /** 0–1, applied to the layer as a whole: opaque points that overlap are no darker. */
  readonly opacity: number;
  /** Lines end in arrowheads. */
  readonly arrow?: true;
  /** The columns that `tooltip`, `popup` and `label` show, with one value per row. */
  readonly columns?: readonly RowColumn[];
  /** Shown while the pointer is over a feature. */
  readonly tooltip?: Card;
  /** Shown when a feature is clicked. */
  readonly popup?: Card;
  readonly label?: LabelStyle;
  /** Animates a layer of points; needs a scene with a clock. */
  readonly time?: TimeStyle;
  /** Draws the points together. `columns` is the column of the values then, or absent for counts; `size` is unused. */
  readonly aggregate?: Aggregate;
  /** Draws points as a density at scales where a view holds too many of them. */
  readonly density?: Density;
  /** Columns of widgets, with one value per row, or per row of `exploredRows`. */
  readonly explored?: readonly ExploredColumn[];
  /** Row of `explored` of each feature, in a page, where every feature has a row of its own; absent if these are the same. */
  readonly exploredRows?: Uint32Array;
}

export interface LegendItem {
  readonly label: string;
  /** Class of the colour, if it is one of the layer's. */
  readonly class?: number;
  /** Number of rows, if the legend shows it. */
  readonly count?: number;
  /** The image hides its rows, and dims it. */
  readonly isOff?: true;
  /** As it looks above the basemap. */
  readonly color: Rgba;
  readonly sizePx: number;
  /** Diagonal lines over polygons without data. */
  readonly hatch?: Rgba;
  /** A circle: `stroke` has the colour of the point, and `color` is that of the ground inside. */
  readonly hollow?: true;
  /** Outline of points and polygons, as it looks above the basemap. */
  readonly stroke?: { readonly color: Rgba; readonly widthPx: number };
}

/** Explains one layer. Its strings are user data and must be escaped in HTML. */
export interface Legend {
  readonly title: string;
  readonly geometry: "point" | "line" | "polygon";
  readonly items: readonly LegendItem[];
  /** Lines end in arrowheads. */
  readonly arrow?: true;
  /** Index of the layer that the legend explains. */
  readonly layer?: number;
  /** A continuous colour ramp above the items. */
  readonly ramp?: { readonly colors: readonly Rgba[]; readonly from: string; readonly to: string };
}

/** Land and borders as vectors, which are always available, and raster tiles above them when online. */
export interface Basemap {
  readonly theme: "light" | "dark";
  readonly background: Rgba;
  /** Colours of land and borders, and of the sea inside the outline of a world map; if absent, only the background is painted. */
  readonly vector?: { readonly land: Rgba; readonly border: Rgba; readonly sea?: Rgba };
  /** Names of places as vectors; if absent, none are painted. They are hidden while raster tiles show. */
  readonly names?: {
    /** Below or above the data. */
    readonly placement: "back" | "front";
    /** BCP 47 tag. */
    readonly language: string;
  };
  readonly tiles?: {
    /** URL of a tile, with {z}, {x}, {y}, and optionally {s} and {r}. */
    readonly urlTemplate: string;
    /** One character per subdomain, for {s}. */
    readonly subdomains: string;
    /** Maximum zoom of the tiles, which are enlarged beyond it. @default 20 (CARTO's basemaps) */
    readonly maxZoom?: number;
    /** Plain text; links are written as [text](https://…). */
    readonly attribution: string;
    /** URL of label tiles, shown above the data. */
    readonly labelsUrlTemplate?: string;
  };
}

/** The projections that show the world, or a part of it, on a plane of its own. */
export const PLANE_NAMES = [
  "equal-earth",
  "natural-earth",
  "robinson",
  "winkel-tripel",
  "mollweide",
  "orthographic",
  "albers-usa",
  "albers-usa-territories",
] as const;
export type PlaneName = (typeof PLANE_NAMES)[number];

export interface Projection {
  readonly name: PlaneName;
  /** Degrees of the position in the middle of the map. The latitude matters on a globe only. */
  readonly center: readonly [lng: number, lat: number];
  /** Box of the world, or of the part of it that the plane shows, in world units. */
  readonly box: Box;
}

/** A corner of the map. */
export type LegendCorner = "top-right" | "top-left" | "bottom-right" | "bottom-left";

export interface Scene {
  readonly title?: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** @default Web Mercator */
  readonly projection?: Projection;
  /**
   * First view: bounds or a box in world units to fit with some padding, or a centre and a zoom. At zoom 0 the world is 256
   * pixels wide.
   */
  readonly view:
    | { readonly kind: "fit"; readonly bounds: Bounds }
    | { readonly kind: "box"; readonly box: Box }
    | { readonly kind: "center"; readonly lng: number; readonly lat: number; readonly zoom: number };
  readonly basemap: Basemap;
  /** From bottom to top. */
  readonly layers: readonly SceneLayer[];
  readonly legends: readonly Legend[];
  /** Corner of the legends. @default where they cover least of the data, see `legendCornerOf` */
  readonly legendCorner?: LegendCorner;
  /** Images have the legends below the map. The page, which folds legends of narrow maps, has them in their corner. */
  readonly legendBelow?: true;
  /** Present if a layer is animated. */
  readonly clock?: Clock;
  /** Sentences about data that the map does not show. */
  readonly notes?: readonly string[];
  /** Charts and numbers beside or below the map, from top to bottom. `widthPx` and `heightPx` are those of the map alone. */
  readonly widgets?: readonly Widget[];
  /** Filters and hidden layers at first. */
  readonly state?: { readonly filters?: readonly MapFilter[]; readonly hidden?: readonly string[] };
  /** Where the widgets lie. */
  readonly panel?: Panel;
  /** Controls of the page besides those that every map has. */
  readonly controls?: readonly ControlName[];
}

/** Controls that a live map has only if it asks for them. */
export const CONTROL_NAMES = ["search", "measure"] as const;
export type ControlName = (typeof CONTROL_NAMES)[number];

/** The place of widgets: beside the map, so many CSS pixels wide, or below it, so many high. */
export interface Panel {
  readonly side: "right" | "bottom";
  readonly px: number;
}

export const MAX_TILE_ZOOM = 20;

/** The part of the world that a canvas shows. */
export interface Viewport {
  /** Top-left corner of the canvas in world units. */
  readonly originX: number;
  readonly originY: number;
  /** CSS pixels per world unit: 256 × 2^zoom. */
  readonly worldPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Device pixels per CSS pixel. */
  readonly pixelRatio: number;
}
