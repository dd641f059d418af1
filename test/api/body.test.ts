import { PassThrough, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { piecesOf } from "../../src/api/body";

async function allOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces = piecesOf(body);
  const all: Uint8Array[] = [];
  for (;;) {
    const next = await pieces.next();
    if (next.done) return all;
    all.push(next.value);
  }
}

test("passes every byte on in order, in fewer chunks", async () => {
  const body = new PassThrough();
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  const read = allOf(body);
  for (let at = 0; at < bytes.length; at += 1000) body.write(bytes.subarray(at, at + 1000));
  body.end();
  const pieces = await read;
  expect(Buffer.concat(pieces)).toEqual(bytes);
  expect(pieces.length).toBeLessThan(100);
});

test("pauses the source while nobody reads", async () => {
  let made = 0;
  const body = Readable.from(
    (function* () {
      for (; made < 1000; made++) yield Buffer.alloc(65_536);
    })(),
    { objectMode: false },
  );
  const pieces = piecesOf(body);
  await sleep(50);
  expect(made).toBeLessThan(40);
  let bytes = 0;
  for (;;) {
    const next = await pieces.next();
    if (next.done) break;
    bytes += next.value.length;
  }
  expect(bytes).toBe(1000 * 65_536);
});

test("reports an error after the bytes before it", async () => {
  const body = new PassThrough();
  const pieces = piecesOf(body);
  body.write("abc");
  await sleep(10);
  body.destroy(new Error("broken"));
  await sleep(10);
  expect(Buffer.from((await pieces.next()).value!).toString()).toBe("abc");
  await expect(pieces.next()).rejects.toThrow("broken");
});

test("a stream that closes early is an error", async () => {
  const body = new PassThrough();
  const pieces = piecesOf(body);
  body.destroy();
  await expect(pieces.next()).rejects.toThrow(/premature/i);
});

test("reads an empty body and a web stream", async () => {
  expect(await allOf(Readable.from([], { objectMode: false }))).toEqual([]);
  const web = new Response("abc").body as unknown as AsyncIterable<Uint8Array>;
  expect(Buffer.concat(await allOf(web)).toString()).toBe("abc");
});
