/** The search box of a live map, by pointer, finger and keyboard, in Chromium. */
import { readFileSync } from "node:fs";
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { Layer, type LayerOptions, type MapOptions, widget } from "../../../src/map";
import { sceneToDocument } from "../../../src/render/page/html";
import { packScene } from "../../../src/render/page/pack";
import { nowhere, progress } from "../../support/nowhere";
import { type OpenOptions, open, painted, withBrowser } from "./browser";
import { decodePng, difference } from "./pixels";
import { HOSTILE } from "./scenes";

withBrowser();

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PLACES = {
  lng: [-3.7, 2.35, 13.4, -0.13, 12.5, 24.94, 37.62, 8.54],
  lat: [40.4, 48.86, 52.5, 51.5, 41.9, 60.17, 55.75, 47.37],
  name: ["Café Ágata", "Bistro Ágata", "Kneipe", "Old Café", "Caffè", "Kahvila", "Чайная", "مقهى"],
  seats: [20, 31, 12, 8, 31, 14, 50, 310],
  kind: ["café", "bistro", "pub", "café", "café", "café", "tea", "café"],
  t: [0, 1, 2, 3, 4, 5, 6, 7],
};
const frame = new DataFrame(PLACES);
const cafes = (options: LayerOptions = {}) =>
  new Layer(frame, { name: "Cafés", lnglat: ["lng", "lat"], size: 12, popup: ["name", "seats"], ...options });

async function openMap(options: MapOptions, size: OpenOptions = {}, budgetBytes?: number) {
  const { scene } = await mapScene(nowhere, { controls: "search", ...options, progress });
  const html = sceneToDocument(scene, new Uint8Array(), packScene(scene, budgetBytes));
  const opened = await open(html, { widthPx: 800, heightPx: 500, before: AXE, ...size });
  await painted(opened.page);
  const errors = () => opened.errors.filter((error) => !error.includes("ERR_FAILED")); // the tiles of the basemap
  return { ...opened, errors };
}

const input = (page: Page) => page.getByRole("combobox");
/** Waits until a search has ended, and returns its results with their hints. */
async function results(page: Page): Promise<string[]> {
  await page.waitForSelector(".search[aria-busy=true]", { state: "detached" });
  return page
    .locator(".search li")
    .evaluateAll((items) =>
      items.map((item) => [...item.children].map((part) => part.textContent).join(" | ")),
    );
}
async function search(page: Page, query: string): Promise<string[]> {
  await input(page).fill(query);
  return results(page);
}
/** Waits until the map has stopped. */
async function stopped(page: Page): Promise<void> {
  await page.waitForSelector(".leaflet-zoom-anim, .leaflet-pan-anim", { state: "detached" });
  await painted(page);
}
/** True if a card shows, inside the map. */
async function showsAt(page: Page, css = ".popup"): Promise<boolean> {
  return page.evaluate(`(() => {
    const map = document.querySelector("#map").getBoundingClientRect();
    const card = document.querySelector(${JSON.stringify(css)});
    const { left, top, right, bottom } = card.getBoundingClientRect();
    return getComputedStyle(card).visibility === "visible" && left >= map.left && top >= map.top && right <= map.right && bottom <= map.bottom;
  })()`);
}
const button = (page: Page) => page.getByRole("button", { name: "Measure distance or area" });
const popupText = (page: Page) => page.locator(".popup dd").allTextContents();

