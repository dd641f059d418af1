import { cpus } from "node:os";

/** SQL for the rows of every benchmark: int, text, float, text with 8 distinct values, timestamptz, and point. */
export const POINTS = (rowCount: number) => `
  SELECT i AS id, 'name ' || i AS name, (i::int8 * 2654435761 % 1000003) / 7.0::float8 AS value,
    (ARRAY['north','south','east','west','up','down','left','right'])[1 + i % 8] AS kind,
    timestamptz '2001-01-01' + i * interval '61.007 s' AS at,
    ST_SetSRID(ST_MakePoint(-180 + (i::int8 * 7919 % 36000) / 100.0, -80 + (i::int8 * 104729 % 16000) / 100.0), 4326) AS the_geom
  FROM generate_series(1, ${rowCount}) AS i`;

/** Regular polygons of 20 to 59 corners, one per row. */
export const POLYGONS = (rowCount: number) => `
  SELECT i AS id, 'area ' || i AS name, (i::int8 * 2654435761 % 1000003) / 7.0::float8 AS value,
    ST_Buffer(ST_SetSRID(ST_MakePoint(-170 + (i::int8 * 7919 % 34000) / 100.0, -70 + (i::int8 * 104729 % 14000) / 100.0), 4326),
      0.05, 5 + i % 10)::geometry(Polygon, 4326) AS geom
  FROM generate_series(1, ${rowCount}) AS i`;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  globalThis.gc?.();
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Runs our code and the baseline in turn, once to warm up and then `rounds` times, and prints the ratio. */
export async function compare(
  title: string,
  ours: () => Promise<unknown>,
  reference: {
    name: string;
    run: () => Promise<unknown>;
    /** Runs before each round and is not timed. */
    prepare?: () => void;
  },
  rounds = 5,
): Promise<void> {
  const a: number[] = [];
  const b: number[] = [];
  for (let round = -1; round < rounds; round++) {
    reference.prepare?.();
    const [mine, theirs] = [await timeMs(ours), await timeMs(reference.run)];
    if (round >= 0) {
      a.push(mine);
      b.push(theirs);
    }
  }
  const ratio = median(a.map((ms, i) => ms / b[i]!));
  console.log(
    `| ${title} | ${(median(a) / 1000).toFixed(2)} s | ${reference.name} ${(median(b) / 1000).toFixed(2)} s | ${ratio.toFixed(2)} |`,
  );
}

export function printHeader(): void {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
  console.log("| operation | cartoframes, median | baseline, median | ratio, median of pairs |");
  console.log("| --- | --- | --- | --- |");
}

export async function quietly(work: () => Promise<unknown>): Promise<void> {
  const { log } = console;
  console.log = () => {};
  try {
    await work();
  } finally {
    console.log = log;
  }
}
