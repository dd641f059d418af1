import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fixedSource } from "../../src/api/endpoint";
import { importErrorSentence } from "../../src/api/import-errors";
import { startImport } from "../../src/api/imports";
import { Transport } from "../../src/api/transport";

const server = readFileSync(join(__dirname, "../../src/server/imports/errors.ts"), "utf8");
const CODES = Array.from(server.matchAll(/^ {2}(\d+): \[/gm), ([, code]) => Number(code));

test("every import error code has its own message with a cause or advice", () => {
  expect(CODES.length).toBeGreaterThan(60);
  const sentences = CODES.map(importErrorSentence);
  expect(new Set(sentences).size).toBe(CODES.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/s);
  expect(importErrorSentence(12)).toBe(importErrorSentence(99999));
});

describe("an import that is given up", () => {
  const stop = new Error("stop");

  /** Starts an import whose server is told when a part of the upload arrives, and when all of it has. */
  async function started(
    source: Parameters<typeof startImport>[1],
    told: Record<"data" | "end", () => void>,
  ) {
    const server = createServer((request, response) => {
      request.on("data", told.data).on("end", () => {
        told.end();
        response.end('{"item_queue_id": "the-id", "success": true}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const endpoint = { kind: "account", user: "ana", apiKey: "k", label: "the server", baseUrl } as const;
    return (signal: AbortSignal) => startImport(new Transport(fixedSource(endpoint)), source, { signal });
  }
  async function* never() {
    yield Buffer.from("a\n");
    await new Promise(() => {});
  }

  test("ends its upload", async () => {
    const controller = new AbortController();
    const told = { data: () => controller.abort(stop), end: () => {} };
    const start = await started({ name: "a.csv", bytes: never }, told);
    await expect(start(controller.signal)).rejects.toBe(stop);
  });

  test.each<Parameters<typeof startImport>[1]>([
    { name: "a.csv", bytes: () => Readable.from([Buffer.from("a\n1\n")]) },
    { url: "https://carto.com/a.csv" },
  ])("after its upload, still tells its id: %j", async (source) => {
    const controller = new AbortController();
    const start = await started(source, { data: () => {}, end: () => controller.abort(stop) });
    expect(await start(controller.signal)).toBe("the-id");
  });

  test("before its upload, sends nothing", async () => {
    const asked = vi.fn();
    const start = await started({ name: "a.csv", bytes: never }, { data: asked, end: asked });
    await expect(start(AbortSignal.abort(stop))).rejects.toBe(stop);
    expect(asked).not.toHaveBeenCalled();
  });
});
