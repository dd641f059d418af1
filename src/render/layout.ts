/**
 * Where the title, the legend and the controls lie on a map, for the page and the image alike: the first view leaves these
 * places free. Sizes of texts are estimated, so that a page and an image show the same view whatever their fonts.
 */
import { legendRoom, legendSymbolSize, nestedPoints } from "./furniture";
import type { Legend, LegendCorner, Scene } from "./scene";
import { textWidth } from "./text-width";

/** A box on the map in CSS pixels. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A page has buttons and folds the legend of a small map; an image always shows the legend, see `image-layout.ts`. */
export type Medium = "page" | "image";

/** The corners for a legend, the preferred one first. */
export const LEGEND_CORNERS: readonly LegendCorner[] = [
  "top-right",
  "bottom-right",
  "bottom-left",
  "top-left",
];

/** The page folds the legend of narrower maps… */
const NARROW_PX = 480;
/** …and of lower ones. Of these it also hides all controls but the zoom buttons, as it does on maps narrower than 360 pixels. */
const LOW_PX = 240;
const SMALL_PX = 360;

// Sizes in CSS pixels, as in the page's style sheet and `image/lettering.ts`.
export const MARGIN_PX = 10;
/** Left edge of the title on a page, and of a legend at the top left, beside the buttons. */
const BESIDE_BUTTONS_PX = 50;
const BUTTON_PX = 28;
/** Height of a button outside the zoom control, including its border and the margin above it. */
const OTHER_BUTTON_PX = 42;
const LINE_PX = 20;
const TITLE_PADDING_PX = 10;
/** The search box; on narrow pages a button opens it. */
const SEARCH = { width: 220, height: 30, above: 6 };
const FOLDED = { width: 70, height: 30 };
/** Share of the map's width that legends side by side may take. */
const MAX_COLUMNS_SHARE = 0.6;
/** The room that the title leaves for the buttons and a legend beside it. */
const BESIDE_TITLE_PX = { wide: 310, narrow: 175, alone: 60 };
const ATTRIBUTION = { width: 200, height: 16 };
/** The scale bar with its margin. */
const SCALE = { width: 120, height: 24 };
/** Height that the time takes at the bottom of an image. */
const IMAGE_TIME_PX = 50;
const TIME = { bottom: 24, height: 40, narrowHeight: 56, maxWidth: 720 };
/** Lengths in a legend. */
const LEGEND = {
  title: 22,
  ramp: 36,
  item: 18,
  between: 19,
  gap: 6,
  padding: 19,
  paddingX: 24,
  symbolGap: 8,
  ramps: 120,
};
const TEXT_PX = 12;

type Size = Pick<Scene, "widthPx" | "heightPx">;

/** True if the page folds the legend. */
export const isFolded = ({ widthPx, heightPx }: Size): boolean => widthPx <= NARROW_PX || heightPx < LOW_PX;
/** True if the page hides all controls but the zoom buttons, and shortens the title to a line. */
export const isSmall = ({ widthPx, heightPx }: Size): boolean => widthPx < SMALL_PX || heightPx < LOW_PX;
export const isNarrow = ({ widthPx }: Size): boolean => widthPx <= NARROW_PX;

/** Returns the places of everything that lies on the map. */
export function placesOf(scene: Scene, corner: LegendCorner, medium: Medium): Place[] {
  const legend = legendPlace(scene, corner, medium);
  const title = titlePlace(scene, corner);
  return [
    buttonsPlace(scene),
    ...(title ? [title] : []),
    ...(hasSearchBox(scene) ? [searchPlace(scene, corner)] : []),
    ...(legend ? [legend] : []),
    ...(scene.clock ? [timePlace(scene)] : []),
    ...(isSmall(scene) ? [] : [scalePlace(scene)]),
  ];
}

/** Returns the place of an attribution of usual length, which may lie on data but not on labels. */
export const attributionPlace = ({ widthPx, heightPx }: Size): Place => ({
  left: widthPx - ATTRIBUTION.width,
  top: heightPx - ATTRIBUTION.height,
  right: widthPx,
  bottom: heightPx,
});

function buttonsPlace(scene: Scene): Place {
  const others = isSmall(scene) ? 0 : scene.layers.length > 1 ? 2 : 1;
  const tools = (scene.controls?.length ?? 0) - (hasSearchBox(scene) ? 1 : 0);
  const height =
    3 * BUTTON_PX +
    2 +
    others * OTHER_BUTTON_PX +
    (tools > 0 ? OTHER_BUTTON_PX + (tools - 1) * BUTTON_PX : 0);
  return { left: MARGIN_PX, top: MARGIN_PX, right: MARGIN_PX + BUTTON_PX + 4, bottom: MARGIN_PX + height };
}

