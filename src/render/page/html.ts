/** Writes a map as HTML, for the output of a notebook or as a standalone file. */
import { deflateSync } from "node:zlib";
import escapeHtml from "escape-html";
import { InvalidArgumentError } from "../../errors";
import { type ProgramName, pageFont, pageProgram } from "../assets";
import { outerSize } from "../explore/panel";
import { namesOf } from "../names";
import { encodeNames } from "../names-data";
import { drawsTogether } from "../painter";
import type { Basemap, Scene } from "../scene";
import { changeScene, type SceneChange } from "../scene-change";
import { describeScene } from "./describe";
import { encodeLinks, type LayerLinks } from "./link-codec";
import { packOutlines } from "./outlines";
import { type PackedScene, packScene } from "./pack";
import { block, type SharedBlocks } from "./shared-blocks";

/** Allows scripts, and links that open in a new tab; the map has no access to the notebook. */
const SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox";

/** Minimum height of the live map, which matters on phones, where the image shrinks with its width. */
const MIN_HEIGHT_PX = 280;

const PAGE_CSS = `
html, body, main, #map { height: 100%; margin: 0; overflow: hidden; }
#problem { position: fixed; left: 8px; bottom: 8px; margin: 0; padding: 4px 10px; border-radius: 4px;
  background: rgb(255 255 255 / 0.94); color: #263238; font: 12px/1.4 system-ui, sans-serif; }
#still { position: fixed; inset: 0; width: 100%; height: 100%; object-fit: contain; }`;

/**
 * Returns HTML for a notebook: the image, scaled down if it does not fit, with the live map above it. Where frames or
 * scripts are removed (an untrusted notebook in JupyterLab, a preview on GitHub), the image remains.
 */
export function sceneToHtml(
  scene: Scene,
  still: Uint8Array,
  packed = packScene(scene),
  reportUrl?: string,
): string {
  const { widthPx, heightPx } = outerSize(scene);
  const page = pageOf(scene, { packed, title: "Map", reportUrl });
  return overStill(page, { still, widthPx, heightPx, alt: describeScene(scene), title: "Interactive map" });
}

/** An image, and what stands above it where frames and scripts run. */
export interface Framed {
  readonly still: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly alt: string;
  /** Title of the frame. */
  readonly title: string;
}

/** Returns an image with a page in a frame above it. */
export function overStill(page: string, { still, widthPx, heightPx, alt, title }: Framed): string {
  return [
    `<div style="position:relative;width:${widthPx}px;max-width:100%;min-height:min(${heightPx}px,${MIN_HEIGHT_PX}px)">`,
    `<img src="${dataUri(still)}" alt="${escapeHtml(alt)}" width="${widthPx}" height="${heightPx}" style="display:block;width:100%;height:auto;margin:0">`,
    // with a light colour scheme, the frame stays transparent in a dark notebook
    `<iframe srcdoc="${escapeHtml(page)}" sandbox="${SANDBOX}" title="${escapeHtml(title)}" allow="fullscreen" style="position:absolute;top:0;left:0;width:100%;height:100%;border:0;color-scheme:light"></iframe>`,
    "</div>",
  ].join("\n");
}

/** Returns an HTML document whose map fills the window; the image replaces it if the map cannot run. */
export function sceneToDocument(
  scene: Scene,
  still: Uint8Array,
  packed = packScene(scene),
  reportUrl?: string,
): string {
  const title = scene.title ?? describeScene(scene);
  const before = hiddenStill(still, describeScene(scene));
  return pageOf(scene, { packed, title, before, reportUrl });
}

/** Returns an image that shows if the page cannot run. */
export const hiddenStill = (still: Uint8Array, alt: string): string =>
  `<img id="still" src="${dataUri(still)}" alt="${escapeHtml(alt)}" hidden>
<noscript><style>#still { display: block !important; }</style></noscript>`;

/** A map in the page of a figure. */
export interface MapInFigure {
  readonly scene: Scene;
  readonly packed: PackedScene;
  /** Where the map reports what its reader does. */
  readonly reportUrl?: string | undefined;
  /** The rows that it shares with the other views. */
  readonly links: LayerLinks;
  /** What the figure changes of the scene, which is packed without that. */
  readonly change: SceneChange;
}

/** Returns the page of a map in a figure, with places for its blocks, and what it may load. */
export function mapInFigure(
  { scene, packed, reportUrl, links, change }: MapInFigure,
  blocks: SharedBlocks,
): {
  readonly html: string;
  readonly origins: Origins;
} {
  const parts = {
    packed,
    title: describeScene(scene),
    reportUrl,
    links,
    change,
    program: PROGRAM_OF_FIGURES,
    place: blocks.place,
  };
  return { html: pageOf(scene, parts), origins: originsOf(scene, parts) };
}

/** The program of the maps in a figure. */
export const PROGRAM_OF_FIGURES: ProgramName = "page-explore";

