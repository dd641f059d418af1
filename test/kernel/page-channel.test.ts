/** What a page can send to the kernel, and what it cannot. */
import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { openPageChannel, type PageChannel } from "../../src/kernel/page-channel";

const received: string[] = [];
let channel: PageChannel | undefined;
afterEach(() => {
  channel?.close();
  received.length = 0;
});

async function opened(): Promise<PageChannel> {
  channel = await openPageChannel((message) => received.push(message));
  return channel;
}

const post = async (url: string, body: string) => (await fetch(url, { method: "POST", body })).status;

test("messages arrive, and the page learns nothing but the status", async () => {
  const { url } = await opened();
  const answer = await fetch(url, { method: "POST", body: '{"filters":[]} ü' });
  expect([answer.status, await answer.text(), answer.headers.get("access-control-allow-origin")]).toEqual([
    204,
    "",
    "*",
  ]);
  expect(received).toEqual(['{"filters":[]} ü']);
});

test("two maps have addresses of their own, which end with them", async () => {
  const first = await opened();
  const others: string[] = [];
  const second = await openPageChannel((message) => others.push(message));
  expect(first.url).not.toBe(second.url);
  expect(new URL(first.url).port).toBe(new URL(second.url).port);
  await post(second.url, "hello");
  expect([received, others]).toEqual([[], ["hello"]]);
  second.close();
  expect(await post(second.url, "again")).toBe(404);
});

test("other addresses, methods and hosts are refused", async () => {
  const { url } = await opened();
  expect(await post(`${url}0`, "x")).toBe(404);
  expect(await post(new URL("/", url).href, "x")).toBe(404);
  expect((await fetch(url)).status).toBe(405);
  const { port, pathname } = new URL(url);
  const status = await new Promise((resolve, reject) => {
    const headers = { Host: "attacker.example" }; // as after DNS rebinding
    request({ host: "127.0.0.1", port, path: pathname, method: "POST", headers }, ({ statusCode }) =>
      resolve(statusCode),
    )
      .on("error", reject)
      .end("x");
  });
  expect(status).toBe(404);
  expect(received).toEqual([]);
});

test("messages that are too large or too many are refused", async () => {
  const { url } = await opened();
  const large = await post(url, "x".repeat(1_000_001)).catch(() => 413); // the server may close the connection first
  expect(large).toBe(413);
  expect(received).toEqual([]);
  const statuses: number[] = [];
  for (let i = 0; i < 25; i++) statuses.push(await post(url, String(i)));
  expect(
    statuses.filter((status) => status === 204).length + statuses.filter((status) => status === 429).length,
  ).toBe(25);
  expect(received.length).toBe(statuses.filter((status) => status === 204).length);
});
