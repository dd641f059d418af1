/**
 * Compares the map page with Leaflet's canvas circle markers or GeoJSON layer in headless Chromium: page size, time from
 * navigation to the first complete paint, longest frame while the map is dragged and zoomed, and memory of the renderer
 * process. Each run opens a new browser; the two pages take turns.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { lngLatOf } from "../src/geometry/mercator";
import { sceneToDocument } from "../src/render/page/html";
import { alongCurve } from "../src/render/page/pick";
import { centerOf, viewportOf } from "../src/render/projection";
import type { PathGeometry, PointGeometry, Rgba, Scene, SceneLayer } from "../src/render/scene";
import { counties } from "../test/render/page/samples";
import { pathLayer, pointLayer, sceneOf } from "../test/render/page/scenes";
import { launch } from "../test/support/browser";
import { mulberry32 } from "../test/support/seeded";
import { median } from "./support";

const WIDTH_PX = 800;
const HEIGHT_PX = 400;
const LEAFLET = join(__dirname, "../node_modules/leaflet/dist");
const PALETTE: Rgba[] = [
  "#7F3C8D",
  "#11A579",
  "#3969AC",
  "#F2B701",
  "#E73F74",
  "#80BA5A",
  "#E68310",
  "#008695",
].map(
  (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).concat(255) as unknown as Rgba,
);

interface Measured {
  readonly bytes: number;
  readonly firstPaintMs: number;
  readonly panMs: number;
  readonly zoomMs: number;
  readonly memoryMB: number;
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "bench-page-"));
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
  console.log("| map | measure | cartoframes | Leaflet | ratio |");
  console.log("| --- | --- | --- | --- | --- |");
  try {
    if (process.argv[2] === "together") return await compareTogether(dir, 3);
    await comparePages(dir, "100,000 points", randomPoints(100_000), 3);
    await comparePages(dir, "1,000,000 points", randomPoints(1_000_000), 2);
    await comparePages(dir, "3,142 counties", counties(), 3);
    await comparePages(dir, "100,000 polygons with shared borders", mesh(400, 250), 2);
    await compareTogether(dir, 3);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function comparePages(dir: string, title: string, scene: Scene, rounds: number): Promise<void> {
  const [ours, leaflets] = [join(dir, "ours.html"), join(dir, "leaflet.html")];
  writeFileSync(ours, sceneToDocument(alongCurve(scene), new Uint8Array()));
  writeFileSync(leaflets, leafletPage(scene));
  const a: Measured[] = [];
  const b: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    a.push(await measure(ours));
    b.push(await measure(leaflets));
  }
  const row = (what: string, key: keyof Measured, unit: string, scale = 1) => {
    const [mine, theirs] = [a, b].map((runs) => median(runs.map((run) => run[key])) / scale) as [
      number,
      number,
    ];
    const digits = mine < 10 && unit !== "ms" ? 1 : 0;
    const ratio = (mine / theirs).toFixed(3);
    console.log(
      `| ${title} | ${what} | ${mine.toFixed(digits)} ${unit} | ${theirs.toFixed(digits)} ${unit} | ${ratio} |`,
    );
  };
  row("page size", "bytes", "MB", 1e6);
  row("first complete paint", "firstPaintMs", "ms");
  row("longest frame of a drag", "panMs", "ms");
  row("longest frame of a zoom", "zoomMs", "ms");
  row("renderer memory", "memoryMB", "MB");
}

/** Compares a million points that are drawn together with the same points drawn one by one. */
async function compareTogether(dir: string, rounds: number): Promise<void> {
  console.log("\n| 1,000,000 points | measure | together | one by one | ratio |");
  console.log("| --- | --- | --- | --- | --- |");
  const plain = randomPoints(1_000_000);
  const aggregate = { cellPx: 12, statistic: "count", title: "count", palette: PALETTE.slice(0, 6) } as const;
  const styles: Record<string, Partial<SceneLayer>> = {
    "as a density": {
      density: { palette: PALETTE.slice(0, 3), spread: { count: 1_000_000, area: 0.6 } },
    },
    ...Object.fromEntries(
      (["hexbin", "grid", "heatmap", "cluster"] as const).map((as) => [
        `as: "${as}"`,
        { aggregate: { ...aggregate, as, cellPx: { hexbin: 12, grid: 10, heatmap: 20, cluster: 56 }[as] } },
      ]),
    ),
  };
  const oneByOne = join(dir, "plain.html");
  const layer = plain.layers[0]!;
  const points = { ...layer, color: { kind: "constant" as const, color: PALETTE[0]! } };
  writeFileSync(oneByOne, sceneToDocument(alongCurve({ ...plain, layers: [points] }), new Uint8Array()));
  for (const [name, style] of Object.entries(styles)) {
    const together = join(dir, "together.html");
    const scene = { ...plain, layers: [{ ...points, ...style }] };
    writeFileSync(together, sceneToDocument(alongCurve(scene), new Uint8Array()));
    const [a, b]: [Measured[], Measured[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      a.push(await measure(together));
      b.push(await measure(oneByOne));
    }
    for (const [what, key] of [
      ["first complete paint", "firstPaintMs"],
      ["longest frame of a zoom", "zoomMs"],
    ] as const) {
      const [mine, theirs] = [a, b].map((runs) => median(runs.map((run) => run[key]))) as [number, number];
      console.log(
        `| ${name} | ${what} | ${mine.toFixed(0)} ms | ${theirs.toFixed(0)} ms | ${(mine / theirs).toFixed(3)} |`,
      );
    }
  }
}

/** Our page has painted once it contains a canvas; the Leaflet page paints in the frame after its script. */
const WATCH = `
  window.firstPaint = new Promise((painted) => {
    const observer = new MutationObserver(() => {
      if (!window.drawn && (window.isLeaflet || !document.querySelector(".leaflet-container canvas"))) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => painted(performance.now())));
    });
    observer.observe(document, { childList: true, subtree: true, attributes: true });
  });
  window.frames_ = [];
  const frame = (now) => { window.frames_.push(now); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);`;

async function measure(file: string): Promise<Measured> {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: WIDTH_PX, height: HEIGHT_PX } });
    page.setDefaultTimeout(300_000);
    await page.addInitScript(WATCH);
    await page.goto(pathToFileURL(file).href, { timeout: 300_000, waitUntil: "commit" });
    const firstPaintMs = (await page.evaluate("window.firstPaint")) as number;
    await page.waitForTimeout(1000);
    const panMs = await longestFrame(page, async () => {
      await page.mouse.move(400, 200);
      await page.mouse.down();
      for (let step = 1; step <= 30; step++) await page.mouse.move(400 - 6 * step, 200 + 2 * step);
      await page.waitForTimeout(200);
      await page.mouse.up();
    });
    const zoomMs = await longestFrame(page, () => page.click(".leaflet-control-zoom-in"));
    return { bytes: statSync(file).size, firstPaintMs, panMs, zoomMs, memoryMB: await rendererMB(browser) };
  } finally {
    await browser.close();
  }
}

