/** Polygons without data are hatched. */
import { expect, test } from "vitest";
import type { LngLat } from "../../../src/geo";
import { decodeScene, encodeScene } from "../../../src/render/page/codec";
import { viewportOf } from "../../../src/render/projection";
import type { ColorStyle, Rgba, SceneLayer, Viewport } from "../../../src/render/scene";
import { BLUE, GREY, layerOf, painted, paths, px, sceneOf, WHITE } from "./scenes";

const HATCH: Rgba = [0, 0, 0, 255];
const square = (west: number, south: number, side: number): LngLat[] => [
  [west, south],
  [west + side, south],
  [west + side, south + side],
  [west, south + side],
  [west, south],
];
const hatched = (classes: readonly number[], missing: Rgba = GREY): ColorStyle => ({
  kind: "classes",
  palette: [BLUE],
  missing,
  hatch: HATCH,
  classes: Uint8Array.from(classes),
});
const areas = (style: Partial<SceneLayer> = {}) =>
  layerOf(paths("polygon", [[square(-30, -18, 28), square(-20, -8, 6)], [square(2, -18, 28)]]), {
    color: hatched([255, 0]),
    stroke: { color: WHITE, widthPx: 0 },
    ...style,
  });

function dataOf(layer: SceneLayer, viewport?: Viewport, pixelRatio = 1) {
  const { canvas } = painted(sceneOf([layer]), { pixelRatio, ...(viewport && { viewport }) });
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}
const darkIn = ({ data, width }: ReturnType<typeof dataOf>, columns: readonly [number, number]) => {
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) {
    const column = (i / 4) % width;
    if (data[i + 1]! < 90 && column >= columns[0] && column < columns[1]) dark++;
  }
  return dark;
};

test("a polygon in the missing class has lines, also with an outline, others and the hole have none", () => {
  const image = dataOf(areas());
  expect(darkIn(image, [0, 100])).toBeGreaterThan(300);
  expect(darkIn(image, [100, 200])).toBe(0);
  const hole = [image.width * 68 + 45, image.width * 70 + 55].map((at) => image.data[4 * at]);
  expect(hole).toEqual([238, 238]); // the background
});

test("the lines of neighbouring views continue each other, as tiles do, and move with the map", () => {
  const viewport = viewportOf(sceneOf([areas()]), { pixelRatio: 1 });
  const moved = { ...viewport, originX: viewport.originX + 37 / viewport.worldPx };
  const [before, after] = [dataOf(areas(), viewport), dataOf(areas(), moved)];
  let different = 0;
  for (let y = 0; y < before.height; y++)
    for (let x = 0; x < 100; x++)
      if (Math.abs(before.data[4 * (y * 200 + x + 37)]! - after.data[4 * (y * 200 + x)]!) > 8) different++;
  expect(different).toBe(0);
});

test("points and lines are not hatched", () => {
  const line = layerOf(paths("line", [[square(-30, -18, 28)]]), { color: hatched([255]), size: px(30) });
  expect(darkIn(dataOf(line), [0, 200])).toBe(0);
});

test("tiny polygons keep their colour", () => {
  const tiny = layerOf(paths("polygon", [[square(0, 0, 1)]]), { color: hatched([255]), stroke: undefined });
  expect(darkIn(dataOf(tiny), [0, 200])).toBe(0);
});

test("a page has them, too", () => {
  const scene = sceneOf([areas()]);
  const decoded = decodeScene(encodeScene({ scene, overviews: [] })).scene;
  expect(decoded.layers[0]!.color).toEqual(hatched([255, 0]));
});