/** True if the page shows the search box all the time. */
const hasSearchBox = (scene: Scene): boolean =>
  !isNarrow(scene) && scene.controls?.includes("search") === true;

/** Returns the place of the search box, open: below the title, beside the buttons and clear of a legend on the right. */
export function searchPlace(scene: Scene, corner: LegendCorner): Place {
  const { widthPx } = scene;
  const title = titlePlace(scene, corner);
  const top = title ? title.bottom + SEARCH.above : MARGIN_PX;
  const width = isNarrow(scene)
    ? widthPx - BESIDE_BUTTONS_PX - MARGIN_PX
    : Math.min(SEARCH.width, 0.55 * widthPx - BESIDE_BUTTONS_PX - 15);
  return {
    left: BESIDE_BUTTONS_PX,
    top,
    right: BESIDE_BUTTONS_PX + Math.max(0, width),
    bottom: top + SEARCH.height,
  };
}

/** Returns the maximum width of the page's title, without its padding. */
export function titleRoom(scene: Scene, corner: LegendCorner): number {
  const { widthPx, legends } = scene;
  const beside = legends.length > 0 && corner === "top-right";
  const kept = BESIDE_TITLE_PX[!beside ? "alone" : isNarrow(scene) ? "narrow" : "wide"];
  return Math.max(0, widthPx - kept - 2 * TITLE_PADDING_PX);
}

function titlePlace(scene: Scene, corner: LegendCorner): Place | undefined {
  const { title } = scene;
  if (!title) return undefined;
  const room = titleRoom(scene, corner);
  const width = textWidth(title, isNarrow(scene) ? 12.5 : 14.5); // bold
  const lines = isSmall(scene) ? 1 : Math.min(3, Math.ceil(width / Math.max(1, room)));
  return {
    left: MARGIN_PX,
    top: MARGIN_PX,
    right: BESIDE_BUTTONS_PX + Math.min(width, room) + 2 * TITLE_PADDING_PX,
    bottom: MARGIN_PX + lines * LINE_PX + MARGIN_PX,
  };
}

function timePlace(scene: Scene): Place {
  const { widthPx, heightPx } = scene;
  const width = Math.min(TIME.maxWidth, widthPx - 2 * MARGIN_PX);
  const left = (widthPx - width) / 2;
  const height = timeHeight(scene);
  return {
    left,
    top: heightPx - TIME.bottom - height,
    right: left + width,
    bottom: heightPx,
  };
}

const scalePlace = (scene: Scene): Place => {
  const bottom = scene.heightPx - aboveTime(scene);
  return { left: MARGIN_PX, top: bottom - SCALE.height, right: MARGIN_PX + SCALE.width, bottom };
};

/** Height that the time bar takes at the bottom of the map. */
const aboveTime = (scene: Scene): number => (scene.clock ? timeHeight(scene) + TIME.bottom : 0);

/** The time bar of a narrow page has two lines, unless the map is so small that it has no buttons for speed and loop. */
const timeHeight = (scene: Scene): number =>
  isNarrow(scene) && !isSmall(scene) ? TIME.narrowHeight : TIME.height;

/** Returns the least distances of a legend from the top and the bottom of the map. */
export function legendInsets(
  scene: Scene,
  corner: LegendCorner,
  medium: Medium,
): { readonly top: number; readonly bottom: number } {
  const below = medium === "page" ? aboveTime(scene) : scene.clock ? IMAGE_TIME_PX : 0;
  const title = !corner.endsWith("left")
    ? undefined
    : hasSearchBox(scene) && medium === "page"
      ? searchPlace(scene, corner)
      : titlePlace(scene, corner);
  const bottom = {
    "top-right": medium === "page" && below > 0 ? below : 40,
    "top-left": below + SCALE.height + MARGIN_PX,
    "bottom-left": below + SCALE.height + MARGIN_PX,
    "bottom-right": (below === 0 ? ATTRIBUTION.height : below) + MARGIN_PX,
  }[corner];
  return { top: title ? title.bottom + MARGIN_PX : MARGIN_PX, bottom };
}

/** Returns the left edge of a legend in a left corner of the page: beside the buttons unless it fits below them. */
export function legendLeft(scene: Scene, corner: LegendCorner): number {
  const { bottom } = legendInsets(scene, corner, "page");
  const room = scene.heightPx - bottom - buttonsPlace(scene).bottom - MARGIN_PX;
  const isBelow = corner === "bottom-left" && legendSize(scene, room, "page").height <= room;
  return isBelow ? MARGIN_PX : BESIDE_BUTTONS_PX;
}

