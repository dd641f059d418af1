import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { writeNewFile } from "../../src/server/disk";
import { temporaryDir } from "../support/engine";

const dir = temporaryDir();

test.skipIf(process.platform === "win32")("a failed write ends when its file is closed", async () => {
  const path = join(dir, "pipe");
  execFileSync("mkfifo", [path]); // opening it takes until somebody reads it
  // biome-ignore lint/correctness/useYield: it breaks off before the first chunk
  async function* none(): AsyncGenerator<Uint8Array> {
    throw new Error("connection lost");
  }
  const written = writeNewFile(path, none()).catch(({ message }) => message);
  expect(await Promise.race([written, sleep(100, "not open yet")])).toBe("not open yet");
  createReadStream(path).resume();
  expect(await written).toBe("connection lost");
});

test("an aborted write ends, too", async () => {
  async function* endless() {
    for (;;) yield await sleep(1, Buffer.from("x"));
  }
  const aborted = writeNewFile(join(dir, "aborted"), endless(), AbortSignal.abort());
  await expect(aborted).rejects.toThrow("aborted");
  const late = new AbortController();
  const writing = writeNewFile(join(dir, "late"), endless(), late.signal);
  late.abort();
  await expect(writing).rejects.toThrow("aborted");
});
