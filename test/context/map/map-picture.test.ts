import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createEncryptedServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createCanvas } from "@napi-rs/canvas";
import { DataFrame } from "danfojs-node";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { BaseMap, CartoContext, figure, Layer } from "../../../src";
import { buildForMaps } from "../../render/page/built";
import { pixelsOf } from "../../render/painter/golden";
import { makeCertificate } from "../../support/certificate";
import { startForwardProxy } from "../../support/forward-proxy";
import { needs } from "../../support/needs";

beforeAll(buildForMaps);

const cc = new CartoContext({ baseUrl: "local:/nowhere" }); // maps of frames start no server
const df = new DataFrame({ lng: [0, 10], lat: [0, 10] });
const layer = new Layer(df, { lnglat: ["lng", "lat"], color: "#ff0000", size: 8, stroke: false });
const view = { lng: 0, lat: 0, zoom: 2, size: [300, 200] as const, interactive: false };

const servers: { close(): unknown }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await server.close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({ close: () => server.close().closeAllConnections() });
  return (server.address() as AddressInfo).port;
}

/** Answers with a tile of one colour, or what `statusOf` says; tells what it was asked for. */
function blueTiles(statusOf: (path: string) => number = () => 200) {
  const canvas = createCanvas(256, 256);
  const context = canvas.getContext("2d");
  context.fillStyle = "#0000ff";
  context.fillRect(0, 0, 256, 256);
  const png = canvas.encodeSync("png");
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(request.url!);
    response.writeHead(statusOf(request.url!)).end(png);
  };
  return { answer, asked };
}

const baseAt = (origin: string) =>
  new BaseMap({ source: `${origin}/{z}/{x}/{y}{r}.png`, attribution: "© [Us](https://example.com)" });

async function tileServer(statusOf?: (path: string) => number) {
  const { answer, asked } = blueTiles(statusOf);
  const port = await listening(createServer(answer));
  return { base: baseAt(`http://127.0.0.1:${port}`), asked, port };
}

async function colorAt(png: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, width } = await pixelsOf(png);
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}
const BLUE = [0, 0, 255, 255];

describe("tiles of a PNG", () => {
  test("lie below the data and are requested once", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).toEqual(BLUE);
    expect((await colorAt(png, 150, 100))[0]).toBeGreaterThan(200);
    expect(asked.sort()).toEqual(["/2/1/1.png", "/2/1/2.png", "/2/2/1.png", "/2/2/2.png"]);
  });

  test("have a higher zoom if scale is larger", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base, layer], ...view, scale: 2 })).toPNG();
    const { width, height } = await pixelsOf(png);
    expect([width, height]).toEqual([600, 400]);
    expect(asked).toContain("/2/1/1@2x.png");
  });

  test("are drawn only if all arrive", async () => {
    const { base } = await tileServer((path) => (path === "/2/2/2.png" ? 500 : 200));
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).not.toEqual(BLUE);
  });

  test("may be missing where the server has none", async () => {
    const { base } = await tileServer((path) => (path === "/2/2/2.png" ? 404 : 200));
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).toEqual(BLUE);
    expect(await colorAt(png, 250, 150)).not.toEqual(BLUE);
  });

  test("are optional without a network", async () => {
    const base = new BaseMap({ source: "http://127.0.0.1:9/{z}/{x}/{y}.png" });
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect((await pixelsOf(png)).width).toBe(300);
  });

  test("can come from a custom URL", async () => {
    const { port } = await tileServer();
    const moved = await listening(
      createServer(({ url }, response) => {
        const Location = url!.startsWith("/2") ? `/moved${url}` : `http://127.0.0.1:${port}${url!.slice(6)}`;
        response.writeHead(302, { Location }).end();
      }),
    );
    const layers = [baseAt(`http://127.0.0.1:${moved}`), layer];
    expect(await colorAt((await cc.map({ layers, ...view })).toPNG(), 40, 40)).toEqual(BLUE);
    const round = await listening(
      createServer(({ url }, response) => response.writeHead(302, { Location: url! }).end()),
    );
    const nowhere = await cc.map({ layers: [baseAt(`http://127.0.0.1:${round}`), layer], ...view });
    expect(await colorAt(nowhere.toPNG(), 40, 40)).not.toEqual(BLUE);
  });

  test("are enlarged beyond their maximum zoom", async () => {
    const { port, asked } = await tileServer();
    const base = new BaseMap({ source: `http://127.0.0.1:${port}/{z}/{x}/{y}.png`, maxZoom: 3 });
    const png = (await cc.map({ layers: [base, layer], ...view, zoom: 5 })).toPNG();
    expect(await colorAt(png, 40, 40)).toEqual(BLUE);
    expect(asked.sort()).toEqual(["/3/3/3.png", "/3/3/4.png", "/3/4/3.png", "/3/4/4.png"]);
  });

  test("repeat with the copies of the world in the view", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base], ...view, zoom: 0, lng: 180, size: [600, 256] })).toPNG();
    expect(asked).toEqual(["/0/0/0.png"]);
    for (const x of [20, 300, 560]) expect(await colorAt(png, x, 100)).toEqual(BLUE);
  });
});

