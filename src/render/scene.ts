/**
 * What can be painted: plain data, with nothing left to decide. `map/` builds it, the painter draws it in the page
 * and in Node, the page carries it.
 *
 * Coordinates are Web Mercator in world units: x = (lng + 180) / 360 grows east, y grows south, the square of
 * latitudes ±85.0511 is [0, 1] × [0, 1]. A pixel is `world × tileSize × 2^zoom`; x outside [0, 1] is a copy of
 * the world.
 */

/** An opaque or translucent colour, each part 0–255. */
export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** [west, south, east, north] in degrees; east < west crosses the antimeridian. */
export type Bounds = readonly [west: number, south: number, east: number, north: number];

/** Which class a row is in. Rows with `MISSING_CLASS` have no value. */
export const MISSING_CLASS = 255;

/** A colour for all rows, or one per class. `classes` has one entry per row of the layer. */
export type ColorStyle =
  | { readonly kind: "constant"; readonly color: Rgba }
  | {
      readonly kind: "classes";
      readonly palette: readonly Rgba[];
      readonly missing: Rgba;
      readonly classes: Uint8Array;
    };

/** Diameter of a point or width of a line in CSS pixels. */
export type SizeStyle =
  | { readonly kind: "constant"; readonly px: number }
  | {
      readonly kind: "classes";
      readonly px: readonly number[];
      readonly missingPx: number;
      readonly classes: Uint8Array;
    };

/** Points in world units. A MultiPoint is several points of one row. */
export interface PointGeometry {
  readonly kind: "point";
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Row of each point; absent where point i is row i. */
  readonly rows?: Uint32Array;
}

/**
 * Lines, or the rings of polygons, in world units: coordinate pairs in `xy`, path p from pair `paths[p]` to pair
 * `paths[p + 1]`, feature f from path `features[f]` to `features[f + 1]`. The rings of a feature (outer ones and
 * holes, of all its parts) are filled together by the even-odd rule. A path that crosses the antimeridian goes on
 * beyond x = 0 or 1 instead of jumping.
 */
export interface PathGeometry {
  readonly kind: "line" | "polygon";
  readonly xy: Float64Array;
  readonly paths: Uint32Array;
  readonly features: Uint32Array;
  /** Row of each feature; absent where feature f is row f. */
  readonly rows?: Uint32Array;
}

/** Values of the rows for people to read: numbers, of which NaN is missing, or texts, of which code 0 is none and k is `texts[k - 1]`. */
export type RowColumn =
  | { readonly kind: "numbers"; readonly values: Float64Array }
  | { readonly kind: "texts"; readonly texts: readonly string[]; readonly codes: Uint32Array };

/** What a tooltip or a popup says about a row. Texts are data of the user. */
export interface Card {
  readonly title?: string;
  readonly fields: readonly CardField[];
}

export interface CardField {
  readonly title: string;
  /** An index of the layer's `columns`. */
  readonly column: number;
  /** Of numbers: https://d3js.org/d3-format. Absent: as many digits as they have. */
  readonly format?: string;
}

/** A text at each feature, as far as there is room. */
export interface LabelStyle {
  /** An index of the layer's `columns`, of texts. */
  readonly column: number;
  /** CSS pixels. */
  readonly sizePx: number;
  readonly color: Rgba;
  readonly halo: Rgba;
}

/** When the points of a layer are there. They are in the order of their frames. */
export interface TimeStyle {
  /** The points of frame f of the scene's clock are those from `starts[f]` to `starts[f + 1]`. */
  readonly starts: Uint32Array;
  /** Points stay; otherwise each is there in its frame, and in so many more as a trail: growing, fading. */
  readonly cumulative: boolean;
  readonly trails: number;
}

/** What all layers with times share. */
export interface Clock {
  /** Of `start` and `step`: milliseconds since 1970, or numbers of any meaning. */
  readonly kind: "time" | "number";
  /** Where frame 0 begins, and how long a frame is. */
  readonly start: number;
  readonly step: number;
  readonly frames: number;
  /** How long all frames take at speed 1. */
  readonly durationMs: number;
  readonly speed: number;
  readonly loop: boolean;
  /** The frame of pictures. */
  readonly still: number;
  /** The live map begins with the still, and waits. */
  readonly paused: boolean;
}

