/**
 * Brushes over a histogram of a map with three widgets in headless Chromium, beside a page that does the same with
 * crossfilter2 and Leaflet's canvas: time from a move of the pointer to the painted map with updated counts. The pages take
 * turns. `npx tsx bench/explore.ts`
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DataFrame } from "danfojs-node";
import { CartoContext, Layer, widget } from "../src";
import { launch } from "../test/support/browser";
import { mulberry32 } from "../test/support/seeded";
import { median } from "./support";

const ROUNDS = 3;
const MOVES = 30;
const BINS = 20;

interface Data {
  readonly lng: number[];
  readonly lat: number[];
  readonly fare: number[];
  readonly hour: number[];
  readonly kind: string[];
}

/** Points around one place, as of trips in a city. */
function dataOf(count: number): Data {
  const random = mulberry32(1);
  const normal = () => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
  const column = <T>(next: () => T) => Array.from({ length: count }, next);
  return {
    lng: column(() => -73.95 + 0.06 * normal()),
    lat: column(() => 40.75 + 0.05 * normal()),
    fare: column(() => Math.round(100 * Math.exp(2.3 + 0.6 * normal())) / 100),
    hour: column(() => Math.floor(24 * random())),
    kind: column(() => ["card", "cash", "free", "dispute"][Math.floor(4 * random() ** 2)]!),
  };
}

async function ownPage(data: Data, path: string): Promise<void> {
  const layer = new Layer(new DataFrame(data as never), { lnglat: ["lng", "lat"], as: "points" });
  const widgets = [
    widget.histogram("hour", { bins: BINS, viewport: false }),
    widget.histogram("fare", { bins: BINS, viewport: false }),
    widget.category("kind", { viewport: false }),
  ];
  const map = await new CartoContext({ baseUrl: "local:/nowhere" }).map({
    layers: layer,
    widgets,
    size: [1000, 600],
  });
  writeFileSync(path, map.toHTML());
}

/** The page of the reference. Leaflet keeps all markers, and hides them by their style, as its own clusters do. */
function referencePage(data: Data, path: string): void {
  const library = (file: string) => readFileSync(join(__dirname, "../node_modules", file), "utf8");
  writeFileSync(
    path,
    `<!doctype html><style>${library("leaflet/dist/leaflet.css")} #map { width: 750px; height: 600px; }</style><div id="map"></div>
<script>${library("leaflet/dist/leaflet.js")}</script><script>${library("crossfilter2/crossfilter.min.js")}</script><script>
const data = ${JSON.stringify(data)};
const rows = data.lng.map((lng, i) => ({ i, lng, lat: data.lat[i], fare: data.fare[i], hour: data.hour[i], kind: data.kind[i] }));
const map = L.map("map", { preferCanvas: true, fadeAnimation: false }).setView([40.75, -73.95], 11);
const renderer = L.canvas().addTo(map);
const markers = rows.map(({ lat, lng }) => L.circleMarker([lat, lng], { renderer, radius: 1.5, stroke: false, fillOpacity: 0.9 }).addTo(map));
const cf = crossfilter(rows);
const hour = cf.dimension((row) => row.hour), fare = cf.dimension((row) => row.fare), kind = cf.dimension((row) => row.kind);
const groups = [hour.group(), fare.group((value) => Math.floor(value / 5)), kind.group()];
window.brush = (from, to) => {
  hour.filterRange([from, to]);
  const next = new Uint8Array(rows.length);
  for (const { i } of cf.allFiltered()) next[i] = 1;
  for (let i = 0; i < next.length; i++) markers[i].options.fill = next[i] === 1;
  renderer._redrawBounds = null;
  renderer._redraw();
  return groups.map((group) => group.all().map(({ value }) => value));
};
</script>`,
  );
}

/** Runs in the page: moves the pointer over the first histogram, or calls the reference, and waits for the frame. */
const OWN = `(async () => {
  const plot = document.querySelector(".plot");
  const { left, top, width } = plot.getBoundingClientRect();
  const at = (share) => ({ clientX: left + share * width, clientY: top + 20, pointerId: 1, isPrimary: true, buttons: 1, bubbles: true, button: 0 });
  plot.setPointerCapture = () => {};
  plot.dispatchEvent(new PointerEvent("pointerdown", at(0.1)));
  const isBusy = () => [...document.querySelectorAll("canvas")].some((canvas) => canvas.ariaBusy === "true");
  const times = [];
  for (let i = 0; i < ${MOVES + 3}; i++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    plot.dispatchEvent(new PointerEvent("pointermove", at(0.3 + 0.02 * (i % 20))));
    do await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); while (isBusy());
    times.push(performance.now() - start);
  }
  if (document.querySelectorAll(".chips li").length !== 1) throw new Error("the brush chose nothing");
  return times.slice(3);
})()`;
const REFERENCE = `(async () => {
  const times = [];
  for (let i = 0; i < ${MOVES + 3}; i++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    await new Promise((done) => requestAnimationFrame(() => { brush(2, 7 + (i % 16)); setTimeout(done); }));
    times.push(performance.now() - start);
  }
  return times.slice(3);
})()`;

async function timesOf(path: string, program: string, ready: string): Promise<number[]> {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
    page.setDefaultTimeout(300_000);
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector(ready);
    await page.waitForSelector("[aria-busy=true]", { state: "detached" });
    return await page.evaluate<number[]>(program);
  } finally {
    await browser.close();
  }
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "bench-explore-"));
  console.log("| points | page | brush, cartoframes | brush, crossfilter2 and Leaflet | ratio |");
  console.log("| --- | --- | --- | --- | --- |");
  try {
    for (const count of [100_000, 1_000_000]) {
      const data = dataOf(count);
      const [own, reference] = [join(dir, "own.html"), join(dir, "reference.html")];
      await ownPage(data, own);
      referencePage(data, reference);
      const times: { own: number[]; reference: number[] } = { own: [], reference: [] };
      for (let round = 0; round < ROUNDS; round++) {
        times.own.push(median(await timesOf(own, OWN, ".panel")));
        times.reference.push(median(await timesOf(reference, REFERENCE, ".leaflet-container canvas")));
      }
      const [ours, theirs] = [median(times.own), median(times.reference)];
      const size = (statSync(own).size / 1e6).toFixed(1);
      console.log(
        `| ${count.toLocaleString("en-US")} | ${size} MB | ${ours.toFixed(0)} ms | ${theirs.toFixed(0)} ms | ${(ours / theirs).toFixed(2)} |`,
      );
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
