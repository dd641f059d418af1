/** What maps look like if nobody sets an option but a column. Look at `test/golden/contact-sheet.png` as a whole. */
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { test } from "vitest";
import { contactSheet } from "../../scripts/contact-sheet";
import { encodePng } from "../../src/render/image/encode-png";
import { expectGolden } from "../render/painter/golden";

/** The golden image is smaller, which is enough to see a change. */
const SHARE = 0.4;

test("the contact sheet of all defaults", async () => {
  const sheet = await loadImage(Buffer.from(await contactSheet()));
  const canvas = createCanvas(Math.round(sheet.width * SHARE), Math.round(sheet.height * SHARE));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(sheet, 0, 0, canvas.width, canvas.height);
  await expectGolden("contact-sheet", encodePng(canvas));
});
