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
import { describeScene } from "./describe";
import { packOutlines } from "./outlines";
import { type PackedScene, packScene } from "./pack";

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
  return [
    `<div style="position:relative;width:${widthPx}px;max-width:100%;min-height:min(${heightPx}px,${MIN_HEIGHT_PX}px)">`,
    `<img src="${dataUri(still)}" alt="${escapeHtml(describeScene(scene))}" width="${widthPx}" height="${heightPx}" style="display:block;width:100%;height:auto;margin:0">`,
    // with a light colour scheme, the frame stays transparent in a dark notebook
    `<iframe srcdoc="${escapeHtml(page)}" sandbox="${SANDBOX}" title="Interactive map" allow="fullscreen" style="position:absolute;top:0;left:0;width:100%;height:100%;border:0;color-scheme:light"></iframe>`,
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
  const before = `<img id="still" src="${dataUri(still)}" alt="${escapeHtml(describeScene(scene))}" hidden>
<noscript><style>#still { display: block !important; }</style></noscript>`;
  return pageOf(scene, { packed, title, before, reportUrl });
}

interface PageParts {
  readonly packed: PackedScene;
  readonly title: string;
  readonly before?: string;
  /** Where the page reports what its reader does. */
  readonly reportUrl?: string | undefined;
}

function pageOf(scene: Scene, { packed, title, before = "", reportUrl }: PageParts): string {
  const { boot, program, scriptSources } = pageProgram(programOf(scene));
  const { page, bytes } = packed;
  const origins = [
    ...page.overviews.flatMap((overview) =>
      overview?.detail ? [originOf(overview.detail.urlTemplate)] : [],
    ),
    ...(reportUrl === undefined ? [] : [originOf(reportUrl)]),
  ];
  const policy = [
    "default-src 'none'",
    `script-src ${scriptSources.join(" ")}`,
    "style-src 'unsafe-inline'",
    `img-src data: ${tileOrigins(scene.basemap).join(" ")}`.trimEnd(),
    ...(origins.length > 0 ? [`connect-src ${[...new Set(origins)].join(" ")}`] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy.join("; "))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_CSS}
</style>
</head>
<body>
${before}<main${reportUrl === undefined ? "" : ` data-report="${escapeHtml(reportUrl)}"`}><div id="map"></div></main>
${block("scene", base64(bytes))}
${block("basemap", scene.basemap.vector ? base64(packOutlines(scene)) : "")}
${block("names", packNames(scene))}
${block(
  "font",
  pageFont(
    labelTexts(scene),
    namesOf(scene).map(({ text }) => text),
  ),
)}
${block("program", program)}
<script>${boot}</script>
</body>
</html>
`;
}

function programOf(scene: Scene): ProgramName {
  if (scene.controls) return "page-tools";
  if (scene.widgets) return "page-explore";
  return drawsTogether(scene) ? "page-together" : "page";
}

/** Returns the place names of the basemap, deflated and in base64. */
function packNames(scene: Scene): string {
  const names = namesOf(scene);
  return names.length > 0 ? base64(deflateSync(encodeNames(names), { level: 9 })) : "";
}

const block = (id: string, base64: string): string =>
  `<script type="text/plain" id="${id}">${base64}</script>`;
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
