import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve(__dirname, "../src");

/** docs/ARCHITECTURE.md explains this table. Besides these, a folder may import itself and the leaves. */
const MAY_IMPORT: Record<string, string[]> = {
  leaf: [],
  frame: [],
  api: [],
  kernel: ["frame"],
  render: ["kernel", "frame"],
  map: ["render", "frame"],
  server: ["api/schemas", "frame"],
  context: ["frame", "api", "kernel", "map", "render", "server/launcher", "server/home", "server/database"],
  index: ["context", "api", "frame", "kernel", "map", "render"],
  cli: ["context", "kernel", "server"],
};

interface Edge {
  readonly file: string;
  readonly target: string;
}

function importEdges(): Edge[] {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  return files.flatMap((file) =>
    [...readFileSync(join(SRC, file), "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(
      ([, path]) => ({
        file,
        target: relative(SRC, resolve(SRC, dirname(file), path!)),
      }),
    ),
  );
}

function folderOf(path: string): string {
  const [first = "", ...rest] = path.replace(/\.ts$/, "").split("/");
  if (rest.length > 0) return first;
  return ["index", "cli"].includes(first) ? first : "leaf";
}

const edges = importEdges().filter(({ target }) => !target.startsWith("..")); // package.json is data

test("the sources import each other at all", () => {
  expect(edges.length).toBeGreaterThan(50);
});

test.each(edges)("$file may import $target", ({ file, target }) => {
  const from = folderOf(file);
  const to = folderOf(target);
  const allowed = MAY_IMPORT[from]!.some((place) => target === place || target.startsWith(`${place}/`));
  expect(allowed || to === from || to === "leaf", `${from} must not import ${target}`).toBe(true);
});
