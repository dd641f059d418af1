import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Basemap, Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, expected, shown } from "./check";

export interface BaseMapOptions {
  /**
   * CARTO's `"voyager"`, `"light"` or `"dark"`, `"none"` for a white background, or the address of tiles with
   * `{z}`, `{x}` and `{y}`. @default "voyager"
   */
  readonly source?: "voyager" | "light" | "dark" | "none" | (string & {});
  /**
   * Names of places `"back"`, below the data, `"front"`, above them, or `null` for none. Of CARTO's basemaps only:
   * other tiles have the names they have. @default "back"
   */
  readonly labels?: "back" | "front" | null;
  /** Nothing but names of places on a plain background. @default false */
  readonly onlyLabels?: boolean;
  /** Zoom of the deepest tiles at your own address; on a deeper map these are enlarged. @default 19, as OpenStreetMap's */
  readonly maxZoom?: number;
  /** Whose tiles they are, as their owner asks it to be shown; links are `[text](https://…)`. For your own address. */
  readonly attribution?: string;
}

type CartoStyle = "voyager" | "light" | "dark";

/**
 * What lies under the layers of a map. Land and borders are always drawn; tiles come over them where there is a
 * network.
 *
 * ```ts
 * await cc.map({ layers: [new BaseMap({ source: "dark", labels: "front" }), new Layer("airports")] });
 * await cc.map({ layers: [new BaseMap({ source: "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
 *   attribution: "© [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors" })] });
 * ```
 */
export class BaseMap {
  readonly source: string;
  /** @internal */
  readonly basemap: Basemap;

  /** @throws InvalidArgumentError for an option that cannot be, saying what is expected */
  constructor(options: BaseMapOptions = {}) {
    if (!isObject(options)) throw expected("The argument of BaseMap", options, "an object of options");
    checkKeys("BaseMap", options, OPTION_NAMES.BaseMapOptions);
    const { source = "voyager", labels, onlyLabels = false, attribution, maxZoom }: BaseMapOptions = options;
    this.source = source;
    if (labels !== undefined && labels !== null && labels !== "front" && labels !== "back")
      throw expected("labels", labels, 'null, "front" or "back"');
    if (typeof onlyLabels !== "boolean") throw expected("onlyLabels", onlyLabels, "true or false");
    if (isCartoStyle(source)) {
      if (attribution !== undefined)
        throw new InvalidArgumentError("attribution is for tiles of your own; CARTO's basemaps have theirs.");
      if (maxZoom !== undefined)
        throw new InvalidArgumentError("maxZoom is for tiles of your own; CARTO's basemaps have theirs.");
      this.basemap = cartoBasemap(source, labels === undefined ? "back" : labels, onlyLabels);
      return;
    }
    if (labels === "front" || onlyLabels)
      throw new InvalidArgumentError(
        `Only CARTO's basemaps "voyager", "light" and "dark" have labels apart; source is ${shown(source)}.`,
      );
    this.basemap = source === "none" ? BLANK : ownTiles(source, attribution, maxZoom);
  }
}

const ATTRIBUTION =
  "© [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors © [CARTO](https://carto.com/attributions)";
/** There is none of OpenStreetMap's at 20. */
const OWN_MAX_ZOOM = 19;
const MAX_ZOOM = 22;
const WHITE: Rgba = [255, 255, 255, 255];
const BLANK: Basemap = { theme: "light", background: WHITE };

/** Colours of the vector base, so that the tiles over it change no more than details. */
const COLORS = {
  voyager: {
    theme: "light",
    background: [212, 218, 220, 255],
    vector: { land: [251, 248, 243, 255], border: [205, 197, 196, 255] },
  },
  light: {
    theme: "light",
    background: [207, 211, 212, 255],
    vector: { land: [242, 242, 240, 255], border: [206, 206, 209, 255] },
  },
  dark: {
    theme: "dark",
    background: [44, 44, 46, 255],
    vector: { land: [14, 14, 14, 255], border: [58, 58, 60, 255] },
  },
} as const satisfies Record<CartoStyle, Basemap>;

/** CARTO's tiles that have land and labels in one picture. */
const WITH_LABELS = {
  voyager: "voyager_labels_under",
  light: "light_all",
  dark: "dark_all",
} as const satisfies Record<CartoStyle, string>;

const isCartoStyle = (source: unknown): source is CartoStyle =>
  typeof source === "string" && Object.hasOwn(COLORS, source);

/** One of CARTO's basemaps. With `onlyLabels`, its names without its land. */
export function cartoBasemap(
  source: CartoStyle,
  labels: "back" | "front" | null,
  onlyLabels = false,
): Basemap {
  const { theme, background, vector } = COLORS[source];
  const labelsOnly = tilesUrl(`${source}_only_labels`);
  const full = tilesUrl(labels === "back" ? WITH_LABELS[source] : `${source}_nolabels`);
  return {
    theme,
    background: onlyLabels ? (theme === "dark" ? vector.land : WHITE) : background,
    ...(!onlyLabels && { vector }),
    tiles: {
      urlTemplate: onlyLabels ? labelsOnly : full,
      subdomains: "abcd",
      attribution: ATTRIBUTION,
      ...(labels === "front" && { labelsUrlTemplate: labelsOnly }),
    },
  };
}

const tilesUrl = (style: string) =>
  `https://{s}.basemaps.cartocdn.com/rastertiles/${style}/{z}/{x}/{y}{r}.png`;

function ownTiles(source: unknown, attribution: unknown = "", maxZoom: unknown = OWN_MAX_ZOOM): Basemap {
  const isTemplate =
    typeof source === "string" &&
    /^https?:\/\//i.test(source) &&
    ["{z}", "{x}", "{y}"].every((part) => source.includes(part));
  if (!isTemplate) {
    const what = '"voyager", "light", "dark", "none", or the address of tiles: https://…/{z}/{x}/{y}.png';
    throw expected("source of BaseMap", source, what);
  }
  const unknown = /\{(?![zxysr]\})[^}]*\}/.exec(source);
  if (unknown !== null)
    throw new InvalidArgumentError(
      `source of BaseMap has ${unknown[0]}; it may have {z}, {x}, {y}, {s} and {r}.`,
    );
  if (typeof attribution !== "string") throw expected("attribution", attribution, "a text");
  if (typeof maxZoom !== "number" || !Number.isInteger(maxZoom) || maxZoom < 0 || maxZoom > MAX_ZOOM)
    throw expected("maxZoom of BaseMap", maxZoom, `a whole number from 0 to ${MAX_ZOOM}`);
  const { theme, background, vector } = COLORS.voyager;
  return {
    theme,
    background,
    vector,
    tiles: { urlTemplate: source, subdomains: "abc", attribution, maxZoom },
  };
}
