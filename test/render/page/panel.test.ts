/** What the panel of widgets says while it is folded, and about layers that are hidden, in Chromium. */
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { Layer, type LayerOptions, widget } from "../../../src/map";
import { nowhere, progress } from "../../support/nowhere";
import { open, painted, withBrowser } from "./browser";

withBrowser();

const data = new DataFrame({ lng: [0, 10, 20], lat: [0, 10, 0], kind: ["apple", "pear", "plum"] });
const layer = (options: LayerOptions) => new Layer(data, { lnglat: ["lng", "lat"], ...options });

async function openMap(widthPx: number) {
  const map = await makeMap(nowhere, {
    layers: [layer({ name: "below" }), layer({ name: "above" })],
    widgets: [
      widget.category("kind", { layer: 0, title: "Below" }),
      widget.category("kind", { title: "Above" }),
    ],
    size: [900, 500],
    isPicture: false,
    progress,
  });
  const { page } = await open(map.toHTML(), { widthPx, heightPx: 700 });
  await page.waitForSelector(".panel");
  await painted(page);
  return page;
}

const fold = (page: Page) => page.locator(".fold-panel");

test("beside the map, a folded panel says how many filters are on", async () => {
  const page = await openMap(1100);
  await page.getByRole("button", { name: "apple" }).first().click();
  await page.getByRole("button", { name: "pear" }).last().click();
  await fold(page).click();
  expect(await page.locator(".chips").isVisible()).toBe(false);
  expect(await fold(page).getAttribute("aria-label")).toBe("Widgets, 2 filters");
  expect(
    await page.evaluate("getComputedStyle(document.querySelector('.fold-panel'), '::after').content"),
  ).toBe('"2"');
  await fold(page).click();
  await page.getByRole("button", { name: "Clear all" }).click();
  expect(await fold(page).getAttribute("aria-label")).toBe("Widgets");
});

test("below the map, a folded panel keeps the names of its filters", async () => {
  const page = await openMap(400);
  await fold(page).click();
  const empty = (await page.locator(".panel").boundingBox())!;
  expect(empty.height).toBeLessThan(40);
  await fold(page).click();
  await page.getByRole("button", { name: "apple" }).first().click();
  await fold(page).click();
  const chip = page.getByRole("button", { name: "Remove the filter Below: apple" });
  expect(await chip.isVisible()).toBe(true);
  const [panel, box, bar] = await Promise.all([
    page.locator(".panel").boundingBox(),
    chip.boundingBox(),
    fold(page).boundingBox(),
  ]);
  expect(box!.y).toBeGreaterThanOrEqual(bar!.y + bar!.height);
  expect(box!.y + box!.height).toBeLessThanOrEqual(panel!.y + panel!.height);
  await chip.click();
  expect(await page.locator(".chips").isVisible()).toBe(false);
});

test("widgets of a hidden layer say so", async () => {
  const page = await openMap(1100);
  const after = () =>
    page.evaluate<string[]>(
      "[...document.querySelectorAll('.widget h2')].map((heading) => getComputedStyle(heading, '::after').content)",
    );
  expect(await after()).toEqual(["none", "none"]);
  await page.getByRole("button", { name: "Layers" }).click();
  await page.getByRole("checkbox", { name: "below" }).uncheck();
  expect(await after()).toEqual(['" (hidden layer)"', "none"]);
  await page.getByRole("checkbox", { name: "below" }).check();
  expect(await after()).toEqual(["none", "none"]);
});
