/** Paints two maps of a comparison as one image, each on its side of a line. */
import type { Canvas } from "@napi-rs/canvas";
import { InvalidArgumentError } from "../../errors";
import { onOneLine } from "../format";
import { fontsFor } from "../image/fonts";
import { MAX_TEXT, shortened } from "../image/lettering";
import { loadSkia } from "../image/skia";
import type { Scene } from "../scene";
import type { SceneChange } from "../scene-change";
import { projectionKey } from "./shared-view";
import type { StillMap } from "./still-map";

const LINE_PX = 2;
const FONT_PX = 13;
/** Distance of a caption from the top, and from the line. */
const CAPTION_TOP_PX = 10;
const CAPTION_AWAY_PX = 9;
const CAPTION_PADDING_PX = 8;
const CAPTION_HEIGHT_PX = 22;

/** Returns what each map of a comparison shows, for captions. */
export const captionsOf = (maps: readonly StillMap[]): readonly [left: string, right: string] => [
  maps[0]?.live?.scene.title ?? "Left",
  maps[1]?.live?.scene.title ?? "Right",
];

/** @throws InvalidArgumentError for maps that cannot lie on top of each other. */
export function checkComparable(maps: readonly StillMap[]): void {
  const [left, right] = maps as [StillMap, StillMap];
  const scenes = maps.flatMap(({ live }) => (live ? [live.scene] : []));
  if (scenes.some(({ widgets }) => widgets))
    throw new InvalidArgumentError(
      "The maps of a comparison cannot have `widgets`. Put them into a figure({ linked: true }), or leave the widgets out.",
    );
  if (left.widthPx !== right.widthPx || left.heightPx !== right.heightPx)
    throw new InvalidArgumentError(
      `The maps of a comparison must have the same \`size\`; they have ${left.widthPx} × ${left.heightPx} and ${right.widthPx} × ${right.heightPx} pixels.`,
    );
  const [a, b] = scenes;
  if (!a || !b || projectionKey(a) === projectionKey(b)) return;
  const nameOf = ({ projection }: Scene) => JSON.stringify(projection?.name ?? "mercator");
  throw new InvalidArgumentError(
    `The maps of a comparison must have the same projection; they have ${nameOf(a)} and ${nameOf(b)}. Pass \`projection: "mercator"\` to both.`,
  );
}

export function comparedImage(
  maps: readonly StillMap[],
  changes: readonly SceneChange[],
  scale: number,
): { readonly canvas: Canvas; readonly map: StillMap } {
  const [left, right] = maps as [StillMap, StillMap];
  const { widthPx, heightPx } = left;
  const canvas = loadSkia().createCanvas(Math.round(widthPx * scale), Math.round(heightPx * scale));
  const context = canvas.getContext("2d");
  const middle = canvas.width / 2;
  context.drawImage(left.canvas(scale, changes[0]), 0, 0);
  context.save();
  context.beginPath();
  context.rect(middle, 0, middle, canvas.height);
  context.clip();
  context.drawImage(right.canvas(scale, changes[1]), 0, 0);
  context.restore();

  context.scale(scale, scale);
  context.fillStyle = "rgba(38, 50, 56, 0.5)";
  context.fillRect(widthPx / 2 - LINE_PX / 2 - 1, 0, LINE_PX + 2, heightPx);
  context.fillStyle = "#fff";
  context.fillRect(widthPx / 2 - LINE_PX / 2, 0, LINE_PX, heightPx);
  const captions = captionsOf(maps);
  context.font = `600 ${FONT_PX}px ${fontsFor(captions).families}`;
  context.textBaseline = "middle";
  const most = widthPx / 2 - CAPTION_AWAY_PX - 2 * CAPTION_PADDING_PX;
  for (const [i, caption] of captions.entries()) {
    const text = shortened(context, onOneLine(caption, MAX_TEXT), most);
    const width = context.measureText(text).width + 2 * CAPTION_PADDING_PX;
    const x = widthPx / 2 + (i === 0 ? -CAPTION_AWAY_PX - width : CAPTION_AWAY_PX);
    context.fillStyle = "rgba(255, 255, 255, 0.92)";
    context.beginPath();
    context.roundRect(x, CAPTION_TOP_PX, width, CAPTION_HEIGHT_PX, 4);
    context.fill();
    context.fillStyle = "#263238";
    context.fillText(text, x + CAPTION_PADDING_PX, CAPTION_TOP_PX + CAPTION_HEIGHT_PX / 2);
  }
  const description = `${captions.join(" beside ")}. ${maps.map((map) => map.description).join(". ")}`;
  return { canvas, map: { ...left, widthPx, heightPx, description } };
}