/** Returns the share of the legend's height for which an image has no room in a corner, 0 to 1. */
export function legendCut(scene: Scene, corner: LegendCorner): number {
  if (scene.legends.length === 0) return 0;
  const { top, bottom } = legendInsets(scene, corner, "image");
  const room = Math.max(0, scene.heightPx - top - bottom);
  return Math.max(0, 1 - room / legendSize(scene, room, "image").height);
}

/** Returns the place of the legend on both media, so that they show the same view unless the page folds it. */
function legendPlace(scene: Scene, corner: LegendCorner, medium: Medium): Place | undefined {
  const { widthPx, heightPx, legends } = scene;
  if (legends.length === 0) return undefined;
  const isLeft = corner.endsWith("left");
  const [page, image] = (["page", "image"] as const).map((each) => {
    const insets = legendInsets(scene, corner, each);
    const room = Math.max(0, heightPx - insets.top - insets.bottom);
    const { width, height } = legendSize(scene, room, medium);
    const high = Math.min(height, room);
    const top = corner.startsWith("top") ? insets.top : heightPx - insets.bottom - high;
    const left = isLeft
      ? each === "page"
        ? legendLeft(scene, corner)
        : MARGIN_PX
      : widthPx - MARGIN_PX - width;
    return { left, top, right: left + width, bottom: top + high };
  }) as [Place, Place];
  if (medium === "page" && isFolded(scene)) return page;
  return {
    left: Math.min(page.left, image.left),
    top: Math.min(page.top, image.top),
    right: Math.max(page.right, image.right),
    bottom: Math.max(page.bottom, image.bottom),
  };
}

interface LegendSize {
  readonly width: number;
  readonly height: number;
}

/** Estimates the size of the legends: below each other, and side by side where they are too high for that. */
function legendSize(scene: Scene, room: number, medium: Medium): LegendSize {
  if (medium === "page" && isFolded(scene)) return FOLDED;
  const { legends, widthPx: mapWidth } = scene;
  const columns: LegendSize[] = [];
  for (const legend of legends) {
    const { width, height } = sizeOfLegend(legend, mapWidth);
    const last = columns.at(-1);
    const together = last && last.height + LEGEND.between - LEGEND.padding + height;
    if (last && together !== undefined && together <= room)
      columns[columns.length - 1] = { width: Math.max(last.width, width), height: together };
    else columns.push({ width, height });
  }
  const width = columns.reduce((sum, column) => sum + column.width + LEGEND.gap, -LEGEND.gap);
  return {
    width: Math.min(width, Math.max(MAX_COLUMNS_SHARE * mapWidth, columns[0]?.width ?? 0)),
    height: Math.max(...columns.map(({ height }) => height)),
  };
}

function sizeOfLegend(legend: Legend, mapWidth: number): LegendSize {
  const { title, items, ramp } = legend;
  const room = Math.max(1, legendRoom(mapWidth) - LEGEND.paddingX);
  let [width, height] = [0, LEGEND.padding];
  const addText = (text: string, indent: number, lineHeight: number) => {
    const px = textWidth(text, TEXT_PX);
    const lines = Math.max(1, Math.ceil(px / Math.max(1, room - indent)));
    width = Math.max(width, Math.min(room, indent + px));
    height += lineHeight + (lines - 1) * (TEXT_PX * 1.4);
  };
  if (title) addText(title, 0, LEGEND.title);
  if (ramp) {
    width = Math.max(width, Math.min(room, LEGEND.ramps));
    height += LEGEND.ramp;
  }
  const nested = title === "" ? undefined : nestedPoints(legend);
  if (nested) {
    for (const { label } of items) addText(label, nested.labelX + LEGEND.symbolGap, 0);
    return { width: Math.ceil(width) + LEGEND.paddingX, height: Math.ceil(height + nested.heightPx) };
  }
  const symbols = items.map((item) => legendSymbolSize(legend, item));
  const indent = Math.max(0, ...symbols.map((symbol) => symbol.width)) + LEGEND.symbolGap;
  for (const [i, { label, count }] of items.entries()) {
    const text = count === undefined ? label : `${label}  ${count.toLocaleString("en-US")}`;
    addText(text, indent, Math.max(LEGEND.item, (symbols[i]?.height ?? 0) + 2));
  }
  return { width: Math.ceil(width) + LEGEND.paddingX, height: Math.ceil(height) };
}