/** Returns the longest frame from the gesture until the map is at rest. */
async function longestFrame(page: Page, gesture: () => Promise<void>): Promise<number> {
  await page.evaluate("window.frames_.length = 0");
  await gesture();
  await page.waitForTimeout(1000);
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  const times = (await page.evaluate("window.frames_")) as number[];
  return Math.max(...times.slice(1).map((time, i) => time - times[i]!));
}

/** Returns the resident memory of the renderer, because typed arrays are not in the JavaScript heap. */
async function rendererMB(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const sizes = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))![1]) / 1000);
  return Math.max(...sizes);
}

function randomPoints(count: number): Scene {
  const random = mulberry32(42);
  const axis = (from: number, to: number) =>
    Float64Array.from({ length: count }, () => from + random() * (to - from));
  const layer = pointLayer(axis(0, 1), axis(0.2, 0.8), {
    color: {
      kind: "classes",
      palette: PALETTE,
      missing: [150, 150, 150, 255],
      classes: Uint8Array.from({ length: count }, () => Math.floor(random() * PALETTE.length)),
    },
  });
  return sceneOf([layer], {
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX,
    view: { kind: "center", lng: 0, lat: 20, zoom: 1.5 },
  });
}

/** Returns a mesh of cells with wavy sides that neighbours share, 20 vertices per cell. */
function mesh(columns: number, rows: number): Scene {
  const random = mulberry32(7);
  const [width, height] = [0.24 / columns, 0.16 / rows];
  const steps = 5;
  const corners = Array.from({ length: (columns + 1) * (rows + 1) }, (_, i) => [
    0.14 + width * ((i % (columns + 1)) + 0.4 * random()),
    0.33 + height * (Math.floor(i / (columns + 1)) + 0.4 * random()),
  ]);
  const sides = new Map<number, number[][]>();
  const between = (from: number, to: number): number[][] => {
    if (from > to) return [...between(to, from)].reverse();
    const key = from * 1e6 + to;
    let side = sides.get(key);
    if (!side) {
      const [a, b] = [corners[from]!, corners[to]!];
      const wiggle = (i: number) => (i % steps === 0 ? 0 : (random() - 0.5) * 0.1 * height);
      side = Array.from({ length: steps + 1 }, (_, i) =>
        a.map((value, axis) => value + ((b[axis]! - value) * i) / steps + wiggle(i)),
      );
      sides.set(key, side);
    }
    return side;
  };
  const features = Array.from({ length: columns * rows }, (_, i) => {
    const at = Math.floor(i / columns) * (columns + 1) + (i % columns);
    const below = at + columns + 1;
    const ring = [
      between(at, at + 1),
      between(at + 1, below + 1),
      between(below + 1, below),
      between(below, at),
    ];
    return [[ring.flatMap((side, k) => (k < 3 ? side.slice(0, -1) : side)).flat()]];
  });
  const layer = pathLayer("polygon", features, {
    color: {
      kind: "classes",
      palette: PALETTE,
      missing: [150, 150, 150, 255],
      classes: Uint8Array.from({ length: columns * rows }, () => Math.floor(random() * PALETTE.length)),
    },
    stroke: { color: [255, 255, 255, 128], widthPx: 0.5 },
    opacity: 0.9,
  });
  const view = { kind: "center", lng: -86.4, lat: 37, zoom: 3.5 } as const;
  return sceneOf([layer], { widthPx: WIDTH_PX, heightPx: HEIGHT_PX, view });
}

