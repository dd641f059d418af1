/** Maps are sent to others: nothing in them says where they were made, or with which key. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { DataFrame } from "danfojs-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CartoContext, figure, Layer, type MapView, QueryLayer } from "../../../src";
import { JUPYTER_DISPLAY } from "../../../src/kernel";
import { buildForMaps } from "../../render/page/built";
import { serverForTests } from "../../support/server";

const FOLDER = "a-folder-of-their-own";
const server = serverForTests();
let dir: string;
let cc: CartoContext;
beforeAll(async () => {
  await buildForMaps();
  dir = await mkdtemp(join(tmpdir(), "cartoframes-map-secrets-"));
  await mkdir(join(dir, FOLDER));
  await writeFile(
    join(dir, FOLDER, "parks.geojson"),
    JSON.stringify({
      type: "Feature",
      properties: { park: "Retiro" },
      geometry: { type: "Point", coordinates: [-3.68, 40.41] },
    }),
  );
  cc = new CartoContext({ baseUrl: server.baseUrl, apiKey: server.key });
  await cc.write(
    new DataFrame({ lng: [-3.7], lat: [40.4], town: ["Madrid"], secret: ["not asked for"] }),
    "towns",
    {
      lnglat: ["lng", "lat"],
    },
  );
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const file = () => join(dir, FOLDER, "parks.geojson");
const MAPS: Record<string, () => Promise<MapView>> = {
  "a table": () => cc.map({ layers: new Layer("towns", { tooltip: "town", label: "town" }), title: "Towns" }),
  "a query": () =>
    cc.map({ layers: new QueryLayer("SELECT * FROM towns", { color: "town", popup: "town" }) }),
  "a file": () => cc.map({ layers: [new Layer(file(), { tooltip: "park" }), new Layer("towns")] }),
  "a table over time": () =>
    cc.map({
      layers: new QueryLayer("SELECT *, timestamp '2024-01-01' AS t FROM towns", {
        time: "t",
        tooltip: "town",
      }),
    }),
};

/** What is in the page as text, and what its blocks hold. */
function unpacked(html: string): string {
  const page = html.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");
  const blocks = [...page.matchAll(/<script type="text\/plain" id="\w+">([^<]+)<\/script>/g)];
  const texts = blocks.map(([, base64]) => inflateSync(Buffer.from(base64!, "base64")).toString("latin1"));
  const images = [...page.matchAll(/data:image\/\w+;base64,([^"]+)"/g)].map(([, base64]) =>
    Buffer.from(base64!, "base64").toString("latin1"),
  );
  return [page, ...texts, ...images].join("\n");
}

function secrets(): string[] {
  const { port, host } = new URL(server.baseUrl);
  const names = [userInfo().username, hostname()].filter((name) => name.length > 5); // "root" is a word
  const paths = [homedir(), process.cwd(), tmpdir(), server.home, dir, FOLDER, __dirname];
  return [
    server.key,
    host,
    `:${port}`,
    "127.0.0.1",
    "localhost",
    "not asked for",
    ...paths.map(withSlash),
    ...names,
  ];
}

/** "/tmp" may be in a program; "/tmp/" is a place. */
const withSlash = (path: string) =>
  path.startsWith("/") && path.split("/").length === 2 ? `${path}/` : path;

describe.each(Object.entries(MAPS))("a map of %s", (_, make) => {
  test("shows no key, path or host in outputs and saved files", async () => {
    const map = await make();
    const bundle = map[JUPYTER_DISPLAY]() as Record<string, string | Uint8Array>;
    await mkdir(join(dir, "saved"), { recursive: true });
    for (const ending of ["html", "png"]) map.save(join(dir, "saved", `map.${ending}`));
    const outputs: Record<string, string> = {
      "text/html": unpacked(bundle["text/html"] as string),
      "image/png": Buffer.from(bundle["image/png"] as Uint8Array).toString("latin1"),
      "text/plain": bundle["text/plain"] as string,
      "x.html": unpacked(await readFile(join(dir, "saved", "map.html"), "utf8")),
      "x.png": await readFile(join(dir, "saved", "map.png"), "latin1"),
      printed: `${map} ${JSON.stringify(map)}`,
    };
    // what is in the page would be found
    for (const page of ["text/html", "x.html"]) expect(/Madrid|Retiro/.test(outputs[page]!), page).toBe(true);
    for (const [name, output] of Object.entries(outputs))
      expect(
        secrets().filter((secret) => output.includes(secret)),
        name,
      ).toEqual([]);
  });
});

test("a figure does not either", async () => {
  const fig = figure({ columns: 2 });
  for (const [i, layers] of [new Layer("towns"), new Layer(file())].entries())
    await cc.map({ layers, ax: fig.at(i) });
  const bundle = JSON.stringify(fig[JUPYTER_DISPLAY](), (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
  expect(secrets().filter((secret) => bundle.includes(secret))).toEqual([]);
});
