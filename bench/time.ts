/**
 * Measures the frame time of an animated map with 500,000 events over 256 frames. The baseline adds and removes Leaflet's
 * canvas circle markers for each frame, with three frames on the map, like our map with two trails. Both pages play as
 * fast as they can and take turns, each run in a new browser.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { lngLatOf } from "../src/geometry/mercator";
import { sceneToDocument } from "../src/render/page/html";
import { alongCurve } from "../src/render/page/pick";
import { centerOf, viewportOf } from "../src/render/projection";
import type { PointGeometry, Scene } from "../src/render/scene";
import { buildForMaps } from "../test/render/page/built";
import { pointLayer, sceneOf } from "../test/render/page/scenes";
import { launch } from "../test/support/browser";
import { mulberry32 } from "../test/support/seeded";
import { median } from "./support";

const EVENTS = 500_000;
const FRAMES = 256;
const ROUNDS = 2;
/** Shorter than the page can play, so that frames follow each other without a pause. */
const DURATION_MS = FRAMES;
const WATCH_MS = 3000;
const LEAFLET = join(__dirname, "../node_modules/leaflet/dist");

function events(count: number, cumulative: boolean): Scene {
  const random = mulberry32(42);
  const x = Float64Array.from({ length: count }, () => 0.25 + 0.5 * random());
  const y = Float64Array.from({ length: count }, () => 0.35 + 0.25 * random());
  return sceneOf(
    [
      pointLayer(x, y, {
        size: { kind: "constant", px: 4 },
        opacity: 0.9,
        time: {
          starts: Uint32Array.from({ length: FRAMES + 1 }, (_, i) => Math.floor((i * count) / FRAMES)),
          cumulative,
          trails: 2,
        },
      }),
    ],
    {
      widthPx: 800,
      heightPx: 400,
      clock: {
        ...{ kind: "number", start: 0, step: 1, frames: FRAMES, durationMs: DURATION_MS },
        ...{ speed: 1, loop: true, still: 0, paused: false },
      },
    },
  );
}

/** Returns a page with one layer group per frame, of which the last three are on the map. */
function leafletPage(scene: Scene): string {
  const { x, y } = scene.layers[0]!.geometry as PointGeometry;
  const { starts } = scene.layers[0]!.time!;
  const places = Array.from(x, (value, i) => lngLatOf([value, y[i]!]).reverse());
  const { lng, lat, zoom } = centerOf(viewportOf(scene));
  return `<!doctype html><style>${readFileSync(join(LEAFLET, "leaflet.css"), "utf8")}#map{width:800px;height:400px}</style>
<div id="map"></div><script>${readFileSync(join(LEAFLET, "leaflet.js"), "utf8")}</script><script>
const map = L.map("map", { preferCanvas: true, zoomSnap: 0, zoomAnimation: false }).setView([${lat}, ${lng}], ${zoom});
const places = ${JSON.stringify(places)}, starts = ${JSON.stringify([...starts])};
const groups = starts.slice(1).map((to, i) => L.layerGroup(places.slice(starts[i], to).map((at) =>
  L.circleMarker(at, { radius: 2, stroke: false, fillOpacity: 0.9, fillColor: "#2752ff" }))));
let frame = 0;
const next = () => {
  groups[(frame + ${FRAMES} - 3) % ${FRAMES}].remove();
  groups[frame].addTo(map);
  window.shown = frame;
  frame = (frame + 1) % ${FRAMES};
  requestAnimationFrame(next);
};
requestAnimationFrame(next);
</script>`;
}

/** Returns the median time in milliseconds from one frame of the map to the next. */
async function frameMs(file: string): Promise<number> {
  const browser = await launch("--disable-frame-rate-limit", "--disable-gpu-vsync");
  try {
    const page = await browser.newPage({ viewport: { width: 800, height: 400 }, bypassCSP: true });
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction(
      "window.shown > 3 || document.querySelector('.time input')?.value > 3",
      undefined,
      {
        timeout: 120_000,
      },
    );
    const times = (await page.evaluate(`new Promise((done) => {
      const frameOf = () => window.shown ?? document.querySelector(".time input").value;
      const times = []; let last = performance.now(), shown = frameOf(); const start = last;
      const tick = () => {
        const now = performance.now();
        if (frameOf() !== shown) { shown = frameOf(); times.push(now - last); last = now; }
        if (now - start < ${WATCH_MS} || times.length < 3) requestAnimationFrame(tick); else done(times);
      };
      requestAnimationFrame(tick);
    })`)) as number[];
    return median(times);
  } finally {
    await browser.close();
  }
}

async function main(): Promise<void> {
  await buildForMaps();
  const dir = mkdtempSync(join(tmpdir(), "bench-time-"));
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
  console.log(
    "| events over 256 frames | page size | frame time | Leaflet markers, three frames at a time | ratio |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  try {
    const leaflet = join(dir, "leaflet.html");
    writeFileSync(leaflet, leafletPage(events(EVENTS, false)));
    for (const cumulative of [false, true]) {
      const ours = join(dir, "ours.html");
      const html = sceneToDocument(alongCurve(events(EVENTS, cumulative)), new Uint8Array());
      writeFileSync(ours, html);
      const [a, b]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        a.push(await frameMs(ours));
        b.push(await frameMs(leaflet));
      }
      const [mine, theirs] = [median(a), median(b)];
      const what = `500,000, ${cumulative ? "cumulative" : "two trails"}`;
      const size = `${(html.length / 1e6).toFixed(1)} MB`;
      console.log(
        `| ${what} | ${size} | ${mine.toFixed(1)} ms | ${theirs.toFixed(1)} ms | ${(mine / theirs).toFixed(3)} |`,
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