/** Returns a page that uses Leaflet alone, with the data as GeoJSON. */
function leafletPage(scene: Scene): string {
  const { lng, lat, zoom } = centerOf(viewportOf(scene));
  const { geometry, color } = scene.layers[0]!;
  if (color.kind !== "classes") throw new Error("The benchmark needs a layer that is coloured by class.");
  const colors = color.palette.map(([r, g, b]) => `rgb(${r},${g},${b})`);
  const add =
    geometry.kind === "point"
      ? `L.geoJSON(${pointsJson(geometry, color.classes)}, { pointToLayer: ({ properties: { c } }, at) =>
           L.circleMarker(at, { radius: 3.5, stroke: false, fillOpacity: 1, fillColor: colors[c] }) }).addTo(map);`
      : `L.geoJSON(${geoJson(geometry, color.classes)}, { style: ({ properties: { c } }) =>
           ({ fillColor: colors[c] ?? "#ccc", fillOpacity: 0.9, color: "#fff", weight: 0.5 }) }).addTo(map);`;
  return `<!doctype html><meta charset="utf-8"><script>window.isLeaflet = true</script>
<style>${readFileSync(join(LEAFLET, "leaflet.css"), "utf8")} html, body, #map { height: 100%; margin: 0 }</style>
<div id="map"></div>
<script>${readFileSync(join(LEAFLET, "leaflet.js"), "utf8")}</script>
<script>
const colors = ${JSON.stringify(colors)};
const map = L.map("map", { zoomSnap: 0.25, preferCanvas: true }).setView([${lat}, ${lng}], ${zoom});
${add}
window.drawn = true; document.body.className = "drawn";
</script>`;
}

/** Writes points as GeoJSON, as geopandas and folium do. */
function pointsJson({ x, y }: PointGeometry, classes: Uint8Array): string {
  const features = Array.from(x, (_, i) => {
    const [lng, lat] = lngLatOf([x[i]!, y[i]!]);
    return `{"id": "${i}", "type": "Feature", "properties": {"c": ${classes[i]}}, "geometry": {"type": "Point", "coordinates": [${lng}, ${lat}]}}`;
  });
  return `{"type": "FeatureCollection", "features": [${features.join(", ")}]}`;
}

function geoJson({ xy, paths, features }: PathGeometry, classes: Uint8Array): string {
  const place = (i: number) =>
    lngLatOf([xy[2 * i]!, xy[2 * i + 1]!]).map((degrees) => Number(degrees.toFixed(5)));
  const all = Array.from({ length: features.length - 1 }, (_, f) => {
    const rings = Array.from({ length: features[f + 1]! - features[f]! }, (_, p) => {
      const path = features[f]! + p;
      return Array.from({ length: paths[path + 1]! - paths[path]! }, (_, i) => place(paths[path]! + i));
    });
    const geometry = { type: "MultiPolygon", coordinates: rings.map((ring) => [ring]) };
    return { type: "Feature", properties: { c: classes[f] }, geometry };
  });
  return JSON.stringify({ type: "FeatureCollection", features: all });
}

main();
