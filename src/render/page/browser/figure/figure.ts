/** Builds the page of a figure: its maps in frames, its charts, and what passes between them. */
import type { ChartPlace, FigureLayout, MapPlace } from "../../figure-layout";
import type { FigureMessage } from "../../figure-messages";
import { withBlocks } from "../../shared-blocks";
import type { Unpack } from "../boot";
import { create } from "../create";
import legendCss from "../legend.css";
import type { LiveChart } from "./chart";
import { addFacetLegend } from "./facet-legend";
import figureCss from "./figure.css";
import { Hub, type View } from "./hub";
import { addDivider } from "./swipe";

/** Columns of this width or less stand below each other. */
const NARROW_PX = 250;
/** Rows of a low window have at least this height, and the figure scrolls. */
const LEAST_ROW_PX = 120;
/** As the page of a single map: scripts, and links that open in a new tab. */
const SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox";

declare global {
  interface Window {
    /** Defined by the program of charts. */
    makeChart(
      place: ChartPlace,
      datasets: Readonly<Record<string, object[]>>,
      element: HTMLElement,
    ): Promise<LiveChart>;
  }
}

export async function showFigure(unpack: Unpack): Promise<void> {
  const root = document.getElementById("map");
  if (!root) throw new Error("the page has no element #map");
  const layout = await jsonIn<FigureLayout>(unpack, "figure");
  document.head.append(create("style", {}, legendCss + figureCss));
  root.className = "figure";
  const heading: Record<string, string> = layout.title ? { dir: "auto" } : { class: "unseen" };
  root.append(create("h1", heading, layout.title ?? "Figure"));
  const cells = create("div", { class: layout.compare ? "cells compared" : "cells" });
  root.append(cells);
  layOut(cells, layout);

  const hub = new Hub();
  const maps = new Map<MessageEventSource, View>();
  window.addEventListener("message", ({ source, data }: MessageEvent<FigureMessage>) => {
    const view = source && maps.get(source);
    if (view) hub.take(view, data);
  });
  if (layout.legend) addFacetLegend(cells, layout.legend, hub);
  const charts: { readonly element: HTMLElement; readonly place: ChartPlace }[] = [];
  for (const place of layout.cells) {
    const element = create("div", { class: `cell ${place?.kind ?? "blank"}` });
    cells.append(element);
    if (place) element.style.setProperty("--ratio", `${place.widthPx} / ${place.heightPx}`);
    if (place?.kind === "chart") charts.push({ element, place });
    if (place?.kind !== "map") continue;
    const page = new TextDecoder().decode(await unpack(place.block));
    const frame = frameOf(
      place,
      withBlocks(page, (id) => document.getElementById(id)?.textContent ?? ""),
    );
    element.append(frame);
    if (!frame.contentWindow) continue;
    const view = viewIn(frame.contentWindow, place);
    maps.set(frame.contentWindow, view);
    hub.add(view);
  }
  if (layout.compare) addDivider(cells, layout.compare);
  if (charts.length > 0) await drawCharts(charts, unpack, hub);
}

async function jsonIn<T>(unpack: Unpack, id: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await unpack(id))) as T;
}

/** Gives columns and rows the shares of their widest and highest cells, or puts all cells below each other. */
function layOut(cells: HTMLElement, { cells: places, columns, compare }: FigureLayout): void {
  const widths = Array.from({ length: compare ? 1 : Math.min(columns, places.length) }, (_, column) =>
    Math.max(...places.map((place, i) => (i % columns === column ? (place?.widthPx ?? 1) : 1))),
  );
  const heights = Array.from({ length: compare ? 1 : Math.ceil(places.length / columns) }, (_, row) =>
    Math.max(...places.slice(row * columns, (row + 1) * columns).map((place) => place?.heightPx ?? 1)),
  );
  const inShares = (sizes: readonly number[], leastPx: number) =>
    sizes.map((size) => `minmax(${Math.min(size, leastPx)}px, ${size}fr)`).join(" ");
  const adapt = () => {
    const isNarrow = widths.length > 1 && cells.clientWidth < NARROW_PX * widths.length;
    cells.classList.toggle("narrow", isNarrow);
    cells.style.gridTemplateColumns = isNarrow ? "minmax(0, 1fr)" : inShares(widths, 0);
    cells.style.gridTemplateRows = isNarrow ? "" : inShares(heights, LEAST_ROW_PX);
  };
  new ResizeObserver(adapt).observe(cells);
  adapt();
}

function frameOf({ description }: MapPlace, page: string): HTMLIFrameElement {
  const frame = create("iframe", { title: description, sandbox: SANDBOX, allow: "fullscreen" });
  frame.srcdoc = page;
  return frame;
}

function viewIn(target: Window, { projection, isFacet, sources }: MapPlace): View {
  return { projection, isFacet, sources, receive: (message) => target.postMessage(message, "*") };
}

async function drawCharts(
  charts: readonly { readonly element: HTMLElement; readonly place: ChartPlace }[],
  unpack: Unpack,
  hub: Hub,
): Promise<void> {
  const script = create("script");
  script.textContent = new TextDecoder().decode(await unpack("page-charts"));
  document.head.append(script);
  const datasets = await jsonIn<Record<string, object[]>>(unpack, "datasets");
  for (const { element, place } of charts) {
    const chart = await window.makeChart(place, datasets, element);
    const [source] = place.sources;
    if (source === undefined) continue;
    const view: View = {
      isFacet: false,
      sources: place.sources,
      receive: (message) => {
        if (message.kind === "filter") chart.exclude(message.failed);
      },
    };
    hub.add(view);
    chart.onFiltered((failed) => hub.take(view, { kind: "filter", source, failed }));
  }
}