/**
 * Where the page of a scene that carries an overview of a layer finds the rest, as long as the server runs: Mapbox
 * Vector Tiles with the features as the layer shows them. Their attributes are `k`, the class of the colour, `s`, the
 * class of the size, `c0`, `c1` … for the layer's `columns`, and perhaps `cartodb_id`. A class or value that is missing
 * is absent.
 */
export interface DetailSource {
  /** Address of a tile, with {z}, {x} and {y}. It holds a token of this map, and no key. */
  readonly urlTemplate: string;
  /** How the tiles call the layer. */
  readonly layer: string;
  /** Of columns of texts whose attributes are numbers: their format, see `CardField`. By index of the column. */
  readonly formats: Readonly<Record<number, string>>;
}

export interface SceneLayer {
  /** What people call it. */
  readonly name?: string;
  readonly geometry: PointGeometry | PathGeometry;
  /** Rows of the data, those without geometry too. */
  readonly rowCount: number;
  /** Fill of points and polygons, stroke of lines. */
  readonly color: ColorStyle;
  /** Diameter of points, width of lines; not of polygons. */
  readonly size: SizeStyle;
  /** Outline of points and polygons. */
  readonly stroke?: { readonly color: Rgba; readonly widthPx: number };
  /** 0–1, of the layer as a whole: overlapping points do not add up beyond it… unless their colours are translucent. */
  readonly opacity: number;
  /** One value per row each; what `tooltip`, `popup` and `label` need. */
  readonly columns?: readonly RowColumn[];
  /** Shown while the pointer is on a feature. */
  readonly tooltip?: Card;
  /** Shown when a feature is clicked. */
  readonly popup?: Card;
  readonly label?: LabelStyle;
  /** Of points only, and only in a scene with a clock. */
  readonly time?: TimeStyle;
}

export interface LegendItem {
  readonly label: string;
  /** How many rows, where the legend tells it. */
  readonly count?: number;
  readonly color: Rgba;
  readonly sizePx: number;
}

/** Explains one layer. Texts are data of the user: escaped wherever they are put into HTML. */
export interface Legend {
  readonly title: string;
  readonly geometry: "point" | "line" | "polygon";
  readonly items: readonly LegendItem[];
  /** Which of the scene's layers it explains. */
  readonly layer?: number;
  /** Colours that go over into each other, above the items. */
  readonly ramp?: { readonly colors: readonly Rgba[]; readonly from: string; readonly to: string };
}

/** Vector land and borders that are always there, and raster tiles over them where the network has them. */
export interface Basemap {
  readonly theme: "light" | "dark";
  readonly background: Rgba;
  /** Absent: nothing but the background. */
  readonly vector?: { readonly land: Rgba; readonly border: Rgba };
  readonly tiles?: {
    /** With {z}, {x}, {y}, and perhaps {s} and {r}. */
    readonly urlTemplate: string;
    /** One letter each. */
    readonly subdomains: string;
    /** Of the deepest ones that there are; beyond, these are enlarged. @default 20, that of CARTO's */
    readonly maxZoom?: number;
    /** Plain text with links as [text](https://…). */
    readonly attribution: string;
    /** Labels above the data. */
    readonly labelsUrlTemplate?: string;
  };
}

export interface Scene {
  /** A heading of the map. */
  readonly title?: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** What the first view shows: the bounds, fitted with some room, or a centre. Zoom 0 is the world in 256 pixels. */
  readonly view:
    | { readonly kind: "fit"; readonly bounds: Bounds }
    | { readonly kind: "center"; readonly lng: number; readonly lat: number; readonly zoom: number };
  readonly basemap: Basemap;
  /** From bottom to top. */
  readonly layers: readonly SceneLayer[];
  readonly legends: readonly Legend[];
  /** Of layers with times. */
  readonly clock?: Clock;
  /** Sentences about what of the data is not shown. */
  readonly notes?: readonly string[];
}

export const MAX_TILE_ZOOM = 20;

/** The part of the world that is on a canvas. */
export interface Viewport {
  /** World units of the canvas' top-left corner. */
  readonly originX: number;
  readonly originY: number;
  /** CSS pixels that one world unit takes: 256 × 2^zoom. */
  readonly worldPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Device pixels per CSS pixel. */
  readonly pixelRatio: number;
}
