import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Basemap, Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, expected, shown } from "./check";

/** Options of `BaseMap`. */
export interface BaseMapOptions {
  /**
   * CARTO's `"voyager"`, `"light"` or `"dark"`; `"none"` for a white background; or the URL template of raster tiles
   * with `{z}`, `{x}` and `{y}`, and optionally `{s}` (a, b, c) and `{r}` (`@2x` on high-resolution screens).
   * @default "voyager"
   */
  readonly source?: "voyager" | "light" | "dark" | "none" | (string & {});
  /**
   * Place names: `"back"` draws them below the data, `"front"` above, `null` hides them. `"front"` requires one of CARTO's
   * basemaps.
   * @default "back"
   */
  readonly labels?: "back" | "front" | null;
  /**
   * Language of the place names that show without tiles, as a BCP 47 tag such as `"fr"` or `"zh-Hant"`. Countries have
   * their names of Unicode CLDR in that language, and so have some 260 large cities in 37 languages; other cities and states
   * have the names of their sources, mostly in English. The names on tiles do not change.
   * @default the language of the process, or English
   */
  readonly language?: string;
  /** Shows only place names, on a plain background. Requires one of CARTO's basemaps. @default false */
  readonly onlyLabels?: boolean;
  /**
   * Highest zoom at which a custom `source` has tiles, 0 to 22. Above it, these tiles are enlarged.
   * @default 19, the highest of OpenStreetMap
   */
  readonly maxZoom?: number;
  /**
   * Attribution that the provider of a custom `source` requires. Write links as `[text](https://…)`.
   * @default no attribution
   */
  readonly attribution?: string;
}

type CartoStyle = "voyager" | "light" | "dark";

/**
 * The background below the layers of a map. A map carries land, water, borders and place names, so they show without a
 * network; tiles cover them once they have loaded. Without a `BaseMap`, a map has `"voyager"`, with place names above the data, or below if
 * there are points.
 *
 * ```ts
 * await cc.map({ layers: [new BaseMap({ source: "dark", labels: "front" }), new Layer("airports")] });
 * await cc.map({ layers: [new BaseMap({ source: "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
 *   attribution: "© [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors" })] });
 * ```
 */
export class BaseMap {
  /** The option `source`. */
  readonly source: string;
  /** @internal */
  readonly basemap: Basemap;

  /** @throws InvalidArgumentError naming the option that is wrong and what it must be */
  constructor(options: BaseMapOptions = {}) {
    if (!isObject(options)) throw expected("The argument of BaseMap", options, "an object of options");
    checkKeys("BaseMap", options, OPTION_NAMES.BaseMapOptions);
    const {
      source = "voyager",
      labels,
      onlyLabels = false,
      attribution,
      maxZoom,
      language,
    }: BaseMapOptions = options;
    this.source = source;
    if (labels !== undefined && labels !== null && labels !== "front" && labels !== "back")
      throw expected("labels", labels, 'null, "front" or "back"');
    if (typeof onlyLabels !== "boolean") throw expected("onlyLabels", onlyLabels, "true or false");
    const names = checkLanguage(language);
    if (isCartoStyle(source)) {
      if (attribution !== undefined)
        throw new InvalidArgumentError(
          "`attribution` requires a URL template as `source`: CARTO's basemaps have their own attribution.",
        );
      if (maxZoom !== undefined)
        throw new InvalidArgumentError(
          "`maxZoom` requires a URL template as `source`: CARTO's basemaps have their own limit.",
        );
      this.basemap = cartoBasemap(source, labels === undefined ? "back" : labels, {
        onlyLabels,
        language: names,
      });
      return;
    }
    if (labels === "front" || onlyLabels)
      throw new InvalidArgumentError(
        `\`${onlyLabels ? "onlyLabels" : "labels"}\` requires one of CARTO's basemaps "voyager", "light" and "dark" as \`source\`; got ${shown(source)}.`,
      );
    this.basemap =
      source === "none"
        ? BLANK
        : ownTiles(source, { attribution, maxZoom, language: labels === null ? undefined : names });
  }
}

/** Returns the language of place names: the one asked for, that of the process, or English. */
function checkLanguage(language: unknown): string {
  if (language === undefined) {
    const { locale } = new Intl.DateTimeFormat().resolvedOptions();
    return isTranslated(locale) ? locale : "en";
  }
  if (typeof language !== "string" || !isTranslated(language))
    throw expected("language", language, 'the BCP 47 tag of a language, such as "fr", "pt-BR" or "zh-Hant"');
  return language;
}

