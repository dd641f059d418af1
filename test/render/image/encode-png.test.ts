import { createCanvas } from "@napi-rs/canvas";
import { expect, test } from "vitest";
import { encodePng, encodeStill } from "../../../src/render/image/encode-png";
import { mulberry32 } from "../../support/seeded";
import { difference, imageOf, pixelsOf } from "../painter/golden";

type Colors = (random: () => number, x: number, y: number) => [number, number, number, number];

function canvasOf(width: number, height: number, colors: Colors) {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const random = mulberry32(3);
  for (let at = 0; at < image.data.length; at += 4)
    image.data.set(colors(random, (at / 4) % width, Math.floor(at / 4 / width)), at);
  context.putImageData(image, 0, 0);
  return canvas;
}

const flat: Colors = (_, x) => (x < 20 ? [240, 240, 236, 255] : [57, 105, 172, 255]);
const noise: Colors = (random) => [random() * 256, random() * 256, random() * 256, 255];
const photograph: Colors = (random, x, y) => [2 * x + random() * 4, 2 * y + random() * 4, x + y, 255];
const holes: Colors = (_, x, y) => ((x + y) % 7 === 0 ? [0, 0, 0, 0] : [200, 30, 30, 255]);

test.each([
  ["areas of one colour", 61, 33, flat],
  ["a single pixel", 1, 1, flat],
  ["noise", 64, 48, noise],
  ["a photograph", 100, 90, photograph],
  ["transparent places", 40, 40, holes],
] as [string, number, number, Colors][])(
  "PNG: every pixel is preserved: %s",
  async (_, width, height, colors) => {
    const canvas = canvasOf(width, height, colors);
    const decoded = await pixelsOf(encodePng(canvas));
    expect([decoded.width, decoded.height]).toEqual([width, height]);
    expect(difference(decoded.data, imageOf(canvas).data)).toEqual({ mean: 0, worst: 0 });
  },
);

test.each([
  ["areas of one colour", flat],
  ["a photograph", photograph],
] as [string, Colors][])("PNG: not larger than Skia's: %s", (_, colors) => {
  const canvas = canvasOf(100, 90, colors);
  expect(encodePng(canvas).length).toBeLessThanOrEqual(canvas.encodeSync("png").length);
});

test("the still image of a live map has 256 colours, all close to the original, in half the bytes", async () => {
  const canvas = canvasOf(200, 90, (random, x, y) =>
    x < 150 ? flat(random, x, y) : photograph(random, x - 150, y),
  );
  const still = encodeStill(canvas);
  const { mean, worst } = difference((await pixelsOf(still)).data, imageOf(canvas).data);
  expect(mean).toBeLessThan(2);
  expect(worst).toBeLessThan(24);
  expect(still.length).toBeLessThan(encodePng(canvas).length / 2);
});

test("transparent images stay exact", async () => {
  const canvas = canvasOf(40, 40, holes);
  expect(encodeStill(canvas)).toEqual(encodePng(canvas));
});
