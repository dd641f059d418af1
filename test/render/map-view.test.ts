import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { MapView } from "../../src/render";
import { buildForMaps } from "./page/built";
import { airports } from "./page/samples";
import { constantColor, pathLayer, pointLayer, sceneOf } from "./page/scenes";
import { pixelsOf } from "./painter/golden";

const PNG_MAGIC = "89504e470d0a1a0a";
const DISPLAY = Symbol.for("Jupyter.display");

let dir: string;
beforeAll(buildForMaps);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "map-view-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bundleOf = (view: MapView) =>
  view[DISPLAY as never] as unknown as () => Record<string, string | Uint8Array>;
const shown = (view: MapView) => bundleOf(view).call(view);

test("the last value of a cell shows one bundle of page, image and text", () => {
  const bundle = shown(new MapView(airports()));
  expect(Object.keys(bundle)).toEqual(["text/html", "image/png", "text/plain"]);
  expect(bundle["text/plain"]).toBe("MapView(800×400, 1 layer, 3,376 points)");
  expect(Buffer.from(bundle["image/png"] as Uint8Array).toString("hex", 0, 8)).toBe(PNG_MAGIC);
  expect(bundle["text/html"]).toMatch(
    /^<div style="position:relative;width:800px;max-width:100%;min-height:min\(400px,280px\)">\n<img src="data:/,
  );
});

test("a static map is an image", () => {
  const bundle = shown(new MapView(airports(), { interactive: false }));
  expect(Object.keys(bundle)).toEqual(["image/png", "text/plain"]);
});

test("prints a short summary", () => {
  const square = [0.1, 0.1, 0.2, 0.1, 0.2, 0.2, 0.1, 0.1];
  const layers = [
    pathLayer("polygon", [[[square]]]),
    pointLayer(Float64Array.of(0.1, 0.2), Float64Array.of(0.1, 0.2)),
  ];
  expect(inspect(new MapView(sceneOf(layers)))).toBe("MapView(600×400, 2 layers, 1 polygon, 2 points)");
  expect(inspect({ map: new MapView(sceneOf([])) })).toBe("{ map: MapView(600×400, 0 layers) }");
});

test("outside a notebook, display prints the summary", () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  new MapView(sceneOf([])).display();
  expect(log.mock.calls).toEqual([["MapView(600×400, 0 layers)"]]);
  log.mockRestore();
});

test("the image's alternative text describes the map", () => {
  const legends = [
    {
      title: "kind",
      geometry: "point" as const,
      items: [{ label: "a < b", color: constantColor, sizePx: 7 }],
    },
  ];
  const layers = [pointLayer(Float64Array.of(0.1), Float64Array.of(0.1))];
  expect(shown(new MapView(sceneOf(layers, { legends })))["text/html"]).toContain(
    'alt="Map of 1 point. kind: a &lt; b"',
  );
});

test("saves a page or an image", () => {
  const view = new MapView(airports());
  view.save(join(dir, "map.HTML"));
  view.save(join(dir, "map.png"));
  expect(readFileSync(join(dir, "map.HTML"), "utf8")).toBe(view.toHTML());
  expect(view.toHTML()).toMatch(/^<!doctype html>\n/);
  expect(readFileSync(join(dir, "map.png"))).toEqual(Buffer.from(view.toPNG()));
});

test("an image with more pixels on request", async () => {
  const view = new MapView(airports());
  const { widthPx, heightPx } = airports();
  const twice = await pixelsOf(view.toPNG({ scale: 2 }));
  expect([twice.width, twice.height]).toEqual([2 * widthPx, 2 * heightPx]);
  expect(view.toPNG({ scale: 2 })).toEqual(new MapView(airports(), { scale: 2 }).toPNG());
  expect(new MapView(airports(), { scale: 2 }).toPNG({ scale: 1 })).toEqual(view.toPNG());
  view.save(join(dir, "twice.png"), { scale: 2 });
  expect(readFileSync(join(dir, "twice.png"))).toEqual(Buffer.from(view.toPNG({ scale: 2 })));
  for (const scale of [0, 5, Number.NaN, "2"])
    expect(() => view.toPNG({ scale } as never)).toThrow(
      `\`scale\` must be a number from 1 to 4; got ${scale}.`,
    );
  const huge = { ...airports(), widthPx: 8192, heightPx: 8192 };
  expect(() => new MapView(huge, { scale: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: A PNG can have at most 268,435,456 pixels; \`size\` and \`scale\` ask for 32768×32768. Reduce one of them.]`,
  );
  expect(() => new MapView(huge).toPNG({ scale: 3 })).toThrow("24576×24576");
  expect(() => view.save(join(dir, "no.html"), { scale: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: A map saved as HTML has no option "scale". Available options: none.]`,
  );
  expect(existsSync(join(dir, "no.html"))).toBe(false);
});

test("other file extensions are an error", () => {
  expect(() => new MapView(sceneOf([])).save("map.jpg")).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The name of a map's file must end in ".html" for a live map, ".png" for an image or ".gif" for an animation; got "map.jpg".]`,
  );
});
