/** How the map follows a brush, in Chromium. */
import { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { Layer, widget } from "../../../src/map";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { open, painted, withBrowser } from "./browser";

withBrowser();

test("the map changes while the pointer moves, even if painting takes many frames", async () => {
  const random = mulberry32(3);
  const column = (width: number) => Array.from({ length: 400 }, () => width * (random() - 0.5));
  const data = new DataFrame({ lng: column(60), lat: column(40), size: column(100) });
  const layers = new Layer(data, { lnglat: ["lng", "lat"] });
  const widgets = widget.histogram("size", { bins: 10 });
  const map = await makeMap(nowhere, { layers, widgets, size: [900, 500], isPicture: false, progress });
  const { page } = await open(map.toHTML(), {
    widthPx: 900,
    heightPx: 500,
    // each band of the map seems to take longer than a frame
    before: "const now = performance.now.bind(performance); performance.now = () => 1000 * now();",
  });
  await page.waitForSelector(".panel");
  await painted(page);
  const changes = await page.evaluate<number>(`(async () => {
    const canvas = document.querySelector(".leaflet-data-pane canvas");
    const plot = document.querySelector(".plot");
    plot.setPointerCapture = () => {};
    const { left, top, width } = plot.getBoundingClientRect();
    const send = (type, share) => plot.dispatchEvent(new PointerEvent(type, { clientX: left + share * width, clientY: top + 20, pointerId: 1, isPrimary: true, buttons: 1, button: 0, bubbles: true }));
    const pixels = () => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.reduce((sum, part, i) => (sum * 31 + part) | 0, 0);
    send("pointerdown", 0.1);
    let [changes, last] = [0, pixels()];
    for (let i = 0; i < 90; i++) {
      send("pointermove", 0.3 + 0.01 * (i % 60)); // one in each frame
      await new Promise(requestAnimationFrame);
      const next = pixels();
      if (next !== last) changes++;
      last = next;
    }
    return changes;
  })()`);
  expect(changes).toBeGreaterThan(1);
});