describe("proxy environment variables", () => {
  needs("certificate");
  const HOST = "tiles.acme.test"; // only the proxy knows where it is
  async function behindProxy(variables: (proxy: string) => Readonly<Record<string, string>>) {
    const { answer, asked } = blueTiles();
    const proxy = await startForwardProxy({
      port: await listening(createServer(answer)),
      encryptedPort: await listening(createEncryptedServer(makeCertificate(HOST), answer)),
    });
    servers.push(proxy);
    for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]) {
      vi.stubEnv(name, variables(proxy.url)[name] ?? "");
      vi.stubEnv(name.toLowerCase(), "");
    }
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    return { asked, proxy };
  }
  const colorOfMap = async (scheme: string) =>
    colorAt((await cc.map({ layers: [baseAt(`${scheme}://${HOST}`), layer], ...view })).toPNG(), 40, 40);

  test.each([
    ["https", "HTTPS_PROXY", `CONNECT ${HOST}:443`],
    ["http", "HTTP_PROXY", `GET http://${HOST}`],
  ])("%s: %s", async (scheme, name, request) => {
    const { asked, proxy } = await behindProxy((url) => ({ [name]: url }));
    expect(await colorOfMap(scheme)).toEqual(BLUE);
    expect(asked).toHaveLength(4);
    expect(new Set(proxy.asked)).toEqual(new Set([request]));
  });

  test("NO_PROXY, and a proxy that is not HTTP", async () => {
    const { asked, proxy } = await behindProxy((url) => ({ HTTPS_PROXY: url, NO_PROXY: ".acme.test" }));
    expect(await colorOfMap("https")).not.toEqual(BLUE);
    vi.stubEnv("HTTPS_PROXY", "socks5://127.0.0.1:9");
    vi.stubEnv("NO_PROXY", "");
    expect(await colorOfMap("https")).not.toEqual(BLUE);
    expect([asked, proxy.asked]).toEqual([[], []]);
  });
});

describe("options that exclude each other", () => {
  test.each([
    [{ scale: 2 }, "`scale` requires `interactive: false` or `ax`"],
    [{ interactive: false, scale: 5 }, "`scale` must be a number from 1 to 4; got 5."],
    [{ interactive: "no" }, "`interactive` must be true or false; got no."],
    [{ ax: {} }, "`ax` must be a cell of a figure."],
    [{ ax: figure().at(0), interactive: true }, "`ax` and `interactive: true` exclude each other"],
  ])("%o", async (options, message) => {
    await expect(cc.map({ layers: layer, ...options } as object)).rejects.toThrow(message);
  });
});

test("a figure contains a map as an image", async () => {
  const fig = figure({ columns: 1 });
  const { base } = await tileServer();
  await cc.map({ layers: [base, layer], ax: fig.at(0) });
  const { width, height } = await pixelsOf(fig.toPNG());
  expect([width, height]).toEqual([490, 330]);
  expect(await colorAt(fig.toPNG(), 40, 40)).toEqual(BLUE);
});