/** True if names of countries are known in a language; false for a malformed tag, too. */
function isTranslated(language: string): boolean {
  try {
    return Intl.DisplayNames.supportedLocalesOf([language]).length > 0;
  } catch {
    return false;
  }
}

const ATTRIBUTION =
  "© [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors © [CARTO](https://carto.com/attributions)";
/** OpenStreetMap has no tiles beyond zoom 19. */
const OWN_MAX_ZOOM = 19;
const MAX_ZOOM = 22;
const WHITE: Rgba = [255, 255, 255, 255];
const BLANK: Basemap = { theme: "light", background: WHITE };

/** Colours of land and borders, chosen so that tiles loaded over them change only details. */
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

/** Colour around the outline of a world map. */
const AROUND = { light: WHITE, dark: [24, 24, 26, 255] } as const satisfies Record<Basemap["theme"], Rgba>;

/** CARTO's tile styles that include labels. */
const WITH_LABELS = {
  voyager: "voyager_labels_under",
  light: "light_all",
  dark: "dark_all",
} as const satisfies Record<CartoStyle, string>;

export const isCartoStyle = (source: unknown): source is CartoStyle =>
  typeof source === "string" && Object.hasOwn(COLORS, source);

/** Returns one of CARTO's basemaps; with `onlyLabels`, only its place names. */
export function cartoBasemap(
  source: CartoStyle,
  labels: "back" | "front" | null,
  {
    onlyLabels = false,
    language = checkLanguage(undefined),
  }: { readonly onlyLabels?: boolean; readonly language?: string } = {},
): Basemap {
  const { theme, background, vector } = COLORS[source];
  const labelsOnly = tilesUrl(`${source}_only_labels`);
  const full = tilesUrl(labels === "back" ? WITH_LABELS[source] : `${source}_nolabels`);
  return {
    theme,
    background: onlyLabels ? (theme === "dark" ? vector.land : WHITE) : background,
    ...(!onlyLabels && { vector }),
    ...((onlyLabels || labels !== null) && { names: { placement: labels ?? "back", language } }),
    tiles: {
      urlTemplate: onlyLabels ? labelsOnly : full,
      subdomains: "abcd",
      attribution: ATTRIBUTION,
      ...(labels === "front" && { labelsUrlTemplate: labelsOnly }),
    },
  };
}

/** Returns a basemap in another projection than that of its tiles: land, borders, and the sea inside the outline of the world. */
export function withoutTiles(
  { theme, background, vector, names }: Basemap,
  { hasOutline }: { hasOutline: boolean },
): Basemap {
  if (!vector) return { theme, background };
  return {
    theme,
    ...(hasOutline
      ? { background: AROUND[theme], vector: { ...vector, sea: background } }
      : { background, vector }),
    ...(names && { names }),
  };
}

const tilesUrl = (style: string) =>
  `https://{s}.basemaps.cartocdn.com/rastertiles/${style}/{z}/{x}/{y}{r}.png`;

function ownTiles(
  source: unknown,
  {
    attribution = "",
    maxZoom = OWN_MAX_ZOOM,
    language,
  }: { readonly attribution: unknown; readonly maxZoom: unknown; readonly language: string | undefined },
): Basemap {
  const isTemplate =
    typeof source === "string" &&
    /^https?:\/\//i.test(source) &&
    ["{z}", "{x}", "{y}"].every((part) => source.includes(part));
  if (!isTemplate) {
    const what = '"voyager", "light", "dark", "none", or a URL template such as https://…/{z}/{x}/{y}.png';
    throw expected("source", source, what);
  }
  const unknown = /\{(?![zxysr]\})[^}]*\}/.exec(source);
  if (unknown !== null)
    throw new InvalidArgumentError(
      `\`source\` can contain {z}, {x}, {y}, {s} and {r}; it contains ${unknown[0]}.`,
    );
  if (typeof attribution !== "string") throw expected("attribution", attribution, "a string");
  if (typeof maxZoom !== "number" || !Number.isInteger(maxZoom) || maxZoom < 0 || maxZoom > MAX_ZOOM)
    throw expected("maxZoom", maxZoom, `a whole number from 0 to ${MAX_ZOOM}`);
  const { theme, background, vector } = COLORS.voyager;
  return {
    theme,
    background,
    vector,
    ...(language !== undefined && { names: { placement: "back", language } }),
    tiles: { urlTemplate: source, subdomains: "abc", attribution, maxZoom },
  };
}