const problems = (page: Page) =>
  page.evaluate<string[]>(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact !== "minor")
      .flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => [id, impact, html.slice(0, 120)].join(" "))))`);

describe("finding features", () => {
  test("typing lists them, and Enter moves the map there and opens the popup", async () => {
    const { page, errors } = await openMap({ layers: cafes() });
    const before = await page.screenshot();
    expect(await search(page, "CAFE a")).toEqual(["Café Ágata | Cafés · name"]);
    expect(await page.locator(".search [role=status]").textContent()).toBe("1 result");
    await page.keyboard.press("Enter");
    await stopped(page);
    expect(await popupText(page)).toEqual(["Café Ágata", "20"]);
    expect(await showsAt(page)).toBe(true);
    expect(await input(page).inputValue()).toBe("Café Ágata");
    expect(await page.evaluate("document.activeElement.className")).toBe("popup");
    const moved = difference(await decodePng(before), await decodePng(await page.screenshot()), {
      x: 300,
      y: 300,
      width: 300,
      height: 150,
    });
    expect(moved.differing).toBeGreaterThan(0.01);
    await page.keyboard.press("Escape");
    expect(await page.locator(".popup").count()).toBe(0);
    expect(errors()).toEqual([]);
  });

  test("features with the same text are shown together, and the popup follows the one it is about", async () => {
    const { page } = await openMap({ layers: cafes({ tooltip: "kind" }) });
    expect(await search(page, "31")).toEqual(["31 | Cafés · seats · 2 features", "310 | Cafés · seats"]);
    await page.locator(".search li").first().click();
    await stopped(page);
    expect(await page.locator(".popup .count").textContent()).toBe("1 of 2");
    const first = (await page.locator(".popup").boundingBox())!;
    expect(await popupText(page)).toEqual(["Bistro Ágata", "31"]);
    await page.click(".popup .next");
    expect(await popupText(page)).toEqual(["Caffè", "31"]);
    expect(await showsAt(page)).toBe(true);
    const second = (await page.locator(".popup").boundingBox())!;
    expect(second.x).toBeGreaterThan(first.x + 50); // Rome is east of Paris
    expect(await search(page, "cafe")).toEqual(
      expect.arrayContaining(["café | Cafés · kind · 5 features", "Café Ágata | Cafés · name"]),
    );
  });

  test("a layer with labels only has its feature marked", async () => {
    const { page } = await openMap({ layers: cafes({ popup: undefined as never, label: "name" }) });
    const empty = await openMap({ layers: cafes({ popup: undefined as never, label: "name" }) });
    expect(await search(page, "kneipe")).toEqual(["Kneipe | Cafés"]);
    await page.keyboard.press("Enter");
    await stopped(page);
    expect(await page.locator(".popup").count()).toBe(0);
    const marks =
      "[...document.querySelectorAll('.leaflet-hover-pane canvas')].map((c) => new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer).filter((p) => p !== 0).length)";
    expect(Math.max(...(await page.evaluate<number[]>(marks)))).toBeGreaterThan(50);
    expect(Math.max(...(await empty.page.evaluate<number[]>(marks)))).toBe(0);
  });

  test("hidden layers and rows that a filter hides are not found", async () => {
    const other = new Layer(frame, { name: "Others", lnglat: ["lng", "lat"], popup: "kind" });
    const { page } = await openMap(
      { layers: [other, cafes()], widgets: widget.category("kind", { layer: 1 }), size: [900, 500] },
      { widthPx: 1100 },
    );
    expect(await search(page, "kneipe")).toEqual(["Kneipe | Cafés · name"]);
    await page.locator(".list li button", { hasText: "café" }).click();
    expect(await search(page, "kneipe")).toEqual([]);
    expect(await page.locator(".search p").textContent()).toBe(
      "Nothing found. Hidden features are left out.",
    );
    expect(await search(page, "old c")).toEqual(["Old Café | Cafés · name"]);
    await page.getByRole("button", { name: "Layers" }).click();
    await page.getByRole("checkbox", { name: "Cafés" }).uncheck();
    expect(await search(page, "old c")).toEqual([]);
    expect((await search(page, "pub"))[0]).toBe("pub | Others");
  });

  test("an animation pauses at a moment with the feature", async () => {
    const { page } = await openMap({ layers: cafes({ time: "t" }) });
    expect(await search(page, "kahvila")).toEqual(["Kahvila | Cafés · name"]);
    await page.keyboard.press("Enter");
    await stopped(page);
    expect(await page.locator(".time .play").getAttribute("aria-label")).toBe("Play");
    expect(await popupText(page)).toEqual(["Kahvila", "14"]);
    expect(Number(await page.getByRole("slider").inputValue())).toBeGreaterThan(0);
  });

  test.each(["equal-earth", "orthographic"] as const)(
    "polygons of a map in %s are shown whole",
    async (projection) => {
      const square = (name: string, lng: number) => ({
        type: "Feature" as const,
        properties: { name },
        geometry: {
          type: "Polygon" as const,
          coordinates: [
            [
              [lng, 0],
              [lng + 8, 0],
              [lng + 8, 8],
              [lng, 8],
              [lng, 0],
            ],
          ],
        },
      });
      const geojson = {
        type: "FeatureCollection" as const,
        features: [square("west", -60), square("east", 40)],
      };
      const { page } = await openMap({
        layers: new Layer(geojson as never, { name: "Squares", popup: "name" }),
        projection,
      });
      expect(await search(page, "east")).toEqual(["east | Squares"]);
      await page.keyboard.press("Enter");
      await stopped(page);
      expect(await popupText(page)).toEqual(["east"]);
      expect(await showsAt(page)).toBe(true);
      // the middle of the map is on the polygon
      await page.keyboard.press("Escape");
      await page.mouse.click(400, 250);
      expect(await popupText(page)).toEqual(["east"]);
    },
  );

  test("an overview says that it is one", async () => {
    const count = 60_000;
    const column = <T>(value: (i: number) => T) => Array.from({ length: count }, (_, i) => value(i));
    const many = new DataFrame({
      lng: column((i) => ((i * 7919) % 36_000) / 100 - 180),
      lat: column((i) => ((i * 104_729) % 16_000) / 100 - 80),
      name: column((i) => `tree ${i % 100}`),
    });
    const { page } = await openMap(
      {
        layers: new Layer(many, { name: "Trees", lnglat: ["lng", "lat"], popup: "name" }),
        projection: "mercator",
      },
      {},
      20_000,
    );
    expect((await search(page, "tree 7")).length).toBe(8);
    expect(await page.locator(".search p").textContent()).toMatch(
      /^The search looks through an overview of [\d,]+ of 60,000 points/,
    );
  });
});

describe("finding places", () => {
  test("in the language of the map, after the features", async () => {
    const { page } = await openMap({ layers: cafes({ name: "Cafés" }) });
    expect(await search(page, "spain")).toEqual(["Spain | Country"]);
    await page.keyboard.press("Enter");
    await stopped(page);
    expect(await search(page, "paris")).toEqual(["Paris | Capital"]);
    await page.keyboard.press("Enter");
    await stopped(page);
    const ring = `Math.max(...[...document.querySelectorAll(".leaflet-hover-pane canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(canvas.width / 2 - 12, canvas.height / 2 - 12, 24, 24);
      return data.filter((_, i) => i % 4 === 3 && data[i] > 0).length;
    }))`;
    expect(await page.evaluate(ring)).toBeGreaterThan(50);
    expect(await page.evaluate("document.activeElement.id")).toBe("map");
  });
});

describe("the keyboard", () => {
  test("/ goes to the box, arrows to results, Escape back, step by step", async () => {
    const { page } = await openMap({ layers: cafes() });
    await page.locator("#map").focus();
    await page.keyboard.press("/");
    expect(await page.evaluate("document.activeElement.className")).toBe("query");
    expect(await input(page).inputValue()).toBe("");
    await page.keyboard.type("caf");
    const names = (await results(page)).map((text) => text.split(" | ")[0]);
    expect(names.slice(0, 3)).toEqual(["Café Ágata", "Caffè", "Old Café"]);
    expect(await input(page).getAttribute("aria-expanded")).toBe("true");
    const active = () =>
      page.evaluate(
        "document.getElementById(document.querySelector('.query').getAttribute('aria-activedescendant'))?.querySelector('span').textContent",
      );
    expect(await active()).toBeUndefined();
    const press = async (key: string) => {
      await page.keyboard.press(key);
      return active();
    };
    for (const name of [...names, names[0]]) expect(await press("ArrowDown")).toBe(name);
    expect(await press("ArrowUp")).toBeUndefined(); // the box itself
    expect(await press("ArrowUp")).toBe(names.at(-1));
    await page.keyboard.press("Escape");
    expect(await page.locator(".found").isVisible()).toBe(false);
    expect(await input(page).inputValue()).toBe("caf");
    await page.keyboard.press("Escape");
    expect(await input(page).inputValue()).toBe("");
    await page.keyboard.press("Escape");
    expect(await page.evaluate("document.activeElement.id")).toBe("map");
  });

  test("letters and digits in the box do nothing to the map", async () => {
    const { page } = await openMap({ layers: cafes() });
    await input(page).focus();
    const transform = "document.querySelector('.leaflet-map-pane').style.transform";
    const before = await page.evaluate(transform);
    await page.keyboard.type("0+-/ 0");
    expect(await input(page).inputValue()).toBe("0+-/ 0");
    expect(await page.evaluate(transform)).toBe(before);
    expect(await page.locator(".search p").textContent()).toBe("Nothing found.");
  });
});

describe("any text", () => {
  test("is text, from right to left too", async () => {
    const names = [HOSTILE, "שלום עולם", "<b>bold</b>", "🚀 rocket", "x".repeat(900)];
    const data = new DataFrame({ lng: names.map((_, i) => i), lat: names.map(() => 0), name: names });
    const { page, errors } = await openMap({
      layers: new Layer(data, { lnglat: ["lng", "lat"], name: HOSTILE, popup: "name" }),
    });
    expect((await search(page, "script"))[0]).toContain("<script>");
    await page.keyboard.press("Enter");
    expect((await search(page, "<b>"))[0]).toContain("<b>bold</b>");
    expect(await search(page, "שלום")).toHaveLength(1);
    expect(await page.evaluate("getComputedStyle(document.querySelector('.search li span')).direction")).toBe(
      "rtl",
    );
    expect(await search(page, "🚀")).toHaveLength(1);
    expect(await search(page, "xxxx")).toHaveLength(1);
    const [list, item] = [
      (await page.locator(".search").boundingBox())!,
      (await page.locator(".search li").boundingBox())!,
    ];
    expect(item.width).toBeLessThanOrEqual(list.width);
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    expect(errors()).toEqual([]);
  });
});

describe("on a narrow map", () => {
  test("a button opens the box, and a finger chooses", async () => {
    const { page } = await openMap(
      { layers: cafes(), title: "Cafés of Europe" },
      { widthPx: 400, heightPx: 500, hasTouch: true },
    );
    expect(await input(page).isVisible()).toBe(false);
    await page.getByRole("button", { name: "Search the map" }).tap();
    expect(await page.evaluate("document.activeElement.className")).toBe("query");
    const [title, box] = [
      (await page.locator(".title").boundingBox())!,
      (await page.locator(".search").boundingBox())!,
    ];
    expect(box.y).toBeGreaterThanOrEqual(title.y + title.height);
    expect(box.x + box.width).toBeLessThanOrEqual(400);
    await search(page, "bistro");
    await page.locator(".search li").tap();
    await stopped(page);
    expect(await popupText(page)).toEqual(["Bistro Ágata", "31"]);
    expect(await input(page).isVisible()).toBe(false);
  });
});

describe("nothing covers anything", () => {
  const timed = (position: "top-left" | "bottom-left" | "top-right") => ({
    layers: [cafes({ time: "t" }), cafes({ color: "kind" })],
    title: "Cafés of Europe, with a title that takes more than one line of a narrow map",
    widgets: widget.category("kind"),
    controls: ["search", "measure"] as const,
    legend: { position },
  });
  test.each([
    [400, "top-right"],
    [400, "top-left"],
    [800, "bottom-left"],
    [1600, "top-left"],
    [1600, "top-right"],
  ] as const)("on a map of %s pixels with its legend at the %s", async (widthPx, position) => {
    const { page } = await openMap(timed(position), { widthPx, heightPx: 800 });
    await page.locator("#map").focus();
    if (widthPx > 400) await page.keyboard.press("/");
    await button(page).click();
    await painted(page);
    const overlaps = await page.evaluate<string[]>(`(() => {
      const parts = ".title, .search, .legend, .time, .panel, .measured, .leaflet-control-zoom, .fullscreen, .layers, .tools > .measure, .select, .attribution, .ground";
      const shown = [...document.querySelectorAll(parts)].filter((part) => part.offsetWidth > 0 && part.offsetHeight > 0);
      const boxes = shown.map((part) => [part.className, part.getBoundingClientRect()]);
      return boxes.flatMap(([name, a], i) => boxes.slice(i + 1).flatMap(([other, b]) =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1 ? [name + " and " + other] : []));
    })()`);
    expect(overlaps).toEqual([]);
  });
});

describe("axe-core finds nothing", () => {
  test.each([
    ["wide", 800],
    ["narrow", 400],
  ])("on a %s map with results, and without any", async (_, widthPx) => {
    const { page } = await openMap({ layers: cafes(), controls: ["search", "measure"] }, { widthPx });
    await page.locator("#map").focus();
    await page.keyboard.press("/");
    await search(page, "caf");
    await page.keyboard.press("ArrowDown");
    expect(await problems(page)).toEqual([]);
    await search(page, "nowhere at all");
    expect(await problems(page)).toEqual([]);
  });
});