interface PageParts {
  readonly packed: PackedScene;
  readonly title: string;
  readonly before?: string;
  /** Where the page reports what its reader does. */
  readonly reportUrl?: string | undefined;
  readonly links?: LayerLinks;
  readonly change?: SceneChange;
  readonly program?: ProgramName;
  /** Writes a block. */
  readonly place?: SharedBlocks["place"];
}

/** The origins from which a page loads images, and with which it talks. */
export interface Origins {
  readonly images: readonly string[];
  readonly connections: readonly string[];
}

function originsOf({ basemap }: Scene, { packed, reportUrl }: PageParts): Origins {
  const tiles = packed.page.overviews.flatMap((overview) =>
    overview?.detail ? [originOf(overview.detail.urlTemplate)] : [],
  );
  const reports = reportUrl === undefined ? [] : [originOf(reportUrl)];
  return { images: tileOrigins(basemap), connections: [...tiles, ...reports] };
}

/** Returns a Content-Security-Policy that allows only some scripts and origins. */
export function policyOf(scriptSources: readonly string[], { images, connections }: Origins): string {
  return [
    "default-src 'none'",
    `script-src ${[...new Set(scriptSources)].join(" ")}`,
    "style-src 'unsafe-inline'",
    `img-src data: ${[...new Set(images)].join(" ")}`.trimEnd(),
    ...(connections.length > 0 ? [`connect-src ${[...new Set(connections)].join(" ")}`] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function pageOf(made: Scene, parts: PageParts): string {
  const { title, before = "", reportUrl, change, place = block } = parts;
  const scene = change ? changeScene(made, change) : made;
  const { boot, program, scriptSources } = pageProgram(parts.program ?? programOf(scene));
  const blocks = [...blocksOf(scene, parts), ["program", program] as const];
  return documentOf({
    title,
    policy: policyOf(scriptSources, originsOf(scene, parts)),
    before,
    reportUrl,
    blocks: blocks.map(([id, content]) => place(id, content)),
    boot,
  });
}

interface DocumentParts {
  readonly title: string;
  /** Content-Security-Policy. */
  readonly policy: string;
  /** HTML before the element that the program fills. */
  readonly before: string;
  /** Where the program reports what its reader does. */
  readonly reportUrl?: string | undefined;
  readonly blocks: readonly string[];
  /** The first script. */
  readonly boot: string;
}

/** Returns a page whose first script unpacks and runs the program in its blocks. */
export const documentOf = ({ title, policy, before, reportUrl, blocks, boot }: DocumentParts): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_CSS}
</style>
</head>
<body>
${before}<main${reportUrl === undefined ? "" : ` data-report="${escapeHtml(reportUrl)}"`}><div id="map"></div></main>
${blocks.join("\n")}
<script>${boot}</script>
</body>
</html>
`;

/** Lists the blocks of data of a map: their ids, and their contents in base64. */
function blocksOf(scene: Scene, { packed, links, change }: PageParts): (readonly [string, string])[] {
  const names = namesOf(scene);
  const font = pageFont(
    labelTexts(scene),
    names.map(({ text }) => text),
  );
  return [
    ["scene", base64(packed.bytes)],
    ...(links ? [["links", packBlock(encodeLinks(links))] as const] : []),
    ...(change ? [["change", packBlock(JSON.stringify(change))] as const] : []),
    ["basemap", scene.basemap.vector ? base64(packOutlines(scene)) : ""],
    ["names", names.length > 0 ? packBlock(encodeNames(names)) : ""],
    ["font", font],
  ];
}

function programOf(scene: Scene): ProgramName {
  if (scene.controls) return "page-tools";
  if (scene.widgets) return "page-explore";
  return drawsTogether(scene) ? "page-together" : "page";
}

/** Returns the content of a block: bytes that are deflated, in base64. */
export const packBlock = (bytes: Uint8Array | string): string => base64(deflateSync(bytes, { level: 9 }));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const dataUri = (png: Uint8Array): string => `data:image/png;base64,${base64(png)}`;

/** Returns the texts of all labels. */
const labelTexts = ({ layers }: Scene): string[] =>
  layers.flatMap(({ label, columns = [] }) => {
    const column = label && columns[label.column];
    return column?.kind === "texts" ? column.texts : [];
  });

/** Returns the origins from which the page may load tiles. */
function tileOrigins({ tiles }: Basemap): string[] {
  if (!tiles) return [];
  const templates = [tiles.urlTemplate, ...(tiles.labelsUrlTemplate ? [tiles.labelsUrlTemplate] : [])];
  const hosts = templates.flatMap((template) =>
    template.includes("{s}")
      ? [...tiles.subdomains].map((letter) => template.replace("{s}", letter))
      : [template],
  );
  return [...new Set(hosts.map(originOf))];
}

function originOf(template: string): string {
  const url = URL.canParse(template) ? new URL(template) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.origin;
  throw new InvalidArgumentError(
    `The URL of the basemap's tiles must look like "https://example.com/{z}/{x}/{y}.png"; got ${JSON.stringify(template)}.`,
  );
}
