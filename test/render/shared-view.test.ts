import { expect, test } from "vitest";
import { sharedCenter, sharedView } from "../../src/render/figure/shared-view";
import type { Bounds, Scene } from "../../src/render/scene";
import { airports } from "./page/samples";

const fitted = (bounds: Bounds): Scene => ({ ...airports(), view: { kind: "fit", bounds } });

test.each<[string, Bounds[], Bounds]>([
  [
    "side by side",
    [
      [0, 0, 10, 10],
      [5, -5, 20, 5],
    ],
    [0, -5, 20, 10],
  ],
  [
    "across the antimeridian",
    [
      [170, 0, 175, 5],
      [-178, 1, -170, 6],
    ],
    [170, 0, -170, 6],
  ],
  [
    "one that crosses it and one that does not",
    [
      [175, 0, -175, 1],
      [160, 0, 165, 1],
    ],
    [160, 0, -175, 1],
  ],
  [
    "all around",
    [
      [-180, -60, 180, 60],
      [10, 70, 20, 80],
    ],
    [-180, -60, 180, 80],
  ],
])("maps %s show all data in the narrowest view", (_, all, bounds) => {
  expect(sharedView(all.map(fitted))).toEqual({ kind: "fit", bounds });
});

test("a view that was asked for wins, and an empty map has no say", () => {
  const asked: Scene = { ...airports(), view: { kind: "center", lng: 8, lat: 47, zoom: 6 } };
  expect(sharedView([fitted([0, 0, 1, 1]), asked])).toBe(asked.view);
  const empty: Scene = { ...asked, layers: [] };
  expect(sharedView([empty, fitted([0, 0, 1, 1])])).toEqual({ kind: "fit", bounds: [0, 0, 1, 1] });
});

test("images agree on the zoom of the map with the least room", () => {
  const small: Scene = { ...fitted([0, 0, 10, 10]), widthPx: 200, heightPx: 150 };
  const large: Scene = { ...fitted([0, 0, 10, 10]), widthPx: 800, heightPx: 600 };
  const view = { kind: "fit", bounds: [0, 0, 10, 10] } as const;
  expect(sharedCenter([large, small], view)).toEqual(sharedCenter([small], view));
});
