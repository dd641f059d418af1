import { expect, test } from "vitest";
import { RowFilter } from "../../../src/render/explore/row-filter";
import { mulberry32 } from "../../support/seeded";

const STEPS = [7, 4, 300, 2];

/** Counts by looking at every row. */
function counted(
  steps: readonly Uint16Array[],
  allowed: readonly (Uint8Array | undefined)[],
  { column, isIn }: { readonly column: number; readonly isIn: (row: number) => boolean },
) {
  const counts = new Uint32Array(STEPS[column]!);
  const totals = new Uint32Array(STEPS[column]!);
  for (let row = 0; row < steps[0]!.length; row++) {
    if (!isIn(row)) continue;
    const step = steps[column]![row]!;
    totals[step]!++;
    const passes = steps.every((one, i) => i === column || allowed[i]?.[one[row]!] !== 0);
    if (passes) counts[step]!++;
  }
  return { counts, totals };
}

test.each(Array.from({ length: 20 }, (_, i) => i + 1))("random filters and views, seed %i", (seed) => {
  const random = mulberry32(seed);
  const rowCount = Math.floor(random() * 500);
  const steps = STEPS.map((count) =>
    Uint16Array.from({ length: rowCount }, () => Math.floor(random() * count)),
  );
  const present =
    seed % 3 === 0 ? Uint8Array.from({ length: rowCount }, () => Number(random() < 0.8)) : undefined;
  const inView = [true, false, true, false];
  const filter = new RowFilter(
    rowCount,
    steps.map((one, i) => ({ steps: one, stepCount: STEPS[i]!, inView: inView[i]! })),
    present,
  );
  const allowed: (Uint8Array | undefined)[] = [];
  let outside: Uint8Array | undefined;
  for (let change = 0; change < 30; change++) {
    const column = Math.floor(random() * STEPS.length);
    const isOff = random() < 0.2;
    allowed[column] = isOff
      ? undefined
      : Uint8Array.from({ length: STEPS[column]! }, () => Number(random() < 0.6));
    filter.filter(column, allowed[column]);
    if (random() < 0.3) {
      outside = Uint8Array.from({ length: rowCount }, () => Number(random() < 0.5));
      filter.look(outside);
    }
    for (const [i] of STEPS.entries()) {
      const isIn = (row: number) => present?.[row] !== 0 && !(inView[i] && outside?.[row] === 1);
      const { counts, totals } = filter.countsOf(i);
      expect({ counts, totals }).toEqual(counted(steps, allowed, { column: i, isIn }));
    }
    const passing: number[] = [];
    filter.forEach(false, (row) => passing.push(row));
    const passes = (row: number) => steps.every((one, i) => allowed[i]?.[one[row]!] !== 0);
    expect(passing).toEqual([...Array(rowCount).keys()].filter((row) => present?.[row] !== 0 && passes(row)));
  }
});
