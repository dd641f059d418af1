/** Texts that the shipped font does not cover, in fonts of the system; here, two that the test adds. */
import { readFileSync } from "node:fs";
import { createCanvas, GlobalFonts } from "@napi-rs/canvas";
import { beforeAll, expect, test } from "vitest";
import { fontsFor, fontsOfScene, missingCharacters } from "../../../src/render/image/fonts";
import { renderPng } from "../../../src/render/image/png";
import type { Scene } from "../../../src/render/scene";
import { buildForMaps } from "../page/built";
import { pointLayer, sceneOf } from "../page/scenes";
import { difference, pixelsOf } from "../painter/golden";

/** Registered under names that no system has, and that come first. */
const FONTS = {
  "0 Hebrew Sans": require.resolve(
    "@expo-google-fonts/noto-sans-hebrew/400Regular/NotoSansHebrew_400Regular.ttf",
  ),
  "0 Devanagari Sans": require.resolve(
    "@expo-google-fonts/noto-sans-devanagari/400Regular/NotoSansDevanagari_400Regular.ttf",
  ),
};
/** No font has characters of the private use areas of planes 15 and 16. */
const NOWHERE = "\u{f1234}";

beforeAll(async () => {
  await buildForMaps();
  for (const [name, file] of Object.entries(FONTS)) GlobalFonts.register(readFileSync(file), name);
});

test("the shipped font is enough for Latin, Greek and Cyrillic", () => {
  const { families, missing } = fontsFor(["Zürich Łódź", "Ελλάδα", "Москва", "≤ 1.5 – 3", ""]);
  expect([families, missing]).toEqual(['"cartoframes"', []]);
});

test("each script adds one font, which draws its characters", () => {
  for (const text of ["ירושלים", "दिल्ली"]) {
    const { families, missing } = fontsFor([text, "Berlin"]);
    expect(missing).toEqual([]);
    expect(families.split(", ")).toHaveLength(2);
    expect(inkOf(text, families)).toBeGreaterThan(100);
    expect(inkOf(text, '"cartoframes"')).toBe(0);
  }
});

function inkOf(text: string, families: string): number {
  const context = createCanvas(300, 60).getContext("2d");
  context.font = `30px ${families}`;
  context.fillText(text, 10, 40);
  return context.getImageData(0, 0, 300, 60).data.filter((value, i) => i % 4 === 3 && value > 0).length;
}

const named = (title: string, label: string, text: string): Scene => {
  const layer = pointLayer(Float64Array.of(0.5), Float64Array.of(0.45), {
    columns: [{ kind: "texts", texts: [text], codes: Uint32Array.of(1) }],
    label: { column: 0, sizePx: 14, color: [0, 0, 0, 255], halo: [255, 255, 255, 255] },
  });
  const items = [{ label, color: [90, 80, 160, 255], sizePx: 7 }] as const;
  return sceneOf([layer], { title, legends: [{ title: "", geometry: "point", items }] });
};

/** A map with a list of one category. */
function withWidget(title: string, text: string): Scene {
  const scene = named("a", "b", "c");
  const [layer] = scene.layers;
  const steps = new Uint16Array(layer!.rowCount).fill(1);
  const column = { kind: "category", name: "k", type: "text", texts: [text], others: 0, steps } as const;
  return {
    ...scene,
    layers: [{ ...layer!, explored: [column] }],
    widgets: [{ kind: "category", layer: 0, inView: false, title, column: 0, top: 3 }],
    panel: { side: "right", px: 248 },
  };
}

test.each([
  ["title", named("שלום", "a", "b")],
  ["legend", named("a", "שלום", "b")],
  ["label", named("a", "b", "שלום")],
  ["widget's title", withWidget("שלום", "b")],
  ["widget's category", withWidget("a", "שלום")],
])("a %s in another script shows in the PNG", async (_part, scene) => {
  expect(missingCharacters(scene)).toBe("");
  const shown = await pixelsOf(renderPng(scene));
  const blank = await pixelsOf(
    renderPng(JSON.parse(JSON.stringify(scene).replaceAll("שלום", NOWHERE), revive)),
  );
  expect(difference(shown.data, blank.data).worst).toBeGreaterThan(100);
});

/** JSON turns typed arrays into objects. */
function revive(key: string, value: unknown): unknown {
  if (key === "x" || key === "y") return Float64Array.from(Object.values(value as object));
  if (key === "steps") return Uint16Array.from(Object.values(value as object));
  return key === "codes" ? Uint32Array.from(Object.values(value as object)) : value;
}

test("what no font has is listed, each character once", () => {
  const scene = named(`A ${NOWHERE}`, `${NOWHERE}\u{f1235}`, "c");
  expect(fontsOfScene(scene).missing).toEqual([NOWHERE, "\u{f1235}"]);
  expect(missingCharacters(scene)).toBe(`"${NOWHERE}", "\u{f1235}"`);
  const many = named(
    "a",
    Array.from({ length: 9 }, (_, i) => String.fromCodePoint(0xf2000 + i)).join(""),
    "c",
  );
  expect(missingCharacters(many)).toMatch(/and 4 others$/);
});
