/** Malicious and unusual column names and values: everywhere on the map, they are text. */
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { JUPYTER_DISPLAY } from "../../../src/kernel";
import { BaseMap, Layer, styling } from "../../../src/map";
import { MapView } from "../../../src/render/map-view";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { openOutput, withBrowser } from "./browser";

withBrowser();

const TEXTS: Record<string, string> = {
  "end of a script": "</script><script>window.hacked = 1</script>",
  "end of a style, a title, a text area": "</style></title></textarea><svg onload=window.hacked=1>",
  image: `<img src=x onerror="window.hacked = 1">`,
  "end of an attribute": `" onload="window.hacked = 1" x="' onload='window.hacked = 1`,
  "end of srcdoc": `&quot;></iframe><script>window.hacked = 1</script>`,
  comment: "<!-- <![CDATA[ ]]> -->",
  entities: "&lt;b&gt; &amp;amp; &#0;",
  "template of JavaScript": `\`\${window.hacked = 1}\` \\u003cscript\\u003e \\`,
  "placeholders of tiles and formats": "{s}/{z}/{x}/{y}{r} %s %d %Y $& $1",
  "a link": "[text](javascript:window.hacked=1) javascript:window.hacked=1",
  prototype: "__proto__",
  "constructor's": "constructor",
  "method of every object": "toString",
  "control characters": "a\u0000b\u0007c\u001b[31md\u007fe\u0085f",
  "ends of lines": "a\nb\r\nc\td\u2028e\u2029f",
  "right to left": "\u202egnp.exe\u202c עברית \u200fשלום\u200e",
  "emoji, combining, lonely surrogate": "🗺️👨‍👩‍👧 Z̷̢̛a̸l̶g̷o̴ \ud800",
  "very long": "long ".repeat(2000),
  "very long without a blank": "w".repeat(5000),
};
const LNGS = Object.keys(TEXTS).map((_, i) => -60 + 6 * i);
const SIZE = [600, 400] as const;

/** Each text is the name of a column, the value in it, and a value of the column `text`. */
function layer(options: ConstructorParameters<typeof Layer>[1]): Layer {
  const features = Object.values(TEXTS).map((text, i) => ({
    type: "Feature",
    // own properties of any name, "__proto__" too, as `JSON.parse` makes them
    properties: Object.fromEntries([["text", text], ...Object.values(TEXTS).map((name) => [name, name])]),
    geometry: { type: "Point", coordinates: [LNGS[i], 0] },
  }));
  return new Layer({ type: "FeatureCollection", features } as never, { size: 9, ...options });
}

async function openMap(layers: Layer[], title?: string, heightPx: number = SIZE[1]) {
  const size = [SIZE[0], heightPx] as const;
  const { scene } = await mapScene(nowhere, {
    layers: [new BaseMap({ source: "none" }), ...layers],
    ...{ zoom: 1.5, lat: 0, lng: 0, size, title, progress },
  });
  const html = new MapView(scene)[JUPYTER_DISPLAY]()["text/html"] as string;
  const opened = await openOutput(html, { widthPx: SIZE[0], heightPx });
  const { frame } = opened;
  /** Checks that nothing ran, nothing was requested, and all elements are ours. */
  const expectHarmless = async () => {
    for (const part of [opened.page, frame]) {
      expect(await part.evaluate("window.hacked")).toBeUndefined();
      expect(await part.evaluate("Object.prototype.hacked ?? ({}).text")).toBeUndefined();
    }
    expect(
      await frame.evaluate("document.images.length + document.querySelectorAll('svg, style + style').length"),
    ).toBe(0);
    expect(await opened.page.evaluate("document.querySelectorAll('script, img, iframe').length")).toBe(2);
    expect(opened.errors).toEqual([]);
    expect(opened.requests).toEqual([]);
  };
  return { ...opened, scene, expectHarmless };
}

/** Maximum length of a string in the page. */
const MAX_TEXT = 1000;
const carried = (text: string) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
/** The half of a pair is shown as a replacement; which one a test gets is up to its way here. Enough of a long text. */
const comparable = (text: string | null) => text!.replace(/[\ud800\ufffd]/g, "?").slice(0, 200);
const ALL = Object.values(TEXTS);

const xOf = (scene: Scene, i: number) => Math.round(scene.widthPx / 2 + (LNGS[i]! / 360) * 256 * 2 ** 1.5);

test("as names and values in tooltips", async () => {
  const columns = ALL.map((column) => ({ column, title: column }));
  const heightPx = 2400; // a tooltip that is higher than the map leaves out columns
  const { page, frame, scene, expectHarmless } = await openMap(
    [layer({ tooltip: { columns, title: TEXTS.image! } })],
    undefined,
    heightPx,
  );
  await page.mouse.move(xOf(scene, 3) - 1, heightPx / 2);
  await page.mouse.move(xOf(scene, 3), heightPx / 2);
  const tooltip = frame.locator(".tooltip");
  await tooltip.waitFor();
  const names = await tooltip.locator("dt").allTextContents();
  expect(names.map(comparable)).toEqual(ALL.map(comparable));
  const values = await tooltip.locator("dd").allTextContents();
  expect(values.map(comparable)).toEqual(ALL.map(comparable));
  expect(values.map(({ length }) => length)).toEqual(ALL.map((text) => carried(text).length));
  expect(await tooltip.locator("h2").textContent()).toBe(TEXTS.image);
  await expectHarmless();
});

test.each(Object.entries(TEXTS))(
  "as a column that colours, labels, explains and pops up: %s",
  async (_, text) => {
    const { page, frame, scene, expectHarmless } = await openMap(
      [layer({ color: { column: text }, label: text, popup: [text], legend: { title: text, counts: true } })],
      text,
    );
    for (const place of ["h1.title", ".legend h2", ".legend tbody th"])
      expect(comparable(await frame.locator(place).textContent()), place).toBe(comparable(text));
    const alt = comparable(await page.locator("img").getAttribute("alt"));
    const inHtml = comparable(text).replaceAll("\r\n", "\n").replaceAll("\0", "?"); // as its parser reads attributes
    expect(alt.startsWith(inHtml)).toBe(true);
    await page.mouse.click(xOf(scene, 10), 200);
    await frame.waitForSelector(".popup dd");
    expect(comparable(await frame.locator(".popup dd").textContent())).toBe(comparable(text));
    await frame.waitForSelector(".leaflet-pan-anim", { state: "detached" }); // it has moved into the map
    for (const control of [".title", ".legend", ".popup"]) {
      const { x, y, width, height } = (await frame.locator(control).boundingBox())!;
      expect([x >= 0, y >= 0, x + width <= SIZE[0], y + height <= SIZE[1]], control).toEqual(
        Array(4).fill(true),
      );
    }
    await expectHarmless();
  },
);

const COLORS = ALL.map((_, i) => `hsl(${(360 * i) / ALL.length} 60% 45%)`);

test("as categories, each with its own legend entry", async () => {
  const { frame, expectHarmless } = await openMap([
    layer({ color: { column: "text", scheme: styling.custom(COLORS) } }),
  ]);
  const labels = await frame.locator(".legend tbody th").allTextContents();
  expect(labels.map(comparable).sort()).toEqual(ALL.map(comparable).sort());
  await expectHarmless();
});
