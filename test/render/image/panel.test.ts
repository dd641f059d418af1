/** Widgets and legends of images: what is hidden is pale, and texts begin where those of their script do. */
import { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { BaseMap, Layer, type MapOptions, widget } from "../../../src/map";
import { nowhere, progress } from "../../support/nowhere";
import { decodePng, type Picture, pixelAt } from "../page/pixels";

async function pictureOf(kinds: readonly string[], options: MapOptions = {}): Promise<Picture> {
  const data = new DataFrame({ lng: kinds.map((_, i) => i), lat: kinds.map(() => 0), kind: [...kinds] });
  const map = await makeMap(nowhere, {
    layers: [
      new BaseMap({ source: "none" }),
      new Layer(data, { name: "fruit", lnglat: ["lng", "lat"], color: "kind" }),
    ],
    widgets: widget.category("kind"),
    legend: { position: "top-right" },
    size: [800, 300],
    ...options,
    isPicture: true,
    progress,
  });
  return decodePng(map.toPNG());
}

/** Columns in which something is drawn between two rows of pixels. */
function inkedColumns(
  picture: Picture,
  [left, right]: readonly [number, number],
  rows: readonly [number, number],
) {
  const background = pixelAt(picture, left, rows[0]).join();
  const inked: number[] = [];
  for (let x = left; x < right; x++)
    for (let y = rows[0]; y < rows[1]; y++)
      if (pixelAt(picture, x, y).join() !== background) {
        inked.push(x);
        break;
      }
  return inked;
}

test("classes that a state hides are pale in the legend", async () => {
  const kinds = ["apple", "pear"];
  const all = await pictureOf(kinds);
  const part = await pictureOf(kinds, { state: { filters: [{ layer: "fruit", without: ["apple"] }] } });
  const differing = (rows: readonly [number, number]) => {
    let count = 0;
    for (let y = rows[0]; y < rows[1]; y++)
      for (let x = 440; x < 540; x++) if (pixelAt(all, x, y).join() !== pixelAt(part, x, y).join()) count++;
    return count;
  };
  const [title, apple, pear] = [
    [20, 40],
    [42, 58],
    [60, 76],
  ] as const;
  expect(differing(title)).toBe(0);
  expect(differing(apple)).toBeGreaterThan(20);
  expect(differing(pear)).toBe(0);
});

test("texts of scripts from right to left are at the right of a list", async () => {
  const [latin, hebrew] = await Promise.all([pictureOf(["apple", "pear"]), pictureOf(["שלום", "עולם"])]);
  const panel: readonly [number, number] = [564, 776]; // without the counts
  const row: readonly [number, number] = [34, 46];
  const [fromLatin] = inkedColumns(latin, panel, row);
  const columns = inkedColumns(hebrew, panel, row);
  expect(fromLatin).toBeLessThan(570);
  expect(columns[0]).toBeGreaterThan(700);
  expect(columns.at(-1)).toBeLessThan(776);
});
