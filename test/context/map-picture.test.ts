import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createCanvas } from "@napi-rs/canvas";
import { DataFrame } from "danfojs-node";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { BaseMap, CartoContext, figure, Layer } from "../../src";
import { buildForMaps } from "../render/page/built";
import { pixelsOf } from "../render/painter/golden";

beforeAll(buildForMaps);

const cc = new CartoContext({ baseUrl: "local:/nowhere" }); // maps of frames start no server
const df = new DataFrame({ lng: [0, 10], lat: [0, 10] });
const layer = new Layer(df, { lnglat: ["lng", "lat"], color: "#ff0000", size: 8, stroke: false });
const view = { lng: 0, lat: 0, zoom: 2, size: [300, 200] as const, interactive: false };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Tiles of one colour; `statusOf` may refuse some. */
async function tileServer(statusOf: (path: string) => number = () => 200) {
  const canvas = createCanvas(256, 256);
  const context = canvas.getContext("2d");
  context.fillStyle = "#0000ff";
  context.fillRect(0, 0, 256, 256);
  const png = canvas.encodeSync("png");
  const asked: string[] = [];
  const started = createServer((request, response) => {
    asked.push(request.url!);
    response.writeHead(statusOf(request.url!)).end(png);
  }).listen(0, "127.0.0.1");
  server = started;
  await new Promise((listening) => started.once("listening", listening));
  const { port } = started.address() as AddressInfo;
  const source = `http://127.0.0.1:${port}/{z}/{x}/{y}{r}.png`;
  return { base: new BaseMap({ source, attribution: "© [Us](https://example.com)" }), asked };
}

async function colorAt(png: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, width } = await pixelsOf(png);
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}
const BLUE = [0, 0, 255, 255];

describe("tiles of a picture", () => {
  test("lie under the data, and none is asked for twice", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).toEqual(BLUE);
    expect((await colorAt(png, 150, 100))[0]).toBeGreaterThan(200);
    expect(asked.sort()).toEqual(["/2/1/1.png", "/2/1/2.png", "/2/2/1.png", "/2/2/2.png"]);
  });

  test("are finer ones where the picture is", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base, layer], ...view, scale: 2 })).toPNG();
    const { width, height } = await pixelsOf(png);
    expect([width, height]).toEqual([600, 400]);
    expect(asked).toContain("/2/1/1@2x.png");
  });

  test("are all there or none", async () => {
    const { base } = await tileServer((path) => (path === "/2/2/2.png" ? 500 : 200));
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).not.toEqual(BLUE);
  });

  test("may have holes where there is nothing to show", async () => {
    const { base } = await tileServer((path) => (path === "/2/2/2.png" ? 404 : 200));
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect(await colorAt(png, 40, 40)).toEqual(BLUE);
    expect(await colorAt(png, 250, 150)).not.toEqual(BLUE);
  });

  test("are not missed without a network", async () => {
    const base = new BaseMap({ source: "http://127.0.0.1:9/{z}/{x}/{y}.png" });
    const png = (await cc.map({ layers: [base, layer], ...view })).toPNG();
    expect((await pixelsOf(png)).width).toBe(300);
  });

  test("show the world as often as it is in the view", async () => {
    const { base, asked } = await tileServer();
    const png = (await cc.map({ layers: [base], ...view, zoom: 0, lng: 180, size: [600, 256] })).toPNG();
    expect(asked).toEqual(["/0/0/0.png"]);
    for (const x of [20, 300, 560]) expect(await colorAt(png, x, 100)).toEqual(BLUE);
  });
});

describe("options that do not go together", () => {
  test.each([
    [{ scale: 2 }, "scale is for pictures"],
    [{ interactive: false, scale: 5 }, "scale is 5; expected a number from 1 to 4."],
    [{ interactive: "no" }, "interactive is no; expected true or false."],
    [{ ax: {} }, "ax is no cell of a figure."],
    [{ ax: figure().at(0), interactive: true }, "A map in a figure is a picture."],
  ])("%o", async (options, message) => {
    await expect(cc.map({ layers: layer, ...options } as object)).rejects.toThrow(message);
  });
});

test("a map goes into a figure as a picture", async () => {
  const fig = figure({ columns: 1 });
  const { base } = await tileServer();
  await cc.map({ layers: [base, layer], ax: fig.at(0) });
  const { width, height } = await pixelsOf(fig.toPNG());
  expect([width, height]).toEqual([490, 330]);
  expect(await colorAt(fig.toPNG(), 40, 40)).toEqual(BLUE);
});
