import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve(__dirname, "../src");

/** The rooms, lowest first. Besides these, a room may import itself and the leaves. docs/ARCHITECTURE.md explains them. */
const MAY_IMPORT: Record<string, string[]> = {
  leaf: [],
  geometry: [],
  api: [],
  frame: ["geometry"],
  kernel: ["frame", "geometry"],
  render: ["kernel", "frame", "geometry"],
  map: ["render", "frame", "geometry"],
  local: ["api/schemas"],
  server: ["api/schemas", "frame", "geometry", "local"],
  "context/connection": ["api", "local"],
  "context/tables": ["api", "frame", "context/connection"],
  "context/read": ["api", "frame", "kernel", "context/connection", "context/tables"],
  "context/jobs": ["api", "kernel", "context/connection"],
  "context/sync": ["api", "frame", "kernel", "context/connection", "context/tables", "context/write"],
  "context/write": ["api", "frame", "kernel", "context/connection", "context/tables", "context/read"],
  "context/map": [
    "api",
    "frame",
    "geometry",
    "kernel",
    "map",
    "render",
    "context/connection",
    "context/tables",
    "context/read",
  ],
  files: ["api", "frame", "kernel", "context/connection", "context/tables", "context/read", "context/write"],
  observatory: [
    "api",
    "frame",
    "geometry",
    "kernel",
    "context/connection",
    "context/tables",
    "context/read",
    "context/write",
  ],
  context: ["api", "files", "frame", "kernel", "map", "render", "observatory"],
  index: ["context", "api", "files", "frame", "kernel", "map", "render", "observatory"],
  cli: ["api/schemas", "context", "kernel", "local", "server"],
};

interface Edge {
  readonly file: string;
  readonly target: string;
}

function importEdges(): Edge[] {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const isFile = new Set(files);
  return files.flatMap((file) =>
    [...readFileSync(join(SRC, file), "utf8").matchAll(/(?:from|(?<!\.)import\()\s*"(\.[^"]*)"/g)].map(
      ([, path]) => {
        const target = relative(SRC, resolve(SRC, dirname(file), path!));
        const candidates = [`${target}.ts`, `${target}/index.ts`, target];
        return { file, target: candidates.find((name) => isFile.has(name)) ?? target };
      },
    ),
  );
}

function roomOf(file: string): string {
  const parts = dirname(file).split("/");
  if (parts[0] === ".") return file === "index.ts" ? "index" : "leaf";
  if (parts[0] === "context" && parts.length > 1) return `context/${parts[1]}`;
  return parts[0]!;
}

/** True if the table lets a file of one room import a file of another. */
function allowed({ file, target }: Edge): boolean {
  const from = roomOf(file);
  const to = roomOf(target);
  if (to === from || to === "leaf") return true;
  return [
    ...MAY_IMPORT[from]!,
    ...(from === "context" ? Object.keys(MAY_IMPORT).filter((room) => room.startsWith("context/")) : []),
  ].some((place) => target.startsWith(`${place}/`));
}

/** Groups of files that import each other in a circle, found as strongly connected components (Tarjan, 1972). */
function circles(edges: readonly Edge[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { file, target } of edges) targets.set(file, [...(targets.get(file) ?? []), target]);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file)!, low.get(target)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const { file } of edges) if (!order.has(file)) visit(file);
  return found;
}

const edges = importEdges().filter(({ target }) => !target.startsWith("..")); // package.json is data

test("each file imports only from allowed folders", () => {
  expect(edges.length).toBeGreaterThan(50);
  const wrong = edges.filter((edge) => !allowed(edge)).map(({ file, target }) => `${file} imports ${target}`);
  expect(wrong).toEqual([]);
});

test("there are no circular imports", () => {
  expect(circles(edges)).toEqual([]);
});
